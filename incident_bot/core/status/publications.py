"""What the public reads of one incident: the fold of its timeline from the moment at which somebody published it.

Nothing that was said before is shown, and nothing that was said inside: only texts that were meant for the public, and
that the phase changed. What is taken off the page is gone from it whole; published again it begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from incident_bot.core.incident.facts import maybe_instant, names, text
from incident_bot.core.model import ComponentState, Event, Kind, Phase


class PublicPhase(StrEnum):
    """The phases that the public knows."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


PHASES: Final = {
    Phase.TRIAGE: PublicPhase.INVESTIGATING,
    Phase.INVESTIGATING: PublicPhase.INVESTIGATING,
    Phase.MITIGATING: PublicPhase.IDENTIFIED,
    Phase.MONITORING: PublicPhase.MONITORING,
    Phase.RESOLVED: PublicPhase.RESOLVED,
    Phase.CLOSED: PublicPhase.RESOLVED,
    Phase.CANCELLED: PublicPhase.RESOLVED,
}
"""Our phases, as the public reads them."""

KINDS: Final = (
    Kind.PUBLISHED,
    Kind.UNPUBLISHED,
    Kind.UPDATE_POSTED,
    Kind.ACKNOWLEDGED,
    Kind.PHASE_CHANGED,
    Kind.RESOLVE_OFFERED,
    Kind.RESOLVED,
    Kind.CANCELLED,
    Kind.REOPENED,
)
"""The kinds of events that matter here. A merge is none of them: where the other one ends, this one does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicUpdate:
    """One entry of a public incident."""

    at: datetime
    phase: PublicPhase
    text: str = ""
    """Empty where nobody wrote one: the phase's own words stand there."""
    components: tuple[str, ...] = ()
    state: ComponentState = ComponentState.OPERATIONAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """For how long which components were in which state because of one incident; open where `end` is None."""

    components: tuple[str, ...]
    state: ComponentState
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicIncident:
    """One incident as the public reads it."""

    number: int
    """Ours; the public does not read it."""
    id: str
    """The public name in addresses: it does not tell how many incidents there are."""
    title: str
    phase: PublicPhase
    components: tuple[str, ...]
    state: ComponentState
    started_at: datetime
    published_at: datetime
    resolved_at: datetime | None = None
    next_update_at: datetime | None = None
    updates: tuple[PublicUpdate, ...] = ()
    """The oldest first."""
    stretches: tuple[Stretch, ...] = ()

    @property
    def is_open(self) -> bool:
        """Say whether it is not over yet."""
        return self.resolved_at is None

    def is_overdue(self, now: datetime) -> bool:
        """Say whether the update that was promised has not come."""
        return self.next_update_at is not None and self.next_update_at <= now

    @property
    def updated_at(self) -> datetime:
        """Say when the public was last told something."""
        return self.updates[-1].at


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What became of the incident into which this one was merged."""

    phase: Phase
    resolved_at: datetime | None


def publication(
    number: int, opened_at: datetime, events: Iterable[Event], *, end: End | None = None
) -> PublicIncident | None:
    """Give what the public reads of an incident; None where it is not on the page."""
    shown: PublicIncident | None = None
    phase = Phase.TRIAGE
    for event in (one for one in events if one.kind in KINDS):
        if "phase" in event.data:
            phase = Phase(text(event.data, "phase"))
        if event.kind is Kind.UNPUBLISHED:
            shown = None
        elif event.kind is Kind.PUBLISHED:
            shown = _told(shown or _begun(number, opened_at, event, PHASES[phase]), event)
        elif shown is not None:
            shown = _went_on(shown, event, PHASES[phase])
    if shown is None or end is None:
        return shown
    if end.resolved_at is None:
        return _moved(shown, shown.updated_at, PHASES[end.phase])
    return _moved(shown, max(end.resolved_at, shown.updated_at), PublicPhase.RESOLVED)


def _begun(number: int, opened_at: datetime, event: Event, phase: PublicPhase) -> PublicIncident:
    return PublicIncident(
        number=number,
        id=(event.hash or f"{number:012x}")[:12],
        title="",
        phase=phase,
        resolved_at=event.happened_at if phase is PublicPhase.RESOLVED else None,
        components=(),
        state=ComponentState.OPERATIONAL,
        started_at=opened_at,
        published_at=event.happened_at,
    )


def _told(shown: PublicIncident, event: Event) -> PublicIncident:
    """Add what somebody published; another state or other components hold from then on."""
    data = event.data
    components = names(data, "components")
    state = ComponentState(text(data, "state"))
    same = (components, state) == (shown.components, shown.state)
    told = replace(shown, title=text(data, "title"), components=components, state=state)
    if not same and shown.is_open:
        start = event.happened_at if shown.updates else shown.started_at
        fresh = Stretch(components=components, state=state, start=start)
        told = replace(told, stretches=(*_closed(shown.stretches, event.happened_at), fresh))
    return replace(_with(told, event.happened_at, text(data, "text")), next_update_at=_next(event))


def _went_on(shown: PublicIncident, event: Event, phase: PublicPhase) -> PublicIncident:
    if event.kind is Kind.UPDATE_POSTED:
        if event.data.get("public") is not True:
            return shown
        return replace(_with(shown, event.happened_at, text(event.data, "text")), next_update_at=_next(event))
    return _moved(shown, event.happened_at, phase)


def _moved(shown: PublicIncident, at: datetime, phase: PublicPhase) -> PublicIncident:
    """Let it be in another phase; an end closes what is open, and what is open again opens it anew."""
    if phase is shown.phase:
        return shown
    moved = replace(shown, phase=phase)
    if phase is PublicPhase.RESOLVED:
        stretches = _closed(shown.stretches, at)
        moved = replace(moved, resolved_at=at, next_update_at=None, stretches=stretches)
    elif shown.phase is PublicPhase.RESOLVED:
        again = Stretch(components=shown.components, state=shown.state, start=at)
        moved = replace(moved, resolved_at=None, stretches=(*shown.stretches, again))
    return _with(moved, at, "")


def _with(shown: PublicIncident, at: datetime, words: str) -> PublicIncident:
    update = PublicUpdate(
        at=at, phase=shown.phase, text=words, components=shown.components, state=shown.state
    )
    return replace(shown, updates=(*shown.updates, update))


def _closed(stretches: tuple[Stretch, ...], at: datetime) -> tuple[Stretch, ...]:
    return tuple(one if one.end is not None else replace(one, end=max(at, one.start)) for one in stretches)


def _next(event: Event) -> datetime | None:
    return maybe_instant(event.data, "next_update_at")
