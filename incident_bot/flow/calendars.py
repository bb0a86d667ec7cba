"""Calendars to subscribe to: a schedule's, a team's and a person's shifts, and the secret links that open them.

The shifts are those of `flow.roster`, past days by what was in force then. Of a link only a digest is kept; it opens
one calendar until it is revoked.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from incident_bot.config.documents import nearest
from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow.context import Context
from incident_bot.flow.history import Roster
from incident_bot.render.calendars import Entry, calendar
from incident_bot.store import interventions
from incident_bot.store.interventions import CalendarLink, FeedKind

BACK: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=180)
_TOKEN_BYTES: Final = 32
_FOLDERS: Final = {FeedKind.SCHEDULE: "schedules", FeedKind.TEAM: "teams", FeedKind.PERSON: "people"}

__all__ = [
    "AHEAD",
    "BACK",
    "CalendarLink",
    "FeedKind",
    "Linked",
    "feed",
    "link",
    "links",
    "opened_by",
    "revoke",
]


@dataclass(frozen=True, slots=True)
class Feed:
    """One calendar as it stands now."""

    text: str
    etag: str
    """Changes with the text and with nothing else."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A new link, with the address that is shown this once."""

    link: CalendarLink
    url: str


def feed(context: Context, kind: FeedKind, name: str, *, now: datetime) -> Feed:
    """Give a calendar in whole days of UTC, from 30 days back to 180 ahead; raises NotFound.

    Within one day the same shifts give the same text.
    """
    revision = context.live.current.revision
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = today - BACK, today + AHEAD + timedelta(days=1)
    _existing(context, kind, name)
    with context.store.read() as tx:
        roster = Roster(context.records, context.live.current, tx)
        if kind is FeedKind.SCHEDULE:
            schedules, title = [name], f"On call: {name}"
        elif kind is FeedKind.TEAM:
            team = revision.teams[name]
            schedules, title = [team.schedule] if team.schedule else [], f"On call: {team.name}"
        else:
            schedules = sorted({*roster.names(now), *roster.names(start)})
            title = f"On call: {revision.people[name].name}"
        entries = [
            Entry(schedule, shift)
            for schedule in schedules
            for shift in roster.shifts(schedule, start, end)
            if kind is not FeedKind.PERSON or name in shift.people
        ]
    entries.sort(key=lambda entry: (entry.shift.start, entry.schedule))
    text = calendar(entries, name=title, people=revision.people, stamp=today)
    return Feed(text=text, etag=hashlib.sha256(text.encode()).hexdigest()[:32])


def link(context: Context, kind: FeedKind, name: str, *, by: str, now: datetime) -> Linked:
    """Make a secret link to one calendar; its address is shown this once. Raises NotFound."""
    _existing(context, kind, name)
    token = "ibc_" + base64.urlsafe_b64encode(os.urandom(_TOKEN_BYTES)).decode().rstrip("=")
    with context.store.write() as tx:
        made = interventions.add_calendar_link(tx, kind, name, _digest(token), by=by, now=now)
        interventions.record(
            tx, by, "calendar.linked", {"id": made.id, **_about(made)}, after=_about(made), now=now
        )
    path = f"{_FOLDERS[kind]}/{quote(name, safe='')}.ics"
    return Linked(made, f"{context.settings.public_url.rstrip('/')}/{path}?token={token}")


def links(context: Context) -> list[CalendarLink]:
    """List the links, revoked ones too, without their secrets."""
    with context.store.read() as tx:
        return interventions.calendar_links(tx)


def revoke(context: Context, number: int, *, by: str, now: datetime) -> None:
    """End a link at once; raises NotFound where there is none that still opens anything."""
    with context.store.write() as tx:
        ended = interventions.revoke_calendar_link(tx, number, now=now) if 0 < number < 2**63 else None
        if ended is None:
            message = f"There is no calendar link {number} that still holds; `calendar list` shows them."
            raise NotFound(message)
        interventions.record(
            tx, by, "calendar.revoked", {"id": number, **_about(ended)}, before=_about(ended), now=now
        )


def opened_by(
    context: Context, kind: FeedKind, name: str, token: str, *, now: datetime
) -> CalendarLink | None:
    """Give the link whose token this is, if it opens this calendar; notes that it was used.

    Found by the digest alone, before anybody looks whether the calendar exists: the time it takes tells nothing.
    """
    with context.store.read() as tx:
        found = interventions.find_calendar_link(tx, _digest(token))
    if found is None or (found.kind, found.name) != (kind, name):
        return None
    if found.last_used_at is None or now - found.last_used_at >= interventions.USE_NOTED_EVERY:
        with context.store.write() as tx:
            interventions.note_calendar_use(tx, found.id, now=now)
    return found


def kind_of(word: str) -> FeedKind:
    """Read `schedule`, `team` or `person`; raises Refused."""
    try:
        return FeedKind(word)
    except ValueError:
        message = f"{word[:40]!r} has no calendar; write schedule, team or person"
        raise Refused(message) from None


def _existing(context: Context, kind: FeedKind, name: str) -> None:
    revision = context.live.current.revision
    named: dict[FeedKind, Iterable[str]] = {
        FeedKind.SCHEDULE: revision.schedules,
        FeedKind.TEAM: revision.teams,
        FeedKind.PERSON: revision.people,
    }
    known = frozenset(named[kind])
    if name not in known:
        hint = nearest(name, known)
        message = f"There is no {kind.value} {name[:80]!r}{hint}{'' if hint.endswith('?') else '.'}"
        raise NotFound(message)


def _about(one: CalendarLink) -> dict[str, str]:
    return {"kind": one.kind.value, "name": one.name}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
