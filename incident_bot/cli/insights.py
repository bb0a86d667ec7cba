"""`insights digest`: what each team is told on Monday, now and here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from incident_bot.cli.printing import print_json
from incident_bot.cli.wiring import AsJson, acting
from incident_bot.flow.digest import digests

insights_app = typer.Typer(no_args_is_help=True, help="What the past says.")


@insights_app.command("digest")
def digest(
    team: Annotated[str | None, typer.Option("--team", help="One team; without it, each.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the weekly digest of the seven days until now: the noisiest alerts, and the change of their rules.

    Nothing is sent. Example: incident-bot insights digest --team payments
    """
    with acting() as (context, now):
        found = digests(context, team, now=now)
        base = context.settings.public_url
    if as_json:
        print_json([asdict(one) for one in found])
        return
    typer.echo("\n\n".join(f"{one.text}\n\n{base}/{one.page}" for one in found))
