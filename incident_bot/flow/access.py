"""Who may come in: checks the ingest and API tokens in constant time. Never stores or logs a token."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.access import Role, Warrant
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import JsonObject
from incident_bot.flow.context import Context
from incident_bot.flow.sight import EVERYTHING, Seer, known_as
from incident_bot.store import interventions
from incident_bot.store.transaction import Tx

ALL_SCOPES: Final = frozenset({"read", "write", "admin", "changes"})
AUTOMATION: Final = "automation"
_WITHIN: Final[Mapping[str, frozenset[str]]] = {
    "write": frozenset({"read", "changes"}),
    "admin": frozenset({"read", "write", "changes"}),
}
"""What a scope holds besides itself: who may act sees what they act on, and an admin may do all of it."""
_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody whose credentials were good."""

    actor: str
    """As whom they act: themselves, or a person whom they named."""
    scopes: frozenset[str]
    name: str = ""
    """What their credentials prove: the token's name, or the id of a person; empty for the master token and the local
    operator."""
    person: str | None = None
    """The person of people.yaml who signed in; None where it was a token, or this machine."""
    role: Role | None = None
    """What their credentials give beyond what the person has."""
    session: int | None = None
    """The session of their browser."""
    how: str = ""
    """How they are known, for the audit."""
    until: datetime | None = None
    """When what a one-time link gave ends."""

    @property
    def warrant(self) -> Warrant:
        """As whom they act: what is proven, whoever they say that they are."""
        if self.person is not None:
            return Warrant(person=self.person, role=self.role)
        return Warrant(role=self.role or _role_of(self.scopes))


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """One stored token, without its secret."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


def given_token(authorization: str | None) -> str | None:
    """Take the token out of an Authorization header: Bearer's, or Basic's password (RFC 7617, UTF-8)."""
    if not authorization:
        return None
    scheme, _, rest = authorization.strip().partition(" ")
    rest = rest.strip()
    if scheme.casefold() == "bearer":
        return rest or None
    if scheme.casefold() != "basic":
        return None
    try:
        decoded = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    _, colon, password = decoded.partition(":")
    return password if colon and password else None


def intake_token_configured(context: Context, source: str) -> bool:
    """Say whether this source's webhooks need a token; without one only this machine may deliver."""
    return bool(_intake_token(context, source))


def intake_allowed(context: Context, source: str, authorization: str | None) -> bool:
    """Say whether these credentials open this source's webhook; no token configured means no."""
    expected = _intake_token(context, source)
    given = given_token(authorization)
    return bool(expected) and given is not None and _same(given, expected or "")


def identify(context: Context, token: str | None) -> Caller | None:
    """Say who carries this API token; None where nobody does."""
    if not token:
        return None
    master = context.settings.api_token
    if master is not None and _same(token, master.get_secret_value()):
        return Caller(actor=AUTOMATION, scopes=ALL_SCOPES, how="the master token")
    with context.store.read() as tx:
        stored = interventions.find_token(tx, _digest(token))
    if stored is None or stored.revoked_at is not None:
        return None
    return Caller(actor=stored.name, scopes=stored.scopes, name=stored.name, how=f"the token {stored.name}")


def _role_of(scopes: frozenset[str]) -> Role | None:
    """Give what a token's scopes are worth: `changes` alone is no role."""
    held = {"admin": Role.ADMIN, "write": Role.RESPONDER, "read": Role.VIEWER}
    return next((role for scope, role in held.items() if scope in scopes), None)


def seer_of(context: Context, caller: Caller) -> Seer:
    """Say as whom a caller sees private incidents.

    The scope `admin` may be anybody: who named a person sees as that person, and everything otherwise. Without it a
    caller sees as what their credentials prove, whomever they name.
    """
    if "admin" not in caller.scopes:
        return known_as(caller.name)
    return known_as(caller.actor) if caller.actor in context.live.current.revision.people else EVERYTHING


def reaches(caller: Caller, scope: str) -> bool:
    """Say whether a caller may do this, by a scope or by one that holds it."""
    return any(scope == held or scope in _WITHIN.get(held, ()) for held in caller.scopes)


def token_number(tx: Tx, token: str) -> int | None:
    """Give the number of a stored token; None for the master token, and where there is no such one."""
    stored = interventions.find_token(tx, _digest(token))
    return stored.id if stored else None


def any_api_token(context: Context) -> bool:
    """Say whether the interface needs a token: one in the environment, or a stored one that still holds."""
    if context.settings.api_token is not None:
        return True
    with context.store.read() as tx:
        return any(token.revoked_at is None for token in interventions.tokens(tx))


def create_token(context: Context, name: str, scopes: frozenset[str], *, by: str, now: datetime) -> str:
    """Make and store a token; gives its secret, which is shown this once. Raises Refused for unknown scopes."""
    unknown = scopes - ALL_SCOPES
    if unknown or not scopes:
        message = (
            f"Unknown scope {', '.join(sorted(unknown)) or '(none)'}; use {', '.join(sorted(ALL_SCOPES))}."
        )
        raise Refused(message)
    if not name.strip():
        message = "A token needs a name: say what it is for."
        raise Refused(message)
    secret = "ibt_" + base64.urlsafe_b64encode(os.urandom(_TOKEN_BYTES)).decode().rstrip("=")
    with context.store.write() as tx:
        made = interventions.add_token(tx, name, _digest(secret), scopes, by=by, now=now)
        data: JsonObject = {"name": name, "scopes": sorted(scopes)}
        interventions.record(tx, by, "token.created", data, after={"id": made.id, **data}, now=now)
    return secret


def tokens(context: Context) -> list[TokenView]:
    """List the stored tokens."""
    with context.store.read() as tx:
        found = interventions.tokens(tx)
    return [
        TokenView(
            id=token.id,
            name=token.name,
            scopes=tuple(sorted(token.scopes)),
            created_at=token.created_at,
            created_by=token.created_by,
            revoked_at=token.revoked_at,
        )
        for token in found
    ]


def revoke_token(context: Context, number: int, *, by: str, now: datetime) -> None:
    """End a token at once; raises NotFound."""
    with context.store.write() as tx:
        if not interventions.revoke_token(tx, number, now=now):
            message = f"There is no token {number} that still holds; `token list` shows them."
            raise NotFound(message)
        held = interventions.token_of(tx, number)
        was: JsonObject | None = (
            {"id": number, "name": held.name, "scopes": sorted(held.scopes)} if held else None
        )
        interventions.record(tx, by, "token.revoked", {"id": number}, before=was, now=now)


def _intake_token(context: Context, source: str) -> str | None:
    config = next((one for one in context.live.current.revision.sources if one.name == source), None)
    if config is not None and config.token_env:
        return _environment().get(config.token_env) or None
    default = context.settings.ingest_token
    return default.get_secret_value() if default is not None else None


def _environment() -> Mapping[str, str]:
    return os.environ


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(
        hashlib.sha256(given.encode(errors="surrogatepass")).digest(),
        hashlib.sha256(expected.encode()).digest(),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
