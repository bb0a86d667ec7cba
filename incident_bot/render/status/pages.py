"""The HTML of the status page: what its templates are given, all texts plain and all drawings made."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from markupsafe import Markup

from incident_bot.core.status import STATE_WORDS, Board, ComponentStatus, PublicIncident, PublicMaintenance
from incident_bot.render.status.drawings import bars, day_words, style_class, summary_of
from incident_bot.render.status.words import PHASE_WORDS, SHAPES, day_and_time, instant, plain
from incident_bot.render.templates import Rendered, Templates

PAST_SHOWN: Final = 20
_POLICY: Final = "default-src 'none'; img-src 'self' data:; base-uri 'none'; form-action 'none'; style-src"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where the parts of the page are, as addresses that this page can use."""

    home: str
    atom: str
    json: str
    incident: str
    """With `{id}` in the place of the incident's public name."""
    subscribe: str | None = None
    """Where people ask for news, if they can."""


def style_of(templates: Templates) -> tuple[Markup, str]:
    """Give the style sheet, and the policy that lets a page use it and nothing else."""
    style = templates.render("status/style.css.j2", {}).text
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Markup(style), f"{_POLICY} 'sha256-{digest}'"  # noqa: S704 -- the operator's own style sheet


def home_page(templates: Templates, board: Board, links: Links) -> Rendered:
    """Write the page."""
    facts = {
        **common(templates, board, links),
        "title": plain(board.page.name),
        "groups": [
            {"name": plain(name), "components": [_component(one) for one in members]}
            for name, members in _grouped(board)
        ],
        "incidents": [_incident(board, one, links) for one in board.open],
        "past": [_incident(board, one, links) for one in board.past[:PAST_SHOWN]],
        "maintenance": [_maintenance(board, one) for one in board.maintenance],
        "called_off": [_maintenance(board, one) for one in board.called_off],
        "days": len(board.components[0].days) if board.components else 0,
    }
    return templates.render("status/page.html.j2", facts)


def incident_page(templates: Templates, board: Board, incident: PublicIncident, links: Links) -> Rendered:
    """Write the page of one incident."""
    shown = _incident(board, incident, links)
    facts = {**common(templates, board, links), "title": plain(incident.title), "incident": shown}
    return templates.render("status/incident.html.j2", facts)


def common(templates: Templates, board: Board, links: Links) -> dict[str, object]:
    """Give what every page of it is given."""
    style, policy = style_of(templates)
    return {
        "page": plain(board.page.name),
        "style": style,
        "policy": policy,
        "home": links.home,
        "atom": links.atom,
        "json": links.json,
        "subscribe": links.subscribe,
        "shape": SHAPES[board.state],
        "mark": style_class(board.state),
        "description": board.description,
        "updated": _time(board.updated_at) if board.updated_at else None,
    }


def _grouped(board: Board) -> list[tuple[str, list[ComponentStatus]]]:
    """Give the components by group, in the order in which groups come first; those of none have no name."""
    order: dict[str, int] = {}
    for one in board.components:
        order.setdefault(one.component.group or "", len(order))
    ranked = sorted(board.components, key=lambda one: order[one.component.group or ""])
    return [(name, list(members)) for name, members in groupby(ranked, lambda one: one.component.group or "")]


def _component(status: ComponentStatus) -> Mapping[str, object]:
    return {
        "name": plain(status.component.name),
        "description": plain(status.component.description),
        "state": STATE_WORDS[status.state],
        "shape": SHAPES[status.state],
        "mark": style_class(status.state),
        "bars": bars(status),
        "uptime": status.uptime,
        "summary": summary_of(status),
        "outages": [day_words(day) for day in reversed(status.days) if day.out],
    }


def _incident(board: Board, incident: PublicIncident, links: Links) -> Mapping[str, object]:
    promised = incident.next_update_at
    return {
        "title": plain(incident.title),
        "url": links.incident.replace("{id}", incident.id),
        "phase": PHASE_WORDS[incident.phase],
        "open": incident.is_open,
        "state": STATE_WORDS[incident.state],
        "shape": SHAPES[incident.state],
        "mark": style_class(incident.state),
        "components": [plain(name) for name in board.page.names(incident.components)],
        "started": _time(incident.started_at),
        "resolved": _time(incident.resolved_at) if incident.resolved_at else None,
        "next_update": _time(promised) if promised and incident.is_open else None,
        "update_overdue": incident.is_overdue(board.at),
        "updates": [
            {"phase": PHASE_WORDS[one.phase], "text": plain(one.text), "at": _time(one.at)}
            for one in reversed(incident.updates)
        ],
    }


def _maintenance(board: Board, work: PublicMaintenance) -> Mapping[str, object]:
    return {
        "id": work.id,
        "title": plain(work.title),
        "text": plain(work.text),
        "components": [plain(name) for name in board.page.names(work.components)],
        "runs": work.runs(board.at),
        "start": _time(work.start),
        "end": _time(work.end),
    }


def _time(at: datetime) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(instant(at), day_and_time(at))
