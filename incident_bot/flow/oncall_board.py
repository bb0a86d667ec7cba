"""What the front page of On call shows: every schedule as it stands now, and what somebody has ahead.

Asks the same `Roster` as paging, so what is shown is what pages. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.flow import roster
from incident_bot.flow.context import Context
from incident_bot.flow.history import Roster
from incident_bot.flow.views import GapView, OnCallView, ShiftView

GAPS_AHEAD: Final = timedelta(days=14)
MINE_AHEAD: Final = timedelta(days=42)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleNow:
    """One schedule as it stands now."""

    name: str
    time_zone: str
    answering: tuple[OnCallView, ...]
    until: datetime | None
    """The next hand-off; None where none comes within six weeks."""
    after: tuple[str, ...]
    """Who answers from then on; empty where nobody does."""
    gaps: tuple[GapView, ...]
    """Those of the next 14 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """One stretch that somebody has, running or to come."""

    schedule: str
    shift: ShiftView


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Every schedule as it stands now, and what one person has ahead."""

    schedules: tuple[ScheduleNow, ...]
    mine: tuple[Mine, ...]


def board(context: Context, viewer: str, *, now: datetime) -> Board:
    """Give every schedule in force with who answers and what comes next, and the viewer's six weeks."""
    answering = roster.on_call(context, at=now)
    found: list[ScheduleNow] = []
    mine: list[Mine] = []
    with context.store.read() as tx:
        asked = Roster(context.records, context.live.current, tx)
        for name, schedule in sorted(context.live.current.revision.schedules.items()):
            ahead = [
                ShiftView(start=one.start, end=one.end, people=one.people, why=one.why)
                for one in asked.shifts(name, now, now + MINE_AHEAD)
            ]
            until, after = _handoff(ahead, now)
            gaps = asked.gaps(name, now, now + GAPS_AHEAD)
            found.append(
                ScheduleNow(
                    name=name,
                    time_zone=schedule.zone.key,
                    answering=tuple(one for one in answering if one.schedule == name),
                    until=until,
                    after=after,
                    gaps=tuple(
                        GapView(start=one.start, end=one.end, deliberate=one.deliberate, why=one.why)
                        for one in gaps
                    ),
                )
            )
            mine += [Mine(schedule=name, shift=shift) for shift in ahead if viewer in shift.people]
    mine.sort(key=lambda one: (one.shift.start, one.schedule))
    return Board(schedules=tuple(found), mine=tuple(mine))


def _handoff(ahead: Sequence[ShiftView], now: datetime) -> tuple[datetime | None, tuple[str, ...]]:
    """Give when the people next change, and who they are then."""
    if not ahead:
        return None, ()
    if ahead[0].start > now:
        return ahead[0].start, ahead[0].people
    until = ahead[0].end
    if until >= now + MINE_AHEAD:
        return None, ()
    following = ahead[1] if len(ahead) > 1 else None
    return until, following.people if following is not None and following.start == until else ()
