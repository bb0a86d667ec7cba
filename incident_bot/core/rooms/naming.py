"""The name of an incident's room: valid for Slack, readable, and never one that is taken."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from incident_bot.core.model import Incident

NAME_MOST: Final = 80
"""Slack's limit: https://docs.slack.dev/reference/methods/conversations.create."""
FIELDS: Final = ("number", "title", "severity", "service", "team", "date")
"""What a template may name in braces."""
_FIELD: Final = re.compile(r"\{(\w+)\}")


def room_name(template: str, incident: Incident, *, attempt: int = 1) -> str:
    """Give the name of a room: at most 80 letters, digits, hyphens and underscores, all in lower case.

    From the second attempt on, each is another name; the incident's number is always part of it.
    """
    facts = {
        "number": str(incident.id),
        "title": incident.title,
        "severity": incident.severity,
        "service": incident.service or "",
        "team": incident.team,
        "date": f"{incident.opened_at:%Y%m%d}",
    }
    filled = _FIELD.sub(lambda found: facts.get(found[1], ""), template)
    name = slug(filled)
    if not re.search(rf"(?<!\d){incident.id}(?!\d)", name):
        name = f"inc-{incident.id}-{name}".rstrip("-")
    ending = f"-{attempt}" if attempt > 1 else ""
    return name[: NAME_MOST - len(ending)].rstrip("-_") + ending


def slug(text: str) -> str:
    """Give a text as part of a name: `High error rate (EU)` becomes `high-error-rate-eu`.

    Letters of every script stay, accents and ligatures go; what is left of a text without any letter may be empty.
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(sign for sign in apart if not unicodedata.combining(sign))
    kept = "".join(sign if sign.isalnum() or sign == "_" else "-" for sign in plain.lower())
    return re.sub(r"-{2,}", "-", kept).strip("-_")
