"""Medians and ninetieth percentiles, and of how many. There is no mean: one long night would be most of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

LEAST_FOR_P90: Final = 10
"""Of fewer, nine tenths would be the longest one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long something took, over `n` times that are known."""

    n: int
    median: timedelta
    p90: timedelta | None
    """None where there are fewer than ten."""


def spread(lengths: Iterable[timedelta | None]) -> Spread | None:
    """Give the spread of the lengths that are known; None where none is.

    The median of an even number is the middle of the two in the middle; nine tenths is the nearest rank above.
    """
    known = sorted(length for length in lengths if length is not None)
    count = len(known)
    if not count:
        return None
    middle = (known[(count - 1) // 2] + known[count // 2]) / 2
    rank = -(-count * 9 // 10)
    return Spread(n=count, median=middle, p90=known[rank - 1] if count >= LEAST_FOR_P90 else None)
