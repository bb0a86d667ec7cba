"""Which open incident may be the one that somebody is about to declare."""

from __future__ import annotations

import re
from collections.abc import Iterable

from incident_bot.core.model import Incident

SHORT = 4
"""Shorter words say nothing."""
ALIKE = 0.5
_WORD = re.compile(r"[^\W_]+")


def why_likely(incident: Incident, *, title: str, service: str | None) -> str | None:
    """Say why an open incident may be the same trouble; None where nothing speaks for it."""
    if service and incident.service == service:
        return f"also about {service}"
    mine, theirs = _words(title), _words(incident.title)
    both = mine & theirs
    if both and len(both) >= ALIKE * min(len(mine), len(theirs)):
        return f"also says “{'”, “'.join(sorted(both)[:3])}”"
    return None


def likely(incidents: Iterable[Incident], *, title: str, service: str | None) -> list[tuple[Incident, str]]:
    """Give those that may be the same trouble, each with the reason."""
    judged = ((one, why_likely(one, title=title, service=service)) for one in incidents)
    return [(one, why) for one, why in judged if why is not None]


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.casefold()) if len(word) >= SHORT and not word.isdecimal()}
