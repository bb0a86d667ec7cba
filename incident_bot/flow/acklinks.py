"""The secret links in pages that acknowledge one incident as one person, and nothing else, without a sign-in.

Every attempt to send a page makes its own token, of which only the digest is kept, and all of them work: whichever
attempt arrives, its link is good. Looking at one changes nothing, because programs follow links in mails; only
`acknowledge` acts, through the commands that every other door uses.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from incident_bot.config.settings import Settings
from incident_bot.core.errors import Refused
from incident_bot.core.model import Incident, Paging, Person, Phase, incident_name
from incident_bot.core.timeline import redact
from incident_bot.flow import commands, together
from incident_bot.flow.context import Context
from incident_bot.flow.sight import EVERYTHING
from incident_bot.render.filters import when
from incident_bot.store import acklinks, incidents, outbox
from incident_bot.store.acklinks import AckLink
from incident_bot.store.outbox import OutboxRow

PATH: Final = "/ack/"
LASTS: Final = timedelta(hours=24)
SOURCE: Final = "link"
LISTED_MOST: Final = 50
_TOKEN_BYTES: Final = 24
# Hexadecimal, because programs that find addresses in texts leave out a `-` or `_` at the end.
_TOKEN: Final = re.compile(rf"[0-9a-f]{{{2 * _TOKEN_BYTES}}}")


class DoorState(StrEnum):
    """What a link opens."""

    OPEN = "open"
    """The incident waits for somebody."""
    TAKEN = "taken"
    """Somebody has it; this person can join."""
    DONE = "done"
    """It was acknowledged by this very call."""
    OVER = "over"
    """Nothing any more: used, expired, or the incident or person is gone."""
    UNKNOWN = "unknown"
    """There is no such link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What stands behind a link, for people; all but the state and the sentence may be unknown."""

    state: DoorState
    said: str
    incident: str | None = None
    title: str | None = None
    severity: str | None = None
    actor: str | None = None
    person: str | None = None
    button: str | None = None
    """What can be pressed, where anything can."""
    lists: tuple[str, ...] = ()
    """What it is for, a line for each, where it is for several incidents."""


_UNKNOWN: Final = Door(
    state=DoorState.UNKNOWN,
    said="This link is not known here. Was it cut off? Take it whole from the message, or use the newest one.",
)


def new_url(settings: Settings) -> str | None:
    """Make an address with a fresh token, that opens nothing before `keep`; None where nobody said where we are."""
    return f"{settings.public_url}{PATH}{secrets.token_hex(_TOKEN_BYTES)}" if settings.public else None


def keep(context: Context, row: OutboxRow, url: str | None, *, now: datetime) -> None:
    """Have the link in a page that is about to be sent open for `LASTS`."""
    if url is None or row.incident_id is None or row.person is None:
        return
    link = AckLink(
        digest=_digest(url.rpartition("/")[2]),
        incident_id=row.incident_id,
        person=row.person,
        expires_at=now + LASTS,
        page_id=row.group if row.carries else None,
    )
    with context.store.write() as tx:
        acklinks.add(tx, link, now=now)


def look(context: Context, token: str, *, now: datetime) -> Door:
    """Say what a link opens; changes nothing, however often and by whomever it is asked."""
    found = _found(context, token)
    if found is None:
        return _UNKNOWN
    many = _many(context, found[0])
    return _door_of_many(context, found[0], many, now=now) if many else _door(context, *found, now=now)


def acknowledge(context: Context, token: str, *, now: datetime) -> Door:
    """Acknowledge as the person of the link; the second time says who has it and changes nothing."""
    found = _found(context, token)
    if found is None:
        return _UNKNOWN
    link, incident = found
    many = _many(context, link)
    door = _door_of_many(context, link, many, now=now) if many else _door(context, link, incident, now=now)
    if door.state is DoorState.OVER:
        return door
    if many:
        taken = together.take(
            context.seen_by(EVERYTHING), together.waiting(many), link.person, source=SOURCE, now=now
        )
        return _used(context, link, replace(door, said=taken.said), now=now)
    try:
        # The link says that they were paged for it.
        reply = commands.handle(
            context.seen_by(EVERYTHING),
            "ack",
            incident=incident.id,
            actor=link.person,
            source=SOURCE,
            now=now,
        )
    except Refused as refused:  # somebody was faster
        return replace(door, state=DoorState.OVER, said=str(refused), button=None)
    return _used(context, link, replace(door, said=reply.text), now=now)


def _used(context: Context, link: AckLink, door: Door, *, now: datetime) -> Door:
    # After it was done: a link that is used up without effect would be the loss of an acknowledgement.
    with context.store.write() as tx:
        acklinks.mark_used(tx, link.digest, now=now)
    return replace(door, state=DoorState.DONE, button=None)


def _many(context: Context, link: AckLink) -> list[Incident]:
    """Give the incidents of a link that is for several, else none."""
    if link.page_id is None:
        return []
    with context.store.read() as tx:
        page = outbox.row(tx, link.page_id)
        found = together.incidents_in(tx, page) if page else []
    return found if len(found) > 1 else []


def _door_of_many(context: Context, link: AckLink, many: list[Incident], *, now: datetime) -> Door:
    person = context.live.current.revision.people.get(link.person)
    left = together.waiting(many)
    state = DoorState.OVER
    if person is None or not person.active:
        said = f"{link.person} is no longer among the people who are paged."
    elif not left:
        said = f"Somebody has each of these {len(many)} incidents, or it is over; there is nothing to acknowledge."
    elif link.used_at is not None or now >= link.expires_at:
        at = when(link.used_at or link.expires_at, person.time_zone)
        word = "was used at" if link.used_at else "held until"
        said = f"This link {word} {at}. {together.listed([one.name for one in left])}: use the newest mail."
    else:
        state = DoorState.OPEN
        said = f"{len(left)} incidents wait for somebody. Acknowledging stops the pages; {person.name} has them then."
    listed = [f"{one.severity} {one.name}: {redact(one.title)}" for one in left[:LISTED_MOST]]
    if len(left) > LISTED_MOST:
        listed.append(f"and {len(left) - LISTED_MOST} more")
    return Door(
        state=state,
        said=said,
        actor=link.person,
        person=person.name if person else link.person,
        button=f"Acknowledge all {len(left)}" if state is DoorState.OPEN else None,
        lists=tuple(listed),
    )


def _found(context: Context, token: str) -> tuple[AckLink, Incident] | None:
    if _TOKEN.fullmatch(token) is None:
        return None
    with context.store.read() as tx:
        link = acklinks.find(tx, _digest(token))
        incident = incidents.get(tx, link.incident_id) if link else None
    return (link, incident) if link and incident else None


def _door(context: Context, link: AckLink, incident: Incident, *, now: datetime) -> Door:
    person = context.live.current.revision.people.get(link.person)
    state, said = _standing(context, link, incident, person, now=now)
    return Door(
        state=state,
        said=said,
        incident=incident.name,
        title=redact(incident.title),
        severity=incident.severity,
        actor=link.person,
        person=person.name if person else link.person,
        button=_button(state, incident, link),
    )


def _button(state: DoorState, incident: Incident, link: AckLink) -> str | None:
    if state is DoorState.OPEN:
        return f"Acknowledge {incident.name}"
    if state is DoorState.TAKEN:
        return "I am still on it" if incident.acknowledged_by == link.person else "I am on it, too"
    return None


def _standing(
    context: Context, link: AckLink, incident: Incident, person: Person | None, *, now: datetime
) -> tuple[DoorState, str]:
    name = incident.name
    if incident.phase is Phase.CANCELLED:
        return DoorState.OVER, f"{name} is cancelled; there is nothing to acknowledge."
    if incident.paging is Paging.MERGED:
        into = f" into {incident_name(incident.merged_into)}" if incident.merged_into else ""
        return DoorState.OVER, f"{name} was merged{into}; there is nothing to acknowledge here."
    if incident.paging is Paging.RESOLVED:
        return DoorState.OVER, f"{name} is resolved; there is nothing to acknowledge."
    if person is None or not person.active:
        return DoorState.OVER, f"{link.person} is no longer among the people who are paged."
    holder = _holder(context, link, incident, person)
    if link.used_at is not None:
        again = holder or f"Since then {name} waits for somebody again: use the link in the newest message."
        return DoorState.OVER, f"This link was used at {when(link.used_at, person.time_zone)}. {again}"
    if now >= link.expires_at:
        again = (
            holder or f"{name} still waits for somebody: type `ack {name}`, or open it and press Acknowledge."
        )
        return DoorState.OVER, f"This link held until {when(link.expires_at, person.time_zone)}. {again}"
    if holder:
        return DoorState.TAKEN, holder
    waits = "is snoozed" if incident.paging is Paging.SNOOZED else "waits for somebody"
    return DoorState.OPEN, f"{name} {waits}. Acknowledging stops the pages; {person.name} has it then."


def _holder(context: Context, link: AckLink, incident: Incident, person: Person) -> str | None:
    if link.person in incident.progress.taken and incident.paging is Paging.TRIGGERED:
        return f"You have your part of {incident.name}; it waits for {', '.join(incident.progress.awaited)}."
    if incident.paging is not Paging.ACKNOWLEDGED:
        return None
    holder = incident.acknowledged_by or "somebody"
    people = context.live.current.revision.people
    who = "you" if holder == link.person else people[holder].name if holder in people else holder
    at = incident.acknowledged_at
    return (
        f"{incident.name} is already acknowledged by {who}{f', {when(at, person.time_zone)}' if at else ''}."
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
