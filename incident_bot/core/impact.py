"""Which window of a series tells an incident, and when in it the trouble began, walked back from the alert.

An alert fires after it has been true for a while: the trouble is older than its start. Reads no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.expressions import Threshold
from incident_bot.core.model.series import SeriesRange

BEFORE_LEAST: Final = timedelta(hours=1)
BEFORE_SHARE: Final = 4
"""A quarter of the length of the incident is looked at before it, an hour at least."""
STEP_LEAST: Final = timedelta(seconds=15)
POINTS: Final = 240
"""About as many as a picture can show."""
TOLERATED: Final = 2
"""So many points in a row may be missing, or say otherwise, within one trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is asked for."""

    start: datetime
    end: datetime
    step: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """When the trouble began, as far as the series tells."""

    at: datetime
    clipped: bool
    """Whether it was so at the beginning of the window already: it may have begun earlier."""


def window_of(start: datetime, end: datetime) -> Window:
    """Give the window from well before the trouble to its end, with a step for a few hundred points."""
    length = max(end - start, timedelta(0))
    begin = start - max(BEFORE_LEAST, length / BEFORE_SHARE)
    end = max(end, start)
    return Window(start=begin, end=end, step=max(STEP_LEAST, (end - begin) / POINTS))


def walked_back(found: SeriesRange, bad: Threshold, *, alert: datetime) -> Began | None:
    """Walk back from the start of an alert for as long as the condition is met, over short gaps.

    Of several series the one that met it first counts. None where none met it around the start of the alert.
    """
    began = [
        first
        for series in found.series
        if (first := _first(series.values, bad, from_=_place(found, alert))) is not None
    ]
    if not began:
        return None
    first = min(began)
    return Began(at=found.at(first), clipped=first == 0)


def bad_time(found: SeriesRange, bad: Threshold) -> tuple[timedelta, float | None]:
    """Give for how long a condition was met by any series, and the worst value there was."""
    values = [value for series in found.series for value in series.values if value is not None]
    count = max((len(series.values) for series in found.series), default=0)
    met = sum(
        any(
            (value := series.values[place]) is not None and bad.holds(value)
            for series in found.series
            if place < len(series.values)
        )
        for place in range(count)
    )
    worst = (min if bad.compare.startswith("<") else max)(values, default=None)
    return met * found.step, worst


def _place(found: SeriesRange, at: datetime) -> int:
    """Give the last point that is not after a moment, and one more: the alert may be younger than its point."""
    return (at - found.start) // found.step + 1


def _first(values: Sequence[float | None], bad: Threshold, *, from_: int) -> int | None:
    first: int | None = None
    misses = 0
    for place in range(min(from_, len(values) - 1), -1, -1):
        value = values[place]
        if value is not None and bad.holds(value):
            first, misses = place, 0
            continue
        misses += 1
        if misses > TOLERATED:
            break
    return first
