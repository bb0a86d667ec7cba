"""The audit on the console: filtered by its address, paged, and exported as CSV or JSON. Reads only."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import StreamingResponse

from incident_bot.core.errors import Refused
from incident_bot.entrypoints.api.parameters import Before, cut
from incident_bot.entrypoints.desk import AtDesk
from incident_bot.entrypoints.settings_page import show
from incident_bot.entrypoints.sheet import Visitor
from incident_bot.flow import audits
from incident_bot.flow.audits import Sought

router = APIRouter(include_in_schema=False)

SHOWN = 50
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
Word = Annotated[str, Query(max_length=100)]
Since = Annotated[str, Query(alias="from", max_length=10)]
Until = Annotated[str, Query(alias="to", max_length=10)]


@router.get("/settings/audit")
def audit_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    before: Before,
    actor: Word = "",
    action: Word = "",
    since: Since = "",
    until: Until = "",
) -> Response:
    """Show what people did to the bot itself, the newest first."""
    found = audits.entries(at.context, _sought(actor, action, since, until), before=before, limit=SHOWN + 1)
    entries, cursor = cut(found, SHOWN, lambda one: one.id)
    asked = {"actor": actor, "action": action, "from": since, "to": until}
    return show(
        request, at, caller, "settings_audit.html",
        entries=entries,
        cursor=cursor,
        asked=asked,
        query=urlencode({name: value for name, value in asked.items() if value}),
        actions=audits.actions(at.context),
    )  # fmt: skip


@router.get("/settings/audit.csv")
def audit_csv(
    at: AtDesk, _caller: Visitor, actor: Word = "", action: Word = "", since: Since = "", until: Until = ""
) -> Response:
    """Export what the filters leave as CSV."""
    return _export(at, _sought(actor, action, since, until), "csv")


@router.get("/settings/audit.json")
def audit_json(
    at: AtDesk, _caller: Visitor, actor: Word = "", action: Word = "", since: Since = "", until: Until = ""
) -> Response:
    """Export what the filters leave as JSON."""
    return _export(at, _sought(actor, action, since, until), "json")


def _export(at: AtDesk, sought: Sought, form: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="audit.{form}"'}
    return StreamingResponse(audits.export(at.context, sought, form), media_type=TYPES[form], headers=headers)


def _sought(actor: str, action: str, since: str, until: str) -> Sought:
    end = _day(until)
    return Sought(
        actor=actor.strip() or None,
        action=action.strip() or None,
        start=_day(since),
        # The last day is meant whole.
        end=end + timedelta(days=1) if end is not None else None,
    )


def _day(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        chosen = date.fromisoformat(text.strip())
    except ValueError as error:
        raise Refused(f"{text[:20]!r} is no date; write one such as 2026-01-31.") from error
    if not date(1971, 1, 1) <= chosen <= date(2998, 12, 1):
        raise Refused("That is no date that the audit knows.")
    return datetime.combine(chosen, time(), UTC)
