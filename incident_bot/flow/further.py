"""Where to read on about an incident: dashboards, runbooks, graphs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from incident_bot.core.model import Episode, Incident, Phase
from incident_bot.flow.context import Context
from incident_bot.flow.views import LinkView

LABEL_PLACE: Final = re.compile(r"\{\{\s*labels\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def links_of(context: Context, incident: Incident, episodes: list[Episode]) -> tuple[LinkView, ...]:
    """Give where to read on: the incident, dashboards, runbooks, graphs; each address once."""
    links = [LinkView(title="Incident", url=f"{context.settings.public_url}/incidents/{incident.name}")]
    service = context.live.current.revision.services.get(incident.service or "")
    # What people declared has no alert, and is about a service all the same.
    labels: Mapping[str, str] = {
        "service": incident.service or "",
        **(episodes[0].labels if episodes else {}),
    }
    for dashboard in service.dashboards if service else ():
        url = _with_labels(dashboard, labels)
        if url.startswith(("https://", "http://")):
            links.append(LinkView(title=f"Dashboard of {incident.service}", url=url))
    seen: set[str] = set()
    for episode in episodes[:20]:
        addresses = (
            ("Runbook", episode.annotations.get("runbook_url", "")),
            ("Graph", episode.generator_url),
        )
        for text, url in addresses:
            if url.startswith(("https://", "http://")) and url not in seen:
                seen.add(url)
                links.append(LinkView(title=text, url=url))
    if incident.phase in (Phase.RESOLVED, Phase.CLOSED):
        links.append(
            LinkView(
                title="Post-mortem", url=f"{context.settings.public_url}/incidents/{incident.name}/postmortem"
            )
        )
    return tuple(links[:12])


def _with_labels(address: str, labels: Mapping[str, str]) -> str:
    """Put label values, percent-encoded, where `{{ labels.NAME }}` stands in an address."""
    return LABEL_PLACE.sub(lambda found: quote(labels.get(found[1], ""), safe=""), address)
