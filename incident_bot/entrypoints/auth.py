"""Who is calling, and as whom they act.

Three ways in: an API token as Bearer; the cookie of a session; and, only while neither an API token nor a sign-in is
configured, this machine itself as the named local operator. What their role does not reach is refused here, for the
team that the address is about. Tokens are compared in constant time and never kept, logged or shown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Protocol

from fastapi import Request
from pydantic import SecretStr
from starlette.exceptions import HTTPException

from incident_bot.clock import Clock
from incident_bot.core.access import LEAST, Permission, Reach
from incident_bot.core.errors import NotAllowed, NotFound
from incident_bot.entrypoints import loopback
from incident_bot.entrypoints.frame import authorization
from incident_bot.entrypoints.permits import asked_of
from incident_bot.flow import access, permissions, sessions
from incident_bot.flow.access import Caller
from incident_bot.flow.context import Context
from incident_bot.flow.sessions import SessionView
from incident_bot.flow.sight import Seer
from incident_bot.telemetry import asked

SESSION_COOKIE: Final = "incident_bot_session"
PERSON_COOKIE: Final = "incident_bot_person"
SESSION_LASTS: Final = sessions.LASTS
EMERGENCIES_EVERY: Final = timedelta(seconds=5)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

LOCAL: Final = Caller(actor="operator", scopes=access.ALL_SCOPES, how="this machine")
"""Whoever sits at this machine while no token and no sign-in is configured."""


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

    @property
    def sign_in_configured(self) -> bool:
        """Whether people sign in with a provider."""
        ...


def refuse_to_bind(settings: Binding, *, stored_tokens: bool = False) -> str | None:
    """Say which setting is missing before we may listen where others reach us; None where none is."""
    known = settings.api_token is not None or settings.sign_in_configured or stored_tokens
    if loopback.is_loopback(settings.host) or known:
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
        self._emergencies: tuple[datetime, tuple[SessionView, ...]] | None = None

    @property
    def guarded(self) -> bool:
        """Whether somebody has to say who they are; else only this machine itself is let in."""
        return self._context.settings.sign_in_configured or access.any_api_token(self._context)

    @property
    def session_cookie(self) -> str:
        """The name of the session's cookie; over https no other host of the domain can set it."""
        return f"__Host-{SESSION_COOKIE}" if self.secure else SESSION_COOKIE

    @property
    def secure(self) -> bool:
        """Whether people reach us over https."""
        return self._context.settings.public_url.startswith("https://")

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
            if caller is not None and access.reaches(caller, "read"):
                return caller
        return None

    def console(self, request: Request) -> Caller:
        """Name the person at the console; raises SignInNeeded where nobody has signed in."""
        caller = self._at_console(request)
        if caller is None:
            raise SignInNeeded
        path = str(getattr(request.scope.get("route"), "path", ""))
        # What is one's own is no act upon an incident: whoever may only read signs out, too.
        own = asked_of(request.method, path, "write") is Permission.OWN
        return self._reaching(request, caller, "read" if own or request.method in _SAFE else "write")

    def present(self, request: Request) -> bool:
        """Say whether what let this request in still would: a stream asks again and again."""
        given = access.given_token(authorization(request.scope["headers"]))
        return (access.identify(self._context, given) or self._at_console(request)) is not None

    def acting(self, caller: Caller, wanted: str | None) -> Caller:
        """Let a token act as a person of `people.yaml`; raises NotFound where there is no such person.

        Whoever signed in as a person acts as nobody else: then NotAllowed is raised.
        """
        if wanted is None or wanted == caller.actor:
            return caller
        if caller.person is not None:
            raise NotAllowed(f"You are signed in as {caller.person}, and act as nobody else.")
        person = self._context.live.current.revision.people.get(wanted)
        if person is None or not person.active:
            raise NotFound(f"There is no active person {wanted[:64]!r} in people.yaml to act as.")
        return replace(caller, actor=person.id)

    def seer(self, caller: Caller) -> Seer:
        """Say as whom this caller sees private incidents."""
        return access.seer_of(self._context, caller)

    def may(self, caller: Caller, permission: Permission, *, team: str | None = None) -> bool:
        """Say whether a caller may do something, so that a page offers no button that refuses."""
        return permissions.verdict(self._context, caller.warrant, permission, team=team).allowed

    def emergencies(self) -> tuple[SessionView, ...]:
        """Give the sessions that a link of the command line opened and that are in force: all should see them.

        What was found is good for some seconds: every page asks.
        """
        now = self._clock.now()
        known = self._emergencies
        if known is None or not known[0] <= now < known[0] + EMERGENCIES_EVERY:
            known = self._emergencies = (now, sessions.emergencies(self._context, now=now))
        return tuple(one for one in known[1] if one.expires_at > now)

    def _at_console(self, request: Request) -> Caller | None:
        cookie = request.cookies.get(self.session_cookie, "")
        caller = sessions.caller_of(self._context, cookie, now=self._clock.now()) if cookie else None
        refused = None
        if caller is not None:
            refused = None if request.method in _SAFE else loopback.foreign_form(request.scope)
        elif not self.guarded:
            caller, refused = LOCAL, loopback.refusal(request.scope)
        if caller is None:
            return None
        if refused:
            raise HTTPException(HTTPStatus.FORBIDDEN, refused)
        if caller.person is not None:
            return caller
        person = self._context.live.current.revision.people.get(request.cookies.get(PERSON_COOKIE, ""))
        return replace(caller, actor=person.id) if person is not None and person.active else caller

    def _reaching(self, request: Request, caller: Caller, scope: str) -> Caller:
        asked().how = caller.how
        if not access.reaches(caller, scope):
            raise HTTPException(HTTPStatus.FORBIDDEN, f"This token does not reach {scope!r}.")
        acting = self.acting(caller, request.headers.get("x-actor") or request.query_params.get("as"))
        request.state.actor = acting.actor
        # A token for pipelines has no role, and needs none for the one thing that it may do.
        if caller.person is not None or scope != "changes":
            self._permit(request, acting, scope)
        return acting

    def _permit(self, request: Request, caller: Caller, scope: str) -> None:
        """Refuse what the caller's role does not reach, for the team that the address is about."""
        path = str(getattr(request.scope.get("route"), "path", ""))
        permission = asked_of(request.method, path, scope)
        found = permissions.verdict(self._context, caller.warrant, permission)
        by_team = found.allowed and LEAST[permission][1] is Reach.TEAM
        team = self._team(request, caller, path) if by_team else None
        if team is not None:
            found = permissions.verdict(self._context, caller.warrant, permission, team=team)
        if not found.allowed:
            raise NotAllowed(permissions.refused(self._context, found, caller.person or caller.actor))

    def _team(self, request: Request, caller: Caller, path: str) -> str | None:
        """Give the team of the incident or schedule in the address of a request that changes something.

        None where there is none, or where the role is the same for every team.
        """
        if request.method in _SAFE or caller.person is None:
            return None
        named = request.path_params
        schedule = named.get("schedule") or (named.get("name") if "/schedules/{name}" in path else None)
        if schedule is not None:
            return permissions.team_of_schedule(self._context, str(schedule))
        if "/incidents/{id}" not in path:
            return None
        context = self._context.seen_by(self.seer(caller))
        return permissions.team_of_incident(context, str(named.get("id")))
