"""`status.yaml` as a value: what the status page is called, and what its components stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from incident_bot.core.model import ComponentState
from incident_bot.core.status.outlets import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One thing that the public knows by name."""

    key: str
    name: str
    description: str = ""
    group: str | None = None
    services: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    since: date | None = None
    """The first day of its history; days before it have no data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """The status page as it is set up."""

    name: str
    url: str
    """Where the public reads it; without a slash at the end."""
    components: tuple[Component, ...]
    severities: Mapping[str, ComponentState]
    """Which severities may be published, and the state they put a component in unless somebody says otherwise."""
    auto: bool = False
    """Whether what the lint passes goes out at once, and each update of a published incident with it."""
    allow: frozenset[str] = frozenset()
    """Words and names of machines that the public may read, in lower case."""
    drift_after: timedelta = field(default=timedelta(minutes=15))
    """For how long the page and the alerts may disagree."""
    mail: bool = False
    """Whether people may have it sent to their mail address."""
    webhooks: Reach = Reach.NOWHERE
    """Whether programs may have it posted to them, and where they may be."""

    def named(self, key: str) -> Component | None:
        """Give a component by its key or its name, however it is written."""
        wanted = key.casefold()
        found = (one for one in self.components if wanted in (one.key.casefold(), one.name.casefold()))
        return next(found, None)

    def standing_for(self, service: str | None, team: str) -> tuple[str, ...]:
        """Give the keys of the components that stand for a service; where none does, those of the team."""
        by_service = tuple(
            one.key for one in self.components if service is not None and service in one.services
        )
        return by_service or tuple(one.key for one in self.components if team in one.teams)

    def names(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Give the names of components in the order of the page; those that are gone are left out."""
        return tuple(one.name for one in self.components if one.key in keys)
