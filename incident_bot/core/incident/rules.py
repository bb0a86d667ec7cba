"""The values around every decision: the rules it follows, the case it looks at, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from incident_bot.core.effects import Announce, Effect, Moment
from incident_bot.core.incident.lifecycle import evolve
from incident_bot.core.model import Event, Incident, JsonObject, Kind, Ladder, PromiseRules, Urgency

ACK_GRACE: Final = timedelta(minutes=5)
"""How long whoever has an incident may take to answer "still on it?" (row "ack timeout")."""

DRILL_LASTS: Final = timedelta(minutes=15)
"""How long a drill waits for an answer before it ends by itself."""

AutoResolve: TypeAlias = Literal["always", "unattended", "never"]
Repage: TypeAlias = Literal["severity_up", "never", "always"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings of semantics, section 3, with its defaults."""

    ladder: Ladder
    resolve_hold: timedelta = timedelta(seconds=90)
    reopen_window: timedelta = timedelta(minutes=30)
    auto_resolve: AutoResolve = "unattended"
    repage: Repage = "severity_up"
    pause_on_silence: bool = True
    """Whether paging waits while every firing alert of an incident is silenced at its source."""
    ack_timeout: Mapping[Urgency, timedelta] = field(
        default_factory=lambda: {Urgency.HIGH: timedelta(minutes=30)}
    )
    """How long an acknowledgement holds before its giver is asked again; for ever where an urgency has none."""
    promises: PromiseRules = field(default_factory=PromiseRules)

    def is_above(self, name: str, peak: str) -> bool:
        """Say whether a severity is worse than the peak; a peak that the ladder lost counts as passed."""
        rung, highest = self.ladder.named(name), self.ladder.named(peak)
        if rung is None:
            return False
        return highest is None or rung.rank < highest.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided: the new state is the fold of the events over the old one, always."""

    incident: Incident
    events: tuple[Event, ...]
    effects: tuple[Effect, ...]
    """In the order in which they are to be written: pages are taken back before a timer brings new ones."""
    said: str
    """One sentence or two for whoever asked; never empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One incident before a decision, and who acts, through which door, under which rules, when."""

    incident: Incident
    actor: str
    source: str
    rules: Rules
    now: datetime

    def event(
        self, kind: Kind, data: JsonObject | None = None, *, happened_at: datetime | None = None
    ) -> Event:
        """Make an event of this case; number, hash and time of recording are the store's."""
        return Event(
            kind=kind,
            actor=self.actor,
            source=self.source,
            happened_at=happened_at or self.now,
            data=data or {},
        )

    def decided(self, said: str, *events: Event, effects: tuple[Effect, ...] = ()) -> Decision:
        """Fold the events over the incident; with none of them its state is what it was."""
        incident = self.incident
        for event in events:
            incident = evolve(incident, event)
        return Decision(incident=incident, events=events, effects=effects, said=said)

    def announced(self, moment: Moment, data: JsonObject) -> tuple[Announce, ...]:
        """Have the channels told, unless the incident is private: private ones are private everywhere."""
        if self.incident.private:
            return ()
        about: JsonObject = {
            "by": self.actor,
            "severity": self.incident.severity,
            "drill": self.incident.drill,
        }
        return (Announce(moment=moment, data={**about, **data}),)
