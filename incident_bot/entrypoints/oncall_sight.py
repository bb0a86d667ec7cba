"""What a visitor of the On-call pages looks at: which schedule, which days, by which clock.

Reads addresses and forms; looks nothing up beyond the schedule's zone, decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import Form, Path, Query
from starlette.exceptions import HTTPException

from incident_bot.core.model import Person
from incident_bot.core.walltime import zone as zone_of
from incident_bot.entrypoints.desk import Desk
from incident_bot.entrypoints.oncall_looks import Wall
from incident_bot.flow.oncall_page import Turn

Name = Annotated[str, Path(max_length=64)]
Word = Annotated[str, Query(max_length=64)]
Since = Annotated[str, Query(alias="from", max_length=32)]
Number = Annotated[int, Query(ge=0, le=2**53)]
Field = Annotated[str, Form(max_length=200)]

WEEK: Final = 7
_FIRST: Final = date(1971, 1, 4)
_LAST: Final = date(2998, 12, 1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a visitor looks at: one schedule, from which day, how much of it, by which clock."""

    schedule: str
    view: str
    first: date
    """The Monday of the week, or the first of the month."""
    zone: str
    """`mine`, `schedule`, or the name of a zone."""

    def address(self, *, first: date | None = None, view: str = "", zone: str = "", done: int = 0) -> str:
        """Give the address of this page, or of one that differs in these."""
        chosen = view or self.view
        day = first or self.first
        asked = {"view": chosen, "from": day.isoformat(), "zone": zone or self.zone}
        if done:
            asked["done"] = str(done)
        return f"/oncall/{quote(self.schedule, safe='')}?{urlencode(asked)}"

    @property
    def shown(self) -> tuple[date, int]:
        """The first date that is shown, a Monday, and how many are."""
        monday = self.first - self.first.weekday() * _DAY
        if self.view == "week":
            return monday, WEEK
        weeks = -(-(self.next - monday).days // WEEK)
        return monday, weeks * WEEK

    @property
    def next(self) -> date:
        """The first day of what follows."""
        return self.first + WEEK * _DAY if self.view == "week" else _month(self.first, 1)

    @property
    def previous(self) -> date:
        """The first day of what came before."""
        return self.first - WEEK * _DAY if self.view == "week" else _month(self.first, -1)


def chosen_wall(at: Desk, schedule: str, person: Person | None, word: str, now: datetime) -> tuple[str, Wall]:
    """Give the chosen clock and its word; without a choice it is the visitor's own, else the schedule's."""
    known = at.context.live.current.revision.schedules.get(schedule)
    theirs = known.zone if known else ZoneInfo("UTC")
    mine = zone_of(person.time_zone) if person is not None else None
    chosen = word or "mine"
    if chosen == "mine" and mine is not None:
        return chosen, Wall(mine, now)
    if chosen in ("mine", "schedule"):
        return "schedule", Wall(theirs, now)
    try:
        return chosen, Wall(zone_of(chosen), now)
    except ValueError as error:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"{error}.") from None


def sight_of(schedule: str, view: str, since: str, zone: str, wall: Wall) -> Sight:
    """Read what is asked for; what cannot be read is today."""
    try:
        day = date.fromisoformat(since)
    except ValueError:
        day = wall.local(wall.now).date()
    day = min(max(day, _FIRST), _LAST)
    if view == "month":
        return Sight(schedule, view, day.replace(day=1), zone)
    return Sight(schedule, "week", day - day.weekday() * _DAY, zone)


def zones(theirs: str, person: Person | None) -> list[tuple[str, str, str]]:
    """Give the clocks to choose from: word, label, zone; the same clock is offered once."""
    mine = [("mine", "My time", person.time_zone)] if person is not None else []
    same = person is not None and person.time_zone == theirs
    schedules = [] if same else [("schedule", "Schedule’s", theirs)]
    return [*mine, *schedules, ("UTC", "UTC", "")]


def theirs(turn: Turn, people: Mapping[str, Person], wall: Wall) -> list[str]:
    """Say when a shift is on the clocks of its people, where those show another time."""
    zones = {one: people[one].time_zone for one in turn.people if one in people}
    return [
        f"{wall.elsewhere(zone).span(turn.start, turn.end)} ({zone})"
        for zone in dict.fromkeys(zones.values())
        if wall.differs(zone, turn.start, turn.end)
    ]


def title(sight: Sight, wall: Wall) -> str:
    """Name the days that are looked at."""
    if sight.view == "month":
        return f"{sight.first:%B %Y}"
    return f"{wall.day(sight.first)} to {wall.day(sight.first + (WEEK - 1) * _DAY)}"


def instant_of(text: str) -> datetime:
    """Read an instant as our own forms write it; raises 422 for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None and _FIRST.year <= moment.year <= _LAST.year:
            return moment.astimezone(UTC)
    except ValueError:
        pass
    raise HTTPException(
        HTTPStatus.UNPROCESSABLE_ENTITY, "This is no time that the schedule shows; open the schedule again."
    )


def _month(day: date, by: int) -> date:
    month = day.year * 12 + day.month - 1 + by
    return date(month // 12, month % 12 + 1, 1)
