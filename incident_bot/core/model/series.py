"""Values over time, as a Prometheus gives them: on a grid, with gaps where there is no number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a graph."""

    labels: Mapping[str, str]
    values: tuple[float | None, ...]
    """One for each step of the range; None where there is no finite number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRange:
    """The series of one expression over one window, all on the same grid."""

    start: datetime
    step: timedelta
    series: tuple[Series, ...]
    more: int = 0
    """How many other series there were."""

    def at(self, index: int) -> datetime:
        """Give the moment of a value."""
        return self.start + index * self.step


def agree(labels: Mapping[str, str], others: Mapping[str, str]) -> bool:
    """Tell whether no label that both have differs; what shares no label agrees."""
    return all(others.get(name, value) == value for name, value in labels.items())
