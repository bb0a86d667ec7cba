"""A small world for the tests of life cycle and escalation: people, a ladder, an incident in any state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from incident_bot.core.effects import Page, PageKind
from incident_bot.core.escalation import Matrix, QuietHours, Reached, Step, freeze
from incident_bot.core.incident import (
    Acknowledge,
    AddItem,
    AlertsAttached,
    AttachedAlert,
    Cancel,
    Command,
    Decision,
    Observation,
    Opening,
    Paused,
    Resolve,
    Rules,
    Snooze,
    TickStep,
    decide,
    observe,
    open_incident,
)
from incident_bot.core.model import (
    ContactRule,
    Event,
    Incident,
    ItemKind,
    JsonObject,
    Ladder,
    Paging,
    Severity,
    Target,
    Urgency,
)

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

P1 = Severity(name="P1", rank=0, aliases=("critical",), respond_within=timedelta(minutes=5))
P2 = Severity(name="P2", rank=1, respond_within=timedelta(minutes=15))
P3 = Severity(name="P3", rank=2, urgency=Urgency.LOW)
LADDER = Ladder((P1, P2, P3))
RULES = Rules(ladder=LADDER)


def steps(*rows: tuple[int, str]) -> tuple[Step, ...]:
    """Read steps as (minutes, targets with blanks between them)."""
    return tuple(
        Step(after=minutes * MINUTE, targets=tuple(Target.parse(word) for word in words.split()))
        for minutes, words in rows
    )


MATRIX = Matrix(
    rows={
        "P1": steps((0, "on_call"), (15, "person/dora"), (30, "person/cto")),
        "P2": steps((0, "on_call"), (30, "lead")),
        "P3": steps((0, "lead")),
    },
    repeat={"P1": 1},
    fallback=(Target.parse("schedule/platform"),),
    last_resort=(Target.parse("person/cto"),),
)


class World:
    """A directory that is a table: target to people, person to channels."""

    def __init__(
        self,
        people: Mapping[str, tuple[str, ...]] | None = None,
        rules: Mapping[str, tuple[ContactRule, ...]] | None = None,
        quiet: Mapping[str, QuietHours] | None = None,
        absent: tuple[str, ...] = (),
    ) -> None:
        self.people = dict(EVERYBODY if people is None else people)
        self.wired = dict(rules or {})
        self.asleep = dict(quiet or {})
        self.absent = absent

    def reach(self, target: Target, *, now: datetime) -> tuple[Reached, ...]:
        return tuple(
            Reached(person=person, why=f"{target} at {now:%H:%M}")
            for person in self.people.get(str(target), ())
        )

    def rules(self, person: str, urgency: Urgency) -> tuple[ContactRule, ...]:
        return self.wired.get(person, (ContactRule(by="slack"),))

    def quiet(self, person: str) -> QuietHours | None:
        return self.asleep.get(person)

    def away(self, person: str, *, now: datetime) -> bool:
        del now
        return person in self.absent


EVERYBODY: Mapping[str, tuple[str, ...]] = {
    "on_call": ("alice",),
    "lead": ("dora",),
    "person/dora": ("dora",),
    "person/cto": ("cto",),
    "schedule/platform": ("pat",),
}


def alert(severity: str = "P2", episode: int = 1) -> AttachedAlert:
    return AttachedAlert(
        episode_id=episode, title="High error rate", severity=severity, fingerprint=f"f{episode}"
    )


def opening(severity: Severity = P2) -> Opening:
    return Opening(
        key="k",
        title="High error rate",
        severity=severity.name,
        team="payments",
        policy=freeze(MATRIX, severity, "payments").to_json(),
        opened_by="alertmanager",
        source="alertmanager",
        alerts=(alert(severity.name),),
    )


def stored(incident: Incident) -> Incident:
    """Give it the number that the store would."""
    return replace(incident, id=42)


def opened(severity: Severity = P2, *, first: Opening | None = None) -> Incident:
    return stored(open_incident(first or opening(severity), now=NOW).incident)


def by(
    actor: str, command: Command, incident: Incident, *, at: datetime = NOW, rules: Rules = RULES
) -> Decision:
    return decide(command, incident, actor=actor, source="slack", rules=rules, now=at)


def seen(
    observation: Observation, incident: Incident, *, at: datetime = NOW, rules: Rules = RULES
) -> Decision:
    return observe(observation, incident, rules=rules, now=at)


def acknowledged(incident: Incident | None = None) -> Incident:
    return by("alice", Acknowledge(), incident or opened()).incident


def snoozed(minutes: int = 30) -> Incident:
    return by("alice", Snooze(until=NOW + minutes * MINUTE), opened()).incident


def resolved(firing: int = 0) -> Incident:
    return by("alice", Resolve(reason="fixed", firing=firing), acknowledged()).incident


def cancelled() -> Incident:
    return by("alice", Cancel(reason="false alarm"), opened()).incident


def paused(until: datetime | None = None) -> Incident:
    return seen(Paused(reason="database upgrade", until=until), opened()).incident


def other(severity: Severity = P2) -> Incident:
    """Give a second incident, INC-7."""
    return replace(opened(severity), id=7, key="other")


def merged(into: int | None = 7) -> Incident:
    return replace(opened(), paging=Paging.MERGED, merged_into=into)


def attached(severity: str, *, policy: JsonObject | None = None) -> AlertsAttached:
    return AlertsAttached(alerts=(alert(severity, 2),), policy=policy)


def with_items() -> Incident:
    incident = opened()
    for kind in (ItemKind.TASK, ItemKind.CHANGE, ItemKind.CHANGE, ItemKind.FOLLOWUP):
        incident = by("bob", AddItem(kind=kind, text=f"a {kind}"), incident).incident
    return incident


def believing() -> Incident:
    """Give an incident with task 1, theories 2 and 3, and decision 4."""
    incident = opened()
    for kind in (ItemKind.TASK, ItemKind.THEORY, ItemKind.THEORY, ItemKind.DECISION):
        incident = by("bob", AddItem(kind=kind, text=f"a {kind}"), incident).incident
    return incident


def ticked() -> Incident:
    """Give an incident with step 2 of its runbook done."""
    return by("bob", TickStep(number=2, text="Roll it back", of=3), opened()).incident


def direct(person: str, via: str = "sms") -> Page:
    return Page(
        person=person,
        via=via,
        kind=PageKind.STEP,
        epoch=99,
        loop=9,
        step=9,
        due_at=NOW,
        urgency=Urgency.HIGH,
        reason="asked for",
    )


def through_json(event: Event) -> Event:
    """Give the event as the store gives it back."""
    return replace(event, data=json.loads(json.dumps(event.data)))
