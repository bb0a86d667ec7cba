"""Who carries how much: hours on call and pages by person, as figures, as a table and as a chart. Reads only.

Who was on call is asked of `flow.history`, as paging does, so that swaps and earlier configurations count.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.oncall.diff import join
from incident_bot.core.oncall.load import DAY, Bearer, Duty, shared
from incident_bot.core.walltime import Span
from incident_bot.flow.context import Context
from incident_bot.flow.history import Roster
from incident_bot.render.charts import Bar, Row, load_chart
from incident_bot.store import paged
from incident_bot.store.transaction import Tx

LONGEST: Final = timedelta(days=800)
WEEKS: Final = 12
SPAN: Final = timedelta(days=28)
"""What is reported where nobody says from when."""

_WEEK: Final = timedelta(weeks=1)
_HOUR: Final = timedelta(hours=1)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Duties = dict[str, list[Duty]]
Pages = dict[str, list[datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerView:
    """What one person carried; times in hours."""

    person: str
    name: str
    time_zone: str
    shifts: int
    hours: float
    weekday_day: float
    weekday_night: float
    weekend: float
    holiday: float
    share: float
    """Of all hours on call by everybody, 0 to 1."""
    pages: int
    night_pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadView:
    """What everybody carried in `[start, end)`, whoever had most hours first."""

    start: datetime
    end: datetime
    schedules: tuple[str, ...]
    people: tuple[BearerView, ...]


def report(context: Context, *, start: datetime, end: datetime, schedule: str | None = None) -> LoadView:
    """Give who carried how much in `[start, end)`, on one schedule or on all.

    Pages are everybody's, on whatever schedule; with a schedule, of those who were on call for it. Raises NotFound
    for a schedule that never was, Refused for a span that is empty or longer than 800 days.
    """
    if not start < end <= start + LONGEST:
        message = f"The end must come after the beginning, and within {LONGEST.days} days of it."
        raise Refused(message)
    with context.store.read() as tx:
        names = _names(context, tx, start, end, schedule)
        duties = _duties(context, tx, names, start, end)
        pages = _pages(tx, start, end)
    return LoadView(
        start=start,
        end=end,
        schedules=tuple(names),
        people=tuple(_bearer_view(context, one) for one in _bearers(context, duties, pages, schedule)),
    )


def chart(context: Context, *, schedule: str | None = None, now: datetime) -> str:
    """Draw the last twelve weeks, Monday to Sunday in UTC, the present one as far as it has come; raises NotFound."""
    monday = datetime.combine(now.date() - now.weekday() * DAY, time(), now.tzinfo)
    starts = [monday - number * _WEEK for number in reversed(range(WEEKS))]
    with context.store.read() as tx:
        names = _names(context, tx, starts[0], now, schedule)
        pages = _pages(tx, starts[0], now)
        weeks: list[dict[str, Bearer]] = []
        for start in starts:
            end = max(min(start + _WEEK, now), start)
            duties = _duties(context, tx, names, start, end)
            within = {
                person: [page for page in found if start <= page < end] for person, found in pages.items()
            }
            weeks.append({one.person: one for one in _bearers(context, duties, within, schedule)})
    people = sorted({person for week in weeks for person in week})
    rows = [
        Row(name=_name(context, person), bars=tuple(_bar(week.get(person)) for week in weeks))
        for person in people
    ]
    title = f"Load on {schedule}" if schedule else "Load on call"
    return load_chart(title, [start.date() for start in starts], [row for row in rows if any(row.bars)])


def as_csv(view: LoadView) -> str:
    """Write the figures as CSV with a header, one line a person; no cell is one that a spreadsheet would run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    columns = [field.name for field in fields(BearerView)]
    writer.writerow(["from", "to", *columns])
    for one in view.people:
        values = asdict(one)
        cells = [view.start.isoformat(), view.end.isoformat(), *(values[column] for column in columns)]
        writer.writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _names(context: Context, tx: Tx, start: datetime, end: datetime, schedule: str | None) -> list[str]:
    roster = Roster(context.records, context.live.current, tx)
    if schedule is None:
        return sorted({*roster.names(start), *roster.names(end)})
    if not roster.is_known(schedule):
        known = ", ".join(sorted(context.live.current.revision.schedules)) or "none"
        message = f"There is no schedule {schedule[:80]!r}; known: {known}."
        raise NotFound(message)
    return [schedule]


def _duties(context: Context, tx: Tx, names: list[str], start: datetime, end: datetime) -> Duties:
    """Give everybody's stretches on call, for each schedule apart; holidays are those of today's calendars."""
    roster = Roster(context.records, context.live.current, tx)
    schedules = context.live.current.revision.schedules
    duties: Duties = {}
    for name in names:
        spans: dict[str, list[Span]] = {}
        for shift in roster.shifts(name, start, end):
            for person in shift.people:
                join(spans.setdefault(person, []), (shift.start, shift.end))
        holidays = schedules[name].holidays if name in schedules else frozenset[date]()
        for person, found in spans.items():
            duties.setdefault(person, []).append(Duty(spans=tuple(found), holidays=holidays))
    return duties


def _pages(tx: Tx, start: datetime, end: datetime) -> Pages:
    """Give when each person was paged: once a step, however many channels told of it; a drill is no load."""
    pages: Pages = {}
    for page in paged.pages_between(tx, start, end):
        pages.setdefault(page.person, []).append(page.at)
    return pages


def _bearers(
    context: Context,
    duties: Mapping[str, list[Duty]],
    pages: Mapping[str, list[datetime]],
    schedule: str | None,
) -> tuple[Bearer, ...]:
    told = pages if schedule is None else {who: found for who, found in pages.items() if who in duties}
    zones = {person: _zone(context, person) for person in {*duties, *told}}
    return shared(duties, told, zones)


def _bearer_view(context: Context, bearer: Bearer) -> BearerView:
    hours = bearer.hours
    return BearerView(
        person=bearer.person,
        name=_name(context, bearer.person),
        time_zone=_zone(context, bearer.person).key,
        shifts=bearer.shifts,
        hours=_in_hours(hours.total),
        weekday_day=_in_hours(hours.weekday_day),
        weekday_night=_in_hours(hours.weekday_night),
        weekend=_in_hours(hours.weekend),
        holiday=_in_hours(hours.holiday),
        share=round(bearer.share, 4),
        pages=bearer.pages,
        night_pages=bearer.night_pages,
    )


def _bar(bearer: Bearer | None) -> Bar:
    if bearer is None:
        return Bar()
    return Bar(
        hours=_in_hours(bearer.hours.total),
        unsocial=_in_hours(bearer.hours.unsocial),
        pages=bearer.pages,
        night_pages=bearer.night_pages,
    )


def _in_hours(length: timedelta) -> float:
    return round(length / _HOUR, 2)


def _name(context: Context, person: str) -> str:
    known = context.live.current.revision.people.get(person)
    return known.name if known else person


def _zone(context: Context, person: str) -> ZoneInfo:
    """Give the person's zone; UTC for those who are gone from people.yaml."""
    known = context.live.current.revision.people.get(person)
    return ZoneInfo(known.time_zone if known else "UTC")
