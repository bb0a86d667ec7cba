"""`check`: every problem of a configuration, and what it changes for the people on call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from incident_bot.cli.printing import print_json, shown
from incident_bot.cli.wiring import database, settings
from incident_bot.clock import SystemClock
from incident_bot.config.loader import LookAhead, load
from incident_bot.config.revision import Revision
from incident_bot.core.errors import BadConfiguration, Problem, Refused
from incident_bot.core.oncall.diff import Side
from incident_bot.flow.compare import ChangeView, SpanView, changes, side_of, side_on_record
from incident_bot.flow.configure import prepare
from incident_bot.flow.slack.online import online as slack_online
from incident_bot.outgoing import Client

DAYS: Final = 60
DAYS_MOST: Final = 800


class Form(StrEnum):
    """How the problems are printed."""

    TEXT = "text"
    JSON = "json"


def check(
    directory: Annotated[Path | None, typer.Argument(help="Holds rotations/, runbooks/, templates/.")] = None,
    form: Annotated[Form, typer.Option("--format", help="text, or json for programs.")] = Form.TEXT,
    against: Annotated[
        str | None,
        typer.Option(
            help="Another such directory, or the id of a revision on record: says who gains and loses what."
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MOST, help="How far ahead --against compares.")] = DAYS,
    online: Annotated[
        bool, typer.Option("--online", help="Ask Slack, too: tokens, scopes, channels, people.")
    ] = False,
) -> None:
    """Validate all configuration. Example: incident-bot check . --format text"""
    chosen = directory or settings().config_dir
    now = SystemClock().now()
    try:
        current = prepare(chosen, now=now, ahead=LookAhead.ALWAYS)
    except BadConfiguration as error:
        _refuse(error.problems, form)
        raise typer.Exit(1) from error
    revision = current.revision
    asked = ask_slack(revision) if online else []
    problems = (*revision.problems, *current.templates.problems(), *revision.notes, *asked)
    if any(problem.severity == "error" for problem in asked):
        _print(problems, form)
        raise typer.Exit(1)
    if against is None:
        _say(problems, revision, form)
        return
    label, old = _side(against, now=now)
    end = now + timedelta(days=days)
    found = changes(old, revision, start=now, end=end)
    if form is Form.JSON:
        print_json(
            {
                "problems": [_plain(problem) for problem in problems],
                "against": label,
                "start": now,
                "end": end,
                "changes": [asdict(change) for change in found],
            }
        )
        return
    _say(problems, revision, form)
    typer.echo(f"against {label}, {shown(now)} to {shown(end)}:")
    _print_changes(found)


def ask_slack(revision: Revision) -> list[Problem]:
    """Ask the workspace of the settings whether it allows and knows what the configuration needs."""
    client = Client()
    try:
        return slack_online(settings(), revision, client)
    finally:
        client.close()


def _refuse(problems: Sequence[Problem], form: Form) -> None:
    _print(problems, form)
    errors = sum(problem.severity == "error" for problem in problems)
    typer.echo(f"{errors} error{'s' if errors != 1 else ''}; nothing of this set would be applied.", err=True)


def _say(problems: Sequence[Problem], revision: Revision, form: Form) -> None:
    _print(problems, form)
    if form is Form.TEXT:
        typer.echo(
            f"ok: revision {revision.id}, {len(revision.people)} people, {len(revision.teams)} teams, "
            f"{len(revision.schedules)} schedules, {len(revision.routing.routes)} routes, "
            f"{len(revision.runbooks)} runbooks, {len(revision.templates)} templates"
        )


def _print(problems: Sequence[Problem], form: Form) -> None:
    if form is Form.JSON:
        print_json([_plain(problem) for problem in problems])
        return
    for problem in problems:
        typer.echo(str(problem))


def _plain(problem: Problem) -> dict[str, object]:
    """Give the problem as programs read it; whom and when it is about is null where it is about a format."""
    concern = problem.concern
    return {
        "file": problem.file,
        "line": problem.line,
        "severity": problem.severity,
        "kind": problem.kind,
        "message": problem.message,
        "schedule": concern.schedule if concern else None,
        "person": concern.person if concern else None,
        "layer": concern.layer if concern else None,
        "start": concern.start if concern else None,
        "end": concern.end if concern else None,
        "count": concern.count if concern else 1,
    }


def _side(against: str, *, now: datetime) -> tuple[str, Side]:
    if Path(against).is_dir():
        return against, side_of(load(Path(against), now=now))
    with database() as store:
        current, newest = store.schema_state()
        if current != newest:
            message = f"{against} is no directory, and this database has no revisions yet; run the bot, or `db upgrade`"
            raise Refused(message)
        return side_on_record(store, against, now=now)


def _print_changes(found: Sequence[ChangeView]) -> None:
    for change in found:
        who = f"{change.schedule}: {change.name} ({change.person}, {change.time_zone})"
        typer.echo(
            f"{who} gains {_amount(change.gained, change.gains)}, loses {_amount(change.lost, change.loses)}"
        )
        _print_spans("+", change.gains)
        _print_spans("-", change.loses)
    if not found:
        typer.echo("nobody gains or loses anything")


def _amount(hours: float, spans: Sequence[SpanView]) -> str:
    return f"{hours:g} h in {len(spans)} shift{'' if len(spans) == 1 else 's'}"


def _print_spans(sign: str, spans: Iterable[SpanView]) -> None:
    for span in spans:
        typer.echo(f"  {sign} {span.local_start} – {span.local_end} ({span.hours:g} h)")
