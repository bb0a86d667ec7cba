"""Who is signed in: sessions are rows, so that each can be ended, and every replica knows at once.

A session lives no longer than what opened it: a person who is no longer active, or a token that was revoked, is out
with the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from incident_bot.core.access import Role
from incident_bot.core.errors import NotFound
from incident_bot.core.model import JsonObject, rfc3339
from incident_bot.flow.access import ALL_SCOPES, AUTOMATION, Caller
from incident_bot.flow.context import Context
from incident_bot.store import interventions, sessions
from incident_bot.store.sessions import Session
from incident_bot.store.transaction import LostRace, Tx, Unavailable
from incident_bot.telemetry import logger

LASTS: Final = timedelta(days=30)
SEEN_EVERY: Final = timedelta(minutes=5)
"""How coarsely it is noted that a session was used."""
AGENT_MOST: Final = 80
TOKEN: Final = "token"  # noqa: S105 -- how a session was opened
LINK: Final = "link"
OPERATOR: Final = "operator"
_SECRET_BYTES: Final = 32
_KINDS: Final = ("s", "m")
_BROWSERS: Final = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
_SYSTEM: Final = re.compile(r"\(([^;)]+)")

log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a new session is to be."""

    person: str | None = None
    token_id: int | None = None
    role: Role | None = None
    how: str
    """The name of a provider, `token` or `link`."""
    lasts: timedelta = LASTS
    agent: str = ""
    """The browser, as its header has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One session, as people see it."""

    id: int
    person: str | None
    name: str
    role: str | None
    how: str
    made_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str


def open_session(context: Context, tx: Tx, opening: Opening, *, now: datetime) -> str:
    """Store a session and note it in the audit; gives the secret for the cookie, which is kept nowhere."""
    master = opening.how == TOKEN and opening.token_id is None
    secret = f"{_KINDS[master]}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    saved = sessions.add(
        tx,
        _digest(context, secret) or "",
        Session(
            person=opening.person,
            token_id=opening.token_id,
            role=opening.role.value if opening.role else None,
            how=opening.how,
            made_at=now,
            seen_at=now,
            expires_at=now + opening.lasts,
            agent=browser(opening.agent),
        ),
    )
    interventions.record(tx, opening.person or OPERATOR, "session.opened", {}, after=_shown(saved), now=now)
    return secret


def caller_of(context: Context, secret: str, *, now: datetime) -> Caller | None:
    """Give whoever has this cookie; None where it opens nothing, or not any more. One read, two for a token's."""
    digest = _digest(context, secret)
    if digest is None:
        return None
    with context.store.read() as tx:
        found = sessions.find(tx, digest)
        if found is None or found.ended_at is not None or found.expires_at <= now:
            return None
        caller = _caller(context, tx, found)
    if caller is not None and now - found.seen_at >= SEEN_EVERY:
        _touch(context, found, now=now)
    return caller


def listed(context: Context, *, person: str | None = None, now: datetime) -> list[SessionView]:
    """List the sessions that open something, of one person or of everybody, the newest first."""
    with context.store.read() as tx:
        found = sessions.open_sessions(tx, person=person, now=now)
    return [_view(context, one) for one in found]


def emergencies(context: Context, *, now: datetime) -> tuple[SessionView, ...]:
    """Give the sessions in force that a link of the command line opened; none where the database is away."""
    try:
        with context.store.read() as tx:
            found = sessions.open_sessions(tx, how=LINK, now=now)
    except Unavailable:
        return ()
    return tuple(_view(context, one) for one in found)


def end(context: Context, number: int, *, owner: str | None = None, by: str, now: datetime) -> None:
    """End one session at once, one of `owner` where that is given; raises NotFound."""
    with context.store.write() as tx:
        known = [one for one in sessions.open_sessions(tx, person=owner, now=now) if one.id == number]
        if not known:
            raise NotFound(f"There is no session {number} that still opens anything.")
        _end(tx, known, by=by, now=now)


def end_all(context: Context, *, person: str | None, but: int | None = None, by: str, now: datetime) -> int:
    """End all sessions of a person, or of everybody, but one; gives how many there were."""
    with context.store.write() as tx:
        found = [one for one in sessions.open_sessions(tx, person=person, now=now) if one.id != but]
        _end(tx, found, by=by, now=now)
    return len(found)


def sign_out(context: Context, number: int, *, by: str, now: datetime) -> None:
    """End the session that asks for it; one that is over already stays so."""
    with context.store.write() as tx:
        if sessions.end(tx, [number], now=now):
            interventions.record(tx, by, "session.ended", {"id": number, "why": "signed out"}, now=now)


def browser(agent: str) -> str:
    """Give a browser's header in a few words: `Firefox, Windows NT 10.0`; of others what they begin with."""
    name = next((one for one in _BROWSERS if f"{one}/" in agent), None)
    system = _SYSTEM.search(agent)
    if name is None:
        return agent[:AGENT_MOST] or "unknown"
    called = {"Edg": "Edge", "OPR": "Opera"}.get(name, name)
    return f"{called}, {system[1]}"[:AGENT_MOST] if system else called


def _end(tx: Tx, found: Sequence[Session], *, by: str, now: datetime) -> None:
    sessions.end(tx, [one.id for one in found], now=now)
    for one in found:
        interventions.record(tx, by, "session.ended", {"id": one.id}, before=_shown(one), now=now)


def _caller(context: Context, tx: Tx, found: Session) -> Caller | None:
    role = Role(found.role) if found.role else None
    known: dict[str, Any] = {
        "session": found.id,
        "role": role,
        "until": found.expires_at if found.how == LINK else None,
    }
    if found.person is not None:
        person = context.live.current.revision.people.get(found.person)
        if person is None or not person.active:
            return None
        return Caller(
            actor=person.id, name=person.id, person=person.id, scopes=ALL_SCOPES, how=found.how, **known
        )
    if found.token_id is None:
        how = "the master token" if found.how == TOKEN else found.how
        return Caller(actor=OPERATOR, scopes=ALL_SCOPES, how=how, **known)
    token = interventions.token_of(tx, found.token_id)
    if token is None or token.revoked_at is not None:
        return None
    return Caller(
        actor=token.name, name=token.name, scopes=token.scopes, how=f"the token {token.name}", **known
    )


def _touch(context: Context, found: Session, *, now: datetime) -> None:
    try:
        with context.store.write() as tx:
            sessions.touch(tx, found.id, now=now)
    except (LostRace, Unavailable) as problem:
        # Whoever reads a page during an outage must not be turned away for want of a note about it.
        log.debug("a session's use was not noted", error=str(problem))


def _digest(context: Context, secret: str) -> str | None:
    """Give what a cookie's secret is found by; that of the master token is worth nothing once the token is another."""
    kind, dot, rest = secret.partition(".")
    if kind not in _KINDS or not dot or not rest or len(secret) > 2 * AGENT_MOST:
        return None
    master = context.settings.api_token
    if kind == "m" and master is None:
        return None
    key = master.get_secret_value().encode() if kind == "m" and master is not None else b"session"
    return hmac.new(hashlib.sha256(key).digest(), secret.encode(errors="surrogatepass"), "sha256").hexdigest()


def _view(context: Context, one: Session) -> SessionView:
    person = context.live.current.revision.people.get(one.person or "")
    token = f"token {one.token_id}" if one.token_id is not None else AUTOMATION
    return SessionView(
        id=one.id,
        person=one.person,
        name=person.name if person else one.person or (OPERATOR if one.how == LINK else token),
        role=one.role,
        how=one.how,
        made_at=one.made_at,
        seen_at=one.seen_at,
        expires_at=one.expires_at,
        agent=one.agent,
    )


def _shown(one: Session) -> JsonObject:
    return {
        "id": one.id,
        "person": one.person,
        "how": one.how,
        "role": one.role,
        "from": one.agent,
        "expires_at": rfc3339(one.expires_at),
    }
