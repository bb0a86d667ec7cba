"""Which names each template may use, each with an example: the reference, and what the checks run on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup

from incident_bot.core.model import Event, Incident, Kind, Ladder, Progress, Severity
from incident_bot.core.postmortem import build

_NOW: Final = datetime(2026, 11, 21, 2, 9, tzinfo=UTC)
_SINCE: Final = _NOW - timedelta(minutes=4)

_INCIDENT: Final[Mapping[str, object]] = {
    "now": _NOW,
    "name": "INC-42",
    "title": "High error rate on checkout",
    "severity": "P1",
    "phase": "investigating",
    "team": "payments",
    "service": "checkout",
    "services": ("checkout", "ledger"),
    "impact": "Customers cannot pay",
    "lead": "Dora Example",
    "drill": False,
    "opened_at": _SINCE,
    "since": _SINCE,
    "url": "https://incidents.example.com/incidents/INC-42",
    "alerts": ("HighErrorRate on checkout: 12 % of requests fail",),
    "firing": 1,
    "storm": (),
    "runbook": "High error rate",
    "runbook_url": "https://incidents.example.com/runbooks/services/high-error-rate.md",
    "by": "Alice Example",
}

_DRAFT: Final = build(
    Incident(
        id=42,
        key="example",
        title="High error rate on checkout",
        severity="P1",
        peak="P1",
        team="payments",
        service="checkout",
        progress=Progress(started_at=_SINCE),
        opened_at=_SINCE,
        opened_by="alertmanager",
    ),
    [
        Event(
            seq=1,
            kind=Kind.OPENED,
            actor="alertmanager",
            source="alertmanager",
            happened_at=_SINCE,
            data={"severity": "P1", "title": "High error rate on checkout"},
        )
    ],
    people={},
    ladder=Ladder((Severity(name="P1", rank=0),)),
    now=_NOW,
)

_PAGE: Final[Mapping[str, object]] = {
    **_INCIDENT,
    "person": "Alice Example",
    "zone": "Europe/Berlin",
    "why": "on call for payments-primary",
    "first_step": "Look at the last deployment: `kubectl rollout history deployment/checkout`",
    "loop": 0,
    "taken": "bob has it",
    "shared": "bob took it; your answer is wanted too",
    "into": None,
}

_REMINDER: Final[Mapping[str, object]] = {
    "now": _NOW,
    "name": "INC-42",
    "title": "High error rate on checkout",
    "severity": "P1",
    "phase": "investigating",
    "person": "Alice Example",
    "person_id": "alice",
    "zone": "Europe/Berlin",
    "url": "https://incidents.example.com/incidents/INC-42",
}

_PUBLIC: Final[Mapping[str, object]] = {
    "page": "Example status",
    "components": "Checkout and Website",
    "state": "partial outage",
    "impact": "Customers cannot pay",
}

_TIME: Final = Markup('<time datetime="2026-11-21T02:05:00.000Z">21 November 2026, 02:05 UTC</time>')
_SHOWN: Final[Mapping[str, object]] = {
    "title": "Checkout: partial outage",
    "url": "https://status.example.com/incidents/0123456789ab",
    "phase": "Investigating",
    "open": True,
    "state": "Partial outage",
    "shape": "▲",
    "mark": "part",
    "components": ["Checkout"],
    "started": _TIME,
    "resolved": None,
    "next_update": _TIME,
    "update_overdue": False,
    "updates": [{"phase": "Investigating", "text": "One payment in ten fails.", "at": _TIME}],
}
_STATUS: Final[Mapping[str, object]] = {
    "page": "Example status",
    "title": "Example status",
    "style": Markup("body { margin: 0 }"),
    "policy": "default-src 'none'",
    "home": "https://status.example.com",
    "atom": "https://status.example.com/status.atom",
    "json": "https://status.example.com/status.json",
    "subscribe": "/status/subscribe",
    "shape": "▲",
    "mark": "part",
    "description": "Partial outage",
    "updated": _TIME,
}

_NEWS: Final[Mapping[str, object]] = {
    "page": "Example status",
    "heading": "Investigating",
    "title": "Checkout: partial outage",
    "text": "One payment in ten fails.",
    "components": "Checkout",
    "state": "partial outage",
    "at": "21 November 2026, 02:05 UTC",
    "start": None,
    "end": None,
    "next_update": "21 November 2026, 02:35 UTC",
    "url": "https://status.example.com/incidents/0123456789ab",
}

_MANY: Final[Mapping[str, object]] = {
    "now": _NOW,
    "count": 13,
    "incidents": [
        {
            "name": "INC-42",
            "title": "High error rate on checkout",
            "severity": "P1",
            "service": "checkout",
            "since": _SINCE,
            "runbooks": 1,
            "taken": "bob has it",
            "drill": False,
            "url": "https://incidents.example.com/incidents/INC-42",
        }
    ],
    "more": 12,
    "person": "Alice Example",
    "zone": "Europe/Berlin",
    "kind": "step",
    "url": "https://incidents.example.com/incidents",
}

_SHIFT: Final[Mapping[str, object]] = {
    "now": _NOW,
    "schedule": "payments-primary",
    "person": "Alice Example",
    "zone": "Europe/Berlin",
    "url": "https://incidents.example.com/oncall",
    "base": "https://incidents.example.com",
}

_HANDOFF: Final[Mapping[str, object]] = {
    **_SHIFT,
    "role": "begins",
    "at": _NOW,
    "until": _NOW + timedelta(days=7),
    "before": ["Bob Example"],
    "after": ["Alice Example"],
    "brief": {
        "open": [
            {
                "name": "INC-42",
                "title": "High error rate on checkout",
                "private": False,
                "severity": "P1",
                "phase": "investigating",
                "paging": "acknowledged",
                "lead": "Dora Example",
            }
        ],
        "open_count": 1,
        "private_count": 0,
        "fired": [{"name": "HighErrorRate", "count": 12}],
        "fired_count": 12,
        "pages": 3,
        "since": _NOW - timedelta(days=7),
        "ending": [{"what": "INC-41 is snoozed", "at": _NOW + timedelta(hours=6), "private": False}],
    },
}

FACTS: Final[Mapping[str, Mapping[str, object]]] = {
    "page/handoff_begins.j2": _HANDOFF,
    "page/handoff_ends.j2": _HANDOFF,
    "page/tap.j2": {
        **_SHIFT,
        "at": _NOW + timedelta(minutes=30),
        "due": _NOW + timedelta(minutes=25),
    },
    "page/untapped.j2": {
        **_SHIFT,
        "at": _NOW + timedelta(minutes=5),
        "asked": _NOW - timedelta(minutes=25),
        "missing": "Bob Example",
        "missing_id": "bob",
        "on_call": True,
    },
    "page/swap.j2": {
        **_SHIFT,
        "text": "Bob Example offers you a shift on payments-primary",
        "lines": ["you get: payments-primary Thu 24 Dec 09:00 CET – Fri 25 Dec 09:00 CET"],
        "todo": "Take it: oncall swap accept 7 – or say no: oncall swap decline 7",
    },
    "slack/handoff.j2": _HANDOFF,
    "slack/moved.j2": {
        **_SHIFT,
        "was_clocks": "2026a",
        "clocks": "2026b",
        "moved": [{"was": _NOW, "now": _NOW + timedelta(hours=1), "people": ["Alice Example"]}],
    },
    "slack/digest.j2": {
        **_SHIFT,
        "text": "Alerts of Payments, the week to Sun 20 Dec",
        "lines": ["7 pages, 4 at night; 6 incidents, 1 of them acted upon."],
    },
    "mail.html.j2": {
        **_PAGE,
        "kind": "step",
        "ack_url": "https://incidents.example.com/ack/0123456789abcdef",
    },
    "page/subject.j2": _PAGE,
    "page/text.j2": _PAGE,
    "page/many_subject.j2": _MANY,
    "page/many.j2": _MANY,
    "many.html.j2": {**_MANY, "ack_url": "https://incidents.example.com/ack/0123456789abcdef"},
    "page/ask.j2": _PAGE,
    "page/taken.j2": _PAGE,
    "page/promise.j2": {
        **_REMINDER,
        "about": "missed",
        "due": _NOW - timedelta(minutes=5),
        "distance": timedelta(minutes=5),
        "by": "Dora Example",
        "promised_at": _NOW - timedelta(minutes=35),
        "told": ("Bob Example",),
    },
    "page/silence.j2": {
        **_REMINDER,
        "about": "silence",
        "due": _NOW + timedelta(minutes=15),
        "distance": timedelta(minutes=15),
        "what": ('alertname="HighErrorRate"',),
    },
    "page/nag.j2": {
        **_REMINDER,
        "about": "task",
        "since": _SINCE,
        "opened_at": _SINCE,
        "number": 3,
        "text": "Check the replica lag",
        "due": _NOW,
        "late": False,
    },
    "slack/initial.j2": {
        **_INCIDENT,
        "next_update": timedelta(minutes=15),
        "next_update_at": _NOW + timedelta(minutes=15),
        "edited": False,
        "paged": ("Alice Example",),
    },
    "slack/update.j2": {
        **_INCIDENT,
        "text": "Rolled back to version 41",
        "next_steps": "Watch the error rate",
        "next_update": timedelta(minutes=15),
        "next_update_at": _NOW + timedelta(minutes=15),
    },
    "slack/resolution.j2": {
        **_INCIDENT,
        "root_cause": "A missing index",
        "resolution": "Rolled back to version 41",
        "lasted": timedelta(minutes=34),
        "postmortem_within": timedelta(hours=48),
        "forced": False,
        "how": "resolved",
    },
    "slack/notify.j2": _INCIDENT,
    "slack/reopened.j2": {**_INCIDENT, "reason": "HighErrorRate fires again", "quiet": False},
    "slack/flapping.j2": {
        **_INCIDENT,
        "reason": "HighErrorRate began and ended 4 times or more within 30 min",
    },
    "slack/missed.j2": {**_INCIDENT, "due_at": _NOW - timedelta(minutes=1)},
    "slack/meta.j2": {
        "now": _NOW,
        "text": "No delivery from alertmanager for 10 min",
        "url": "https://incidents.example.com",
    },
    "slack/postmortem.j2": {
        **_INCIDENT,
        "missing": ("the summary (1)",),
        "done": 3,
        "total": 23,
        "due_at": _NOW,
    },
    "status/style.css.j2": {},
    "status/page.html.j2": {
        **_STATUS,
        "groups": [
            {
                "name": "Shop",
                "components": [
                    {
                        "name": "Checkout",
                        "description": "Paying",
                        "state": "Partial outage",
                        "shape": "▲",
                        "mark": "part",
                        "bars": Markup('<svg class="bars"></svg>'),
                        "uptime": "99.98",
                        "summary": "99.98 % uptime in 90 days, 1 day with an outage",
                        "outages": ["21 November 2026: Partial outage, 4 min"],
                    }
                ],
            }
        ],
        "incidents": [_SHOWN],
        "past": [{**_SHOWN, "open": False, "resolved": _TIME, "next_update": None}],
        "maintenance": [
            {
                "id": "maintenance-3",
                "title": "New disks",
                "text": "Payments may be slow",
                "components": ["Checkout"],
                "runs": False,
                "start": _TIME,
                "end": _TIME,
            }
        ],
        "called_off": [],
        "days": 90,
    },
    "status/incident.html.j2": {**_STATUS, "title": "Checkout: partial outage", "incident": _SHOWN},
    "status/subscribe.html.j2": {
        **_STATUS,
        "title": "Subscribe",
        "action": "/status/subscribe",
        "said": "",
        "button": "",
        "form": True,
        "mail": True,
        "webhook": True,
        "address": "",
        "url": "",
        "components": [{"key": "checkout", "name": "Checkout", "ticked": False}],
    },
    "status/mail_subject.j2": _NEWS,
    "status/mail.j2": _NEWS,
    "status/confirm.j2": {
        "page": "Example status",
        "components": "Checkout",
        "url": "https://incidents.example.com/status/confirm/1-0123456789abcdef",
    },
    "status/title.j2": _PUBLIC,
    "status/investigating.j2": _PUBLIC,
    "status/identified.j2": _PUBLIC,
    "status/monitoring.j2": _PUBLIC,
    "status/resolved.j2": _PUBLIC,
    "status/called_off.j2": {"page": "Example status", "start": "21 November 2026, 02:05 UTC"},
    "postmortem/postmortem.md.j2": {"now": _NOW, "draft": _DRAFT},
    "postmortem/page.html.j2": {"now": _NOW, "draft": _DRAFT, "body": Markup("<h1>INC-42</h1>")},
}
"""Template to the names that it may use; another name is an error when the set is loaded."""
