"""Stage 7: the key times of an incident, each with where it comes from, and the durations between them.

A time is what the record says, unless it was measured or a person corrected it; the last word counts.
Durations come from these times and from nothing else. Reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Protocol

from incident_bot.core.model import Incident, Json, JsonObject, Kind, Mark, Phase, incident_name

_WORKING: Final = frozenset({Phase.TRIAGE, Phase.INVESTIGATING, Phase.MITIGATING})
_ENDS: Final = frozenset({Kind.RESOLVED, Kind.CANCELLED})
_OPENINGS: Final = frozenset({Kind.OPENED, Kind.DECLARED})
_FIRST: Final[Mapping[Mark, frozenset[Kind]]] = MappingProxyType(
    {
        Mark.DETECTED: _OPENINGS,
        Mark.ACKNOWLEDGED: frozenset({Kind.ACKNOWLEDGED}),
        Mark.LED: frozenset({Kind.LEAD_ASSIGNED}),
        Mark.FIRST_UPDATE: frozenset({Kind.UPDATE_POSTED, Kind.PUBLISHED}),
    }
)
"""The key times that are the first event of some kinds."""
_HELD: Final = frozenset({Mark.MITIGATED.value, Mark.RESOLVED.value, Mark.CLOSED.value})
"""Those that a reopening undoes."""
KINDS: Final = frozenset(
    {
        *_ENDS,
        *(kind for kinds in _FIRST.values() for kind in kinds),
        Kind.REOPENED,
        Kind.PHASE_CHANGED,
        Kind.RESOLVE_OFFERED,
        Kind.MERGED,
        Kind.TAKEN_BACK,
        Kind.MILESTONE_SET,
    }
)
"""The kinds of events that key times are made of: the others need not be read."""


class Recorded(Protocol):
    """What is wanted of an event, or of an entry of the timeline."""

    @property
    def kind(self) -> Kind:
        """What happened."""
        ...

    @property
    def seq(self) -> int:
        """Its number."""
        ...

    @property
    def actor(self) -> str:
        """Who acted."""
        ...

    @property
    def happened_at(self) -> datetime:
        """When it happened."""
        ...

    @property
    def data(self) -> JsonObject:
        """What else is known of it."""
        ...


class Began(Protocol):
    """What is wanted of an episode."""

    @property
    def id(self) -> int:
        """Its number."""
        ...

    @property
    def starts_at(self) -> datetime:
        """When it began."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """One key time; `at` is None where it was never reached."""

    name: str
    at: datetime | None = None
    source: str = ""
    """The record it comes from: `[event 12]`."""
    author: str | None = None
    """Who acted, or who corrected it; None where an alert or nobody did."""
    recorded: datetime | None = None
    """What the record says, where a person corrected it."""
    corrected: bool = False
    reason: str | None = None
    """Why it was corrected."""
    measured: bool = False
    """Whether it was read from a series of Prometheus; no person has set it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The durations that count; None until both of their ends are known, and where the incident is not counted."""

    to_detect: timedelta | None = None
    to_acknowledge: timedelta | None = None
    to_mitigate: timedelta | None = None
    to_resolve: timedelta | None = None
    excluded: str | None = None
    """Why the incident is not counted: it is a drill, was cancelled, or nobody has looked at it yet."""


def milestones(
    incident: Incident, events: Iterable[Recorded], episodes: Iterable[Began]
) -> tuple[Milestone, ...]:
    """Give every key time in the order of `Mark`; events of `KINDS` and the first episode are enough."""
    told = sorted(events, key=lambda event: (event.happened_at, event.seq))
    gone = {event.data.get("of") for event in told if event.kind is Kind.TAKEN_BACK}
    story = [event for event in told if event.seq not in gone]
    recorded = {mark: _from(mark, _first(story, kinds)) for mark, kinds in _FIRST.items()}
    recorded |= {
        Mark.IMPACT_STARTED: _impact_started(incident, episodes),
        Mark.DECLARED: _from(Mark.DECLARED, _declared(story)),
        Mark.MITIGATED: _from(Mark.MITIGATED, _held(story, Phase.MONITORING, _WORKING)),
        Mark.RESOLVED: _resolved(incident, story),
        Mark.CLOSED: _from(Mark.CLOSED, _held(story, Phase.CLOSED, frozenset(Phase) - {Phase.CLOSED})),
    }
    if recorded[Mark.DETECTED].at is None:
        recorded[Mark.DETECTED] = Milestone(name=Mark.DETECTED.label, at=incident.opened_at)
    corrections = _corrections(story)
    return tuple(_corrected(recorded[mark], corrections.get(mark.value)) for mark in Mark)


def measured(incident: Incident, found: Sequence[Milestone]) -> Measured:
    """Give the durations between key times; a drill, a cancelled incident and one in triage are not counted."""
    excluded = not_counted(incident)
    if excluded:
        return Measured(excluded=excluded)
    at = dict(zip(Mark, (milestone.at for milestone in found), strict=True))
    detected = at[Mark.DETECTED]
    return Measured(
        to_detect=between(at[Mark.IMPACT_STARTED], detected),
        to_acknowledge=between(detected, at[Mark.ACKNOWLEDGED]),
        to_mitigate=between(detected, at[Mark.MITIGATED]),
        to_resolve=between(detected, at[Mark.RESOLVED]),
    )


def not_counted(incident: Incident) -> str | None:
    """Say why an incident is in no figure; None where it is."""
    if incident.drill:
        return "it was a drill"
    if incident.merged_into is not None:
        return f"it was merged into {incident_name(incident.merged_into)}"
    if incident.phase is Phase.CANCELLED:
        return "it was cancelled"
    return "nobody has taken it yet" if incident.phase is Phase.TRIAGE else None


def between(start: datetime | None, end: datetime | None) -> timedelta | None:
    """Give how long it took; nothing where an end of it is not known, and never less than nothing."""
    return max(timedelta(0), end - start) if start and end else None


def phase_in(event: Recorded) -> str:
    """Give the phase that an event brought about, or nothing."""
    value = event.data.get("phase")
    return value if isinstance(value, str) else ""


def _impact_started(incident: Incident, episodes: Iterable[Began]) -> Milestone:
    """Take the earliest start of an alert; nothing where no alert began before the opening."""
    earliest = min(episodes, key=lambda episode: episode.starts_at, default=None)
    if earliest is None or earliest.starts_at > incident.opened_at:
        return Milestone(name=Mark.IMPACT_STARTED.label)
    source = f"[episode {earliest.id}]"
    return Milestone(name=Mark.IMPACT_STARTED.label, at=earliest.starts_at, source=source)


def _resolved(incident: Incident, story: Sequence[Recorded]) -> Milestone:
    """Take the end that held: a reopening undoes an earlier one."""
    end: Recorded | None = None
    for event in story:
        if event.kind in _ENDS:
            end = event
        elif event.kind is Kind.REOPENED:
            end = None
    return _from(Mark.RESOLVED, end) if end else Milestone(name=Mark.RESOLVED.label, at=incident.resolved_at)


def _declared(story: Sequence[Recorded]) -> Recorded | None:
    """Take the declaration by a person, or when the work on what an alert opened began: it left triage."""
    return next(
        (
            event
            for event in story
            if event.kind is Kind.DECLARED or phase_in(event) in (Phase.INVESTIGATING, Phase.MITIGATING)
        ),
        None,
    )


def _held(story: Sequence[Recorded], wanted: Phase, against: frozenset[Phase]) -> Recorded | None:
    """Take the change to a phase that held: going back to one of the others undoes an earlier one."""
    held: Recorded | None = None
    for event in story:
        phase = phase_in(event)
        if event.kind is Kind.REOPENED or phase in against:
            held = None
        elif phase == wanted and held is None:
            held = event
    return held


def _first(story: Sequence[Recorded], kinds: frozenset[Kind]) -> Recorded | None:
    return next((event for event in story if event.kind in kinds), None)


def _from(mark: Mark, event: Recorded | None) -> Milestone:
    if event is None:
        return Milestone(name=mark.label)
    source = f"[event {event.seq}]"
    return Milestone(name=mark.label, at=event.happened_at, source=source, author=event.actor)


def _corrections(story: Iterable[Recorded]) -> dict[Json, Recorded]:
    """Give the last correction of each key time that still holds.

    Where the work begins again after it, it was about an end that did not hold: the next end has its own time.
    """
    found: dict[Json, Recorded] = {}
    phase = ""
    for event in sorted(story, key=lambda one: one.seq):
        before, phase = phase, phase_in(event) or phase
        if event.kind is Kind.MILESTONE_SET:
            found[event.data.get("milestone")] = event
        elif event.kind is Kind.REOPENED:
            found = {mark: one for mark, one in found.items() if mark not in _HELD}
        elif phase in _WORKING and before not in ("", *_WORKING):
            found.pop(Mark.MITIGATED.value, None)
    return found


def _corrected(found: Milestone, correction: Recorded | None) -> Milestone:
    """Put a correction over what the record says; one that gives it back leaves it as it is."""
    wanted = correction.data.get("set_to") if correction else None
    if correction is None or not isinstance(wanted, str):
        return found
    reason = correction.data.get("reason")
    measured = correction.data.get("measured") is True
    return replace(
        found,
        at=datetime.fromisoformat(wanted),
        source=f"[event {correction.seq}]",
        author=None if measured else correction.actor,
        recorded=found.at,
        corrected=not measured,
        reason=reason if isinstance(reason, str) else None,
        measured=measured,
    )
