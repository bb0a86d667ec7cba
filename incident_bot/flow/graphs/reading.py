"""The graphs of an incident, read: in figures and words, as a picture, as a table."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Final

from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.expressions import Threshold
from incident_bot.core.impact import bad_time
from incident_bot.core.model import Event, Incident, Kind, incident_name
from incident_bot.core.postmortem import GraphFact
from incident_bot.core.timeline import entries
from incident_bot.flow.context import Context
from incident_bot.flow.graphs.asking import is_set_up
from incident_bot.flow.graphs.keeping import range_of, threshold_of
from incident_bot.flow.graphs.questions import SLI
from incident_bot.flow.graphs.views import GraphsView, GraphView, LineView
from incident_bot.flow.sight import visible
from incident_bot.render.graphs import Marked, Picture, described, graph_svg, legend
from incident_bot.render.pngs import NoPicture, png
from incident_bot.render.sparklines import number as short
from incident_bot.render.sparklines import sparkline
from incident_bot.store import graphs, incidents
from incident_bot.store.graphs import Capture, Graph
from incident_bot.store.transaction import Tx

FORMATS: Final = ("svg", "json", "csv")
_MARKS: Final = frozenset(
    {Kind.OPENED, Kind.DECLARED, Kind.PHASE_CHANGED, Kind.ACKNOWLEDGED, Kind.RESOLVED, Kind.REOPENED}
)
_MARKS_MOST: Final = 20
IN_TABLE: Final = 16
"""A line of a table has room for a shorter sparkline."""


def listed(context: Context, number: int) -> GraphsView:
    """Give an incident's graphs, the newest of each expression with its figures; raises NotFound."""
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        looks = {one.id: one for one in graphs.captures(tx, number)}
        found = graphs.listed(tx, number)
        newest = _newest(found)
        whole = {one.number: graphs.of(tx, number, one.number) or one for one in newest}
        marks = _marks(tx, incident) if newest else ()
    items = tuple(
        _view(whole.get(one.number, one), looks[one.capture_id], marks, newest=one.number in whole)
        for one in sorted(found, key=lambda one: -one.number)
    )
    last = next(reversed(looks.values()), None)
    return GraphsView(
        items=items,
        waiting=any(one.waiting for one in looks.values()),
        error=last.error if last else None,
        set_up=is_set_up(context.live.current),
    )


def file(context: Context, number: int, wanted: int, format: str) -> str:  # noqa: A002 -- as the interface names it
    """Give one graph as `svg`, `json` or `csv`; raises NotFound."""
    picture, graph = picture_of(context, number, wanted)
    if format == "svg":
        return graph_svg(picture)
    return as_json(graph) if format == "json" else as_csv(picture)


def as_png(context: Context, number: int, wanted: int) -> bytes:
    """Give one graph as a PNG; raises NotFound, and Refused where none can be drawn."""
    picture, _ = picture_of(context, number, wanted)
    try:
        return png(graph_svg(picture, printed=True))
    except NoPicture as problem:
        raise Refused(f"{problem}.") from problem


def picture_of(context: Context, number: int, wanted: int) -> tuple[Picture, Graph]:
    """Give one graph as it is drawn, and as it is kept; raises NotFound."""
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        graph = graphs.of(tx, number, wanted)
        if graph is None:
            message = f"{incident_name(number)} has no graph {wanted}."
            raise NotFound(message)
        return _picture(graph, _marks(tx, incident)), graph


def pictures(tx: Tx, incident: Incident) -> list[tuple[Graph, Picture]]:
    """Give every graph of an incident as it is drawn, by their numbers."""
    marks = _marks(tx, incident)
    found = (graphs.of(tx, incident.id, one.number) for one in graphs.listed(tx, incident.id))
    return [(graph, _picture(graph, marks)) for graph in found if graph is not None]


def newest(tx: Tx, incident_id: int) -> list[Graph]:
    """Give the last graph of each expression, with its series."""
    found = (graphs.of(tx, incident_id, one.number) for one in _newest(graphs.listed(tx, incident_id)))
    return [graph for graph in found if graph is not None]


def drawings(tx: Tx, incident: Incident, *, printed: bool = False) -> list[tuple[str, str]]:
    """Give the last graph of each expression as (words, SVG), for documents; `printed` as `graph_svg` has it."""
    marks = _marks(tx, incident)
    return [(line(one), graph_svg(_picture(one, marks), printed=printed)) for one in newest(tx, incident.id)]


def lines(context: Context, number: int) -> tuple[str, ...]:
    """Give the newest graphs as text, one line each: the series that says most; raises NotFound."""
    with context.store.read() as tx:
        visible(tx, context.seer, number)
        found = newest(tx, number)
    return tuple(map(line, found))


def facts(tx: Tx, number: int) -> list[GraphFact]:
    """Give what the newest graphs say, for the post-mortem."""
    found = []
    for graph in newest(tx, number):
        limit = threshold_of(graph)
        values = range_of(graph)
        # Without an objective less is worse: an SLI says how well the service does.
        bad, worst = bad_time(values, limit or Threshold(compare="<", value=-math.inf))
        found.append(
            GraphFact(
                number=graph.number,
                title=graph.title,
                text=line(graph),
                expression=str(graph.about["expression"]),
                sli=graph.kind == SLI,
                objective=f"{limit.compare} {short(limit.value)}" if limit else None,
                bad=bad,
                worst=None if worst is None else short(worst),
            )
        )
    return found


def line(graph: Graph) -> str:
    """Give a graph as one line of text: `HighErrorRate ▁▁▂▇ 0.01 to 0.4, > 0.05`."""
    drawn = range_of(graph).series
    limit = threshold_of(graph)
    low = limit is not None and limit.compare.startswith("<")
    known = [(one, [value for value in one.values if value is not None]) for one in drawn]
    known = [(one, values) for one, values in known if values]
    if not known:
        return f"{graph.title}: no data at {graph.taken_at:%H:%M} UTC"
    worst, values = (
        min(known, key=lambda one: min(one[1])) if low else max(known, key=lambda one: max(one[1]))
    )
    said = f"{short(min(values))} to {short(max(values))}"
    against = f", threshold {limit.compare} {short(limit.value)}" if limit else ""
    others = len(drawn) - 1 + range_of(graph).more
    more = f", the worst of {others + 1} series" if others else ""
    return f"{graph.title} {sparkline(worst.values)} {said}{against}{more}, until {graph.taken_at:%H:%M} UTC"


def as_json(graph: Graph) -> str:
    """Give the series with everything that is known of them."""
    found = range_of(graph)
    value = {
        "number": graph.number,
        "kind": graph.kind,
        "title": graph.title,
        "taken_at": graph.taken_at.isoformat(),
        **graph.about,
        "series": [{"labels": dict(one.labels), "values": list(one.values)} for one in found.series],
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def as_csv(picture: Picture) -> str:
    """Give the series as a table, one row a point; a gap is an empty cell."""
    found = picture.range
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    # A name that a spreadsheet would take for a formula is quoted as text.
    table.writerow(["time", *(f"'{name}" if name[:1] in "=+-@" else name for name in legend(found.series))])
    for place in range(max((len(one.values) for one in found.series), default=0)):
        at = found.at(place).strftime("%Y-%m-%dT%H:%M:%SZ")
        table.writerow([at, *("" if (value := one.values[place]) is None else value for one in found.series)])
    return out.getvalue()


def _newest(found: Sequence[Graph]) -> list[Graph]:
    last = {(one.kind, str(one.about.get("source")), str(one.about.get("expression"))): one for one in found}
    return sorted(last.values(), key=lambda one: one.number)


def _view(graph: Graph, look: Capture, marks: tuple[Marked, ...], *, newest: bool) -> GraphView:
    found = range_of(graph)
    limit = threshold_of(graph)
    points = graph.about.get("points")
    drawn = tuple(
        LineView(
            name=name,
            low=min(known, default=None),
            high=max(known, default=None),
            last=one.values[-1] if one.values else None,
            sparkline=sparkline(one.values, IN_TABLE),
        )
        for name, one in zip(legend(found.series), found.series, strict=True)
        for known in [[value for value in one.values if value is not None]]
    )
    return GraphView(
        number=graph.number,
        kind=graph.kind,
        title=graph.title,
        expression=str(graph.about["expression"]),
        source=str(graph.about["source"]),
        compare=limit.compare if limit else None,
        threshold=limit.value if limit else None,
        start=found.start,
        end=found.at(max(int(points) if isinstance(points, int) else 1, 1) - 1),
        step=found.step.total_seconds(),
        taken_at=graph.taken_at,
        moment=look.moment,
        what=look.what,
        newest=newest,
        lines=drawn,
        more=found.more,
        text=described(_picture(graph, marks)) if newest else "",
    )


def _picture(graph: Graph, marks: tuple[Marked, ...]) -> Picture:
    limit = threshold_of(graph)
    return Picture(
        title=graph.title,
        about=f"{graph.about['expression']} · taken {graph.taken_at:%Y-%m-%d %H:%M} UTC",
        range=range_of(graph),
        compare=limit.compare if limit else None,
        threshold=limit.value if limit else None,
        marks=marks,
    )


def _marks(tx: Tx, incident: Incident) -> tuple[Marked, ...]:
    found: list[Event] = incidents.of_kinds(tx, incident.id, _MARKS)
    marks = [
        Marked(at=entry.happened_at, word=_word(entry.kind, entry.data.get("phase")))
        for entry in entries(found)
    ]
    return tuple(mark for mark in marks if mark.word)[:_MARKS_MOST]


def _word(kind: Kind, phase: object) -> str:
    if kind is Kind.PHASE_CHANGED:
        return phase if isinstance(phase, str) else ""
    return kind.value.replace("_", " ")
