"""The settings: oneself, people, tokens, what is connected, the configuration in force.

Plain forms that work without script; reads through `flow.overview` and acts through `flow`, decides nothing.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Path, Query, Request, Response
from starlette.responses import RedirectResponse

from incident_bot.core.access import Permission
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import Urgency
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import access, overview, sessions, trials
from incident_bot.flow.access import Caller
from incident_bot.flow.permissions import standing_of
from incident_bot.flow.standings import words

router = APIRouter(include_in_schema=False)

PAGES: Final = (
    ("/settings", "Me", Permission.INCIDENT_READ),
    ("/settings/people", "People", Permission.INCIDENT_READ),
    ("/settings/tokens", "Tokens", Permission.TOKEN_MANAGE),
    ("/settings/integrations", "Integrations", Permission.INCIDENT_READ),
    ("/settings/configuration", "Configuration", Permission.INCIDENT_READ),
    ("/settings/audit", "Audit", Permission.AUDIT_READ),
)
"""Each page with what it takes to see it; whoever may not is shown no link."""
Number = Annotated[int, Path(ge=1, le=2**53)]
Name = Annotated[str, Path(max_length=64)]
Said = Annotated[str, Query(max_length=20)]


def show(
    request: Request, at: Desk, caller: Caller, page: str, *, status: int = HTTPStatus.OK, **values: object
) -> Response:
    """Draw one of the settings, with the links to those that this caller may see."""
    may = overview.permits(at.context, caller.warrant)
    return draw(
        request, at, caller, page,
        status=status,
        shelf=[(path, name) for path, name, needs in PAGES if needs in may],
        may=frozenset(one.value for one in may),
        **values,
    )  # fmt: skip


@router.get("/settings")
def me(request: Request, at: AtDesk, caller: Visitor) -> Response:
    """Show who the visitor is, their sessions, their rules, and what came of their tests."""
    return _me(request, at, caller)


@router.post("/settings/test")
def try_me(
    request: Request, at: AtDesk, caller: Visitor, channel: Annotated[str, Form(max_length=64)] = ""
) -> Response:
    """Send the visitor a test by one of their channels, or by all."""
    try:
        trials.send(at.context, caller.actor, [channel] if channel else None, now=at.now())
    except Refused as refused:
        return _me(request, at, caller, refused=str(refused))
    return RedirectResponse("/settings", HTTPStatus.SEE_OTHER)


@router.post("/settings/sessions/{number}/end")
def end_session(at: AtDesk, caller: Visitor, number: Number) -> Response:
    """End one session: one's own, or with the permission anybody's."""
    owner = None if at.doorkeeper.may(caller, Permission.PEOPLE_SIGN_OUT) else _owner(caller)
    sessions.end(at.context, number, owner=owner, by=caller.actor, now=at.now())
    return RedirectResponse("/settings", HTTPStatus.SEE_OTHER)


@router.post("/settings/sessions/end")
def end_others(at: AtDesk, caller: Visitor) -> Response:
    """End all of one's own sessions but this one."""
    sessions.end_all(at.context, person=_owner(caller), but=caller.session, by=caller.actor, now=at.now())
    return RedirectResponse("/settings", HTTPStatus.SEE_OTHER)


@router.get("/settings/people")
def people(request: Request, at: AtDesk, caller: Visitor) -> Response:
    """Show everybody with their roles, the channels that reach them, and when they signed in last."""
    return show(request, at, caller, "settings_people.html", people=overview.people(at.context))


@router.post("/settings/people/{name}/sign-out")
def sign_somebody_out(at: AtDesk, caller: Visitor, name: Name) -> Response:
    """End all sessions of a person."""
    if name not in at.context.live.current.revision.people:
        raise NotFound(f"There is nobody {name!r} in people.yaml.")
    sessions.end_all(at.context, person=name, by=caller.actor, now=at.now())
    return RedirectResponse("/settings/people", HTTPStatus.SEE_OTHER)


@router.get("/settings/tokens")
def tokens(request: Request, at: AtDesk, caller: Visitor) -> Response:
    """Show the API tokens, without their secrets."""
    return _tokens(request, at, caller)


@router.post("/settings/tokens")
def make_token(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    name: Annotated[str, Form(max_length=100)] = "",
    scopes: Annotated[list[str] | None, Form(max_length=10)] = None,
) -> Response:
    """Make a token, and show its secret this once."""
    try:
        made = access.create_token(
            at.context, " ".join(name.split()), frozenset(scopes or ()), by=caller.actor, now=at.now()
        )
    except Refused as refused:
        return _tokens(request, at, caller, refused=str(refused))
    return _tokens(request, at, caller, made=made)


@router.post("/settings/tokens/{number}/revoke")
def revoke_token(at: AtDesk, caller: Visitor, number: Number) -> Response:
    """End a token at once, with every session that it opened."""
    access.revoke_token(at.context, number, by=caller.actor, now=at.now())
    return RedirectResponse("/settings/tokens", HTTPStatus.SEE_OTHER)


@router.get("/settings/integrations")
def integrations(request: Request, at: AtDesk, caller: Visitor) -> Response:
    """Show every way out with its state."""
    return _integrations(request, at, caller)


@router.post("/settings/integrations/{name}/test")
def try_channel(request: Request, at: AtDesk, caller: Visitor, name: Name) -> Response:
    """Send the visitor a test by one channel."""
    try:
        trials.send(at.context, caller.actor, [name], now=at.now())
    except NotFound:
        raise
    except Refused as refused:
        return _integrations(request, at, caller, refused=str(refused))
    return RedirectResponse("/settings/integrations", HTTPStatus.SEE_OTHER)


@router.get("/settings/configuration")
def configuration(request: Request, at: AtDesk, caller: Visitor, done: Said = "") -> Response:
    """Show the configuration in force, its files, and what is wrong with a newer set."""
    return show(
        request, at, caller, "settings_configuration.html", view=overview.configuration(at.context), done=done
    )


@router.post("/settings/configuration/reload")
def reload(at: AtDesk, caller: Visitor) -> Response:
    """Apply the configuration on disk whole, or not at all."""
    done = overview.reload(at.context, by=caller.actor, now=at.now())
    word = "refused" if not done.ok else "applied" if done.changed else "same"
    return RedirectResponse(f"/settings/configuration?done={word}", HTTPStatus.SEE_OTHER)


def _me(request: Request, at: Desk, caller: Caller, *, refused: str = "") -> Response:
    now = at.now()
    revision = at.context.live.current.revision
    person = revision.people.get(caller.actor)
    rules = {}
    if person is not None:
        rules = {
            urgency.value: person.rules.get(urgency) or revision.matrix.rules.get(urgency, ())
            for urgency in Urgency
        }
    return show(
        request, at, caller, "settings_me.html",
        status=HTTPStatus.CONFLICT if refused else HTTPStatus.OK,
        person=person,
        visitor=caller,
        roles=words(standing_of(at.context, caller.warrant)),
        sessions=sessions.listed(at.context, person=caller.person, now=now) if caller.person else [],
        rules=rules,
        own=person is not None and any(person.rules.values()),
        channels=trials.reaching(at.context, person) if person is not None else [],
        results=trials.results(at.context, caller.actor, now=now),
        refused=refused,
        length=lambda span: f"after {int(span.total_seconds() // 60)} min" if span else "at once",
    )  # fmt: skip


def _tokens(request: Request, at: Desk, caller: Caller, *, made: str = "", refused: str = "") -> Response:
    held = access.tokens(at.context)
    return show(
        request, at, caller, "settings_tokens.html",
        status=HTTPStatus.CONFLICT if refused else HTTPStatus.OK,
        tokens=[one for one in held if one.revoked_at is None][::-1],
        revoked=[one for one in held if one.revoked_at is not None][::-1],
        scopes=("read", "write", "changes", "admin"),
        made=made,
        refused=refused,
    )  # fmt: skip


def _integrations(request: Request, at: Desk, caller: Caller, *, refused: str = "") -> Response:
    now = at.now()
    return show(
        request, at, caller, "settings_integrations.html",
        status=HTTPStatus.CONFLICT if refused else HTTPStatus.OK,
        ways=overview.ways(at.context, now=now),
        results={one.channel: one for one in trials.results(at.context, caller.actor, now=now)},
        refused=refused,
    )  # fmt: skip


def _owner(caller: Caller) -> str:
    """Give whose sessions are one's own; a session without a person owns no other."""
    if caller.person is None:
        raise Refused(
            "You came in with a token: sign out here, or end sessions with `incident-bot user sign-out`."
        )
    return caller.person
