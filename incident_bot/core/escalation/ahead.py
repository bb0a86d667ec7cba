"""What happens if nobody answers: `advance` in a loop, so that a simulation cannot disagree with what will happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.effects import Page
from incident_bot.core.escalation.policy import Policy
from incident_bot.core.escalation.stepping import NO_TURNS, Directory, Told, advance
from incident_bot.core.model import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What happens at one instant, if nobody answers."""

    at: datetime
    pages: tuple[Page, ...]
    events: tuple[Told, ...]


def preview(
    policy: Policy,
    directory: Directory,
    start: datetime,
    *,
    turns: Mapping[str, str] = NO_TURNS,
    until: datetime,
) -> tuple[Planned, ...]:
    """Say what happens from `start` until before `until` if nobody answers: `advance` in a loop."""
    turns = dict(turns)
    progress = Progress(started_at=start, next_at=start)
    planned: list[Planned] = []
    while progress.next_at is not None and progress.next_at < until:
        at = progress.next_at
        look = advance(policy, progress, directory, turns=turns, now=at)
        progress = look.progress
        turns.update(look.turns)
        if look.events:
            planned.append(Planned(at=at, pages=look.pages, events=look.events))
    return tuple(planned)
