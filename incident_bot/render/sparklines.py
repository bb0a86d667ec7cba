"""A series as one line of text, for places without pictures: `▁▁▂▅▇▇▃▁  0.01 … 0.42`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

BARS: Final = "▁▂▃▄▅▆▇█"
GAP: Final = "·"
WIDTH: Final = 32
_UNITS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k"))
_THOUSAND: Final = 1000.0
_SMALL: Final = 1e-4


def sparkline(values: Sequence[float | None], width: int = WIDTH) -> str:
    """Draw values with eight heights, at most `width` characters.

    Of several values in one the highest counts; a gap is a dot.
    """
    known = [value for value in values if value is not None]
    if not known:
        return GAP * min(len(values), width)
    low, high = min(known), max(known)
    span = high - low
    drawn = []
    for cell in _cells(values, width):
        if cell is None:
            drawn.append(GAP)
        else:
            place = (cell - low) / span if 0 < span < float("inf") else 0.0
            drawn.append(BARS[min(int(place * len(BARS)), len(BARS) - 1)])
    return "".join(drawn)


def number(value: float) -> str:
    """Write a value shortly and plainly: `0.042`, `512`, `12.5k`, `1.2e-07`."""
    if value == 0:
        return "0"
    if abs(value) < _SMALL or abs(value) >= 1e15:  # noqa: PLR2004 -- beyond what has a letter
        return f"{value:.2g}"
    for size, unit in _UNITS:
        if abs(value) >= size:
            return f"{_plain(value / (_THOUSAND if unit == 'k' else size))}{unit}"
    return _plain(value)


def _plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 -- three figures are enough


def _cells(values: Sequence[float | None], width: int) -> list[float | None]:
    count = min(len(values), width)
    cells: list[float | None] = []
    for index in range(count):
        part = values[index * len(values) // count : (index + 1) * len(values) // count]
        known = [value for value in part if value is not None]
        cells.append(max(known) if known else None)
    return cells
