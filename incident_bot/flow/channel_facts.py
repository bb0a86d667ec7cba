"""What single channels tell beyond a page's text: a PagerDuty event, the lines of a text message, blocks for Slack."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from incident_bot.core.effects import AlertKey, PageKind
from incident_bot.core.model import Episode, Incident, Json, JsonObject, Person, Status, Tally, paging_service
from incident_bot.core.timeline import one_line, redact
from incident_bot.flow.context import Context
from incident_bot.flow.further import links_of
from incident_bot.flow.slack.facts import SLACK
from incident_bot.flow.slack.pages import page_facts
from incident_bot.render.messages import alert_line
from incident_bot.store.outbox import OutboxRow

PAGERDUTY = "pagerduty"
DEFAULT_SERVICE = "default"
ALERTS_TOLD = 20
IMAGES = ("image_url", "image")
"""Annotations that may name a picture of the alert."""


def channel_facts(
    context: Context,
    row: OutboxRow,
    incident: Incident,
    episodes: list[Episode],
    person: Person,
    *,
    storm: Sequence[Tally] = (),
) -> JsonObject:
    """Give what the row's channel needs to know besides the facts of every page."""
    if row.via == SLACK:
        return page_facts(context, row, incident, episodes, storm=storm)
    if row.via == PAGERDUTY:
        return _event(context, row, incident, episodes, person)
    if row.via == "sms" and row.page_kind not in (PageKind.ASK, PageKind.NOTE):
        return _lines(row, incident, episodes, person)
    return {}


def alert_key(incident: Incident, *, epoch: int, person: str | None) -> AlertKey:
    """Give the key by which PagerDuty knows what pages this person or service in this epoch."""
    service = paging_service(person or "")
    name = service.contacts[PAGERDUTY] if service else DEFAULT_SERVICE
    return AlertKey(incident=incident.name, opened_at=incident.opened_at, epoch=epoch, service=name)


def _event(
    context: Context, row: OutboxRow, incident: Incident, episodes: list[Episode], person: Person
) -> JsonObject:
    firing = [episode for episode in episodes if episode.status is Status.FIRING] or episodes
    labels = firing[0].labels if firing else {}
    severity = context.live.current.revision.ladder.named(incident.severity)
    links: list[Json] = [
        {"href": link.url, "text": link.title} for link in links_of(context, incident, episodes)
    ]
    if incident.runbook:
        url = f"{context.settings.public_url}/incidents/{incident.name}#runbook"
        links.insert(1, {"href": url, "text": "Runbook here"})
    images: list[Json] = [
        {"src": episode.annotations[name], "alt": episode.labels.get("alertname", "Alert")}
        for episode in firing[:ALERTS_TOLD]
        for name in IMAGES
        if episode.annotations.get(name)
    ]
    return {
        "alert_key": str(alert_key(incident, epoch=row.epoch or 0, person=row.person)),
        "rank": severity.rank if severity else None,
        "source": redact(labels.get("instance") or incident.service or ""),
        "component": redact(incident.service or labels.get("job") or ""),
        "group": labels.get("cluster") or incident.team,
        "class": labels.get("alertname"),
        "links": links,
        "images": images,
        "details": {
            "incident": incident.name,
            "severity": incident.severity,
            "phase": incident.phase.value,
            "team": incident.team,
            "service": incident.service,
            "paged_for": person.name,
            "why": redact(row.reason),
            "firing": [alert_line(episode) for episode in firing[:ALERTS_TOLD]],
        },
    }


def _lines(row: OutboxRow, incident: Incident, episodes: list[Episode], person: Person) -> JsonObject:
    # The time of the page tells it apart from every other about the incident, and stays what it is (S2).
    at = row.due_at.astimezone(ZoneInfo(person.time_zone))
    drill = "DRILL " if incident.drill else ""
    title = one_line(redact(incident.title), 200)
    # The title mostly is what the first alert says: it need not be paid for twice.
    firing = [alert_line(one).replace(f": {title}", "") for one in episodes if one.status is Status.FIRING]
    return {
        "lines": [
            f"{drill}{incident.severity} {incident.name} {at:%H:%M}: {title}",
            "Reply 1 or ACK to take it, 2 or RESOLVE to close it",
        ],
        "more_lines": [
            *([f"Impact: {one_line(redact(incident.impact), 100)}"] if incident.impact else []),
            *([f"On {incident.service}"] if incident.service else []),
            *(
                [f"{one_line(firing[0], 110)}{f' +{len(firing) - 1}' if firing[1:] else ''}"]
                if firing
                else []
            ),
        ],
    }
