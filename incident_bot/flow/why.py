"""The chain of custody: for one incident, what was delivered, how it was routed, who was paged, and why nobody was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from incident_bot.core.model import Json, JsonObject, rfc3339
from incident_bot.core.postmortem import clock
from incident_bot.flow import queries
from incident_bot.flow.context import Context
from incident_bot.flow.views import AlertView, EntryView, PageView

ALERTS_SHOWN = 20


def explain(context: Context, number: int, *, now: datetime) -> JsonObject:
    """Give the whole chain as data, with `text` for people; raises NotFound."""
    incident = queries.incident(context, number)
    pages = queries.pages(context, number)
    entries = queries.timeline(context, number)
    lines = [f"{incident.id} [{incident.severity}] {incident.title}, opened {clock(incident.opened_at)}"]
    for alert in incident.alerts[:ALERTS_SHOWN]:
        lines.extend(_alert_lines(alert))
    if len(incident.alerts) > ALERTS_SHOWN:
        lines.append(f"… and {len(incident.alerts) - ALERTS_SHOWN} more alerts")
    if not incident.alerts:
        lines.append(f"Declared by {incident.opened_by}; no alert belongs to it.")
    lines.extend(_page_line(page) for page in pages)
    if incident.taken_by:
        lines.append(f"{', '.join(incident.taken_by)} took it; waiting for {', '.join(incident.awaited)}")
    lines.extend(_silence(pages, entries))
    return {
        "incident": incident.id,
        "at": rfc3339(now),
        "alerts": [_alert(alert) for alert in incident.alerts],
        "pages": [_page(page) for page in pages],
        "not_paged": list(_silence(pages, entries)),
        "text": "\n".join(lines),
    }


def _alert_lines(alert: AlertView) -> list[str]:
    why: Mapping[str, Json] = alert.why or {}
    lines = [f"alert {alert.id} {alert.title}: from {alert.source}, heard {clock(alert.opened_at)}"]
    tried = why.get("tried")
    if isinstance(tried, Sequence) and not isinstance(tried, str):
        for one in tried:
            if isinstance(one, Mapping):
                mark = "matches" if one.get("matched") else "does not match"
                lines.append(f"  {one.get('place')}: {one.get('matcher')} {mark} {one.get('value')!r}")
    lines.append(
        f"  route: {why.get('route')} → {why.get('action')}, team {alert.team}, severity {alert.severity}"
    )
    lines.append(f"  runbook: {alert.runbook or 'none'} ({why.get('runbook')})")
    return lines


def _page_line(page: PageView) -> str:
    step = f"step {page.step}" if isinstance(page.step, int) else page.step
    sent = f", sent {clock(page.sent_at)}" if page.sent_at else ""
    return f"page to {page.name} by {page.channel} ({step}): {page.state}{sent} – {page.reason}"


def _silence(pages: Sequence[PageView], entries: Sequence[EntryView]) -> list[str]:
    """Say why somebody, or everybody, was not paged."""
    telling = (
        "nobody", "paused", "exhausted", "page_failed", "pages_cancelled", "acknowledged", "part_acknowledged",
        "part_given_back", "steps_edited", "snoozed",
    )  # fmt: skip
    reasons = [f"{clock(entry.happened_at)} {entry.text}" for entry in entries if entry.kind in telling]
    if not pages:
        reasons.insert(0, "Nobody was paged for this incident.")
    return reasons


def _alert(alert: AlertView) -> JsonObject:
    return {
        "id": alert.id,
        "title": alert.title,
        "source": alert.source,
        "fingerprint": alert.fingerprint,
        "labels": dict(alert.labels),
        "severity": alert.severity,
        "team": alert.team,
        "service": alert.service,
        "disposition": alert.disposition,
        "runbook": alert.runbook,
        "heard_at": rfc3339(alert.opened_at),
        "routing": alert.why,
    }


def _page(page: PageView) -> JsonObject:
    return {
        "person": page.person,
        "channel": page.channel,
        "step": page.step,
        "state": page.state,
        "reason": page.reason,
        "due_at": rfc3339(page.due_at),
        "sent_at": rfc3339(page.sent_at) if page.sent_at else None,
        "attempts": len(page.attempts),
    }
