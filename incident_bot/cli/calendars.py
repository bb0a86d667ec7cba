"""`calendar`: secret links under which calendar programs read who is on call."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from incident_bot.cli.printing import print_json, shown
from incident_bot.cli.wiring import LOCAL, AsJson, acting, application
from incident_bot.flow import calendars

calendar_app = typer.Typer(no_args_is_help=True, help="Links to calendars of shifts.")


@calendar_app.command("link")
def calendar_link(
    kind: Annotated[str, typer.Argument(help="schedule, team or person.")],
    name: Annotated[str, typer.Argument(help="Its name; a person's id.")],
) -> None:
    """Make a secret link; its address is shown this once. Example: incident-bot calendar link person alice"""
    with acting() as (context, now):
        made = calendars.link(context, calendars.kind_of(kind), name, by=LOCAL, now=now)
    typer.echo(made.url)
    typer.echo(
        f"Whoever has this link can read the calendar. To end it: incident-bot calendar revoke {made.link.id}"
    )


@calendar_app.command("list")
def calendar_list(as_json: AsJson = False) -> None:
    """List the links and when each was last used. Example: incident-bot calendar list"""
    with application() as context:
        found = calendars.links(context)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        state = f"revoked {shown(one.revoked_at)}" if one.revoked_at else "valid"
        used = f"last used {shown(one.last_used_at)}" if one.last_used_at else "never used"
        typer.echo(f"{one.id}  {one.kind.value} {one.name}  by {one.created_by}  {used}  {state}")


@calendar_app.command("revoke")
def calendar_revoke(
    number: Annotated[int, typer.Argument(help="The number that `calendar list` shows.")],
) -> None:
    """End a link at once. Example: incident-bot calendar revoke 3"""
    with acting() as (context, now):
        calendars.revoke(context, number, by=LOCAL, now=now)
    typer.echo(f"calendar link {number} is revoked")
