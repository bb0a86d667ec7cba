"""`drill`: pages somebody willing, and shows how drills went."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from incident_bot.cli.printing import print_json, shown
from incident_bot.cli.wiring import LOCAL, Actor, AsJson, acting, refuse_stranger
from incident_bot.core.postmortem import duration
from incident_bot.flow import commands, drills
from incident_bot.flow.drills import DrillView


def drill(
    person: Annotated[str | None, typer.Argument(help="Whose id in people.yaml; ask them first.")] = None,
    last: Annotated[bool, typer.Option("--last", help="Show the newest drills.")] = False,
    actor: Actor = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Page somebody willing, and nobody else; the running bot sends it.

    Ends when it is acknowledged, or after 15 minutes. Example: incident-bot drill alice
    """
    if last == (person is not None):
        message = "give either a person, or --last"
        raise typer.BadParameter(message)
    with acting() as (context, now):
        if person is not None:
            refuse_stranger(context, actor)
            reply = commands.handle(
                context, f"drill {person}", incident=None, actor=actor, source="cli", now=now
            )
            if as_json:
                print_json({"text": reply.text, "incident": reply.incident})
                return
            typer.echo(reply.text)
            return
        found = drills.last(context)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("There was no drill yet; `incident-bot drill PERSON` begins one.")


def _line(one: DrillView) -> str:
    sent = f"sent by {one.sent_by} {shown(one.sent_at)}" if one.sent_at else "nothing sent"
    return f"{one.incident}  DRILL  {one.name}  opened {shown(one.opened_at)}  {sent}  {_outcome(one)}"


def _outcome(one: DrillView) -> str:
    if one.acknowledged_at is None:
        return one.state
    took = f" after {duration(one.acknowledged_at - one.sent_at)}" if one.sent_at else ""
    return f"answered by {one.acknowledged_by}{took}"
