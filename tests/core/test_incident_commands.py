"""Commands: what each does and does beside the life cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from incident_bot.core.effects import (
    Announce,
    CancelPages,
    Effect,
    Moment,
    Page,
    PageKind,
    SetTimer,
    StopTimers,
    TimerKind,
)
from incident_bot.core.errors import Refused
from incident_bot.core.escalation import freeze
from incident_bot.core.incident import (
    Acknowledge,
    AddNote,
    AssignRole,
    AttachRunbook,
    Cancel,
    Command,
    FinishItem,
    MovePostmortem,
    PageSomebody,
    PostUpdate,
    Reopen,
    Resolve,
    Rules,
    SetImpact,
    SetPhase,
    SetSeverity,
    SetTitle,
    SettleTheory,
    Snooze,
)
from incident_bot.core.model import (
    Incident,
    ItemKind,
    JsonObject,
    Kind,
    Outcome,
    Paging,
    Phase,
    Review,
    ReviewState,
    Running,
)
from tests.core.incident_world import (
    LADDER,
    MATRIX,
    MINUTE,
    NOW,
    P1,
    P2,
    P3,
    acknowledged,
    believing,
    by,
    direct,
    opened,
    resolved,
    with_items,
)

LATER = NOW + 10 * MINUTE
ASKED_AGAIN = SetTimer(kind=TimerKind.ACK, due_at=NOW + 30 * MINUTE)


def effects_of(command: Command, incident: Incident) -> tuple[Effect, ...]:
    return by("bob", command, incident).effects


def test_an_acknowledgement_takes_back_every_page_and_timer() -> None:
    assert effects_of(Acknowledge(), opened()) == (
        CancelPages(reason="acknowledged by bob"),
        StopTimers(kinds=(TimerKind.STEP, TimerKind.SNOOZE, TimerKind.ACK)),
        ASKED_AGAIN,
    )


def test_a_second_acknowledgement_takes_back_only_what_pages_that_person() -> None:
    expected = (CancelPages(reason="acknowledged by bob", person="bob"), ASKED_AGAIN)
    both = by("bob", Acknowledge(), acknowledged())
    assert both.effects == expected
    again = by("bob", Acknowledge(), both.incident)
    assert again.effects == expected
    assert again.events == ()
    assert again.said == "You have INC-42 already, with alice; nothing changed."
    alone = by("alice", Acknowledge(), acknowledged())
    assert alone.said == "You have INC-42 already; nothing changed."


def test_a_snooze_sets_its_own_timer() -> None:
    assert effects_of(Snooze(until=LATER), opened()) == (
        CancelPages(reason="snoozed by bob"),
        StopTimers(kinds=(TimerKind.STEP, TimerKind.ACK)),
        SetTimer(kind=TimerKind.SNOOZE, due_at=LATER),
    )


def test_pages_to_somebody_get_this_epoch_and_keys_of_their_own() -> None:
    first = by("bob", PageSomebody(people=(direct("carol"),)), replace(opened(), seq=5))
    again = by("bob", PageSomebody(people=(direct("carol"),)), replace(first.incident, seq=6))
    pages = [effect for effect in (*first.effects, *again.effects) if isinstance(effect, Page)]
    assert [page.key(42) for page in pages] == [
        "page:42:1:0:direct.5:carol:sms",
        "page:42:1:0:direct.6:carol:sms",
    ]
    assert {page.kind for page in pages} == {PageKind.DIRECT}


PAGES_AGAIN: dict[str, tuple[Rules, bool]] = {
    "severity_up": (Rules(ladder=LADDER), True),
    "always": (Rules(ladder=LADDER, repage="always"), True),
    "never": (Rules(ladder=LADDER, repage="never"), False),
}


@pytest.mark.parametrize("rules,pages", PAGES_AGAIN.values(), ids=PAGES_AGAIN.keys())
def test_a_severity_above_the_peak_pages_again_by_the_rule(rules: Rules, *, pages: bool) -> None:
    policy: JsonObject = {"severity": "P1"}
    after = by("bob", SetSeverity(severity=P1, policy=policy), acknowledged(), rules=rules).incident
    assert (after.severity, after.peak, after.policy) == ("P1", "P1", policy)
    assert (after.paging is Paging.TRIGGERED) == pages
    assert after.epoch == 1 + pages


def test_back_to_a_severity_it_had_pages_nobody() -> None:
    lower = by("bob", SetSeverity(severity=P3), acknowledged()).incident
    assert (lower.severity, lower.peak) == ("P3", "P2")
    back = by("bob", SetSeverity(severity=P2, reason="it is"), lower)
    assert [event.kind for event in back.events] == [Kind.SEVERITY_CHANGED]
    assert back.events[0].data == {"severity": "P2", "was": "P3", "peak": "P2", "reason": "it is"}


@pytest.mark.parametrize(
    "name,peak,above", [("P1", "P2", True), ("P2", "P2", False), ("P9", "P2", False), ("P3", "P9", True)]
)
def test_what_the_ladder_does_not_name(name: str, peak: str, *, above: bool) -> None:
    assert Rules(ladder=LADDER).is_above(name, peak) == above


def approved() -> Incident:
    """Give one whose post-mortem may be published."""
    return replace(resolved(), review=Review(state=ReviewState.APPROVED, since=NOW))


TOLD: dict[str, tuple[Callable[[], Incident], Command, Moment, JsonObject]] = {
    "update": (
        acknowledged,
        PostUpdate(text="on it", next_update_at=LATER),
        Moment.UPDATE,
        {"text": "on it", "next_update_at": LATER.isoformat(), "phase": "investigating"},
    ),
    "resolve": (opened, Resolve(), Moment.RESOLVED, {"how": "resolved", "reason": None, "firing": 0}),
    "cancel": (
        opened,
        Cancel(reason="a test"),
        Moment.RESOLVED,
        {"how": "cancelled", "reason": "a test", "firing": 0},
    ),
    "reopen": (resolved, Reopen(reason="no"), Moment.REOPENED, {"reason": "no", "had": "alice"}),
    "postmortem": (
        approved,
        MovePostmortem(to=ReviewState.PUBLISHED, senior=True),
        Moment.POSTMORTEM,
        {"due_at": None},
    ),
}


@pytest.mark.parametrize("start,command,moment,data", TOLD.values(), ids=TOLD.keys())
def test_the_channels_are_told(
    start: Callable[[], Incident], command: Command, moment: Moment, data: JsonObject
) -> None:
    announced = [effect for effect in effects_of(command, start()) if isinstance(effect, Announce)]
    assert announced == [
        Announce(moment=moment, data={"by": "bob", "severity": "P2", "drill": False, **data})
    ]


def test_an_update_keeps_the_promise_and_leaves_the_end_to_people() -> None:
    promised = by("bob", PostUpdate(text="on it", next_update_at=LATER), opened()).incident
    assert (promised.updated_by_people, promised.next_update_at) == (True, LATER)
    assert by("bob", PostUpdate(text="done"), promised).incident.next_update_at is None


def test_words_roles_and_runbook_are_kept() -> None:
    incident = opened()
    for command in (
        SetTitle(title="Checkout down"),
        SetImpact(text="no checkout"),
        AssignRole(role="commander", person="carol"),
        AssignRole(role="scribe", person="bob"),
        AttachRunbook(path="db/full.md"),
        SetPhase(phase=Phase.MITIGATING),
    ):
        incident = by("bob", command, incident).incident
    assert (incident.title, incident.impact, incident.lead) == ("Checkout down", "no checkout", "carol")
    assert (dict(incident.roles), incident.runbook) == ({"scribe": "bob"}, "db/full.md")
    assert incident.phase is Phase.MITIGATING


def test_a_note_stands_at_the_time_it_happened() -> None:
    (event,) = by("bob", AddNote(text=" saw it ", happened_at=NOW - MINUTE), opened()).events
    assert (event.kind, event.happened_at, event.data) == (Kind.NOTE, NOW - MINUTE, {"text": "saw it"})
    assert (event.actor, event.source) == ("bob", "slack")


def test_items_are_numbered_and_done_once() -> None:
    incident = with_items()
    assert [(item.number, item.kind) for item in incident.items] == [
        (1, ItemKind.TASK),
        (2, ItemKind.CHANGE),
        (3, ItemKind.CHANGE),
        (4, ItemKind.FOLLOWUP),
    ]
    done = by("carol", FinishItem(number=2), incident, at=LATER).incident.items[1]
    assert (done.done_at, done.done_by, done.added_at, done.added_by) == (LATER, "carol", NOW, "bob")
    with pytest.raises(Refused, match=r"open are: 1, 2, 3 and 4\."):
        by("carol", FinishItem(number=9), incident)


def test_a_theory_may_turn_out_otherwise_and_the_last_word_counts() -> None:
    seen = by("carol", SettleTheory(number=2, outcome=Outcome.CONFIRMED, why=" seen "), believing(), at=LATER)
    _, theory, other, decision = seen.incident.items
    assert (theory.outcome, theory.why, theory.done_at, theory.done_by) == (
        Outcome.CONFIRMED,
        "seen",
        LATER,
        "carol",
    )
    assert (theory.is_open, other.is_open, decision.is_open) == (False, True, False)
    fell = by("bob", SettleTheory(number=2, outcome=Outcome.RULED_OUT), seen.incident)
    (event,) = fell.events
    assert event.data == {"number": 2, "text": "a theory", "why": None, "was": "confirmed"}
    assert (fell.incident.items[1].outcome, fell.incident.items[1].why) == (Outcome.RULED_OUT, None)


@pytest.mark.parametrize(
    "step, state, expected",
    [
        (0, Running.RUNNING, (0, 0)),
        (1, Running.RUNNING, (1, 0)),
        (2, Running.RUNNING, (1, 0)),
        (3, Running.RUNNING, (0, 3)),
        (2, Running.EXHAUSTED, (0, 2)),
    ],
    ids=[
        "before the first",
        "behind the last of the new row",
        "further behind",
        "the old row is over",
        "exhausted",
    ],
)
def test_a_lesser_severity_begins_its_row_where_it_has_no_step_so_far_down(
    step: int, state: Running, expected: tuple[int, int]
) -> None:
    incident = opened(P1)
    incident = replace(incident, progress=replace(incident.progress, step=step, state=state))
    policy = freeze(MATRIX, P3, "payments").to_json()
    after = by("bob", SetSeverity(severity=P3, policy=policy), incident).incident.progress
    assert (after.loop, after.step) == expected
    assert (after.epoch, after.next_at) == (1, incident.progress.next_at)
