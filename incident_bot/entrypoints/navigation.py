"""The one level of navigation. The pages that this application has not are left out by themselves.

Decides nothing else: a page is in the list when its address has a route, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI
from starlette.routing import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One entry of the navigation."""

    path: str
    label: str
    key: str
    """What follows `g` on the keyboard."""
    beneath: tuple[str, ...] = ()
    """Where else one is, seen from here; its own path always counts."""

    def holds(self, here: str) -> bool:
        """Say whether a page belongs to this entry."""
        if self.path == "/":
            return here == "/"
        return any(here == one or here.startswith(f"{one}/") for one in (self.path, *self.beneath))


PLACES: Final[tuple[Place, ...]] = (
    Place(path="/", label="Now", key="n"),
    Place(
        path="/incidents", label="Incidents", key="i", beneath=("/alerts", "/runbooks", "/people", "/declare")
    ),
    Place(path="/oncall", label="On call", key="o", beneath=("/calendars",)),
    Place(path="/routing", label="Routing", key="r", beneath=("/simulate",)),
    Place(path="/postmortems", label="Post-mortems", key="p", beneath=("/follow-ups",)),
    Place(path="/insights", label="Insights", key="m"),
    Place(path="/status", label="Status", key="s"),
    Place(path="/settings", label="Settings", key="c", beneath=("/me",)),
)
"""Every page of the first level, in the order in which it is shown."""


def present(app: FastAPI) -> tuple[Place, ...]:
    """Give the entries whose address this application answers."""
    return tuple(place for place in PLACES if _answers(app, place.path))


def shown(places: Sequence[Place], *, status_page: bool) -> list[Place]:
    """Give the entries that lead somewhere today: the status page only where one is set up."""
    return [place for place in places if status_page or place.path != "/status"]


def _answers(app: FastAPI, path: str) -> bool:
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in app.router.routes)
