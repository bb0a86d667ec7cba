"""Every file of the status page, for the doors or for a folder that any web server can show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from incident_bot.core.status import STATE_WORDS, Board
from incident_bot.render.status import Links, atom, badge, home_page, incident_page, style_of, summary
from incident_bot.render.templates import Templates

HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json"
ATOM: Final = "application/atom+xml; charset=utf-8"
SVG: Final = "image/svg+xml"

DOORS: Final = Links(
    home="/status", atom="/status.atom", json="/status.json", incident="/status/incidents/{id}"
)
"""The addresses at our own doors."""
_FOLDER_HOME: Final = Links(
    home="index.html", atom="status.atom", json="status.json", incident="incidents/{id}.html"
)
_FOLDER_INCIDENT: Final = Links(
    home="../index.html", atom="../status.atom", json="../status.json", incident="{id}.html"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file, ready to be sent."""

    body: bytes
    media_type: str
    etag: str
    policy: str | None = None
    """What a browser may do with it, beyond nothing at all."""


def public_links(url: str, *, folder: bool) -> Links:
    """Give the addresses that everybody can use: below the folder's own, or those of our doors at `…/status`."""
    if folder:
        return Links(
            home=url,
            atom=f"{url}/status.atom",
            json=f"{url}/status.json",
            incident=f"{url}/incidents/{{id}}.html",
        )
    # On a host of its own it is our own paths that a proxy passes on; `https://status.example.com.atom` is nobody.
    door = url if "/" in url.partition("://")[2] else f"{url}{DOORS.home}"
    return Links(home=url, atom=f"{door}.atom", json=f"{door}.json", incident=f"{door}/incidents/{{id}}")


def door_files(
    templates: Templates, shown: Board, public: Links, *, subscribe: str | None = None
) -> dict[str, File]:
    """Give every file by the path under which the doors serve it; `subscribe` is where people ask for news."""
    doors = replace(DOORS, subscribe=subscribe)
    return {
        "/status": _html(templates, home_page(templates, shown, doors).text),
        **{
            f"/status/incidents/{one.id}": _html(templates, incident_page(templates, shown, one, doors).text)
            for one in (*shown.open, *shown.past)
        },
        **_machines(shown, public),
    }


def folder_files(
    templates: Templates, shown: Board, public: Links, *, subscribe: str | None = None
) -> dict[str, bytes]:
    """Give every file by its path below the folder; their links work wherever the folder is shown."""
    incident, home = (
        replace(_FOLDER_INCIDENT, subscribe=subscribe),
        replace(_FOLDER_HOME, subscribe=subscribe),
    )
    pages = {
        f"incidents/{one.id}.html": incident_page(templates, shown, one, incident).text.encode()
        for one in (*shown.open, *shown.past)
    }
    return {
        **pages,
        **{_in_folder(path): one.body for path, one in _machines(shown, public).items()},
        # The last one written: whatever it leads to is there already.
        "index.html": home_page(templates, shown, home).text.encode(),
    }


def _in_folder(path: str) -> str:
    return path.removeprefix("/").removeprefix("status/")


def _machines(shown: Board, public: Links) -> Mapping[str, File]:
    name = shown.page.name
    return {
        "/status.json": _file(json.dumps(summary(shown, incident=public.incident), ensure_ascii=False), JSON),
        "/status.atom": _file(
            atom(shown, home=public.home, feed=public.atom, incident=public.incident), ATOM
        ),
        "/status/badge.svg": _file(badge(name, shown.state, shown.description.casefold()), SVG),
        **{
            f"/status/components/{one.component.key}.svg": _file(
                badge(one.component.name, one.state, STATE_WORDS[one.state].casefold()), SVG
            )
            for one in shown.components
        },
    }


def _html(templates: Templates, text: str) -> File:
    _, policy = style_of(templates)
    return _file(text, HTML, f"{policy}; frame-ancestors 'none'")


def _file(text: str, media_type: str, policy: str | None = None) -> File:
    body = text.encode()
    return File(
        body=body, media_type=media_type, etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"', policy=policy
    )
