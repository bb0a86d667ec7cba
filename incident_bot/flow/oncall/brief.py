"""What whoever comes on call has to know: what is open, what fired, what ends in the shift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from incident_bot.core.model import Incident, JsonObject, Team, rfc3339
from incident_bot.flow.configure import Current
from incident_bot.flow.oncall.notices import name_of
from incident_bot.sources.base import Silence
from incident_bot.store import alerts, incidents, interventions, outbox
from incident_bot.store.transaction import Tx

SHOWN: Final = 10
READ: Final = 500
EPISODES: Final = 5000


def brief(
    tx: Tx,
    current: Current,
    teams: Sequence[Team],
    *,
    since: datetime,
    now: datetime,
    until: datetime | None,
    silences: Sequence[Silence] = (),
) -> JsonObject:
    """Give the brief of a hand-off as the messages take it; `since` is when the shift that ends began.

    `silences` are those that hold at the sources, which were asked before. A private incident is named without its
    title, and marked, so that no channel need be told of it; its alerts are not counted.
    """
    ids = [team.id for team in teams]
    found = [one for team in ids for one in incidents.list_incidents(tx, state="open", team=team, limit=READ)]
    ladder = current.revision.ladder
    ranks = {rung.name: rung.rank for rung in ladder.rungs}
    found.sort(key=lambda one: (ranks.get(one.severity, len(ranks)), one.id))
    labels = alerts.fired_labels(tx, ids, since, now, most=EPISODES) if ids else []
    fired = Counter(str(one.get("alertname", "an alert without a name")) for one in labels)
    noisiest = sorted(fired.items(), key=lambda one: (-one[1], one[0]))
    return {
        "open": [_open(current, one) for one in found[:SHOWN]],
        "open_count": len(found),
        "private_count": sum(one.private for one in found),
        "fired": [{"name": name, "count": count} for name, count in noisiest[:SHOWN]],
        "fired_count": fired.total(),
        "pages": outbox.pages_sent(tx, ids, since, now) if ids else 0,
        "since": rfc3339(since),
        "ending": [
            *_snoozes(found, until),
            *_maintenance(tx, now, until),
            *_silences(silences, now, until),
        ][:SHOWN],
    }


def _open(current: Current, incident: Incident) -> JsonObject:
    return {
        "name": incident.name,
        "title": "" if incident.private else incident.title,
        "private": incident.private,
        "severity": incident.severity,
        "phase": incident.phase.value,
        "paging": incident.paging.value,
        "lead": name_of(current, incident.lead) if incident.lead else None,
    }


def _snoozes(found: Sequence[Incident], until: datetime | None) -> list[JsonObject]:
    waking = [one for one in found if one.snoozed_until and (until is None or one.snoozed_until < until)]
    waking.sort(key=lambda one: (one.snoozed_until, one.id))
    return [
        {
            "what": f"{one.name} is snoozed",
            "at": rfc3339(one.snoozed_until),
            "private": one.private,
        }
        for one in waking
        if one.snoozed_until
    ]


def _maintenance(tx: Tx, now: datetime, until: datetime | None) -> list[JsonObject]:
    windows = [
        window
        for window in interventions.maintenance(tx, now=now)
        if until is None or now < window.end < until
    ]
    return [
        {
            "what": f"maintenance {window.id} ({', '.join(window.matchers)})",
            "at": rfc3339(window.end),
            "private": False,
        }
        for window in sorted(windows, key=lambda window: (window.end, window.id))
    ]


def _silences(held: Sequence[Silence], now: datetime, until: datetime | None) -> list[JsonObject]:
    return [
        {"what": one.what, "at": rfc3339(one.ends_at), "private": False}
        for one in held
        if now < one.ends_at and (until is None or one.ends_at < until)
    ]
