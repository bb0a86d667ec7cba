"""`user`: who is known and what they may do, who is signed in, and the way in when no other one works."""

from __future__ import annotations

from typing import Annotated

import typer

from incident_bot.cli.printing import shown
from incident_bot.cli.wiring import LOCAL, acting
from incident_bot.core.access import Role
from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import sessions, signin
from incident_bot.flow.context import Context
from incident_bot.flow.standings import standings, words

user_app = typer.Typer(no_args_is_help=True, help="People: roles, sessions, one-time sign-in.")


@user_app.command("list")
def user_list() -> None:
    """List the people with their roles. Example: incident-bot user list"""
    with acting() as (context, _):
        held = standings(context.live.current.revision)
        for person in sorted(context.live.current.revision.people.values(), key=lambda one: one.id):
            roles = ", ".join(words(held[person.id])) if person.id in held else "not active"
            typer.echo(f"{person.id}  {person.name}  {roles}")


@user_app.command("sessions")
def user_sessions(
    person: Annotated[
        str | None, typer.Argument(help="An id of people.yaml; everybody when left out.")
    ] = None,
) -> None:
    """List who is signed in. Example: incident-bot user sessions alice"""
    with acting() as (context, now):
        found = sessions.listed(context, person=_known(context, person), now=now)
        for one in found:
            role = f" as {one.role}" if one.role else ""
            typer.echo(
                f"{one.id}  {one.name}{role}  by {one.how} {shown(one.made_at)}, seen {shown(one.seen_at)}, "
                f"until {shown(one.expires_at)}  {one.agent}"
            )
        if not found:
            typer.echo("nobody is signed in")


@user_app.command("sign-in")
def user_sign_in(
    person: Annotated[
        str | None, typer.Argument(help="An id of people.yaml; nobody's when left out.")
    ] = None,
    role: Annotated[
        Role | None, typer.Option(help="What the session may do beyond what the person may.")
    ] = None,
    minutes: Annotated[int, typer.Option(help="How long the session lasts.")] = 15,
) -> None:
    """Print a link that opens one session. Example: incident-bot user sign-in alice"""
    with acting() as (context, now):
        chosen = role if person is not None or role is not None else Role.ADMIN
        typer.echo(signin.make_link(context, person=person, role=chosen, minutes=minutes, by=LOCAL, now=now))
        holds = int(signin.LINK_HOLDS.total_seconds() // 60)
        typer.echo(f"It works once within {holds} minutes; it is in the audit, and the console shows it.")


@user_app.command("sign-out")
def user_sign_out(
    person: Annotated[
        str | None, typer.Argument(help="An id of people.yaml: ends all their sessions.")
    ] = None,
    number: Annotated[
        int | None, typer.Option("--session", help="One session, as `user sessions` shows it.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Every session of everybody.")] = False,
) -> None:
    """End sessions at once. Example: incident-bot user sign-out alice"""
    if sum((person is not None, number is not None, everybody)) != 1:
        raise Refused("say whose: a name, --session NUMBER, or --all")
    with acting() as (context, now):
        if number is not None:
            sessions.end(context, number, by=LOCAL, now=now)
            typer.echo(f"session {number} is ended")
            return
        count = sessions.end_all(context, person=_known(context, person), by=LOCAL, now=now)
        typer.echo(f"{count} {'session is' if count == 1 else 'sessions are'} ended")


def _known(context: Context, person: str | None) -> str | None:
    """Let through who is known: active or not."""
    known = context.live.current.revision.people
    if person is not None and person not in known:
        raise NotFound(f"there is nobody {person!r} in people.yaml; known: {', '.join(sorted(known))}")
    return person
