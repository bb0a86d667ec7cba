"""The page Insights, its charts and tables; every number leads to the list behind it. Decides nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.documents import document
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.entrypoints.spans import Days, Filters, Span
from incident_bot.flow import insights as flow
from incident_bot.flow.access import Caller
from incident_bot.flow.insights import Asked
from incident_bot.render.charts import Day, hours_chart
from incident_bot.render.weeks_chart import WeekBar, weeks_chart

router = APIRouter(include_in_schema=False)

SVG: Final = "image/svg+xml"
CSV: Final = "text/csv; charset=utf-8"
SPANS: Final = (7, 28, 91, 365)
"""Days that the page offers."""


@router.get("/insights")
def insights_page(request: Request, at: AtDesk, caller: Visitor, span: Span, days: Days = None) -> Response:
    """Show times, weeks, load, noise and coverage of a span."""
    wanted = _asked(at, caller, span, days)
    view = flow.insights(at.seen_by(caller), wanted, now=at.now())
    # What is linked has the span spelled out, so that a list is that of the number whenever it is opened.
    fixed = Filters(view.start, view.end, span.team, span.service, span.severity)
    revision = at.context.live.current.revision
    return draw(
        request, at, caller, "insights.html",
        view=view, filters=fixed, spans=SPANS, days=wanted.days,
        teams=sorted(revision.teams), services=sorted(revision.services),
        tables=tuple(flow.TABLES),
    )  # fmt: skip


@router.get("/insights.csv")
def insights_csv(
    at: AtDesk, caller: Visitor, span: Span, table: schemas.Word = "noise", days: Days = None
) -> Response:
    """Give one table as CSV."""
    if table not in flow.TABLES:
        raise HTTPException(404, f"There is no table {table[:40]!r}; there are {', '.join(flow.TABLES)}.")
    view = flow.insights(at.seen_by(caller), _asked(at, caller, span, days), now=at.now())
    name = f'attachment; filename="insights-{table}.csv"'
    return Response(flow.as_csv(view, table), media_type=CSV, headers={"content-disposition": name})


@router.get("/insights/weeks.svg")
def weeks_svg(at: AtDesk, caller: Visitor, span: Span, days: Days = None) -> Response:
    """Draw incidents by week."""
    view = flow.charted(at.seen_by(caller), _asked(at, caller, span, days))
    worst = at.context.live.current.revision.ladder.rungs[0].name
    bars = [
        WeekBar(name=one.week, incidents=one.incidents, grave=one.severities.get(worst, 0))
        for one in view.weeks
    ]
    return document(weeks_chart("Incidents by week", worst, bars), SVG)


@router.get("/insights/hours.svg")
def hours_svg(at: AtDesk, caller: Visitor, span: Span, days: Days = None) -> Response:
    """Draw pages by the local hour of whoever was paged."""
    view = flow.charted(at.seen_by(caller), _asked(at, caller, span, days))
    return document(hours_chart("Pages by local hour", [Day(name="Everybody", hours=view.hours)]), SVG)


def _asked(at: Desk, caller: Caller, span: Filters, days: int | None) -> Asked:
    now = at.now()
    person = at.context.live.current.revision.people.get(caller.actor)
    start = span.start
    if start is None and days is not None:
        start = (span.end or now) - timedelta(days=days)
    return flow.asked(
        start=start, end=span.end, team=span.team, service=span.service, severity=span.severity,
        zone=ZoneInfo(person.time_zone if person else "UTC"), now=now,
    )  # fmt: skip
