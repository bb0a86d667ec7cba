"""A second opinion on who is on call: the rules R2-R14 read literally, one instant at a time.

Nothing here is shared with the package under test, nothing is fast, and nothing is remembered between two
questions except which instant a wall-clock time is. A layer fed from an iCalendar is not understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
# A window runs at most a week; two days more for zones and clock changes.
LONGEST_WINDOW = 9

Document = Mapping[str, Any]
Span = tuple[datetime, datetime]


def on_the_wall(instant: datetime, zone: str) -> datetime:
    """What the clocks of the zone show, without a zone."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@cache
def instant_of(local: datetime, zone: str, *, last: bool = False) -> datetime:
    """R4: the first occurrence, or the last one; a missing time is the instant at which the clocks jump over it."""
    first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    if on_the_wall(first, zone) == local:
        return second if last else first
    instant = min(first, second)
    while on_the_wall(instant, zone) < local:
        instant += MINUTE
    return instant


def moment(text: str, zone: str) -> datetime:
    """A written time: with an offset an instant, without one local to the zone."""
    written = datetime.fromisoformat(text)
    return instant_of(written, zone) if written.tzinfo is None else written.astimezone(UTC)


def months_later(local: datetime, months: int) -> datetime:
    """R5: so many months after the anchor, the day clamped to the end of the month."""
    count = local.year * 12 + local.month - 1 + months
    year, month = count // 12, count % 12 + 1
    for day in range(local.day, 0, -1):
        try:
            return local.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    raise AssertionError(local)


def time_of_day(day: date, text: str) -> datetime:
    """This time on that day; 24:00 is midnight of the next."""
    if text == "24:00":
        return datetime.combine(day + DAY, time())
    return datetime.combine(day, time.fromisoformat(text))


def days_named(text: str) -> set[int]:
    """`mon-fri`, `fri-mon`, `sat,sun`."""
    named: set[int] = set()
    for item in text.split(","):
        first, _, last = item.strip().partition("-")
        day = DAYS.index(first.strip())
        named.add(day)
        while last and DAYS[day] != last.strip():
            day = (day + 1) % 7
            named.add(day)
    return named


class NaiveWindow:
    """R10, R11: one window of a layer."""

    def __init__(self, written: Document, zone: str, holidays: set[date]) -> None:
        self.written = written
        self.zone = zone
        self.holidays = holidays

    def starts_on(self, day: date) -> bool:
        """By the calendar alone."""
        if "start" in self.written:
            fits = day.weekday() == DAYS.index(self.written["start"].split()[0])
        else:
            fits = day.weekday() in days_named(self.written.get("days", "mon-sun"))
        if self.written.get("except_holidays") and day in self.holidays:
            return False
        if self.written.get("only_holidays") and day not in self.holidays:
            return False
        return fits

    def span(self, day: date) -> Span:
        """From when to when the window that starts on this day lasts."""
        if "start" in self.written:
            start = time_of_day(day, self.written["start"].split()[1])
            last_day, last_time = self.written["end"].split()
            end_day = day
            while DAYS[end_day.weekday()] != last_day:
                end_day += DAY
            end = time_of_day(end_day, last_time)
            if end <= start:
                end += 7 * DAY
        else:
            start = time_of_day(day, self.written["from"])
            end = time_of_day(day, self.written["to"])
            if end < start:
                end += DAY
        return instant_of(start, self.zone), instant_of(end, self.zone, last=True)

    def spans(self, first: date, last: date) -> Iterator[Span]:
        day = first
        while day <= last:
            if self.starts_on(day):
                yield self.span(day)
            day += DAY


class NaiveLayer:
    """One layer: its turns, its ring and its windows."""

    def __init__(
        self, written: Document, zone: str, holidays: set[date], absences: list[tuple[str, Span]]
    ) -> None:
        self.zone: str = written.get("time_zone", zone)
        self.priority: int = written["priority"]
        self.adds = written.get("mode", "replace") == "add"
        self.blocks = written.get("empty", "fallthrough") == "block"
        self.tenure: int = written.get("turns_per_slot", 1)
        self.by_active_days = written.get("advance", "calendar") == "active_days"
        self.unit: str = written["turn"]["unit"]
        self.every: int = written["turn"]["every"]
        self.anchor = datetime.fromisoformat(written["turn"]["anchor"])
        self.slots: list[Document] = [
            slot if isinstance(slot, Mapping) else {"who": slot} for slot in written["people"]
        ]
        self.windows = [NaiveWindow(each, self.zone, holidays) for each in written.get("windows", ())]
        self.absences = absences

    def boundaries(self, until: datetime) -> Iterator[datetime]:
        """R5, R6: the start of every turn that starts at or before that instant, in order."""
        for start in self.all_active_days(until) if self.by_active_days else self.all_turns():
            if start > until:
                return
            yield start

    def all_turns(self) -> Iterator[datetime]:
        count = 0
        while True:
            if self.unit == "elapsed_hours":
                yield instant_of(self.anchor, self.zone) + timedelta(hours=count)
            elif self.unit == "months":
                yield instant_of(months_later(self.anchor, count), self.zone)
            else:
                yield instant_of(self.anchor + timedelta(**{self.unit: count}), self.zone)
            count += self.every

    def all_active_days(self, until: datetime) -> Iterator[datetime]:
        """Turn 0 starts at the anchor, and every n-th active date after the first one starts another."""
        yield instant_of(self.anchor, self.zone)
        day, seen = self.anchor.date(), 0
        # Clocks that are turned back over midnight show the day before once more.
        while day <= on_the_wall(until, self.zone).date() + DAY:
            if any(window.starts_on(day) for window in self.windows):
                if seen > 0 and seen % self.every == 0:
                    yield instant_of(datetime.combine(day, self.anchor.time()), self.zone)
                seen += 1
            day += DAY

    def limits(self, slot: int) -> tuple[datetime | None, datetime | None]:
        """From when and until when the slot belongs to the ring."""
        start, end = self.slots[slot].get("from"), self.slots[slot].get("until")
        return (
            None if start is None else moment(start, self.zone),
            None if end is None else moment(end, self.zone),
        )

    def eligible(self, slot: int, instant: datetime) -> bool:
        start, end = self.limits(slot)
        return (start is None or start <= instant) and (end is None or instant < end)

    def present(self, slot: int, instant: datetime) -> list[str]:
        """R8: those of the slot who are not on leave."""
        absent = {who for who, (start, end) in self.absences if start <= instant < end}
        return [who for who in self.slots[slot]["who"] if who not in absent]

    def ring_after(self, slot: int | None) -> list[int]:
        """Every slot once, beginning after this one, which comes last."""
        first = 0 if slot is None else slot + 1
        return [(first + step) % len(self.slots) for step in range(len(self.slots))]

    def on_duty(self, instant: datetime) -> bool:
        """R10: within some window, or there are none."""
        today = on_the_wall(instant, self.zone).date()
        return not self.windows or any(
            start <= instant < end
            for window in self.windows
            for start, end in window.spans(today - LONGEST_WINDOW * DAY, today + 2 * DAY)
        )

    def answer(self, instant: datetime) -> list[str] | None:
        """Who this layer puts forward, possibly nobody; `None` is a block."""
        if not self.on_duty(instant):
            return []
        pointer: int | None = None
        holder: int | None = None
        started = False
        for turn, boundary in enumerate(self.boundaries(instant)):
            started = True
            if turn % self.tenure == 0:
                holder = next(
                    (each for each in self.ring_after(pointer) if self.eligible(each, boundary)), None
                )
                pointer = pointer if holder is None else holder
        if not started:
            return []
        if holder is not None and self.eligible(holder, instant):
            if not self.slots[holder]["who"]:
                return None if self.blocks else []
            if people := self.present(holder, instant):
                return people
        for each in self.ring_after(pointer):
            if self.eligible(each, instant) and (people := self.present(each, instant)):
                return people
        return []

    def change_points(self, start: datetime, end: datetime) -> Iterator[datetime]:
        yield from self.boundaries(end)
        first = on_the_wall(start, self.zone).date() - LONGEST_WINDOW * DAY
        last = on_the_wall(end, self.zone).date() + 2 * DAY
        for window in self.windows:
            for span in window.spans(first, last):
                yield from span
        for slot in range(len(self.slots)):
            yield from (limit for limit in self.limits(slot) if limit is not None)


class NaiveSchedule:
    """A schedule as its file says it, asked for one instant at a time."""

    def __init__(
        self,
        document: Document,
        *,
        holidays: Mapping[str, Iterable[Any]] | None = None,
        inactive: Iterable[str] = (),
        runtime: Iterable[Document] = (),
    ) -> None:
        zone: str = document["time_zone"]
        calendar = (holidays or {}).get(document.get("holidays", ""), ())
        days = {as_date(each) for each in calendar}
        absences = [(each["who"], span_of(each, zone)) for each in document.get("absences", ())]
        self.layers = [NaiveLayer(each, zone, days, absences) for each in document["layers"]]
        self.layers.sort(key=lambda layer: layer.priority, reverse=True)
        written = [*document.get("overrides", ()), *runtime]
        self.overrides = [(each, span_of(each, zone)) for each in written]
        self.absences = absences
        self.inactive = set(inactive)

    def who(self, instant: datetime) -> list[str]:
        """The people on call, in order."""
        answer = self._of_layers(instant)
        # Oldest first.
        active = [
            override
            for override, (start, end) in self.overrides
            if start <= instant < end and not self.inactive.intersection(put_on(override))
        ]
        covers = [override for override in active if "cover" in override]
        answer = list(covers[-1]["cover"]) if covers else mapped(answer, active)
        for override in active:
            answer += override.get("add", ())
        return list(dict.fromkeys(answer))

    def _of_layers(self, instant: datetime) -> list[str]:
        """R12: the highest layer that replaces and has an answer, then whoever is added, highest layer first."""
        base: list[str] = []
        for layer in self.layers:
            if not layer.adds:
                people = layer.answer(instant)
                if people is None:
                    break
                if people:
                    base = people
                    break
        for layer in self.layers:
            if layer.adds:
                base = base + (layer.answer(instant) or [])
        return base

    def change_points(self, start: datetime, end: datetime) -> list[datetime]:
        """Every instant from start to end at which the answer could change."""
        points: set[datetime] = set()
        for layer in self.layers:
            points.update(layer.change_points(start, end))
        for _, span in [*self.overrides, *self.absences]:
            points.update(span)
        return sorted(point for point in points if start <= point <= end)


def as_date(written: Any) -> date:
    """A holiday is a date, the text of one, or a mapping with one."""
    if isinstance(written, Mapping):
        return as_date(written["date"])
    return written if isinstance(written, date) else date.fromisoformat(written)


def span_of(written: Document, zone: str) -> Span:
    return moment(written["start"], zone), moment(written["end"], zone)


def put_on(override: Document) -> list[str]:
    """Whom the override puts on call."""
    if "replace" in override:
        return [override["by"]]
    return list(override.get("cover", override.get("add", ())))


def mapped(base: list[str], active: list[Document]) -> list[str]:
    """R13: each of the base once, by the newest override that replaces or removes them."""
    answer: list[str] = []
    for person in base:
        naming = [each for each in active if person in (each.get("replace"), each.get("remove"))]
        if not naming:
            answer.append(person)
        elif "replace" in naming[-1]:
            answer.append(naming[-1]["by"])
    return answer
