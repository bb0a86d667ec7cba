"""What PagerDuty says by its webhooks (V3): what somebody did there to an alert of ours is done here, as that person.

A webhook counts once, by the id of its event, and only for the alert that pages now: what it says of an earlier epoch's
alert is inert (P6). PagerDuty is not told again what it told us. Events that are not about an alert of ours, and kinds
that we do not know, are passed over: any answer but 2xx would have PagerDuty drop the event, and three of them the
whole subscription (https://developer.pagerduty.com/docs/webhooks-overview).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from incident_bot.core.effects import AlertKey
from incident_bot.core.errors import Refused, Unreadable
from incident_bot.core.model import Incident, Paging, Person
from incident_bot.core.timeline import one_line
from incident_bot.flow import commands, followups
from incident_bot.flow.channel_facts import PAGERDUTY
from incident_bot.flow.context import Context
from incident_bot.flow.sight import EVERYTHING
from incident_bot.store import incidents, interventions
from incident_bot.store.transaction import LostRace, Tx

KEPT: Final = timedelta(hours=49)
"""PagerDuty tries for 48 hours; an event that is older than this is a replay, whoever sends it."""
NAME_MOST: Final = 60
_SCOPE: Final = "pagerduty"
_FOLLOWED: Final[Mapping[str, str]] = {
    "incident.acknowledged": followups.ACKNOWLEDGE,
    "incident.resolved": followups.RESOLVE,
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of one webhook."""

    event: str
    result: str
    """`done`, `ignored`, `refused` or `duplicate`."""
    detail: str
    incident: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    id: str
    kind: str
    occurred_at: datetime | None
    agent: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def by_person(self) -> bool:
        return str(self.agent.get("type", "")).startswith("user")


def configured(context: Context) -> bool:
    """Say whether there is a secret that webhooks can be checked with."""
    return bool(_secrets(context))


def signed(context: Context, body: bytes, header: str) -> bool:
    """Say whether one of the header's `v1` signatures is that of the raw body under one of the secrets.

    In constant time: every secret is compared with every signature. Versions other than `v1` do not count.
    """
    given = [part.strip()[3:] for part in header.split(",") if part.strip().startswith("v1=")]
    found = False
    for secret in _secrets(context):
        wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        for signature in given:
            found |= hmac.compare_digest(wanted, signature.encode(errors="replace"))
    return found


def receive(context: Context, body: bytes, *, now: datetime) -> Heard:
    """Do what a webhook with a good signature says; raises Unreadable where it is none of PagerDuty's."""
    event = _read(body)
    key = AlertKey.read(str(event.data.get("incident_key") or ""))
    with context.store.write() as tx:
        if interventions.recall(tx, event.id, _SCOPE) is not None:
            return Heard(event=event.id, result="duplicate", detail="This event was heard before.")
        told = _understood(context, tx, event, key, now=now)
    if isinstance(told, str):
        heard = Heard(event=event.id, result="ignored", detail=told, incident=key.incident if key else None)
    else:
        heard = _say(context, event, told, now=now)
    _keep(context, heard, now=now)
    log.info(
        "a webhook of PagerDuty", event_type=event.kind, result=heard.result, incident=heard.incident,
        detail=heard.detail,
    )  # fmt: skip
    return heard


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What is typed here for what happened there."""

    text: str
    incident: Incident
    actor: str
    source: str


def _understood(
    context: Context, tx: Tx, event: _Event, key: AlertKey | None, *, now: datetime
) -> _Line | str:
    """Find the command; a text says why there is none. Notes what PagerDuty need not be told any more."""
    if key is None:
        return "It is not about an alert from here."
    if event.occurred_at is not None and now - event.occurred_at > KEPT:
        return "It is older than PagerDuty keeps trying."
    incident = incidents.get(tx, int(key.incident.partition("-")[2]), lock=True)
    if incident is None or f"{incident.opened_at:%Y%m%dT%H%M%SZ}" != f"{key.opened_at:%Y%m%dT%H%M%SZ}":
        return "The incident is not one of this installation."
    if key.epoch != incident.epoch:
        return f"It is about an alert of epoch {key.epoch}; the incident is in epoch {incident.epoch}."
    if event.kind in _FOLLOWED:
        followups.heard(tx, incident.id, key, _FOLLOWED[event.kind], now=now)
    text = _command(context, event, incident)
    if text is None:
        return "There is nothing to do here for that."
    return _Line(
        text=text, incident=incident, actor=_actor(context, event), source=f"{PAGERDUTY}/{key.service}"
    )


def _command(context: Context, event: _Event, incident: Incident) -> str | None:
    match event.kind:
        case "incident.acknowledged":
            # The echo of our own word names an integration; it must not appear as a second responder.
            echo = incident.paging is Paging.ACKNOWLEDGED and not event.by_person
            return "ack" if incident.paging.is_open and not echo else None
        case "incident.resolved":
            return "resolve resolved in PagerDuty" if incident.paging.is_open else None
        case "incident.unacknowledged":
            has = incident.paging is Paging.ACKNOWLEDGED or incident.progress.taken
            return "unack" if has else None
        case "incident.reopened":
            return "reopen reopened in PagerDuty" if incident.paging is Paging.RESOLVED else None
        case "incident.reassigned":
            return _reassigned(context, event) if incident.paging.is_open else None
        case _:
            return None


def _reassigned(context: Context, event: _Event) -> str | None:
    """Whoever it was handed to leads here; somebody unknown here is noted by name."""
    listed = event.data.get("assignees")
    assignees = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    for assignee in assignees:
        if person := _person(context, assignee):
            return f"lead @{person.id}"
    names = ", ".join(_name(assignee) for assignee in assignees)
    return f"note In PagerDuty it was handed to {names}" if names else None


def _say(context: Context, event: _Event, line: _Line, *, now: datetime) -> Heard:
    try:
        # PagerDuty signs that its people answer an alert of ours: whom it paged works on it.
        reply = commands.handle(
            context.seen_by(EVERYTHING),
            line.text,
            incident=line.incident.id,
            actor=line.actor,
            source=line.source,
            key=f"pagerduty:{hashlib.sha256(event.id.encode(errors='replace')).hexdigest()}",
            now=now,
        )
    except Refused as problem:
        return Heard(event=event.id, result="refused", detail=str(problem), incident=line.incident.name)
    return Heard(event=event.id, result="done", detail=reply.text, incident=line.incident.name)


def _keep(context: Context, heard: Heard, *, now: datetime) -> None:
    """Remember the event's id; where another request was faster, it is remembered already."""
    try:
        with context.store.write() as tx:
            interventions.remember(tx, heard.event, _SCOPE, {"result": heard.result}, now=now)
    except LostRace:
        log.info("a webhook of PagerDuty came twice at once", result=heard.result)


def _actor(context: Context, event: _Event) -> str:
    person = _person(context, event.agent) if event.by_person else None
    if person is not None:
        return person.id
    return f"PagerDuty ({_name(event.agent)})" if event.by_person and _name(event.agent) else "PagerDuty"


def _person(context: Context, reference: Mapping[str, Any]) -> Person | None:
    wanted = reference.get("id")
    people = context.live.current.revision.people.values()
    return next((one for one in people if wanted and one.contacts.get(PAGERDUTY) == wanted), None)


def _name(reference: Mapping[str, Any]) -> str:
    return one_line(str(reference.get("summary") or reference.get("id") or ""), NAME_MOST)


def _read(body: bytes) -> _Event:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("$", "JSON is expected") from error
    event = read.get("event") if isinstance(read, dict) else None
    if not isinstance(event, dict):
        raise Unreadable("$.event", "an object is expected")
    for name in ("id", "event_type"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise Unreadable(f"$.event.{name}", "a text is expected")
    data, agent = event.get("data"), event.get("agent")
    return _Event(
        id=event["id"],
        kind=event["event_type"],
        occurred_at=_instant(event.get("occurred_at")),
        agent=agent if isinstance(agent, dict) else {},
        data=data if isinstance(data, dict) else {},
    )


def _instant(value: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return read if read.tzinfo else None


def _secrets(context: Context) -> list[str]:
    secret = context.settings.pagerduty_webhook_secret
    return [part.strip() for part in secret.get_secret_value().split(",") if part.strip()] if secret else []
