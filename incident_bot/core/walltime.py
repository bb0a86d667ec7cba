"""Wall clocks and instants: what a local time, a window and a zone written in the configuration mean in UTC.

Decides rules R3, R4, R10 and R11, every interval being half-open (R2); never reads a clock. It stands below
`oncall` and `muting`, which both speak of windows. Two rules hold for everything here:

1. What comes in as local time is naive, what goes out as an instant is aware UTC.
2. Later local times never give earlier instants, so that turns and windows never run backwards (R5).

Everything is meant for the years 1970 to 2999; the parsers refuse others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

Span: TypeAlias = tuple[datetime, datetime]
"""A half-open interval `[start, end)` of instants (R2)."""

EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(3000, 1, 1, tzinfo=UTC)
"""No schedule speaks outside `[EARLIEST, LATEST)`: which leaves room for every offset at both ends."""

HORIZON: Final = timedelta(days=400)
"""How far anybody looks ahead for what may never come: a year, and holidays that move about."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY: Final = frozenset(range(7))

INSTANTS_KEPT: Final = 16_384
_DAY: Final = timedelta(days=1)
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?"
)
_FIXED: Final = re.compile(
    r"(?:utc|gmt|z)?\s*[+-]\s*[0-9].*|(?:etc/)?gmt[+-]?[0-9]+|est|mst|hst", re.IGNORECASE
)
_ZONE: Final = re.compile(r"(?!posix/|right/|posixrules|localtime|Factory)[A-Za-z][A-Za-z0-9_+/-]*")
_KEYS: Final = ("days", "from", "to", "start", "end", "except_holidays", "only_holidays")


def zone(name: str) -> ZoneInfo:
    """Give the IANA zone of this name; ValueError for a fixed offset or an unknown name (R3)."""
    if _FIXED.fullmatch(name.strip()):
        raise ValueError(f"time zone {name!r} is a fixed offset; name a place, such as Europe/Berlin, or UTC")
    if _ZONE.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (
            KeyError,
            ValueError,
            OSError,
        ):  # Which of them depends on whether the name is a folder of the data.
            pass
    nearest = _nearest_zone(name)
    hint = f"did you mean {nearest}?" if nearest else "name a place, such as Europe/Berlin, or UTC"
    raise ValueError(f"unknown time zone {name!r}; {hint}")


def _nearest_zone(name: str) -> str | None:
    wanted = name.strip().casefold().replace(" ", "_")
    whole = {known.casefold(): known for known in sorted(available_timezones()) if _ZONE.fullmatch(known)}
    places = {lowered.rpartition("/")[2]: known for lowered, known in whole.items() if "/" in lowered}
    for names in (whole, places):
        if wanted in names:
            return names[wanted]
    for names in (whole, places):
        if close := get_close_matches(wanted, names, n=1, cutoff=0.75):
            return names[close[0]]
    return None


def to_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Give the instant of a local time: the transition for a missing one, the first of two (R4)."""
    return _instant(local, zone, fold=0)


def end_to_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Give the instant at which a window ends: as `to_instant`, but the second of two (R4)."""
    return _instant(local, zone, fold=1)


# The same hand-offs and windows are asked for again and again: by paging, by pages, by every look ahead.
@lru_cache(maxsize=INSTANTS_KEPT)
def _instant(local: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    # A zone tells the offset of its own local times without being part of them, in half the time.
    first = zone.utcoffset(local.replace(fold=0) if local.fold else local) or timedelta(0)
    second = zone.utcoffset(local.replace(fold=1)) or timedelta(0)
    if first < second:
        return _transition(
            local, zone, (local - second).replace(tzinfo=UTC), (local - first).replace(tzinfo=UTC)
        )
    return (local - (second if fold else first)).replace(tzinfo=UTC)


def _transition(local: datetime, zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    # Zones change at whole seconds, so halving whole seconds finds the change exactly.
    low = int(before.timestamp())
    high = int(after.timestamp()) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).replace(tzinfo=None) < local:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def parse_local(text: str) -> datetime:
    """Read a local date-time such as `2026-01-05T09:00`; ValueError where it has an offset or is none."""
    moment = _parse_moment(text)
    if moment.tzinfo is not None:
        raise ValueError(f"{text!r} has an offset; write the local time alone, {moment:%Y-%m-%dT%H:%M}")
    return moment


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """Read an instant: with `Z` or an offset as it stands, without one local to the zone (R4)."""
    moment = _parse_moment(text)
    return to_instant(moment, zone) if moment.tzinfo is None else moment.astimezone(UTC)


def _parse_moment(text: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{text!r} is not a date with a time; write it as 2026-01-05T09:00")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no date of the calendar: {error}") from None
    if not EARLIEST.year <= moment.year < LATEST.year:
        raise ValueError(f"{text!r} is out of range; write a year from {EARLIEST.year} to {LATEST.year - 1}")
    return moment


def parse_clock(text: str, *, end: bool = False) -> timedelta:
    """Read a time of day, `09:00`, as the time since midnight; `24:00` is one only at an end (R10)."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a time of day; write hours and minutes, such as 09:00")
    hours, minutes = int(found[1]), int(found[2])
    clock = timedelta(hours=hours, minutes=minutes)
    if minutes >= 60 or clock > _DAY:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(
            f"{text!r} is not a time of day; write 00:00 to 23:59, or 24:00 at the end of a window"
        )
    if len(found[1]) == 1:
        raise ValueError(f"{text!r} is not a time of day; write 0{found[0]}")
    if clock == _DAY and not end:
        raise ValueError("24:00 can only end a window; write 00:00 of the next day")
    return clock


def parse_days(text: str) -> frozenset[int]:
    """Read `mon-fri`, `sat,sun` or the wrapping `fri-mon` as weekdays, Monday being 0 (R10)."""
    days: set[int] = set()
    for item in text.split(","):
        first, dash, last = item.partition("-")
        start = _weekday(first)
        stop = _weekday(last) if dash else start
        days.update((start + step) % 7 for step in range((stop - start) % 7 + 1))
    return frozenset(days)


def _weekday(word: str) -> int:
    lowered = word.strip().casefold()
    if lowered not in WEEKDAYS:
        message = (
            f"unknown day {word.strip()!r}; write {', '.join(WEEKDAYS)}, a range such as mon-fri, "
            "or several with commas between them"
        )
        raise ValueError(message)
    return WEEKDAYS.index(lowered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of local time that comes back: it belongs to the dates on which it starts (R10, R11)."""

    days: frozenset[int] = EVERY_DAY
    """The weekdays on which it starts, Monday being 0."""
    opens: timedelta
    """From the midnight of the starting date; below one day."""
    closes: timedelta
    """From the same midnight; later than `opens`, beyond one day where the window runs into other days."""
    except_holidays: bool = False
    only_holidays: bool = False

    def __post_init__(self) -> None:
        """Refuse what could never open."""
        if not timedelta(0) <= self.opens < _DAY or not self.opens < self.closes:
            raise ValueError("a window opens within its starting date and closes later; use Window.parse")
        if self.except_holidays and self.only_holidays:
            raise ValueError("except_holidays and only_holidays together never open; write one of them")

    @property
    def needs_holidays(self) -> bool:
        """Say whether the window asks for a calendar of holidays (R11)."""
        return self.except_holidays or self.only_holidays

    def starts_on(self, day: date, holidays: frozenset[date]) -> bool:
        """Say whether the window starts on this local date, by the calendar alone (R10, R11)."""
        if day.weekday() not in self.days:
            return False
        return not self.needs_holidays or (day in holidays) is self.only_holidays

    @classmethod
    def daily(
        cls,
        start: str,
        end: str,
        days: str = "mon-sun",
        *,
        except_holidays: bool = False,
        only_holidays: bool = False,
    ) -> Window:
        """Read `{days, from, to}`: a `to` before `from` is on the next day, equal ones are refused (R10)."""
        opens, closes = parse_clock(start), parse_clock(end, end=True)
        if opens == closes:
            raise ValueError(
                f'from and to are both {start}; for the whole day write from: "00:00", to: "24:00"'
            )
        return cls(
            days=parse_days(days),
            opens=opens,
            closes=closes if closes > opens else closes + _DAY,
            except_holidays=except_holidays,
            only_holidays=only_holidays,
        )

    @classmethod
    def weekly(
        cls, start: str, end: str, *, except_holidays: bool = False, only_holidays: bool = False
    ) -> Window:
        """Read `{start, end}`, as `fri 18:00`; an earlier end on the same weekday is a week later (R10)."""
        first, opens = _weekday_and_clock(start, end=False)
        last, closes = _weekday_and_clock(end, end=True)
        if (first, opens) == (last, closes):
            raise ValueError(f"start and end are both {start!r}; for the whole week leave the windows out")
        closes += (last - first) % 7 * _DAY
        return cls(
            days=frozenset({first}),
            opens=opens,
            closes=closes if closes > opens else closes + 7 * _DAY,
            except_holidays=except_holidays,
            only_holidays=only_holidays,
        )

    @classmethod
    def parse(cls, entry: Mapping[str, object]) -> Window:
        """Read one window as a file has it, in either form; ValueError says what to write (R10, R17)."""
        if unknown := [key for key in entry if key not in _KEYS]:
            raise ValueError(f"unknown key {unknown[0]!r} in a window; it may have {', '.join(_KEYS)}")
        holidays = {key: _flag(entry, key) for key in ("except_holidays", "only_holidays")}
        if "start" in entry or "end" in entry:
            if mixed := [key for key in ("days", "from", "to") if key in entry]:
                raise ValueError(f"a window has start and end, or days, from and to; take out {mixed[0]}")
            return cls.weekly(
                _text(entry, "start", "fri 18:00"), _text(entry, "end", "mon 09:00"), **holidays
            )
        start, end = _text(entry, "from", "09:00"), _text(entry, "to", "17:00")
        return cls.daily(
            start, end, _text(entry, "days", "mon-fri") if "days" in entry else "mon-sun", **holidays
        )


def _weekday_and_clock(text: str, *, end: bool) -> tuple[int, timedelta]:
    day, space, clock = text.strip().partition(" ")
    if not space:
        raise ValueError(f"{text!r} is not a weekday and a time; write them as fri 18:00")
    return _weekday(day), parse_clock(clock, end=end)


def _text(entry: Mapping[str, object], key: str, example: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        fault = "is not text" if key in entry else "is missing"
        raise ValueError(f'{key} {fault} in a window; write {key}: "{example}"')  # noqa: TRY004 - one kind of refusal for whoever reads the file
    return value


def _flag(entry: Mapping[str, object], key: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f"{key} is {value!r} in a window; write {key}: true, or leave it out")  # noqa: TRY004 - as above
    return value


def covers(windows: Iterable[Window], holidays: frozenset[date], zone: ZoneInfo, instant: datetime) -> bool:
    """Say whether any of the windows is open at the instant; without windows none is (R10, R11)."""
    return bool(window_spans(windows, holidays, zone, instant, instant + timedelta.resolution))


def window_spans(
    windows: Iterable[Window], holidays: frozenset[date], zone: ZoneInfo, start: datetime, end: datetime
) -> tuple[Span, ...]:
    """Give the union of the windows within `[start, end)`, in order, no two of them touching (R10, R11)."""
    windows = tuple(windows)
    last = end.astimezone(zone).date() + _DAY
    merged: list[Span] = []
    for opened, closed in sorted(_dated(windows, holidays, zone, _first_date(windows, zone, start), last)):
        begin, finish = max(opened, start), min(closed, end)
        if begin >= finish:
            continue
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(finish, merged[-1][1]))
        else:
            merged.append((begin, finish))
    return tuple(merged)


def next_opening(
    windows: Iterable[Window], holidays: frozenset[date], zone: ZoneInfo, instant: datetime
) -> datetime | None:
    """Give the first instant from this one on at which a window is open; None where 400 days have none."""
    windows = tuple(windows)
    last = (instant + HORIZON).astimezone(zone).date()
    # A window opens on its starting date and later dates open later, so the first date that has any decides.
    for day in range(_first_date(windows, zone, instant).toordinal(), last.toordinal() + 1):
        date_ = date.fromordinal(day)
        ahead = [
            opened for opened, closed in _dated(windows, holidays, zone, date_, date_) if closed > instant
        ]
        if ahead:
            opening = max(min(ahead), instant)
            return opening if opening <= instant + HORIZON else None
    return None


def _first_date(windows: tuple[Window, ...], zone: ZoneInfo, instant: datetime) -> date:
    reach = max((window.closes.days for window in windows), default=0)
    return instant.astimezone(zone).date() - timedelta(days=reach + 1)


def _dated(
    windows: tuple[Window, ...], holidays: frozenset[date], zone: ZoneInfo, first: date, last: date
) -> Iterator[Span]:
    """Give the spans of the windows that start on these local dates, those that the clock skips left out."""
    # Callers ask for one date more at both ends: a clock set back over midnight shows the old date again.
    for number in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(number)
        midnight = datetime.combine(day, time.min)
        for window in windows:
            if window.starts_on(day, holidays):
                opened = to_instant(midnight + window.opens, zone)
                closed = end_to_instant(midnight + window.closes, zone)
                if opened < closed:
                    yield opened, closed
