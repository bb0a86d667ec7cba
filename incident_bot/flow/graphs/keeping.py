"""A graph as it is kept, and back: values as JSON, on their grid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from incident_bot.core.expressions import Threshold
from incident_bot.core.model.series import Series, SeriesRange
from incident_bot.core.timeline import redact
from incident_bot.flow.graphs.questions import Answer
from incident_bot.store.graphs import Graph, NewGraph


def written(answer: Answer) -> NewGraph:
    """Give a graph as it is kept."""
    drawn, found = answer.drawn, answer.range
    limit = drawn.threshold
    return NewGraph(
        kind=answer.question.kind,
        title=redact(answer.question.title),
        about={
            "expression": redact(drawn.expression),
            "source": answer.question.source.name,
            "compare": limit.compare if limit else None,
            "threshold": limit.value if limit else None,
            "start": found.start.isoformat(),
            "step": found.step.total_seconds(),
            "points": max((len(one.values) for one in found.series), default=0),
            "more": found.more,
        },
        series={
            "series": [{"labels": dict(one.labels), "values": list(one.values)} for one in found.series],
        },
    )


def range_of(graph: Graph) -> SeriesRange:
    """Give the series of a graph that was kept."""
    listed = graph.series.get("series")
    return SeriesRange(
        start=datetime.fromisoformat(str(graph.about["start"])),
        step=timedelta(seconds=_number(graph.about["step"]) or 1.0),
        series=tuple(map(_series, listed if isinstance(listed, list | tuple) else ())),
        more=int(_number(graph.about["more"]) or 0),
    )


def threshold_of(graph: Graph) -> Threshold | None:
    """Give the threshold of a graph that was kept."""
    value = _number(graph.about.get("threshold"))
    return None if value is None else Threshold(compare=str(graph.about["compare"]), value=value)


def _series(kept: object) -> Series:
    found = kept if isinstance(kept, Mapping) else {}
    labels = found.get("labels")
    values = found.get("values")
    return Series(
        labels={str(name): str(value) for name, value in labels.items()}
        if isinstance(labels, Mapping)
        else {},
        values=tuple(map(_number, values)) if isinstance(values, list | tuple) else (),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
