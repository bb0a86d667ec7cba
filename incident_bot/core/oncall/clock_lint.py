"""Where a change of the clock meets a turn or a window: times that are missing or come twice (R4, R16). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from incident_bot.core.oncall.ring import Ring
from incident_bot.core.oncall.schedule import Layer, Rotation
from incident_bot.core.oncall.turns import Unit
from incident_bot.core.walltime import Window, covers, end_to_instant, to_instant

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_HOUR: Final = timedelta(hours=1)


class Change(NamedTuple):
    """One change of a zone's clock."""

    at: datetime
    """The instant of it, in UTC."""
    before: timedelta
    after: timedelta
    """The offsets from UTC on both sides."""

    @property
    def twice(self) -> bool:
        """Say whether local times come twice; otherwise they are missing."""
        return self.after < self.before

    @property
    def local(self) -> tuple[datetime, datetime]:
        """Give the local times that are missing or come twice, half-open."""
        naive = self.at.replace(tzinfo=None)
        first, second = sorted((naive + self.before, naive + self.after))
        return first, second


class Edge(NamedTuple):
    """Where something begins or ends at a local time that is missing or comes twice."""

    at: datetime
    """The instant that R4 chooses."""
    clock: time
    """The local time as it is written."""
    twice: bool
    window: int | None = None


def changes(zone: ZoneInfo, start: datetime, end: datetime) -> tuple[Change, ...]:
    """Give the changes of the clock in `[start, end]`, in order; two within a day count as one."""
    found: list[Change] = []
    day = start
    while day < end:
        following = min(day + _DAY, end)
        before, after = _offset(day, zone), _offset(following, zone)
        if before != after:
            low, high = day, following
            while high - low > _SECOND:
                middle = low + (high - low) // 2
                low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
            found.append(Change(high.replace(microsecond=0), before, after))
        day = following
    return tuple(found)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def turn_edges(layer: Layer, changed: Sequence[Change]) -> Iterator[Edge]:
    """Give the hand-offs at a local time that is missing or comes twice; `elapsed_hours` has none (R5)."""
    turning = _turning(layer)
    if turning is None or not _hands_over(turning[0]):
        return
    rotation, ring = turning
    told: set[datetime] = set()
    for change in changed:
        first, second = change.local
        for begin, _ in _turns(ring, change.at - _DAY, change.at + _DAY):
            local = begin.astimezone(layer.zone).replace(tzinfo=None)
            if begin in told:
                continue
            if change.twice and first <= local < second:
                told.add(begin)
                yield Edge(begin, local.time(), twice=True)
            elif not change.twice and begin == change.at and (wanted := _missing(rotation, local, first)):
                told.add(begin)
                yield Edge(begin, wanted.time(), twice=False)


def uneven_turns(layer: Layer, changed: Sequence[Change]) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Give the turns in which the clock changes, with how much longer each is for it (R5).

    Where somebody hands over to themselves nothing is longer; with windows only what the layer says counts.
    """
    turning = _turning(layer)
    if turning is None:
        return
    rotation, ring = turning
    told: set[datetime] = set()
    for change in changed:
        speaks = covers(layer.windows, layer.holidays, layer.zone, change.at - _SECOND)
        if not (speaks if layer.windows else _hands_over(rotation)):
            continue
        for begin, finish in _turns(ring, change.at, change.at):
            by = _offset(begin, layer.zone) - _offset(finish, layer.zone)
            if by and begin < change.at < finish and begin not in told:
                told.add(begin)
                yield begin, finish, by


def _turning(layer: Layer) -> tuple[Rotation, Ring] | None:
    """Give a rotation that follows the clock, and how it is counted; None for anything else."""
    rotation = layer.says
    if not isinstance(rotation, Rotation) or rotation.turn.unit is Unit.ELAPSED_HOURS:
        return None
    return rotation, layer.ring


def _hands_over(rotation: Rotation) -> bool:
    return len({frozenset(slot.people) for slot in rotation.slots}) > 1


def _turns(ring: Ring, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Give the turns that touch the span, each with its end."""
    number = max(ring.beat.at(start), 0)
    begin = ring.beat.boundary(number)
    while begin <= end:
        number += 1
        finish = ring.beat.boundary(number)
        yield begin, finish
        begin = finish


def _missing(rotation: Rotation, local: datetime, first: datetime) -> datetime | None:
    """Give the local time within the missing ones, from `first` to `local`, at which a turn was to begin."""
    turn = rotation.turn
    step = turn.every * _HOUR if turn.unit is Unit.HOURS else _DAY
    wanted = local - ((local - turn.anchor) % step or step)
    return wanted if wanted >= first else None


def window_edges(layer: Layer, changed: Sequence[Change]) -> Iterator[Edge]:
    """Give where windows open or close at a local time that is missing or comes twice."""
    for change in changed:
        for number, window in enumerate(layer.windows):
            for local, closes in _near(layer, window, change):
                instant = end_to_instant(local, layer.zone) if closes else to_instant(local, layer.zone)
                yield Edge(instant, local.time(), change.twice, number)


def doubled(
    layer: Layer, others: Sequence[Layer], changed: Sequence[Change]
) -> Iterator[tuple[Edge, datetime, str]]:
    """Give where a window closes at a time that comes twice and another layer's opens at the first of them.

    Gives also until when both speak, and the other layer's name.
    """
    for change in changed:
        if not change.twice:
            continue
        opening = {
            to_instant(local, other.zone): other.name
            for other in others
            for window in other.windows
            for local, closes in _near(other, window, change)
            if not closes
        }
        for number, window in enumerate(layer.windows):
            for local, closes in _near(layer, window, change):
                first = to_instant(local, layer.zone)
                if closes and first in opening:
                    edge = Edge(first, local.time(), twice=True, window=number)
                    yield edge, end_to_instant(local, layer.zone), opening[first]


def _near(layer: Layer, window: Window, change: Change) -> Iterator[tuple[datetime, bool]]:
    """Give the local times of a window's edges that the change makes missing or doubles, and whether it closes."""
    first, second = change.local
    for clock, closes in ((window.opens, False), (window.closes, True)):
        # An edge of one local time a day: of the two dates that a change can touch, at most one has it.
        for day in sorted({(first - clock).date(), (second - clock).date()}):
            local = datetime.combine(day, time()) + clock
            if first <= local < second and window.starts_on(day, layer.holidays):
                yield local, closes
