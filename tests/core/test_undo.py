"""Undo: the inverse of what the same person said last, within a minute, decided from the events alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    Acknowledge,
    AddItem,
    AddNote,
    Again,
    AssignLead,
    AssignRole,
    Command,
    Escalate,
    FinishItem,
    PostUpdate,
    SetImpact,
    SetPhase,
    SetSeverity,
    SetTitle,
    Snooze,
    TakeBack,
    TickStep,
    undo,
)
from incident_bot.core.model import Event, Incident, ItemKind, Kind, Paging, Phase
from tests.core.incident_world import MINUTE, NOW, P1, P3, acknowledged, by, opened, snoozed, ticked

SOON = NOW + timedelta(seconds=30)


def says(actor: str, command: Command, incident: Incident, seq: int = 7) -> tuple[list[Event], Incident]:
    """Say it now, with the numbers that the store would give."""
    decision = by(actor, command, incident)
    events = [replace(event, seq=seq + n, recorded_at=NOW) for n, event in enumerate(decision.events)]
    return events, decision.incident


def inverse(command: Command, start: Incident | None = None) -> Again | TakeBack:
    events, after = says("bob", command, start or acknowledged())
    return undo(events, after, actor="bob", now=SOON)


def led() -> Incident:
    roles = by("bob", AssignRole(role="scribe", person="alice"), acknowledged()).incident
    return by("bob", AssignLead(person="alice"), by("bob", SetImpact(text="none"), roles).incident).incident


AGAIN: list[tuple[Command, Callable[[], Incident], Again]] = [
    (SetSeverity(severity=P3), acknowledged, Again(verb="sev", rest="P2 undone")),
    (SetSeverity(severity=P1), acknowledged, Again(verb="sev", rest="P2 undone")),
    (SetPhase(phase=Phase.MONITORING), acknowledged, Again(verb="status", rest="investigating")),
    (SetTitle(title="INC-5 again"), acknowledged, Again(verb="title", rest="High error rate")),
    (SetImpact(text="all"), led, Again(verb="impact", rest="none")),
    (AssignLead(person="bob"), led, Again(verb="lead", rest="@alice")),
    (AssignRole(role="scribe", person="bob"), led, Again(verb="role", rest="scribe @alice")),
    (TickStep(number=1, text="Look", of=3), opened, Again(verb="untick", rest="1")),
    (TickStep(number=2, text="Roll it back", of=3, done=False), ticked, Again(verb="tick", rest="2")),
    (Acknowledge(), opened, Again(verb="unack")),
    (Snooze(until=NOW + 30 * MINUTE), acknowledged, Again(verb="ack")),
]


@pytest.mark.parametrize("command, start, expected", AGAIN)
def test_what_was_before_is_said_again(
    command: Command, start: Callable[[], Incident], expected: Again
) -> None:
    assert inverse(command, start()) == expected


BACK: list[tuple[Command, TakeBack]] = [
    (SetImpact(text="all"), TakeBack(of=7, kind=Kind.IMPACT_CHANGED, what="the impact")),
    (AssignLead(person="bob"), TakeBack(of=7, kind=Kind.LEAD_ASSIGNED, what="the lead")),
    (AssignRole(role="scribe", person="bob"),
     TakeBack(of=7, kind=Kind.ROLE_ASSIGNED, what="the role scribe", role="scribe")),
    (AddNote(text="saw it", happened_at=NOW - 9 * MINUTE),
     TakeBack(of=7, kind=Kind.NOTE, what="a note", text="saw it")),
    (AddItem(kind=ItemKind.TASK, text="look"),
     TakeBack(of=7, kind=Kind.ITEM_ADDED, what="task", text="look", number=1)),
    (Snooze(until=NOW + 30 * MINUTE), TakeBack(of=7, kind=Kind.SNOOZED, what="the snooze")),
]  # fmt: skip


@pytest.mark.parametrize("command, expected", BACK)
def test_what_had_nothing_before_is_taken_back_and_is_as_before(command: Command, expected: TakeBack) -> None:
    events, after = says("bob", command, opened())
    found = undo(events, after, actor="bob", now=SOON)
    assert found == expected
    undone = by("bob", expected, after)
    assert undone.said.startswith("Taken back: ")
    same = replace(undone.incident, progress=opened().progress)
    assert same == opened()
    assert undone.incident.epoch == (2 if isinstance(command, Snooze) else 1)


CHANGED: list[tuple[Command, Command | None, Callable[[], Incident]]] = [
    (SetSeverity(severity=P3), SetSeverity(severity=P1), acknowledged),
    (SetPhase(phase=Phase.MONITORING), SetPhase(phase=Phase.MITIGATING), acknowledged),
    (SetTitle(title="a"), SetTitle(title="b"), acknowledged),
    (SetImpact(text="a"), SetImpact(text="b"), acknowledged),
    (AssignLead(person="bob"), AssignLead(person="carol"), acknowledged),
    (AssignRole(role="scribe", person="bob"), AssignRole(role="scribe", person="carol"), acknowledged),
    (AddItem(kind=ItemKind.TASK, text="look"), FinishItem(number=1), acknowledged),
    (TickStep(number=1, text="Look", of=3), TickStep(number=1, text="Look", of=3, done=False), opened),
    (Acknowledge(), Acknowledge(), opened),
    (Snooze(until=NOW + 30 * MINUTE), Acknowledge(), opened),
    (Snooze(until=NOW + 50 * MINUTE), None, snoozed),
]


@pytest.mark.parametrize("command, since, start", CHANGED)
def test_what_others_changed_since_stays(
    command: Command, since: Command | None, start: Callable[[], Incident]
) -> None:
    events, after = says("bob", command, start())
    if since is not None:
        after = by("carol", since, after).incident
    with pytest.raises(Refused, match="It was changed again since; `info INC-42`"):
        undo(events, after, actor="bob", now=SOON)


def test_only_the_last_thing_of_this_person_counts() -> None:
    first, after = says("bob", AddNote(text="one"), opened())
    second, after = says("bob", SetTitle(title="two"), after, seq=8)
    others, after = says("carol", AddNote(text="three"), after, seq=9)
    later = [replace(event, recorded_at=SOON) for event in second]
    assert undo([*first, *later, *others], after, actor="bob", now=SOON) == Again(
        verb="title", rest="High error rate"
    )


REFUSED: list[tuple[Command, str]] = [
    (
        PostUpdate(text="on it"),
        "That cannot be taken back; others have read it: `update <text>` tells them better.",
    ),
    (Escalate(), "That cannot be taken back; people are paged by now: `ack` stops it."),
]


@pytest.mark.parametrize("command, words", REFUSED)
def test_what_cannot_be_taken_back_says_what_to_type(command: Command, words: str) -> None:
    with pytest.raises(Refused) as refused:
        inverse(command)
    assert str(refused.value) == words


def test_other_kinds_are_put_right_by_a_note() -> None:
    (event,), after = says("bob", AddNote(text="x"), opened())
    with pytest.raises(Refused, match="`note <text>` puts it right"):
        undo([replace(event, kind=Kind.ITEM_DONE)], after, actor="bob", now=SOON)


def test_a_minute_is_all_there_is() -> None:
    events, after = says("bob", SetTitle(title="b"), opened())
    assert isinstance(undo(events, after, actor="bob", now=NOW + MINUTE), Again)
    late = NOW + MINUTE + timedelta(seconds=1)
    with pytest.raises(Refused, match="more than a minute ago and stays; `title <text>` sets another title"):
        undo(events, after, actor="bob", now=late)
    with pytest.raises(Refused, match="You changed nothing of INC-42 lately"):
        undo(events, after, actor="carol", now=SOON)


def test_without_a_time_of_recording_the_event_s_own_counts() -> None:
    (event,), after = says("bob", SetTitle(title="b"), opened())
    assert isinstance(undo([replace(event, recorded_at=None)], after, actor="bob", now=SOON), Again)


def test_a_snooze_that_is_taken_back_pages_again() -> None:
    events, after = says("bob", Snooze(until=NOW + 30 * MINUTE), opened())
    found = undo(events, after, actor="bob", now=SOON)
    assert isinstance(found, TakeBack)
    undone = by("bob", found, after)
    assert [event.kind for event in undone.events] == [Kind.TAKEN_BACK, Kind.WOKEN]
    assert undone.incident.paging is Paging.TRIGGERED
    assert undone.effects
