"""Several incidents to one message for one person, the worst first (S7). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.effects import PageKind
from incident_bot.core.model import Episode, Incident, JsonObject, Person, Status
from incident_bot.core.timeline import one_line, redact
from incident_bot.render.messages import SUBJECT_MOST, Message, incident_url, taken
from incident_bot.render.templates import Templates

LISTED_MOST: Final = 10
MAILED_MOST: Final = 100
"""A mail has room for more."""
TITLE_MOST: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One incident as the list has it."""

    name: str
    title: str
    severity: str
    service: str | None
    since: datetime
    runbooks: int
    taken: str
    """Who has it, or that it is over."""
    drill: bool
    url: str


def told_of(incident: Incident, episodes: Sequence[Episode], *, public_url: str) -> Told:
    """Give an incident as a list has it."""
    firing = [episode for episode in episodes if episode.status is Status.FIRING]
    named = {one.annotations.get("runbook_url", "").strip() for one in firing}
    named = {url for url in named if url.startswith(("http://", "https://"))}
    return Told(
        name=incident.name,
        title=one_line(redact(incident.title), TITLE_MOST),
        severity=incident.severity,
        service=incident.service,
        since=min((episode.starts_at for episode in episodes), default=incident.opened_at),
        runbooks=len(named | ({incident.runbook} if incident.runbook else set())),
        taken=taken(incident, None),
        drill=incident.drill,
        url=incident_url(public_url, incident),
    )


def folded_message(
    templates: Templates,
    listed: Sequence[Told],
    count: int,
    kind: PageKind,
    *,
    person: Person,
    public_url: str,
    html: bool = False,
    ack_url: str | None = None,
    now: datetime,
) -> Message:
    """Say which incidents there are, the worst first and ten of them at most (a hundred in a mail), and how many more.

    With `html` the same again as a page, whose button leads to `ack_url`.
    """
    shown = tuple(listed[: MAILED_MOST if html else LISTED_MOST])
    url = f"{public_url.rstrip('/')}/incidents"
    facts: dict[str, object] = {
        "now": now,
        "count": count,
        "incidents": shown,
        "more": count - len(shown),
        "person": person.name,
        "zone": person.time_zone,
        "kind": kind.value,
        "url": url,
    }
    subject = templates.render("page/many_subject.j2", facts)
    text = templates.render("page/many.j2", facts)
    page = templates.render("many.html.j2", {**facts, "ack_url": ack_url}) if html else None
    before = "Taken: " if kind is PageKind.NOTE else ""
    return Message(
        subject=one_line(f"{before}{subject.text}", SUBJECT_MOST),
        text=text.text.rstrip(),
        url=url,
        html=page.text if page else None,
        facts=_bare(shown[0], person, kind, count),
        fell_back=subject.fell_back or text.fell_back or (page.fell_back if page else None),
    )


def _bare(worst: Told, person: Person, kind: PageKind, count: int) -> JsonObject:
    return {
        "count": count,
        "incident": worst.name,
        "title": worst.title,
        "severity": worst.severity,
        "person": person.id,
        "kind": kind.value,
    }
