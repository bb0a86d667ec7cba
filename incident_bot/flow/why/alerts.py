"""Why, for one alert: what was delivered, what it was taken for, which way it took, and onto which incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from incident_bot.config.sources import OWN_NAME
from incident_bot.core.errors import NotFound
from incident_bot.core.model import (
    Episode,
    Event,
    Flag,
    Incident,
    Json,
    JsonObject,
    Kind,
    incident_name,
    rfc3339,
)
from incident_bot.core.routing import title
from incident_bot.core.timeline import redact
from incident_bot.core.why import entry_of, reasons, routes_tried, silenced, unplaced, verdict
from incident_bot.flow import queries
from incident_bot.flow.context import Context
from incident_bot.flow.sight import Seer, hidden
from incident_bot.flow.silences.telling import silenced_by
from incident_bot.flow.why.telling import Chain, Link, clock, page_links, sentence_on
from incident_bot.store import alerts as store
from incident_bot.store import incidents
from incident_bot.store.transaction import Tx

DELIVERIES_READ: Final = 300
"""More than the intake commits at one instant."""
NAMES_LOOKED_AT: Final = 2000
ID_MOST: Final = 12
_INSTANT: Final = timedelta(microseconds=1)


def explain_alert(context: Context, name: str, *, now: datetime) -> Chain:
    """Say why an alert was or was not paged for: by its number, its fingerprint, or the newest of its name.

    Raises NotFound. A private incident is named without its title, and to nobody who may not see it.
    """
    names = {person.id: person.name for person in context.live.current.revision.people.values()}
    with context.store.read() as tx:
        episode = _find(tx, context.seer, name)
        incident = incidents.get(tx, episode.incident_id) if episode.incident_id else None
        events = incidents.events(tx, incident.id) if incident else []
        links = links_of(tx, episode, incident, events, now=now)
        by = silenced_by(tx, [episode], now=now).get(episode.id)
    secret = incident is not None and incident.private
    pages = queries.pages(context, incident.id) if incident and not secret else []
    links += page_links(pages, now)
    why_not = [one for one in (unplaced(episode), silenced(episode, by)) if one is not None]
    why_not += () if secret else reasons(events, names)
    said = sentence_on(pages, now)
    if incident is not None and secret:
        said = [f"It is on {incident.name}, which is private: who was paged stands there."]
    elif not said:
        first = f": {why_not[0].text}" if why_not else "."
        said = [f"Nobody was paged for it{first}"]
    heard = title(episode.labels, episode.annotations)
    return Chain(
        kind="alert",
        about=str(episode.id),
        head=f"alert {episode.id} {redact(heard)}: {episode.status.value}, heard {clock(episode.opened_at, now)}",
        at=now,
        answer=tuple(said),
        links=tuple(links),
        reasons=tuple(why_not),
        more={"alert": alert_json(episode), "incident": incident.name if incident else None},
    )


def links_of(
    tx: Tx, episode: Episode, incident: Incident | None, events: Sequence[Event], *, now: datetime
) -> list[Link]:
    """Give the chain of one alert, from its delivery to its incident."""
    rule, verdict_said = verdict(episode)
    return [
        *_deliveries(tx, episode, now),
        Link(
            stage="dedupe", text=f"{verdict_said} ({rule})", data={"rule": rule, "refires": episode.refires}
        ),
        *_routes(episode),
        *_enrichment(episode),
        *_muting(tx, episode, events, now),
        _placed(episode, incident, events, now),
    ]


def alert_json(episode: Episode) -> JsonObject:
    """Give an alert as data."""
    labels: dict[str, Json] = {name: redact(value) for name, value in episode.labels.items()}
    return {
        "id": episode.id,
        "title": redact(title(episode.labels, episode.annotations)),
        "source": episode.source,
        "fingerprint": episode.fingerprint,
        "labels": labels,
        "status": episode.status.value,
        "severity": episode.severity,
        "team": episode.team,
        "service": episode.service,
        "disposition": episode.disposition.value,
        "runbook": episode.runbook,
        "heard_at": rfc3339(episode.opened_at),
        "routing": episode.why,
    }


def _find(tx: Tx, seer: Seer, name: str) -> Episode:
    word = name.strip()
    numbered = (
        store.episode(tx, int(word)) if word.isascii() and word.isdigit() and len(word) <= ID_MOST else None
    )
    found = _seen(tx, seer, [numbered] if numbered else ())
    found = found or _seen(tx, seer, store.newest_called(tx, word, most=NAMES_LOOKED_AT))
    if found is None:
        message = (
            f"There is no alert {word[:80]!r}; write its number, its fingerprint or its name. `firing INC-n` and "
            "GET /api/v1/alerts show those there are."
        )
        raise NotFound(message)
    return found


def _seen(tx: Tx, seer: Seer, found: Sequence[Episode]) -> Episode | None:
    """Give the first that is on no incident which the seer may not see."""
    unseen = hidden(tx, seer, {one.incident_id for one in found if one.incident_id})
    return next((one for one in found if one.incident_id not in unseen), None)


def _deliveries(tx: Tx, episode: Episode, now: datetime) -> list[Link]:
    if episode.source == OWN_NAME:
        return [
            Link(stage="delivery", at=episode.opened_at, text="raised by the bot itself, without a delivery")
        ]
    heard = _told_at(tx, episode, episode.opened_at)
    if heard is None:
        text = f"no delivery kept of {clock(episode.opened_at, now)}: {episode.source} was asked, or it is cleared away"
        found = [Link(stage="delivery", at=episode.opened_at, text=text)]
    else:
        number, receiver = heard
        text = (
            f"delivery {number} from {episode.source}, received {clock(episode.opened_at, now)}, no duplicate"
        )
        data: JsonObject = {"id": number, "source": episode.source, "receiver": receiver, "duplicate": False}
        found = [Link(stage="delivery", at=episode.opened_at, text=text, data=data)]
    group = store.groups(tx, {episode.group_hash}).get(episode.group_hash)
    if group is not None and group.last_seen > episode.opened_at:
        text = (
            f"heard last at {clock(group.last_seen, now)}; a delivery that only repeats is a duplicate (I4)"
        )
        data = {"id": group.delivery_id, "last_seen": rfc3339(group.last_seen)}
        found.append(Link(stage="delivery", at=group.last_seen, text=text, data=data))
    if episode.closed_at is not None:
        ended = _told_at(tx, episode, episode.closed_at)
        by = f"by delivery {ended[0]}" if ended else "without a delivery"
        text = f"its end was heard {clock(episode.closed_at, now)} {by}"
        found.append(Link(stage="delivery", at=episode.closed_at, text=text, data={"id": ended and ended[0]}))
    return found


def _told_at(tx: Tx, episode: Episode, instant: datetime) -> tuple[int, str] | None:
    """Give the delivery that told of it at an instant: a delivery and what it changes share one instant."""
    batch = store.deliveries_between(tx, instant, instant + _INSTANT, limit=DELIVERIES_READ)
    mark = episode.fingerprint.encode(errors="surrogatepass")
    return next(
        (
            (one.id, one.receiver)
            for one in batch
            if one.source == episode.source and (one.group_hash == episode.group_hash or mark in one.body)
        ),
        None,
    )


def _routes(episode: Episode) -> list[Link]:
    why = episode.why or {}
    found = []
    for one in routes_tried(why):
        asked = ", ".join(one.matchers) or "every alert"
        said = (
            f"{asked} matches" if one.matched else f"{one.failed} does not match {redact(one.value or '')!r}"
        )
        found.append(
            Link(
                stage="route",
                text=f"route {one.number} ({one.place}): {said}",
                data={"number": one.number, "place": one.place, "matched": one.matched, "failed": one.failed,
                      "value": redact(one.value) if one.value is not None else None},
            )
        )  # fmt: skip
    if why.get("route"):
        text = f"route: {why.get('route')} → {why.get('action')}, team {episode.team}, severity {episode.severity}"
        found.append(
            Link(
                stage="route",
                text=f"{text} (configuration {why.get('revision')})",
                data={
                    "route": why.get("route"),
                    "action": why.get("action"),
                    "revision": why.get("revision"),
                },
            )
        )
    if why.get("storm"):
        name = f" {incident_name(episode.incident_id)}" if episode.incident_id else ""
        text = f"adopted by the storm incident{name}, because {why['storm']} (I12)"
        found.append(Link(stage="route", text=text, data={"storm": why["storm"]}))
    if Flag.FLAPPING in episode.flags:
        found.append(Link(stage="dedupe", text="flapping: re-fires of it page nobody (I11)"))
    return found


def _enrichment(episode: Episode) -> list[Link]:
    why = episode.why or {}
    origins = why.get("from")
    found = []
    if isinstance(origins, Mapping):
        values = (("severity", episode.severity), ("team", episode.team), ("service", episode.service))
        found = [
            Link(
                stage="enrich",
                text=f"{name} {value or 'none'}, from {origins.get(name)}",
                data={"name": name, "value": value, "from": origins.get(name)},
            )
            for name, value in values
        ]
    text = f"runbook: {episode.runbook or 'none'} ({why.get('runbook') or 'not looked for'})"
    found.append(Link(stage="enrich", text=text, data={"name": "runbook", "value": episode.runbook}))
    return found


def _muting(tx: Tx, episode: Episode, events: Sequence[Event], now: datetime) -> list[Link]:
    held = (episode.why or {}).get("held")
    marks = [flag.value for flag in (Flag.SILENCED, Flag.INHIBITED) if flag in episode.flags]
    found = []
    if held:
        entry = entry_of(events, episode.fingerprint, episode.id)
        through = f"; let through {clock(entry.happened_at, now)}" if entry else ""
        found.append(Link(stage="muting", text=f"held: {held}{through}", data={"held": held}))
    if marks:
        by = silenced_by(tx, [episode], now=now).get(episode.id)
        text = f"{' and '.join(marks)} at its source{f' {by}' if by else ''}"
        found.append(Link(stage="muting", text=text, data={"flags": list(marks), "by": by}))
    return found or [Link(stage="muting", text="nothing held it back", data={})]


def _placed(episode: Episode, incident: Incident | None, events: Sequence[Event], now: datetime) -> Link:
    if incident is None:
        reason = unplaced(episode)
        return Link(
            stage="incident", text=f"no incident: {reason.text if reason else ''}", data={"incident": None}
        )
    entry = entry_of(events, episode.fingerprint, episode.id)
    how = "on"
    if entry is not None:
        reopened = any(one.kind is Kind.REOPENED and one.happened_at == entry.happened_at for one in events)
        words = {Kind.OPENED: "opened", Kind.MERGED_HERE: "came by a merge onto"}
        how = "reopened" if reopened else words.get(entry.kind, "joined")
    shown = incident.name + (" (private)" if incident.private else f" [{incident.severity}] {incident.title}")
    when = f" at {clock(entry.happened_at, now)}" if entry else ""
    key = "" if incident.private else f", key {redact(incident.key)}"
    grouped = (episode.why or {}).get("group_by")
    return Link(
        stage="incident",
        at=entry.happened_at if entry else None,
        text=f"{how} {shown}{when}{key}",
        data={"incident": incident.name, "how": how, "group_by": grouped},
    )
