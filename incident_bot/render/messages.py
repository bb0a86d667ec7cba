"""Values to what a person or a channel is told: subject, text, address and the bare facts beside them.

Nothing is sent here. A page's text is plain; a channel's is Slack's mrkdwn, with everything foreign escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from incident_bot.core.effects import Moment, Page, PageKind
from incident_bot.core.enrich import Runbook
from incident_bot.core.model import (
    Episode,
    Incident,
    JsonObject,
    Labels,
    Paging,
    Person,
    Phase,
    Severity,
    Status,
    Tally,
)
from incident_bot.core.storm import told
from incident_bot.core.timeline import one_line, redact
from incident_bot.render.facts import FACTS
from incident_bot.render.templates import Templates

SUBJECT_MOST: Final = 80
ALERTS_MOST: Final = 20
LINE_MOST: Final = 300
STEP_SECTIONS: Final = ("Investigation", "Mitigation", "Verification", "Detection")
"""Where the first thing to do stands, the likeliest first."""

PAGES: Final[Mapping[PageKind, tuple[str, str]]] = {
    PageKind.ASK: ("page/ask.j2", "Still on it? "),
    PageKind.NOTE: ("page/taken.j2", "Taken: "),
}
"""The kinds of pages that do not ask to take an incident: their template, and what stands before the subject."""

TEMPLATES: Final[Mapping[Moment, str]] = {
    Moment.OPENED: "slack/initial.j2",
    Moment.UPDATE: "slack/update.j2",
    Moment.RESOLVED: "slack/resolution.j2",
    Moment.REOPENED: "slack/reopened.j2",
    Moment.FLAPPING: "slack/flapping.j2",
    Moment.MISSED: "slack/missed.j2",
    Moment.NOTIFY: "slack/notify.j2",
    Moment.POSTMORTEM: "slack/postmortem.j2",
    Moment.META: "slack/meta.j2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, rendered; `fell_back` says why it is the built-in text where it is."""

    subject: str
    """One line, at most 80 characters."""
    text: str
    url: str | None = None
    facts: JsonObject = field(default_factory=dict)
    html: str | None = None
    fell_back: str | None = None


def page_message(
    templates: Templates,
    incident: Incident,
    page: Page,
    *,
    person: Person,
    episodes: Sequence[Episode] = (),
    runbook: Runbook | None = None,
    runbook_url: str | None = None,
    public_url: str,
    html: bool = False,
    ack_url: str | None = None,
    into: Incident | None = None,
    storm: Sequence[Tally] = (),
    now: datetime,
) -> Message:
    """Say on one screen what is broken, since when, how to take it, what to do first, and why this person.

    With `html` the same again as a page, whose button leads to `ack_url`. `into` is what it was merged into: there is
    its page.
    """
    url = incident_url(public_url, into or incident)
    facts = {
        **_of_incident(incident, episodes, storm, url=url, now=now),
        **_of_runbook(runbook, runbook_url or _annotated(episodes), url),
        "person": person.name,
        "zone": person.time_zone,
        "why": redact(page.reason),
        "first_step": first_step(runbook),
        "loop": page.loop,
        "taken": taken(incident, into),
        "shared": _shared(incident),
        "into": into.name if into else None,
    }
    template, before = PAGES.get(page.kind, ("page/text.j2", ""))
    if into and before:
        before = "Merged: "
    subject = templates.render("page/subject.j2", facts)
    text = templates.render(template, facts)
    in_html = (
        templates.render("mail.html.j2", {**facts, "kind": page.kind.value, "ack_url": ack_url})
        if html
        else None
    )
    return Message(
        subject=one_line(f"{before}{subject.text}", SUBJECT_MOST),
        text=text.text.rstrip(),
        url=url,
        html=in_html.text if in_html else None,
        facts={
            **_bare(incident, url),
            "person": person.id,
            "step": page.step,
            "loop": page.loop,
            "kind": page.kind.value,
        },
        fell_back=subject.fell_back or text.fell_back or (in_html.fell_back if in_html else None),
    )


def _shared(incident: Incident) -> str | None:
    """Say who has their part of it already, so that nobody takes a page for a mistake (`acks: each`)."""
    taken = incident.progress.taken if incident.paging is Paging.TRIGGERED else ()
    return f"{', '.join(taken)} took it; your answer is wanted too" if taken else None


def taken(incident: Incident, into: Incident | None) -> str:
    """Say who has it, or has what it was merged into."""
    has = (into or incident).acknowledged_by
    if has:
        return f"{has} has it"
    return "nobody has it yet" if into and into.paging.is_open else "it is over"


def channel_message(
    templates: Templates,
    moment: Moment,
    incident: Incident | None,
    data: JsonObject,
    *,
    episodes: Sequence[Episode] = (),
    people: Mapping[str, Person] | None = None,
    severity: Severity | None = None,
    runbook: Runbook | None = None,
    runbook_url: str | None = None,
    public_url: str,
    storm: Sequence[Tally] = (),
    now: datetime,
) -> Message:
    """Say to a channel what happened; an alert without an incident and the bot itself have no incident."""
    url = incident_url(public_url, incident) if incident else public_url
    subject = _text(data, "title") or (incident.title if incident else "") or _text(data, "text") or "Alert"
    if incident:
        about = _of_incident(incident, episodes, storm, url=url, now=now)
    else:
        about = _of_alerts(episodes, data, url=url, now=now)
    names = {person.id: person.name for person in (people or {}).values()}
    facts: dict[str, object] = {
        **about,
        **_of_runbook(runbook, runbook_url or _annotated(episodes, data), url),
        "lead": names.get(str(about.get("lead")), about.get("lead")),
        "by": names.get(_text(data, "by"), _text(data, "by")),
        **_of_moment(data, incident, severity, now=now),
    }
    template = TEMPLATES[moment]
    rendered = templates.render(template, {name: facts[name] for name in FACTS[template]})
    name = f"{incident.name} " if incident else ""
    rank = f"{facts['severity']}: " if facts.get("severity") else ""
    return Message(
        subject=one_line(f"{name}{rank}{redact(subject)}", SUBJECT_MOST),
        text=rendered.text.rstrip(),
        url=url or None,
        facts={**(_bare(incident, url) if incident else {}), "moment": moment.value},
        fell_back=rendered.fell_back,
    )


def incident_url(public_url: str, incident: Incident) -> str:
    """Give the address of an incident's page."""
    return f"{public_url.rstrip('/')}/incidents/{quote(incident.name)}"


def first_step(runbook: Runbook | None) -> str | None:
    """Give the first thing that a runbook says to do, or None where it has no steps."""
    for name in STEP_SECTIONS if runbook else ():
        section = runbook.sections.get(name) if runbook else None
        if section and section.steps:
            return one_line(section.steps[0])
    return None


def _of_incident(
    incident: Incident, episodes: Sequence[Episode], storm: Sequence[Tally], *, url: str, now: datetime
) -> dict[str, object]:
    """Give the facts of an incident; of a storm all its alerts, counted by name and service."""
    firing = [episode for episode in episodes if episode.status is Status.FIRING]
    started = min((episode.starts_at for episode in episodes), default=incident.opened_at)
    services = sorted({episode.service for episode in episodes if episode.service} - {incident.service})
    return {
        "now": now,
        "name": incident.name,
        "title": redact(incident.title),
        "severity": incident.severity,
        "phase": incident.phase.value,
        "team": incident.team,
        "service": incident.service,
        "services": tuple(filter(None, (incident.service, *services)))[:ALERTS_MOST],
        "impact": redact(incident.impact) if incident.impact else None,
        "lead": incident.lead,
        "drill": incident.drill,
        "opened_at": incident.opened_at,
        "since": min(started, incident.opened_at),
        "url": url,
        "alerts": tuple(alert_line(episode) for episode in firing[:ALERTS_MOST]),
        "firing": sum(tally.firing for tally in storm) if storm else len(firing),
        "storm": tuple(one_line(redact(told(tally)), LINE_MOST) for tally in storm),
        "by": incident.opened_by,
    }


def _of_alerts(
    episodes: Sequence[Episode], data: JsonObject, *, url: str, now: datetime
) -> dict[str, object]:
    """Give the same facts for alerts that have no incident: from their episodes, else from the data alone."""
    first = min(episodes, key=lambda episode: (episode.starts_at, episode.id), default=None)
    labels = first.labels if first else _labels(data, "labels")
    annotations = first.annotations if first else _labels(data, "annotations")
    since = first.starts_at if first else _instant(data, "starts_at") or now
    service = (first.service if first else None) or _text(data, "service") or labels.get("service")
    lines = tuple(alert_line(episode) for episode in episodes[:ALERTS_MOST])
    over = _text(data, "status") == Status.RESOLVED.value
    return {
        "now": now,
        "name": "",
        "title": redact(_text(data, "title") or labels.get("alertname", "Alert")),
        "severity": _text(data, "severity") or (first.severity if first else None) or "Notice",
        "phase": Phase.RESOLVED.value if over else "",
        "team": _text(data, "team") or (first.team if first else None),
        "service": service,
        "services": tuple(filter(None, (service,))),
        "impact": None,
        "lead": None,
        "drill": False,
        "opened_at": since,
        "since": since,
        "url": url,
        "alerts": lines or ((_line(labels, annotations, service or ""),) if labels else ()),
        "firing": 0 if over else max(1, len(episodes)),
        "storm": (),
        "by": "",
    }


def alert_line(episode: Episode) -> str:
    """Give one alert in one line: its name, where, and what its rule says of it."""
    return _line(episode.labels, episode.annotations, episode.service or "")


def _line(labels: Labels, annotations: Labels, service: str) -> str:
    where = labels.get("instance") or labels.get("pod") or service
    said = next(
        (annotations[key] for key in ("summary", "description", "message") if annotations.get(key)), ""
    )
    line = f"{labels.get('alertname', 'Alert')}{f' on {where}' if where else ''}{f': {said}' if said else ''}"
    return one_line(redact(line), LINE_MOST)


def _of_runbook(runbook: Runbook | None, address: str | None, url: str) -> dict[str, object]:
    """Name the runbook and where to read it: the rule's own address, else the incident's page."""
    return {
        "runbook": runbook.title if runbook else None,
        "runbook_url": address or (f"{url}#runbook" if runbook and url else None),
    }


def _annotated(episodes: Sequence[Episode], data: JsonObject | None = None) -> str | None:
    """Give the first web address that an alert's rule names."""
    annotations = [*(episode.annotations for episode in episodes), _labels(data or {}, "annotations")]
    found = (noted.get("runbook_url", "").strip() for noted in annotations)
    return next((url for url in found if url.startswith(("https://", "http://")) and " " not in url), None)


def _of_moment(
    data: JsonObject, incident: Incident | None, severity: Severity | None, *, now: datetime
) -> dict[str, object]:
    """Give what only some moments have."""
    ended = incident.resolved_at if incident and incident.resolved_at else now
    paged = data.get("paged")
    return {
        "text": redact(_text(data, "text")),
        "next_steps": redact(_text(data, "next_steps")),
        **_of_promise(data, severity, now=now),
        "paged": tuple(str(person) for person in paged) if isinstance(paged, list | tuple) else (),
        "root_cause": redact(_text(data, "root_cause")),
        "resolution": redact(_text(data, "resolution") or _text(data, "reason")),
        "reason": redact(_text(data, "reason")),
        "quiet": data.get("quiet") is True,
        "how": _text(data, "how") or "resolved",
        "lasted": ended - incident.opened_at if incident else timedelta(0),
        "postmortem_within": severity.postmortem_within if severity else None,
        "forced": bool(data.get("forced") or data.get("firing")),
        "missing": _texts(data, "missing"),
        "done": _number(data, "done"),
        "total": _number(data, "total"),
        "due_at": _instant(data, "due_at"),
    }


def _of_promise(data: JsonObject, severity: Severity | None, *, now: datetime) -> dict[str, object]:
    """Give when the next update comes, and in how long; what is late has no such length any more."""
    at = _instant(data, "next_update_at")
    if "next_update_at" not in data and severity and severity.update_every:
        at = now + severity.update_every
    left = at - now if at else None
    return {
        "next_update": max(timedelta(minutes=1), left) if left and left > timedelta(0) else None,
        "next_update_at": at,
        "edited": data.get("edited") is True,
    }


def _bare(incident: Incident, url: str) -> JsonObject:
    return {
        "incident": incident.name,
        "title": redact(incident.title),
        "severity": incident.severity,
        "phase": incident.phase.value,
        "team": incident.team,
        "service": incident.service,
        "opened_at": incident.opened_at.isoformat(),
        "url": url,
    }


def _text(data: JsonObject, key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _texts(data: JsonObject, key: str) -> tuple[str, ...]:
    value = data.get(key)
    return tuple(str(part) for part in value) if isinstance(value, list | tuple) else ()


def _labels(data: JsonObject, key: str) -> Labels:
    value = data.get(key)
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}


def _number(data: JsonObject, key: str) -> int:
    value = data.get(key)
    return value if isinstance(value, int) else 0


def _instant(data: JsonObject, key: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(_text(data, key))
    except ValueError:
        return None
    return read if read.tzinfo else None
