"""Reminders to what a person is told: what is owed, since when, and what to type. Nothing is sent here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import Incident, Json, JsonObject, Person
from incident_bot.core.timeline import one_line, redact
from incident_bot.render.messages import SUBJECT_MOST, Message, incident_url
from incident_bot.render.templates import Templates

_PROMISES: Final = frozenset({"due", "missed"})
_SUBJECTS: Final = {
    "due": "Update due soon",
    "missed": "Update missed",
    "lead": "Nobody leads",
    "update": "No update yet",
    "task": "Task due",
    "followup": "Follow-up due",
    "silence": "Silence ends soon",
    "postmortem": "Post-mortem due",
}


def reminder_message(
    templates: Templates,
    incident: Incident,
    data: JsonObject,
    *,
    person: Person,
    public_url: str,
    now: datetime,
) -> Message:
    """Say to one person, on their own clock, what an incident owes and how to settle it."""
    about = str(data.get("about"))
    due = _instant(data.get("due"))
    told, what = data.get("told"), data.get("what")
    url = incident_url(public_url, incident)
    facts: dict[str, object] = {
        "now": now,
        "name": incident.name,
        "title": redact(incident.title),
        "severity": incident.severity,
        "phase": incident.phase.value,
        "person": person.name,
        "person_id": person.id,
        "zone": person.time_zone,
        "url": url,
        "about": about,
        "due": due,
    }
    if about in _PROMISES:
        template = "page/promise.j2"
        facts |= {
            "distance": abs((due or now) - now) or timedelta(0),
            "by": redact(str(data.get("by") or "")),
            "promised_at": _instant(data.get("promised_at")),
            "told": tuple(str(one) for one in told) if isinstance(told, list | tuple) else (),
        }
    elif about == "silence":
        template = "page/silence.j2"
        facts |= {
            "distance": abs((due or now) - now) or timedelta(0),
            "what": tuple(str(one) for one in what) if isinstance(what, list | tuple) else (),
        }
    else:
        template = "page/nag.j2"
        facts |= {
            "since": incident.acknowledged_at or incident.opened_at,
            "opened_at": incident.opened_at,
            "number": data.get("number"),
            "text": redact(str(data.get("text") or "")),
            "late": data.get("late") is True,
        }
    written = templates.render(template, facts)
    return Message(
        subject=one_line(
            f"{_SUBJECTS.get(about, 'Reminder')}: {incident.name} {redact(incident.title)}", SUBJECT_MOST
        ),
        text=written.text.rstrip(),
        url=url,
        facts={"incident": incident.name, "about": about},
        fell_back=written.fell_back,
    )


def _instant(value: Json) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
