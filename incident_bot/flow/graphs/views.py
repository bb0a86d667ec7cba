"""What readers get of an incident's graphs: plain values with the field names of the HTTP interface."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line of a graph in figures."""

    name: str
    low: float | None
    """None where there is no data."""
    high: float | None
    last: float | None
    sparkline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphView:
    """One graph."""

    number: int
    kind: str
    """`alert` or `sli`."""
    title: str
    expression: str
    source: str
    """The source whose Prometheus was asked."""
    compare: str | None
    threshold: float | None
    start: datetime
    end: datetime
    step: float
    """In seconds."""
    taken_at: datetime
    moment: str
    """`opened`, `phase`, `resolved` or `asked`."""
    what: str
    newest: bool
    """Whether no later one shows the same expression."""
    lines: tuple[LineView, ...] = ()
    """Of the newest ones alone."""
    more: int = 0
    text: str = ""
    """What the picture shows, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphsView:
    """All graphs of an incident, and why there are no others."""

    items: tuple[GraphView, ...]
    waiting: bool
    """Whether some are being taken."""
    error: str | None
    """What went wrong with the last look, for people."""
    set_up: bool
    """Whether a Prometheus is named at all."""
