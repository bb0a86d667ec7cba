"""Who is calling, and as whom they act.

Three ways in: an API token as Bearer; the cookie that the console's sign-in sets; and, only while no API
token is configured, this machine itself as the named local operator. Decides from the request alone; tokens
are compared in constant time and never kept, logged or shown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Final, Protocol

from fastapi import Request
from pydantic import SecretStr
from starlette.exceptions import HTTPException

from incident_bot.clock import Clock
from incident_bot.core.errors import NotFound
from incident_bot.entrypoints import loopback
from incident_bot.entrypoints.frame import authorization
from incident_bot.flow import access
from incident_bot.flow.access import Caller
from incident_bot.flow.context import Context
from incident_bot.flow.sight import Seer
from incident_bot.telemetry import logger

SESSION_COOKIE: Final = "incident_bot_session"
PERSON_COOKIE: Final = "incident_bot_person"
SESSION_LASTS: Final = timedelta(days=30)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

LOCAL: Final = Caller(actor="operator", scopes=access.ALL_SCOPES)
"""Whoever sits at this machine while no token is configured."""

log = logger(__name__)


class Binding(Protocol):
    """What decides on which interfaces we may listen."""

    @property
    def host(self) -> str:
        """The name or address to listen on."""
        ...

    @property
    def api_token(self) -> SecretStr | None:
        """The token that opens the interface."""
        ...


def refuse_to_bind(settings: Binding, *, stored_tokens: bool = False) -> str | None:
    """Say which setting is missing before we may listen where others reach us; None where none is."""
    if loopback.is_loopback(settings.host) or settings.api_token is not None or stored_tokens:
        return None
    return (
        f"refusing to listen on {settings.host} without INCIDENT_BOT_API_TOKEN: anybody who reaches it could "
        "page people and close incidents; set it (and INCIDENT_BOT_INGEST_TOKEN for deliveries from other "
        "machines), or set INCIDENT_BOT_HOST=127.0.0.1"
    )


class SignInNeeded(Exception):
    """The console does not know who is there yet."""


class Doorkeeper:
    """Names the caller of every request, or refuses it."""

    def __init__(self, context: Context, clock: Clock) -> None:
        """Guard the application of this context."""
        self._context = context
        self._clock = clock
        # With nothing but stored tokens no lasting secret seals a cookie: a restart asks everybody again.
        self._own_key = secrets.token_bytes(32)

    @property
    def guarded(self) -> bool:
        """Whether a token is needed; without one, only this machine itself is let in."""
        return access.any_api_token(self._context)

    def api(self, request: Request, *, scope: str) -> Caller:
        """Name the caller of the API; raises 401 without valid credentials, 403 beyond their reach."""
        given = access.given_token(authorization(request.scope["headers"]))
        caller = access.identify(self._context, given) or self._at_console(request)
        if caller is None:
            detail = "A valid API token is needed; send it as Authorization: Bearer."
            raise HTTPException(HTTPStatus.UNAUTHORIZED, detail, {"www-authenticate": "Bearer"})
        return self._reaching(request, caller, scope)

    def known(self, request: Request, token: str) -> Caller | None:
        """Name who sent a valid API token that may read, as Bearer or as `token`; nobody else, wherever they sit."""
        for given in (access.given_token(authorization(request.scope["headers"])), token):
            caller = access.identify(self._context, given)
            if caller is not None and "read" in caller.scopes:
                return caller
        return None

    def console(self, request: Request) -> Caller:
        """Name the person at the console; raises SignInNeeded where nobody has signed in."""
        caller = self._at_console(request)
        if caller is None:
            raise SignInNeeded
        return self._reaching(request, caller, "read" if request.method in _SAFE else "write")

    def acting(self, caller: Caller, wanted: str | None) -> Caller:
        """Let a caller act as a person of `people.yaml`; raises NotFound where there is no such person."""
        if wanted is None or wanted == caller.actor:
            return caller
        person = self._context.live.current.revision.people.get(wanted)
        if person is None or not person.active:
            raise NotFound(f"There is no active person {wanted[:64]!r} in people.yaml to act as.")
        return replace(caller, actor=person.id)

    def seer(self, caller: Caller) -> Seer:
        """Say as whom this caller sees private incidents."""
        return access.seer_of(self._context, caller)

    def new_session(self, token: str) -> str | None:
        """Give the value of a session cookie for a token that holds, None for any other."""
        caller = access.identify(self._context, token)
        if caller is None:
            log.warning("sign-in refused")
            return None
        expires = int((self._clock.now() + SESSION_LASTS).timestamp())
        name = "" if self._is_master(token) else base64.urlsafe_b64encode(caller.actor.encode()).decode()
        return self._sealed(f"{expires}.{name}")

    def _is_master(self, token: str) -> bool:
        master = self._context.settings.api_token
        return master is not None and hmac.compare_digest(token.encode(), master.get_secret_value().encode())

    def _at_console(self, request: Request) -> Caller | None:
        if self.guarded:
            caller = self._signed_in(request.cookies.get(SESSION_COOKIE, ""))
            refused = loopback.cross_site(request.scope) if request.method not in _SAFE else None
        else:
            caller, refused = LOCAL, loopback.refusal(request.scope)
        if caller is None:
            return None
        if refused:
            raise HTTPException(HTTPStatus.FORBIDDEN, refused)
        person = self._context.live.current.revision.people.get(request.cookies.get(PERSON_COOKIE, ""))
        return replace(caller, actor=person.id) if person is not None and person.active else caller

    def _reaching(self, request: Request, caller: Caller, scope: str) -> Caller:
        if not access.reaches(caller, scope):
            raise HTTPException(HTTPStatus.FORBIDDEN, f"This token does not reach {scope!r}.")
        acting = self.acting(caller, request.headers.get("x-actor") or request.query_params.get("as"))
        request.state.actor = acting.actor
        return acting

    def _signed_in(self, cookie: str) -> Caller | None:
        expires, _, rest = cookie.partition(".")
        name, _, _seal = rest.partition(".")
        whole = hmac.compare_digest(self._sealed(f"{expires}.{name}").encode(), cookie.encode())
        if not whole or self._clock.now().timestamp() >= int(expires):
            return None
        if not name:
            return LOCAL
        actor = base64.urlsafe_b64decode(name).decode()
        held = (one for one in access.tokens(self._context) if one.name == actor and one.revoked_at is None)
        token = next(held, None)
        return None if token is None else Caller(actor=actor, scopes=frozenset(token.scopes), name=actor)

    def _sealed(self, content: str) -> str:
        """Seal what a cookie says; a new token in the environment makes every old session worthless."""
        token = self._context.settings.api_token
        key = self._own_key if token is None else hashlib.sha256(token.get_secret_value().encode()).digest()
        return f"{content}.{hmac.new(key, f'console {content}'.encode(), 'sha256').hexdigest()}"
