"""The list of alerts, by every filter in its address, paged by cursor. Decides nothing."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from incident_bot.core.model import Disposition, Status
from incident_bot.entrypoints.api import schemas
from incident_bot.entrypoints.api.parameters import Before, cut, number_of
from incident_bot.entrypoints.desk import AtDesk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.entrypoints.spans import Span
from incident_bot.flow import lists
from incident_bot.flow.lists import WantedAlerts

router = APIRouter(include_in_schema=False)

SHOWN: Final = 50


@router.get("/alerts")
def alerts_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    before: Before,
    span: Span,
    alert: schemas.Word = "",
    status: str = "",
    way: str = "",
    source: schemas.Word = "",
    incident: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """List alerts, each time that they fired, the newest first."""
    ways = [one.value for one in Disposition]
    wanted = WantedAlerts(
        alert=alert or None,
        status=Status(status) if status in tuple(Status) else None,
        disposition=Disposition(way) if way in ways else None,
        team=span.team or None,
        service=span.service or None,
        severity=span.severity or None,
        source=source or None,
        incident=number_of(incident) if incident else None,
        start=span.start,
        end=span.end,
    )
    views = lists.alerts(at.seen_by(caller), wanted, before=before, limit=SHOWN + 1)
    shown, cursor = cut(views, SHOWN, lambda view: view.id)
    query = span.query(alert=alert, status=status, way=way, source=source, incident=incident)
    return draw(
        request, at, caller, "alerts.html",
        alerts=shown, apart=lists.told_apart(shown),
        cursor=cursor, query=query, alert=alert, said=status, way=way, ways=ways, span=span,
        statuses=[one.value for one in Status], source=source, incident=incident,
    )  # fmt: skip
