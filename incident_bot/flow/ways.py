"""Stage 3, remembered: how alerts are enriched and routed under one revision of the configuration.

The alerts of a storm differ in labels that the configuration never looks at, so few of them need a decision of their
own. Decides nothing itself: `core.routing` and `core.enrich` do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from incident_bot.config.revision import Revision
from incident_bot.core.enrich import find_runbook
from incident_bot.core.model import Episode, JsonObject
from incident_bot.core.routing import ALL_LABELS, Routed, incident_key, route

REMEMBERED_MOST: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is decided on an alert by its labels alone."""

    routed: Routed
    runbook: str | None
    why: JsonObject
    key: str | None
    """The incident key; None where it is made of every label."""

    def key_of(self, episode: Episode) -> str:
        """Give the key of the incident that the alert belongs to."""
        return self.key or incident_key(episode.source, self.routed, episode.labels)


class Ways:
    """Decides once for all alerts that are the same to one revision; safe to share between threads."""

    def __init__(self, revision: Revision) -> None:
        """Take the revision, and note which labels it looks at."""
        self._revision = revision
        self._names = tuple(sorted(_names(revision)))
        self._known: dict[tuple[str | None, ...], Way] = {}

    def of(self, episode: Episode) -> Way:
        """Say which way an alert takes."""
        labels = episode.labels
        seen = (episode.source, episode.annotations.get("runbook_url"), *map(labels.get, self._names))
        known = self._known.get(seen)
        if known is None:
            if len(self._known) >= REMEMBERED_MOST:
                self._known.clear()
            known = self._known[seen] = self._decided(episode)
        return known

    def _decided(self, episode: Episode) -> Way:
        revision, labels = self._revision, episode.labels
        routed = route(labels, revision.routing, revision.ladder, revision.teams)
        found = find_runbook(labels, episode.annotations, revision.runbooks)
        return Way(
            routed=routed,
            runbook=found.runbook.path if found.runbook else None,
            why=_why(routed, found.reason, found.url, revision.id),
            key=None if ALL_LABELS in routed.group_by else incident_key(episode.source, routed, labels),
        )


def _names(revision: Revision) -> set[str]:
    routing = revision.routing
    names = {"alertname", routing.label_names.severity, routing.label_names.service, routing.label_names.team}
    names.update(routing.default.group_by)
    names.update(matcher.name for entry in routing.storm_exempt for matcher in entry)
    for candidate in routing.routes:
        names.update(matcher.name for entry in candidate.storm_exempt for matcher in entry)
        names.update(matcher.name for matcher in candidate.match)
        names.update(candidate.group_by or ())
    for runbook in revision.runbooks:
        names.update(matcher.name for matcher in runbook.match)
    return names


def _why(routed: Routed, runbook_reason: str, runbook_url: str | None, revision: str) -> JsonObject:
    return {
        "route": routed.place,
        "action": routed.action.value,
        "group_by": list(routed.group_by),
        "tried": [
            {"place": tried.place, "matcher": tried.matcher, "matched": tried.matched, "value": tried.value}
            for tried in routed.tried
        ],
        "runbook": runbook_reason,
        "runbook_url": runbook_url,
        "from": dict(routed.origins),
        "revision": revision,
    }
