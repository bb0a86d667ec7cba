"""What those who asked for it are told of the status page, and who they are: a board in, news out.

The board decides: whatever stands on the page is news once, and what is taken off the page before it went out never
does. So a bot that was down tells later what it did not tell, and nobody is told twice.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from incident_bot.core.model import ComponentState
from incident_bot.core.status.board import Board, PublicMaintenance
from incident_bot.core.status.publications import PublicIncident, PublicPhase, PublicUpdate

NEWS_LASTS: Final = timedelta(hours=24)
"""What is older is no news any more, and is not told."""


class Purpose(StrEnum):
    """What a signed link does."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing that subscribers are told, once."""

    key: str
    """The same however often the page is read."""
    at: datetime
    title: str
    heading: str
    """`Investigating`, `Resolved`, `Planned`, `Called off` …"""
    text: str
    components: tuple[str, ...]
    """By key."""
    state: ComponentState
    incident: PublicIncident | None = None
    """None for planned work."""
    update: int = 0
    """Which update of the incident it is, from 1."""
    work: PublicMaintenance | None = None


_HEADINGS: Final = {
    PublicPhase.INVESTIGATING: "Investigating",
    PublicPhase.IDENTIFIED: "Identified",
    PublicPhase.MONITORING: "Monitoring",
    PublicPhase.RESOLVED: "Resolved",
}


def news(board: Board) -> tuple[News, ...]:
    """Give what stands on the page and is not too old to be told, the oldest first."""
    since = board.at - NEWS_LASTS
    found = [
        *(one for incident in (*board.open, *board.past) for one in _of_incident(incident)),
        *(one for work in board.announced for one in of_work(work)),
    ]
    fresh = [one for one in found if since < one.at <= board.at]
    return tuple(sorted(fresh, key=lambda one: (one.at, one.key)))


def concerns(told: News, wanted: frozenset[str]) -> bool:
    """Say whether a subscriber who asked for these components, or for all where there are none, is told of it."""
    return not wanted or not told.components or not wanted.isdisjoint(told.components)


def sign(secret: bytes, purpose: Purpose, number: int) -> str:
    """Give the token of a link: it says for whom, and nobody makes one who does not know that subscriber's secret."""
    seal = hmac.new(secret, f"{purpose.value} {number}".encode(), "sha256").hexdigest()[:40]
    return f"{number}-{seal}"


def holds(secret: bytes, purpose: Purpose, number: int, token: str) -> bool:
    """Say whether a token is one of ours; takes as long for a wrong one as for a right one."""
    return hmac.compare_digest(sign(secret, purpose, number).encode(), token.encode(errors="replace"))


def _of_incident(incident: PublicIncident) -> Iterator[News]:
    for number, update in enumerate(incident.updates, start=1):
        yield News(
            # The phase is part of it: how the incident ends into which this one was merged is told in its last place.
            key=f"{incident.id}-{number}-{update.phase.value}",
            at=update.at,
            title=incident.title,
            heading=_HEADINGS[update.phase],
            text=update.text,
            components=update.components,
            state=_state(update),
            incident=incident,
            update=number,
        )


def _state(update: PublicUpdate) -> ComponentState:
    return ComponentState.OPERATIONAL if update.phase is PublicPhase.RESOLVED else update.state


def of_work(work: PublicMaintenance) -> Iterator[News]:
    """Give what is told of planned work in its order, what is to come as well.

    Once it is called off only that counts: who has not heard of it yet need not plan for it any more.
    """
    good, works = ComponentState.OPERATIONAL, ComponentState.UNDER_MAINTENANCE
    if work.called_off_at is not None:
        moments = [("called-off", "Called off", work.called_off_at, good)]
    else:
        moments = [
            ("scheduled", "Planned", work.announced_at, good),
            ("begun", "In progress", work.start, works),
            ("over", "Completed", work.end, good),
        ]
        # Told of when it has begun already, there is nothing left to plan for.
        moments = moments[int(work.announced_at >= work.start) :]
    for name, heading, at, state in moments:
        yield News(
            key=f"{work.id}-{name}",
            at=max(at, work.announced_at),
            title=work.title,
            heading=heading,
            text=work.text,
            components=work.components,
            state=state,
            work=work,
        )
