"""Two incidents become one and come apart: what ends, what goes on as it was, what is refused with which words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from incident_bot.core.effects import (
    Announce,
    CancelPages,
    Moment,
    Page,
    PageKind,
    SetTimer,
    StopTimers,
    TimerKind,
)
from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    Acknowledge,
    Merge,
    MergeHere,
    PageSent,
    PostUpdate,
    Unmerge,
    UnmergeHere,
    evolve,
    taken_out,
)
from incident_bot.core.model import Incident, Kind, Paging, Phase
from tests.core.incident_world import (
    MINUTE,
    NOW,
    P1,
    P3,
    RULES,
    acknowledged,
    alert,
    by,
    cancelled,
    direct,
    merged,
    opened,
    opening,
    other,
    paused,
    resolved,
    seen,
    snoozed,
    through_json,
)


def test_the_merged_one_ends_quiet_in_an_epoch_of_its_own() -> None:
    before = by("ben", PostUpdate(text="looking", next_update_at=NOW + MINUTE), acknowledged()).incident
    decision = by("bob", Merge(into=other(), reason=" one disk ", alerts=(alert(),)), before)
    after = decision.incident
    assert (after.paging, after.merged_into, after.phase) == (Paging.MERGED, 7, Phase.CANCELLED)
    assert (after.epoch, after.next_update_at, after.resolved_at) == (before.epoch + 1, None, None)
    assert decision.effects[0] == CancelPages(reason="merged into INC-7 by bob")
    stopped = {kind for one in decision.effects if isinstance(one, StopTimers) for kind in one.kinds}
    assert stopped == {TimerKind.STEP, TimerKind.SNOOZE, TimerKind.ACK, TimerKind.HOLD}
    (told,) = (one for one in decision.effects if isinstance(one, Announce))
    assert (told.moment, told.data["how"], told.data["reason"]) == (
        Moment.RESOLVED,
        "merged",
        "merged into INC-7: one disk",
    )
    (event,) = decision.events
    assert (event.data["into"], event.data["name"], event.data["reason"]) == (7, "INC-7", "one disk")
    assert event.data["was"] == "acknowledged"
    assert decision.said == "INC-42 is merged into INC-7; nobody is paged for INC-42 any more."


def test_a_notice_is_a_note_of_the_new_epoch() -> None:
    decision = by("bob", Merge(into=other(), notices=(direct("alice", "slack"),)), opened())
    (page,) = (one for one in decision.effects if isinstance(one, Page))
    assert (page.person, page.via, page.kind) == ("alice", "slack", PageKind.NOTE)
    assert (page.epoch, page.loop, page.step) == (decision.incident.epoch, 0, decision.incident.seq)
    assert decision.events[0].data["told"] == ["alice"]
    # It is planned after the old ones are taken back.
    assert isinstance(decision.effects[0], CancelPages)


def test_a_page_that_was_on_its_way_brings_no_second_notice() -> None:
    late = PageSent(person="alice", via="sms", kind=PageKind.STEP, epoch=1, loop=0, step=0)
    decision = seen(late, by("bob", Merge(into=other()), opened()).incident)
    assert decision.events[0].data["sent_after_ack"] is True
    assert decision.effects == ()


@pytest.mark.parametrize(
    "start,into,says",
    [
        (opened, opened, "INC-42 cannot be merged into itself; name the other one: `dup INC-n`."),
        (resolved, other, "INC-42 is resolved; there is nothing to merge; `reopen INC-42` first"),
        (cancelled, other, "INC-42 is cancelled; there is nothing to merge"),
        (lambda: merged(9), other, "INC-42 was merged into INC-9; say it there"),
        (lambda: merged(None), other, "INC-42 was merged into another incident; type `list`"),
        (
            opened,
            lambda: replace(resolved(), id=7),
            "INC-7 is resolved; only an open one takes others: `reopen INC-7` first, or `resolve INC-42`.",
        ),
        (opened, lambda: replace(cancelled(), id=7), "INC-7 is cancelled; only an open one"),
        (
            lambda: replace(opened(), private=True),
            other,
            "all would read of it there. Merge the other way round: `dup INC-7 INC-42`.",
        ),
        (lambda: replace(opened(), drill=True), other, "INC-42 is a drill and INC-7 is not"),
        (opened, lambda: replace(other(), drill=True), "INC-7 is a drill and INC-42 is not"),
    ],
)
def test_what_cannot_be_merged(
    start: Callable[[], Incident], into: Callable[[], Incident], says: str
) -> None:
    with pytest.raises(Refused) as refused:
        by("bob", Merge(into=into()), start())
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "final,says",
    [
        (9, "INC-7 was merged into INC-9; type `dup INC-42 INC-9`."),
        (42, "INC-7 was merged into INC-42 already; there is nothing left to merge."),
        (None, "INC-7 was merged itself; type `list` and name the one that is open: `dup INC-n`."),
    ],
)
def test_a_chain_is_refused_with_the_name_at_its_end(final: int | None, says: str) -> None:
    into = replace(other(), paging=Paging.MERGED, merged_into=8)
    with pytest.raises(Refused) as refused:
        by("bob", Merge(into=into, final=final), opened())
    assert str(refused.value) == says


def test_a_merged_one_refuses_everything_else() -> None:
    gone = by("bob", Merge(into=other()), opened()).incident
    with pytest.raises(Refused, match="INC-42 was merged into INC-7; say it there"):
        by("bob", Acknowledge(), gone)
    assert (
        by("bob", Merge(into=other()), gone).said == "INC-42 is merged into INC-7 already; nothing changed."
    )


@pytest.mark.parametrize(
    "start,said",
    [
        (acknowledged, "1 alert came along. alice has INC-42. Undo: `unmerge INC-7`."),
        (opened, "1 alert came along. Nobody has INC-42 yet; its paging goes on. Undo: `unmerge INC-7`."),
        (snoozed, "1 alert came along. INC-42 is snoozed until 03:30 UTC. Undo: `unmerge INC-7`."),
        (paused, "1 alert came along. Nobody has INC-42, and its paging is paused. Undo: `unmerge INC-7`."),
    ],
)
def test_who_takes_over_goes_on_as_it_was(start: Callable[[], Incident], said: str) -> None:
    before = start()
    decision = by("bob", MergeHere(of=other(), reason="one disk", alerts=(alert(),), firing=1), before)
    assert decision.incident == before
    assert decision.effects == ()
    assert decision.said == said
    assert decision.events[0].data["name"] == "INC-7"
    assert decision.events[0].data["reason"] == "one disk"


@pytest.mark.parametrize("of,severity,peak", [(P1, "P1", "P1"), (P3, "P2", "P2")])
def test_the_worse_severity_stays_with_its_peak_and_keeps_the_policy(
    of: object, severity: str, peak: str
) -> None:
    before = acknowledged()
    worse = other(P1 if of is P1 else P3)
    decision = by("bob", MergeHere(of=worse, alerts=(alert(), alert("P2", 3))), before)
    after = decision.incident
    assert (after.severity, after.peak, after.policy) == (severity, peak, before.policy)
    assert after.progress == before.progress
    assert ("It is P1 now, as INC-7 was." in decision.said) == (severity == "P1")
    assert decision.said.startswith("2 alerts came along.")


def test_an_incident_without_alerts_brings_none() -> None:
    assert by("bob", MergeHere(of=other()), opened()).said.startswith("No alert came along.")


def test_both_sides_are_the_fold_of_their_events() -> None:
    first = opened()
    gone = by("bob", Merge(into=other(), alerts=(alert(),)), first)
    back = by("bob", Unmerge(into=9, out_of=7), gone.incident)
    folded = first
    for event in (*gone.events, *back.events):
        folded = evolve(folded, through_json(event))
    assert folded == back.incident
    assert (folded.paging, folded.merged_into) == (Paging.MERGED, 9)
    assert back.said == "INC-42 is taken out of INC-7 again: it goes on as INC-9. Undo: `dup INC-9 INC-7`."


def test_what_is_left_without_firing_alerts_is_left_to_the_hold() -> None:
    here = UnmergeHere(of=other(), into=9, alerts=(alert(),))
    decision = by("bob", here, opened())
    assert decision.effects == (SetTimer(kind=TimerKind.HOLD, due_at=NOW + RULES.resolve_hold),)
    assert decision.events[0].kind is Kind.UNMERGED_HERE
    assert decision.said == "1 alert of INC-42 went on as INC-9."
    for quiet in (replace(here, still_firing=1), replace(here, had_alerts=False)):
        assert by("bob", quiet, opened()).effects == ()
    assert by("bob", here, resolved()).effects == ()


def test_the_new_one_is_what_the_merged_one_was() -> None:
    gone = replace(merged(), service="checkout", private=True, impact="slow", runbook="a.md")
    anew = taken_out(gone, opening(P3), firing=1, had_alerts=True)
    assert (anew.key, anew.title, anew.severity, anew.team) == (
        gone.key,
        gone.title,
        gone.severity,
        gone.team,
    )
    assert (anew.service, anew.private, anew.impact, anew.runbook) == ("checkout", True, "slow", "a.md")
    assert (anew.previous, anew.declared) == (42, False)
    assert taken_out(gone, opening(), firing=0, had_alerts=False).declared


@pytest.mark.parametrize(
    "start,firing,open_one,says",
    [
        (opened, 1, None, "INC-42 is not merged into another; to take one out of it, name that one"),
        (merged, 1, 9, "INC-9 is open for the alerts of INC-42 already; type `info INC-9`."),
        (merged, 0, None, "Nothing that came from INC-42 fires any more"),
    ],
)
def test_what_cannot_be_taken_out(
    start: Callable[[], Incident], firing: int, open_one: int | None, says: str
) -> None:
    with pytest.raises(Refused) as refused:
        taken_out(start(), opening(), firing=firing, had_alerts=True, open_one=open_one)
    assert says in str(refused.value)
