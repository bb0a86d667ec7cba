"""Shifts that repeat as iCalendar rules do, as rotations with windows: what Grafana OnCall's shifts mean.

A rule says how often a period starts, a length how much of it counts, a ring who takes which period. Three
shapes can be said exactly: the length fills the period; windows of at most a week; slots left empty between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import gcd
from typing import Final

from incident_bot.core.walltime import EVERY_DAY
from incident_bot.importers.layers import WEEK, Opening, Ring, together
from incident_bot.importers.turns import Rotation

SLOTS_MOST: Final = 400
"""A ring longer than this helps nobody."""
MONTH_LEAST: Final = timedelta(days=28)
OVERLAPS: Final = (
    "lasts into its own next shift, so two groups are on call at once, which cannot be expressed; it is left "
    "out. Write the people who overlap into one slot, [alice, bob]"
)
_HOUR: Final = timedelta(hours=1)
_A_DAY: Final = timedelta(days=1)
_A_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A rule: every so many periods, perhaps on some weekdays only, for a length from the start."""

    frequency: str
    """`hourly`, `daily`, `weekly` or `monthly`."""
    interval: int
    start: datetime
    """Local."""
    length: timedelta
    days: frozenset[int]
    """Empty: no mask."""
    week_start: int
    masked: bool
    """Whether months or days of the month are masked too, which nothing here can say."""

    @property
    def minute(self) -> int:
        """The minute of the day at which it starts."""
        return self.start.hour * 60 + self.start.minute


def rotation_of(
    rule: Recurrence, ring: Ring, *, name: str, zone_name: str, say: Callable[[str], None]
) -> Rotation | None:
    """Give the rotation that the rule and the ring mean, or None after saying why it cannot be expressed."""
    if rule.masked:
        say(
            "counts in certain months or days of the month, which cannot be expressed; it is left out, write it by hand"
        )
        return None
    if rule.length % timedelta(minutes=1) or rule.start.second:
        say(
            "does not start and end at whole minutes, which cannot be expressed; it is left out, write it by hand"
        )
        return None
    shapes = {"hourly": _hourly, "daily": _daily, "weekly": _weekly, "monthly": _monthly}
    found = shapes[rule.frequency](rule, ring, say)
    if found is None:
        return None
    unit, every, origin, slots, openings, active = found
    if len(slots) > SLOTS_MOST:
        say(f"would need {len(slots)} slots to be expressed; it is left out, write it by hand")
        return None
    return Rotation(
        name=name,
        zone=zone_name,
        unit=unit,
        every=every,
        origin=origin,
        ring=slots,
        openings=openings,
        active_days=active,
    )


_Shape = tuple[str, int, datetime, Ring, tuple[Opening, ...], bool]
_Said = Callable[[str], None]


def _hourly(rule: Recurrence, ring: Ring, say: _Said) -> _Shape | None:
    if rule.days:
        say(
            "repeats by hours on certain weekdays, which cannot be expressed; it is left out, write it by hand"
        )
        return None
    return _by_slots(rule, ring, rule.interval * _HOUR, say)


def _daily(rule: Recurrence, ring: Ring, say: _Said) -> _Shape | None:
    if rule.days and rule.days != EVERY_DAY:
        if rule.length > _A_DAY:
            say(OVERLAPS)
            return None
        if rule.interval > 1 and len(ring) == 1:
            say(
                "repeats every few days on certain weekdays only, which cannot be expressed for a single group; it "
                "is left out, write it by hand"
            )
            return None
        masked = (Opening(rule.days, rule.minute, _minutes(rule.length)),)
        return "days", rule.interval, _first_day(rule), ring, masked, len(ring) > 1
    if rule.length <= _A_DAY and rule.length < rule.interval * _A_DAY:
        openings = together([Opening(EVERY_DAY, rule.minute, _minutes(rule.length))])
        return "days", 1, rule.start, _spread(ring, 1, rule.interval), openings, False
    return _by_slots(rule, ring, rule.interval * _A_DAY, say)


def _weekly(rule: Recurrence, ring: Ring, say: _Said) -> _Shape | None:
    days = rule.days or frozenset({rule.start.weekday()})
    first = min(days, key=lambda day: (day - rule.week_start) % 7)
    offsets = sorted((day - first) % 7 for day in days)
    gaps = [after - before for before, after in pairwise(offsets)]
    if any(rule.length > gap * _A_DAY for gap in gaps):
        say(OVERLAPS)
        return None
    last = offsets[-1] * _A_DAY + rule.length
    if len(days) == 1 and rule.length > _A_WEEK:
        return _by_slots(rule, ring, rule.interval * _A_WEEK, say)
    if last > _A_WEEK and len(ring) * rule.interval > 1:
        say(OVERLAPS)
        return None
    # A start on a day that is masked out waits for the first day of the mask, and the counting with it.
    back = (rule.start.weekday() - first) % 7
    origin = rule.start - back * _A_DAY if rule.start.weekday() in days else rule.start + (7 - back) * _A_DAY
    openings = together([Opening(days, rule.minute, _minutes(rule.length))])
    if _minutes(rule.length) >= WEEK:
        openings = ()
    return "weeks", 1, origin, _spread(ring, 1, rule.interval), openings, False


def _monthly(rule: Recurrence, ring: Ring, say: _Said) -> _Shape | None:
    if rule.days or rule.length < MONTH_LEAST * rule.interval:
        say(
            "repeats by months and leaves parts of them free, which cannot be expressed; it is left out, write it "
            "by hand"
        )
        return None
    say(
        f"repeats by months and lasts {rule.length.days} days; it is written as whole months, from one start to the "
        "next, so the days around the end of a month may differ"
    )
    return "months", rule.interval, rule.start, ring, (), False


def _by_slots(rule: Recurrence, ring: Ring, period: timedelta, say: _Said) -> _Shape | None:
    """Say a period of which a part counts by slots that stay empty for the rest of it."""
    if rule.length > period:
        say(OVERLAPS)
        return None
    for unit, step in (("weeks", _A_WEEK), ("days", _A_DAY), ("hours", _HOUR)):
        if period % step == timedelta(0) and rule.length % step == timedelta(0):
            whole, part = period // step, rule.length // step
            common = gcd(whole, part)
            slots = _spread(ring, part // common, whole // common)
            return unit, common, rule.start, slots, (), False
    say(
        "lasts no whole number of hours within its period, which cannot be expressed; it is left out, write it by hand"
    )
    return None


def _spread(ring: Ring, part: int, whole: int) -> Ring:
    """Give each group so many slots of its period, and leave the others of the period empty."""
    if part == whole:
        return ring
    return tuple(slot for group in ring for slot in (*([group] * part), *([()] * (whole - part))))


def _first_day(rule: Recurrence) -> datetime:
    """Give the start on the first day of the mask, not before the rule's own start."""
    return min(
        (rule.start + step * _A_DAY for step in range(7)),
        key=lambda moment: (moment.weekday() not in rule.days, moment),
    )


def _minutes(length: timedelta) -> int:
    return min(length // timedelta(minutes=1), WEEK)
