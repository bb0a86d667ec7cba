"""The status page for programs: JSON in the summary format of Statuspage, and Atom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from incident_bot.core.model import ComponentState, Json, JsonObject
from incident_bot.core.status import (
    INDICATORS,
    Board,
    ComponentStatus,
    PublicIncident,
    PublicMaintenance,
    PublicUpdate,
    StatusPage,
    of_work,
)
from incident_bot.render.status.words import PHASE_WORDS, day_and_time, instant, plain

ENTRIES_MOST: Final = 25
_ATOM: Final = "http://www.w3.org/2005/Atom"
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def summary(board: Board, *, incident: str) -> JsonObject:
    """Give what Statuspage's `summary.json` gives: incidents that are open, maintenance that runs or is to come.

    `incident` is the address of an incident, with `{id}` in it.
    """
    page, named = board.page, page_id(board.page)
    shown = _components(board)
    return {
        "page": {
            "id": named,
            "name": plain(page.name),
            "url": page.url,
            "time_zone": "Etc/UTC",
            "updated_at": instant(board.updated_at or _BEGINNING),
        },
        "status": {"indicator": board.indicator.value, "description": board.description},
        "components": list(shown.values()),
        "incidents": [_incident(one, shown, named, incident) for one in board.open],
        "scheduled_maintenances": [_maintenance(board, one, shown, named) for one in board.maintenance],
    }


def page_id(page: StatusPage) -> str:
    """Give what programs know the page by."""
    return hashlib.sha256(page.url.encode()).hexdigest()[:12]


def incident_of(board: Board, incident: PublicIncident, address: str) -> JsonObject:
    """Give one incident as it stands in the summary; `address` has `{id}` in it."""
    return _incident(incident, _components(board), page_id(board.page), address)


def work_of(board: Board, work: PublicMaintenance) -> JsonObject:
    """Give planned work as it stands in the summary; it says when it is over."""
    return _maintenance(board, work, _components(board), page_id(board.page))


def _components(board: Board) -> dict[str, JsonObject]:
    named = page_id(board.page)
    return {one.component.key: _component(board, one, named, at) for at, one in enumerate(board.components)}


def _component(board: Board, status: ComponentStatus, named: str, at: int) -> JsonObject:
    component = status.component
    since = component.since
    told = [one for one in (*board.open, *board.past) if component.key in one.components]
    changed = max((one.updated_at for one in told), default=_BEGINNING)
    born = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else _BEGINNING
    return {
        "id": component.key,
        "name": plain(component.name),
        "status": status.state.value,
        "created_at": instant(born),
        "updated_at": instant(max(born, changed)),
        "position": at + 1,
        "description": plain(component.description) or None,
        "showcase": True,
        "start_date": since.isoformat() if since else None,
        "group_id": None,
        "page_id": named,
        "group": False,
        "only_show_if_degraded": False,
    }


def _incident(
    incident: PublicIncident, components: dict[str, JsonObject], named: str, address: str
) -> JsonObject:
    watched = [one.at for one in incident.updates if PHASE_WORDS[one.phase] == "Monitoring"]
    return {
        "id": incident.id,
        "name": plain(incident.title),
        "status": incident.phase.value,
        "created_at": instant(incident.published_at),
        "updated_at": instant(incident.updated_at),
        "monitoring_at": instant(watched[-1]) if watched else None,
        "resolved_at": instant(incident.resolved_at) if incident.resolved_at else None,
        "impact": INDICATORS[incident.state].value,
        "shortlink": address.replace("{id}", incident.id),
        "started_at": instant(incident.started_at),
        "page_id": named,
        "incident_updates": [
            _update(incident, at, components) for at in range(len(incident.updates) - 1, -1, -1)
        ],
        "components": [components[key] for key in incident.components if key in components],
    }


def _update(incident: PublicIncident, at: int, components: dict[str, JsonObject]) -> JsonObject:
    update = incident.updates[at]
    before = incident.updates[at - 1] if at else None
    told = instant(update.at)
    affected: list[Json] = [
        {
            "code": key,
            "name": components[key]["name"],
            "old_status": _state_of(before, key).value,
            "new_status": _state_of(update, key).value,
        }
        for key in update.components
        if key in components
    ]
    return {
        "id": f"{incident.id}-{at + 1}",
        "status": update.phase.value,
        "body": plain(update.text),
        "incident_id": incident.id,
        "created_at": told,
        "updated_at": told,
        "display_at": told,
        "affected_components": affected or None,
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _state_of(update: PublicUpdate | None, key: str) -> ComponentState:
    if update is None or key not in update.components or PHASE_WORDS[update.phase] == "Resolved":
        return ComponentState.OPERATIONAL
    return update.state


def _maintenance(
    board: Board, work: PublicMaintenance, components: dict[str, JsonObject], named: str
) -> JsonObject:
    announced, off = instant(work.announced_at), work.called_off_at
    # Statuspage has no word for what was called off; programs that know its words take this one as an end.
    over = off is not None or work.end <= board.at
    status = "in_progress" if work.runs(board.at) else "completed" if over else "scheduled"
    said = instant(off) if off is not None else announced
    return {
        "id": work.id,
        "name": plain(work.title),
        "status": status,
        "created_at": announced,
        "updated_at": said,
        "monitoring_at": None,
        "resolved_at": said if off is not None else None,
        "impact": "maintenance",
        "shortlink": board.page.url,
        "started_at": instant(work.start),
        "page_id": named,
        "scheduled_for": instant(work.start),
        "scheduled_until": instant(work.end),
        "incident_updates": [
            {
                "id": f"{work.id}-{2 if off is not None else 1}",
                "status": "completed" if off is not None else "scheduled",
                "body": plain(work.text),
                "incident_id": work.id,
                "created_at": said,
                "updated_at": said,
                "display_at": said,
                "affected_components": None,
                "deliver_notifications": True,
                "custom_tweet": None,
                "tweet_id": None,
            }
        ],
        "components": [components[key] for key in work.components if key in components],
    }


def atom(board: Board, *, home: str, feed: str, incident: str) -> str:
    """Give the newest incidents and planned work as an Atom feed, what is open or to come first.

    `incident` is an address with `{id}` in it; planned work stands on the page at `home`.
    """
    ET.register_namespace("", _ATOM)
    root = ET.Element(_tag("feed"))
    _text(root, "id", home)
    _text(root, "title", f"{plain(board.page.name)}: {board.description}")
    _text(root, "updated", instant(board.updated_at or _BEGINNING))
    ET.SubElement(root, _tag("link"), {"rel": "self", "type": "application/atom+xml", "href": feed})
    ET.SubElement(root, _tag("link"), {"rel": "alternate", "type": "text/html", "href": home})
    ET.SubElement(ET.SubElement(root, _tag("author")), _tag("name")).text = plain(board.page.name)
    over = [one for one in board.announced if one not in board.maintenance]
    first = [*_told(board.open, incident), *_planned(board, board.maintenance, home)]
    then = [*_told(board.past, incident), *_planned(board, over, home)]
    then.sort(key=lambda one: one.updated, reverse=True)
    for one in (*first, *then)[:ENTRIES_MOST]:
        entry = ET.SubElement(root, _tag("entry"))
        _text(entry, "id", one.address)
        _text(entry, "title", one.title)
        _text(entry, "published", instant(one.published))
        _text(entry, "updated", instant(one.updated))
        ET.SubElement(entry, _tag("link"), {"rel": "alternate", "type": "text/html", "href": one.address})
        ET.SubElement(entry, _tag("content"), {"type": "text"}).text = "\n\n".join(one.said)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One entry of the feed."""

    address: str
    title: str
    published: datetime
    updated: datetime
    said: list[str]
    """The newest first."""


def _told(incidents: Iterable[PublicIncident], address: str) -> Iterator[_Entry]:
    for one in incidents:
        yield _Entry(
            address=address.replace("{id}", one.id),
            title=f"{plain(one.title)} ({PHASE_WORDS[one.phase].casefold()})",
            published=one.published_at,
            updated=one.updated_at,
            said=[
                f"{PHASE_WORDS[update.phase]}, {instant(update.at)}: {plain(update.text)}"
                for update in reversed(one.updates)
            ],
        )


def _planned(board: Board, works: Iterable[PublicMaintenance], home: str) -> Iterator[_Entry]:
    for work in works:
        told = [one for one in of_work(work) if one.at <= board.at]
        if told:
            span = f"From {day_and_time(work.start)} to {day_and_time(work.end)}"
            yield _Entry(
                address=f"{home}#{work.id}",
                title=f"{plain(work.title)} ({told[-1].heading.casefold()})",
                published=work.announced_at,
                updated=told[-1].at,
                said=[
                    *(f"{one.heading}, {instant(one.at)}: {plain(one.text)}" for one in reversed(told)),
                    *([] if work.called_off_at is not None else [span]),
                ],
            )


def _tag(name: str) -> str:
    return f"{{{_ATOM}}}{name}"


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, _tag(name)).text = text
