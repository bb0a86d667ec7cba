"""`oncall`, `shifts` and `override`: who answers, and a change to it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from incident_bot import bootstrap
from incident_bot.cli import arguments
from incident_bot.cli.printing import print_json, shown
from incident_bot.cli.wiring import LOCAL, Actor, AsJson, At, acting, refuse_stranger, settings
from incident_bot.core.errors import Refused
from incident_bot.flow import roster
from incident_bot.flow.views import OverrideView

ScheduleName = Annotated[str, typer.Argument(help="The schedule's name.")]


def oncall(
    schedule: Annotated[str | None, typer.Argument(help="One schedule; all when left out.")] = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Say who is on call. Example: incident-bot oncall payments-primary --at 2026-12-24T20:00:00Z"""
    with bootstrap.offline(settings()) as context:
        found = roster.on_call(context, schedule=schedule, at=arguments.instant(at))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        until = f" until {shown(one.until)}" if one.until else ""
        typer.echo(f"{one.schedule}: {one.name} ({one.person}){until} – {one.why}")
    if not found:
        typer.echo("Nobody is on call.")


def shifts(
    schedule: ScheduleName,
    start: Annotated[str, typer.Option("--from", help="An instant or a date.")],
    end: Annotated[str, typer.Option("--to", help="An instant or a date.")],
    as_json: AsJson = False,
) -> None:
    """List shifts. Example: incident-bot shifts payments-primary --from 2026-12-01 --to 2026-12-31"""
    begin, finish = arguments.instant(start), arguments.instant(end)
    if not begin < finish <= begin + timedelta(days=3660):
        message = "--to must come after --from, and within ten years of it"
        raise Refused(message)
    with bootstrap.offline(settings()) as context:
        found = roster.shifts(context, schedule, start=begin, end=finish)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        typer.echo(f"{shown(one.start)} – {shown(one.end)}  {', '.join(one.people)}  ({one.why})")


def override(
    schedule: ScheduleName,
    cover: Annotated[list[str] | None, typer.Option(help="Instead of everybody; may be repeated.")] = None,
    replace: Annotated[str | None, typer.Option(help="This person, wherever they would answer …")] = None,
    by: Annotated[str | None, typer.Option(help="… by this one.")] = None,
    remove: Annotated[str | None, typer.Option(help="Not this person.")] = None,
    add: Annotated[list[str] | None, typer.Option(help="Besides the others; may be repeated.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Cover by nobody; needs --reason.")] = False,
    start: Annotated[str | None, typer.Option(help="An instant; now when left out.")] = None,
    end: Annotated[
        str | None, typer.Option(help="An instant; alone, the number of the override to end now.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; shown wherever it counts.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="List those that run or are to come.")] = False,
    actor: Actor = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Change who answers. Example: incident-bot override payments-primary --cover bob --end 2026-12-24T20:00:00Z"""
    changes = bool(cover or replace or by or remove or add or nobody)
    with acting() as (context, now):
        refuse_stranger(context, actor)
        if not changes and listed:
            found = roster.overrides(context, schedule, start=now, now=now)
            _print(found, as_json=as_json)
            return
        if not changes and end is not None and end.isdecimal():
            number = int(end[:18])
            ended = roster.end_override(context, number, schedule=schedule, actor=actor, now=now)
            _print([ended], as_json=as_json)
            return
        if end is None:
            message = (
                "say when it ends with --end 2026-12-24T20:00:00Z; --list shows the overrides, and --end NUMBER "
                "ends one"
            )
            raise Refused(message)
        wanted = roster.Wanted(
            cover=tuple(cover or ()) if cover or nobody else None,
            replace=replace,
            by=by,
            remove=remove,
            add=tuple(add) if add else None,
            start=arguments.instant(start) if start is not None else None,
            end=arguments.instant(end),
            reason=reason,
            nobody=nobody,
        )
        made = roster.make_override(context, schedule, wanted, actor=actor, now=now)
        _print([made], as_json=as_json)


def _print(found: list[OverrideView], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        reason = f" ({one.reason})" if one.reason else ""
        span = f"{shown(one.start)} – {shown(one.end)}"
        typer.echo(
            f"{one.id}  {one.schedule}  {one.state}  {span}  {_what(one)}{reason}, by {one.created_by}"
        )
    if not found:
        typer.echo("There is no override now or to come.")


def _what(one: OverrideView) -> str:
    if one.cover is not None:
        return f"cover by {', '.join(one.cover) or 'nobody'}"
    if one.replace is not None:
        return f"{one.by} in place of {one.replace}"
    return f"without {one.remove}" if one.remove is not None else f"with {', '.join(one.add or ())}"
