"""`why`: how an incident, an alert or a person came to be paged, and why nobody was."""

from __future__ import annotations

from typing import Annotated

import typer

from incident_bot.cli import arguments
from incident_bot.cli.printing import print_json
from incident_bot.cli.wiring import LOCAL, Actor, AsJson, acting
from incident_bot.core.errors import Refused
from incident_bot.flow.commands.explaining import DAY, answer
from incident_bot.flow.why import explain_person


def why(
    words: Annotated[
        list[str],
        typer.Argument(help="INC-42; alert and its number, fingerprint or name; or @alice since 22:00."),
    ],
    start: Annotated[str | None, typer.Option("--from", help="For a person: an instant or a date.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="For a person: an instant or a date.")] = None,
    actor: Actor = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Say how it came to this: delivery, route, people, pages; and why nobody was paged.

    Example: incident-bot why @alice --from 2026-11-20
    """
    line = " ".join(words)
    with acting() as (context, now):
        if start or end:
            finish = arguments.instant(end) if end else now
            begin = arguments.instant(start) if start else finish - DAY
            if len(words) != 1 or finish <= begin:
                message = "--from and --to are for one person, and --to comes after --from"
                raise Refused(message)
            found = explain_person(context, line, start=begin, end=finish, now=now)
        else:
            found = answer(context, line, None, actor=actor, now=now)
    if as_json:
        print_json(found.to_json())
        return
    typer.echo(found.text)
