"""Silences of an incident: what is asked, what sources say of it, what an end does to them, who is told before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from incident_bot.core.effects import AskSilence, LiftSilences, Nudge
from incident_bot.core.errors import Refused, Unreadable
from incident_bot.core.incident import (
    Again,
    AssignLead,
    Cancel,
    LiftSilence,
    Merge,
    Resolve,
    SetReminders,
    SilenceAlerts,
    SilenceTold,
    Snooze,
    evolve,
    may_silence,
    remind,
    undo,
    upcoming,
)
from incident_bot.core.model import Event, Incident, Kind, SilenceState
from incident_bot.core.silencing import Hidden, Wanted
from incident_bot.core.timeline import describe
from tests.core.incident_world import (
    MINUTE,
    NOW,
    acknowledged,
    by,
    cancelled,
    merged,
    opened,
    other,
    resolved,
    seen,
)
from tests.core.test_promises import around

DOWN: Wanted = ("am", (("alertname", "Down"),))
SLOW: Wanted = ("am", (("alertname", "Slow"),))
HOUR = 60 * MINUTE


def silence(
    *wanted: Wanted, lasts: timedelta = HOUR, at: datetime = NOW, reason: str | None = None
) -> SilenceAlerts:
    return SilenceAlerts(
        wanted=wanted or (DOWN,),
        until=at + lasts,
        reason=reason,
        hidden=Hidden(mine=1, firing=1, others={7: 1}),
    )


def silenced(*wanted: Wanted, start: Incident | None = None, lasts: timedelta = HOUR) -> Incident:
    return by("alice", silence(*wanted, lasts=lasts), start or opened()).incident


def held(start: Incident | None = None, *, lasts: timedelta = HOUR) -> Incident:
    incident = silenced(start=start, lasts=lasts)
    return seen(SilenceTold(number=1, kind=Kind.SILENCED, until=NOW + lasts), incident).incident


def states(incident: Incident) -> list[str]:
    return [one.state.value for one in incident.silences]


def test_asked_for_it_is_numbered_told_and_an_effect() -> None:
    decision = by("alice", silence(DOWN, SLOW, reason="moving"), opened())
    assert [(one.number, one.what, one.reason, one.asked_by) for one in decision.incident.silences] == [
        (1, 'alertname="Down"', "moving", "alice"),
        (2, 'alertname="Slow"', "moving", "alice"),
    ]
    assert [one.number for one in decision.effects if isinstance(one, AskSilence)] == [1, 2]
    assert "as soon as am confirms it" in decision.said
    assert "1 of INC-7" in decision.said
    (event,) = decision.events
    assert describe(event) == (
        'alice silences alertname="Down" and alertname="Slow" until 04:05 UTC: moving; it hides 2 alerts firing now, '
        "some of INC-7"
    ).replace("04:05", f"{NOW + HOUR:%H:%M}")


def test_asked_again_it_keeps_its_number_and_what_is_new_gets_the_next() -> None:
    incident = held()
    later = NOW + 5 * MINUTE
    decision = by("bob", silence(SLOW, DOWN, at=later, lasts=2 * HOUR), incident, at=later)
    assert [(one.number, one.state.value) for one in decision.incident.silences] == [
        (1, "held"),
        (2, "asked"),
    ]
    assert {one.ends_at for one in decision.incident.silences} == {later + 2 * HOUR}
    assert decision.incident.silences[0].asked_by == "bob"
    assert decision.events[0].data["extended"] is True
    over = by("bob", LiftSilence(), decision.incident, at=later).incident
    assert [one.number for one in by("bob", silence(), over).incident.silences] == [1, 2, 3]


def test_many_are_named_in_part() -> None:
    wanted = [("am", (("alertname", f"A{number}"),)) for number in range(5)]
    assert '{alertname="A2"} and 2 more' in by("alice", silence(*wanted), opened()).said


@pytest.mark.parametrize(
    "incident, lasts, message",
    [
        (opened(), timedelta(seconds=59), "a minute at least"),
        (opened(), timedelta(days=30, seconds=1), "30 days at most"),
        (resolved(), HOUR, "INC-42 is resolved; nobody is paged for it"),
        (cancelled(), HOUR, "INC-42 is cancelled"),
        (merged(), HOUR, "INC-42 was merged into INC-7; silence that one: `silence INC-7 2h`"),
    ],
)
def test_what_may_not_be_silenced(incident: Incident, lasts: timedelta, message: str) -> None:
    with pytest.raises(Refused, match=message):
        may_silence(incident, NOW + lasts, now=NOW)


@pytest.mark.parametrize("lasts", [MINUTE, timedelta(days=30)])
def test_the_bounds_belong_to_it(lasts: timedelta) -> None:
    assert states(silenced(lasts=lasts)) == ["asked"]


def test_lifted_by_number_or_all() -> None:
    incident = silenced(DOWN, SLOW)
    decision = by("bob", LiftSilence(numbers=(2,)), incident)
    assert states(decision.incident) == ["asked", "lifting"]
    assert decision.effects == (LiftSilences(numbers=(2,), reason="bob asked for it"),)
    assert "its silence is being lifted" in decision.said
    assert states(by("bob", LiftSilence(), incident).incident) == ["lifting", "lifting"]
    assert "its 2 silences are being lifted" in by("bob", LiftSilence(), incident).said
    with pytest.raises(Refused, match="has no silence 2; there is 1"):
        by("bob", LiftSilence(numbers=(2,)), decision.incident)
    with pytest.raises(Refused, match="INC-42 has no silence; `silence 2h` makes one"):
        by("bob", LiftSilence(), opened())


@pytest.mark.parametrize(
    "command, reason",
    [
        (Resolve(reason="mended"), "INC-42 is resolved"),
        (Cancel(reason="a test"), "INC-42 is cancelled"),
        (Merge(into=other()), "INC-42 is merged into INC-7"),
    ],
)
def test_an_end_lifts_them(command: Resolve | Cancel | Merge, reason: str) -> None:
    decision = by("alice", command, held())
    assert LiftSilences(numbers=(1,), reason=reason) in decision.effects
    assert decision.said.endswith("Its silence is being lifted.")
    without = by("alice", command, opened())
    assert not [one for one in without.effects if isinstance(one, LiftSilences)]
    assert "silence" not in without.said


TOLD = [
    (SilenceTold(number=1, kind=Kind.SILENCED, until=NOW + HOUR), "held", None),
    (SilenceTold(number=1, kind=Kind.SILENCE_FAILED, reason="503", again=True), "asked", None),
    (SilenceTold(number=1, kind=Kind.SILENCE_FAILED, reason="400"), "over", "not made: 400"),
    (SilenceTold(number=1, kind=Kind.SILENCE_FAILED, reason="400", until=NOW + HOUR), "held", None),
    (SilenceTold(number=1, kind=Kind.SILENCE_LIFTED, reason="bob asked for it"), "over", "lifted: bob asked for it"),
    (SilenceTold(number=1, kind=Kind.SILENCE_GONE), "over", "lifted at its source"),
    (SilenceTold(number=1, kind=Kind.SILENCE_ENDED), "over", "ended"),
]  # fmt: skip


@pytest.mark.parametrize("told, state, outcome", TOLD)
def test_what_a_source_says(told: SilenceTold, state: str, outcome: str | None) -> None:
    decision = seen(told, silenced(DOWN, SLOW))
    one, untouched = decision.incident.silences
    assert (one.state.value, one.outcome) == (state, outcome)
    assert untouched.state is SilenceState.ASKED
    assert (one.ends_at == NOW) is (state == "over")
    nudges = [effect for effect in decision.effects if isinstance(effect, Nudge)]
    assert [nudge.person for nudge in nudges] == (["alice"] if told.kind is Kind.SILENCE_FAILED else [])
    assert describe(decision.events[0])


def test_whoever_asked_is_told_what_becomes_of_it() -> None:
    (refused,) = seen(SilenceTold(number=1, kind=Kind.SILENCE_FAILED, reason="400"), silenced()).effects
    assert isinstance(refused, Nudge)
    assert (refused.text, refused.todo) == (
        "INC-42: am does not silence it (400).",
        "Silence it in am, or try again: `silence INC-42 2h`.",
    )
    again = SilenceTold(number=1, kind=Kind.SILENCE_FAILED, reason="503", again=True)
    (waits,) = seen(again, silenced()).effects
    assert isinstance(waits, Nudge)
    assert "It is tried again" in waits.todo
    as_before = SilenceTold(number=1, kind=Kind.SILENCE_FAILED, reason="400", until=NOW + HOUR)
    (kept,) = seen(as_before, held()).effects
    assert isinstance(kept, Nudge)
    assert f"It holds until {NOW + HOUR:%H:%M} UTC as before." in kept.text


@pytest.mark.parametrize("silences", [["a"], [{"number": 1, "source": "am", "matchers": ["a"]}]])
def test_an_event_that_says_no_silence_is_refused_by_name(silences: list[object]) -> None:
    data = {"silences": silences, "until": NOW.isoformat()}
    event = Event(kind=Kind.SILENCE_ASKED, actor="a", source="s", happened_at=NOW, data=data)  # type: ignore[arg-type]  # what is wrong
    with pytest.raises(Unreadable):
        evolve(opened(), event)


class TestUndo:
    def test_a_new_one_is_lifted(self) -> None:
        decision = by("alice", silence(DOWN, SLOW), opened())
        assert undo(decision.events, decision.incident, actor="alice", now=NOW) == Again(
            verb="unsilence", rest="1 2"
        )

    def test_a_moved_end_is_not(self) -> None:
        decision = by("alice", silence(lasts=2 * HOUR), held())
        with pytest.raises(Refused, match="sets another end"):
            undo(decision.events, decision.incident, actor="alice", now=NOW)

    def test_what_was_lifted_since_is_not(self) -> None:
        decision = by("alice", silence(), opened())
        lifted = by("bob", LiftSilence(), decision.incident).incident
        with pytest.raises(Refused, match="changed again since"):
            undo(decision.events, lifted, actor="alice", now=NOW)


class TestBeforeTheEnd:
    """The warning: a quarter of an hour before, or a quarter of its time, once for each end."""

    @pytest.mark.parametrize(
        "lasts, minute", [(2 * HOUR, 105), (HOUR, 45), (20 * MINUTE, 15), (MINUTE, 0.75), (24 * HOUR, 1425)]
    )
    def test_when(self, lasts: timedelta, minute: float) -> None:
        (one,) = upcoming(held(lasts=lasts), around(nag=False), now=NOW)
        assert (one.due_at - NOW) / MINUTE == minute
        assert (one.kind, one.person) == (Kind.SILENCE_ENDING, "alice")

    def test_whoever_has_it_is_told_before_whoever_asked(self) -> None:
        begun = by("bob", AssignLead(person="cara"), acknowledged()).incident
        (one,) = [one for one in upcoming(held(begun), around(nag=False), now=NOW) if one.silences]
        assert one.person == "cara"

    def test_once_and_anew_for_another_end(self) -> None:
        incident, at = held(), NOW + 46 * MINUTE
        decision, (told,) = remind(incident, around(nag=False), now=at)
        assert told.silences == incident.silences
        (event,) = decision.events
        assert event.data["what"] == ['alertname="Down"']
        assert describe(event).endswith("alice was told")
        assert upcoming(decision.incident, around(nag=False), now=at) == ()
        longer = by("alice", silence(at=at), decision.incident, at=at).incident
        (again,) = upcoming(longer, around(nag=False), now=at)
        assert again.due_at == at + 45 * MINUTE

    def test_those_of_one_end_are_said_together(self) -> None:
        (one,) = upcoming(silenced(DOWN, SLOW), around(nag=False), now=NOW)
        assert [silence.number for silence in one.silences] == [1, 2]

    def test_nobody_where_it_is_over_snoozed_or_switched_off(self) -> None:
        incident = held()
        gone = seen(SilenceTold(number=1, kind=Kind.SILENCE_GONE), incident).incident
        ended = by("alice", Resolve(reason="mended"), incident).incident
        snoozed = by("alice", Snooze(until=NOW + HOUR), incident).incident
        off = by("alice", SetReminders(off=True), incident).incident
        for one in (gone, ended, snoozed, off):
            assert [each for each in upcoming(one, around(nag=False), now=NOW) if each.silences] == []
        assert upcoming(incident, around(nag=False), now=NOW + HOUR) == ()

    def test_who_sleeps_or_is_unknown_is_not_told_and_it_is_recorded(self) -> None:
        stranger = replace(
            held(), silences=tuple(replace(one, asked_by="slack:U1") for one in held().silences)
        )
        decision, told = remind(stranger, around(nag=False), now=NOW + 46 * MINUTE)
        assert told == ()
        assert [event.data["person"] for event in decision.events] == [None]
        asleep = by("alice", SetReminders(until=NOW + 2 * HOUR), held()).incident
        (one,) = upcoming(asleep, around(nag=False), now=NOW)
        assert (one.person, (one.due_at - NOW) / MINUTE) == (None, 45)
