"""Stage 8: what the graphs say: how long the service was under its objective, and each series as a line of text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from incident_bot.core.postmortem.draft import Block, Row
from incident_bot.core.postmortem.words import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFact:
    """The newest graph of one expression."""

    number: int
    title: str
    text: str
    """The series as one line, with a sparkline and figures."""
    expression: str
    sli: bool = False
    objective: str | None = None
    """What the SLI was to be, in words: `< 0.99`."""
    bad: timedelta = timedelta(0)
    """For how long it was under its objective."""
    worst: str | None = None

    @property
    def source(self) -> str:
        """Name the record."""
        return f"[graph {self.number}]"


def sli_loss(graphs: tuple[GraphFact, ...]) -> tuple[Row, ...]:
    """Section 2: how long each SLI was under its objective, and how bad it was."""
    return tuple(
        Row(
            cells=(
                f"{graph.title} {graph.objective}" if graph.objective else graph.title,
                f"{duration(graph.bad)}, worst {graph.worst}" if graph.objective else f"worst {graph.worst}",
            ),
            source=graph.source,
        )
        for graph in graphs
        if graph.sli and graph.worst is not None
    )


def drawn(graphs: tuple[GraphFact, ...]) -> Block:
    """Section 18: the course of each expression."""
    rows = tuple(Row(cells=(graph.text, graph.expression), source=graph.source) for graph in graphs)
    nothing = "No graphs were taken."
    return Block(name="graphs", columns=("Course", "Expression"), rows=rows, nothing=nothing)
