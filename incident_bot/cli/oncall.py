"""`oncall`, `oncall report` and `oncall run`: who answers, who carried how much, and the words of the chat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from incident_bot.cli import arguments, roster
from incident_bot.cli.printing import print_json
from incident_bot.cli.wiring import LOCAL, Actor, AsJson, At, acting, refuse_stranger
from incident_bot.flow import load
from incident_bot.flow.load import LoadView
from incident_bot.flow.oncall import run as words

REPORT: Final = "report"
RUN: Final = "run"

Named = Annotated[str | None, typer.Option("--schedule", help="One schedule; all when left out.")]


class Form(StrEnum):
    """How a report is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def report(
    start: Annotated[
        str | None, typer.Option("--from", help="An instant or a date; four weeks before --to.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="An instant or a date; now when left out.")] = None,
    schedule: Named = None,
    form: Annotated[Form, typer.Option("--format", help="table, csv or json.")] = Form.TABLE,
    chart: Annotated[
        Path | None, typer.Option(help="Write the last twelve weeks there, as an SVG chart.")
    ] = None,
) -> None:
    """Say who carried how much.

    Hours on call by kind, and pages. Example: incident-bot oncall report --from 2026-11-01 --to 2026-12-01
    """
    finish = arguments.instant(end)
    begin = arguments.instant(start) if start else finish - load.SPAN
    with acting() as (context, now):
        found = load.report(context, start=begin, end=finish, schedule=schedule)
        drawn = load.chart(context, schedule=schedule, now=now) if chart else ""
    if chart:
        arguments.write(chart, drawn)
        typer.echo(f"written: {chart}", err=True)
    match form:
        case Form.JSON:
            print_json(asdict(found))
        case Form.CSV:
            typer.echo(load.as_csv(found), nl=False)
        case Form.TABLE:
            _print_table(found)


def _print_table(found: LoadView) -> None:
    days = (found.end - found.start) / timedelta(days=1)
    typer.echo(f"{', '.join(found.schedules)}: {days:g} days to {found.end:%Y-%m-%d %H:%M}Z, times in hours")
    heads = ("person", "hours", "share", "day", "night", "weekend", "holiday", "shifts", "pages", "at night")
    rows = [
        (
            one.name, f"{one.hours:g}", f"{one.share:.0%}", f"{one.weekday_day:g}", f"{one.weekday_night:g}",
            f"{one.weekend:g}", f"{one.holiday:g}", str(one.shifts), str(one.pages), str(one.night_pages),
        )
        for one in found.people
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for name, *figures in (heads, *rows):
        cells = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
        typer.echo("  ".join([name.ljust(widths[0]), *cells]).rstrip())
    if not rows:
        typer.echo("Nobody was on call.")


def run(
    line: Annotated[str, typer.Argument(help="What you would type after /oncall.")],
    actor: Actor = LOCAL,
    key: Annotated[
        str | None, typer.Option(help="The same key answers the same and changes nothing twice.")
    ] = None,
) -> None:
    """Run one line in the words of the chat. Example: incident-bot oncall run "cover web 2026-12-24" --as ana"""
    with acting() as (context, now):
        refuse_stranger(context, actor)
        typer.echo(words.run(context, line, actor, key=key, now=now).text)


def _alone(name: str, command: Callable[..., None]) -> Any:
    group = typer.Typer(add_completion=False, rich_markup_mode=None)
    group.command(name)(command)
    return typer.main.get_command(group)


_BELOW: Final = {REPORT: _alone(REPORT, report), RUN: _alone(RUN, run)}


class WithReport(TyperCommand):
    """A command that takes a schedule's name, and has others below it; a schedule of such a name goes by --schedule."""

    @property
    def commands(self) -> dict[str, Any]:
        """Give what stands below it."""
        return _BELOW

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the words; where the first names a command below, those of that command."""
        below = self.commands.get(args[0]) if args else None
        if below is None:
            return super().make_context(info_name, args, parent=parent, **extra)
        above = typer.Context(TyperGroup(name=info_name), info_name=info_name, parent=parent)
        return below.make_context(args[0], args[1:], parent=above, **extra)


def oncall(
    schedule: Annotated[str | None, typer.Argument(help="One schedule; all when left out.")] = None,
    named: Named = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Say who is on call.

    `oncall report` says who carried how much, `oncall run` takes the words of the chat.

    Example: incident-bot oncall payments-primary --at 2026-12-24T20:00:00Z
    """
    roster.oncall(schedule or named, at, as_json)
