"""The command line, one call each: reads words, calls `bootstrap` and `flow`, prints. Decides nothing.

Errors go to standard error in one line that says what to do; exit status 0, 1 (refused or problems found), 2 (usage).
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from incident_bot import __version__, bootstrap
from incident_bot.cli import arguments, roster
from incident_bot.cli.calendars import calendar_app
from incident_bot.cli.check import check
from incident_bot.cli.drill import drill
from incident_bot.cli.importing import import_schedules
from incident_bot.cli.insights import insights_app
from incident_bot.cli.oncall import WithReport, oncall
from incident_bot.cli.postmortem import postmortem
from incident_bot.cli.printing import print_json, print_simulated, shown
from incident_bot.cli.record import Form, View, incident_bundle, verify
from incident_bot.cli.replay import replay
from incident_bot.cli.slack import slack_app
from incident_bot.cli.users import user_app
from incident_bot.cli.why import why
from incident_bot.cli.wiring import (
    LOCAL,
    Actor,
    AsJson,
    At,
    acting,
    application,
    database,
    refuse_stranger,
    settings,
)
from incident_bot.core.errors import BadConfiguration, IncidentBotError
from incident_bot.flow import access, commands, queries, records, simulate
from incident_bot.flow.context import Context
from incident_bot.telemetry import configure_logging


class _Commands(TyperGroup):
    """Ends in peace when whoever read our output has seen enough, as `head` has."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # What is still buffered must not fail once more when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None


# A traceback must not show local variables: they may hold secrets.
app = typer.Typer(name="incident-bot", cls=_Commands, no_args_is_help=True, add_completion=False,
                  rich_markup_mode=None, pretty_exceptions_show_locals=False,
                  help="Alerts in, the right person paged, every step on the record.")  # fmt: skip
incident_app = typer.Typer(no_args_is_help=True, help="List, show and run incidents.")
db_app = typer.Typer(no_args_is_help=True, help="The database.")
token_app = typer.Typer(no_args_is_help=True, help="API tokens.")
app.add_typer(incident_app, name="incident")
app.add_typer(db_app, name="db")
app.add_typer(token_app, name="token")
app.add_typer(calendar_app, name="calendar")
app.add_typer(slack_app, name="slack")
app.add_typer(user_app, name="user")
app.add_typer(insights_app, name="insights")

SOURCE: Final = "cli"
_LABELS: Final = re.compile(r",(?=[A-Za-z_][A-Za-z0-9_]*=)")
"""Between labels; a comma within a value stays."""


def main() -> None:
    """Run the command line."""
    try:
        app(standalone_mode=True)
    except BadConfiguration as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        typer.echo("The configuration is refused; `incident-bot check` shows the same list.", err=True)
        sys.exit(1)
    except IncidentBotError as error:
        # One line a problem; what a database's driver says may go on in indented ones.
        for line in re.sub(r"\n\s+", " ", str(error)).splitlines():
            typer.echo(f"incident-bot: {line}", err=True)
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"incident-bot {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Alerts in, the right person paged, every step on the record."""


@app.command()
def serve() -> None:
    """Run the bot. Example: INCIDENT_BOT_PORT=9000 incident-bot serve"""
    chosen = settings()
    configure_logging(level=chosen.log_level.lower(), style=chosen.log_format)
    from incident_bot import serving  # noqa: PLC0415 -- no other command has to wait for a web server's imports

    serving.serve(bootstrap.build(chosen, exclusive=True))


@app.command("demo")
def run_demo() -> None:
    """Tell one incident from alert to post-mortem with a sped-up clock. Example: DEMO_EXIT=1 incident-bot demo"""
    from incident_bot import demo  # noqa: PLC0415 -- as `serve`

    demo.run(os.environ, write=typer.echo)


app.command()(check)
app.command()(drill)
app.command("import")(import_schedules)
app.command("oncall", cls=WithReport)(oncall)
app.command()(roster.shifts)
app.command()(roster.override)
app.command()(replay)
app.command()(postmortem)
app.command()(why)
app.command()(verify)
incident_app.command("bundle")(incident_bundle)


@app.command("simulate")
def simulate_command(
    labels: Annotated[list[str] | None, typer.Argument(help="Labels as name=value.")] = None,
    more: Annotated[
        list[str] | None,
        typer.Option("--labels", help="Labels as name=value; comma-separated, or once each."),
    ] = None,
    body: Annotated[str | None, typer.Option(help="A webhook body: a file, or - for standard input.")] = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show the whole decision on an alert. Example: incident-bot simulate alertname=HighErrorRate severity=critical"""
    instant = arguments.instant(at)
    words = [*(labels or []), *(one for option in more or [] for one in _LABELS.split(option))]
    if bool(words) == bool(body):
        message = "give either labels as name=value, or --body FILE"
        raise typer.BadParameter(message)
    named = arguments.labels(words)
    decoded = arguments.body(body) if body else None
    with bootstrap.offline(settings()) as context:
        views = (
            simulate.simulate_body(context, decoded, at=instant)
            if body
            else [simulate.simulate(context, labels=named, annotations={}, at=instant)]
        )
    if as_json:
        print_json([asdict(view) for view in views])
        return
    for view in views:
        print_simulated(view)


@app.command()
def init(directory: Annotated[Path, typer.Argument(help="Where to write.")]) -> None:
    """Write the sample configuration. Example: incident-bot init my-incidents"""
    written = bootstrap.write_samples(directory)
    typer.echo(f"{len(written)} files written to {directory}; next: incident-bot check {directory}")


@incident_app.command("list")
def incident_list(
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List incidents. Example: incident-bot incident list --all"""
    with acting() as (context, now):
        if as_json:
            found = queries.incidents(context, state="all" if everything else "open", limit=500)
            print_json([asdict(one) for one in found])
            return
        _say(context, "list all" if everything else "list", None, LOCAL, now=now)


@incident_app.command("show")
def incident_show(
    name: Annotated[str, typer.Argument(help="INC-42 or 42.")],
    as_json: AsJson = False,
    form: Annotated[
        Form | None, typer.Option("--format", help="The timeline alone: csv, md or json.")
    ] = None,
    view: Annotated[View, typer.Option(help="Of that: all of it, or without what is routine.")] = View.FULL,
) -> None:
    """Show one incident with its timeline. Example: incident-bot incident show INC-42 --format csv"""
    number = arguments.number(name)
    with acting() as (context, now):
        if form is not None:
            typer.echo(records.timeline(context, number, format=form.value, view=view.value)[0], nl=False)
            return
        if as_json:
            print_json(asdict(queries.incident(context, number)))
            return
        _say(context, "info", number, LOCAL, now=now)
        typer.echo("")
        for entry in queries.timeline(context, number):
            typer.echo(f"{shown(entry.happened_at)}  {entry.text}  ({entry.actor_name})")


@incident_app.command("run")
def incident_run(
    line: Annotated[str, typer.Argument(help='A command as in chat: "ack INC-42".')],
    name: Annotated[
        str | None, typer.Option("--incident", help="INC-42, when the line does not say.")
    ] = None,
    actor: Actor = LOCAL,
    key: Annotated[str | None, typer.Option(help="An idempotency key: run twice, done once.")] = None,
) -> None:
    """Run one command. Example: incident-bot incident run "ack INC-42" --as alice"""
    with acting() as (context, now):
        refuse_stranger(context, actor)
        _say(context, line, arguments.number(name) if name else None, actor, key, now=now)


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Migrate the database to the newest schema. Example: incident-bot db upgrade"""
    configure_logging(level="warning", style="console")
    with database() as store:
        store.upgrade()
        current, _ = store.schema_state()
    typer.echo(f"the schema is at {current}")


@db_app.command("check")
def db_check() -> None:
    """Say whether the schema is the newest. Example: incident-bot db check"""
    with database() as store:
        current, head = store.schema_state()
    typer.echo(f"schema {current or 'none'}, newest {head}")
    if current != head:
        typer.echo("run `incident-bot db upgrade`", err=True)
        raise typer.Exit(1)


@token_app.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scopes: Annotated[str, typer.Option(help="read, write, changes, admin; comma-separated.")] = "read,write",
) -> None:
    """Make an API token; its secret is shown this once. Example: incident-bot token create ci --scopes read"""
    with acting() as (context, now):
        wanted = frozenset(scope.strip() for scope in scopes.split(",") if scope.strip())
        typer.echo(access.create_token(context, name, wanted, by=LOCAL, now=now))


@token_app.command("list")
def token_list() -> None:
    """List the API tokens. Example: incident-bot token list"""
    with application() as context:
        for token in access.tokens(context):
            state = f"revoked {shown(token.revoked_at)}" if token.revoked_at else "valid"
            typer.echo(f"{token.id}  {token.name}  {','.join(token.scopes)}  {state}")


@token_app.command("revoke")
def token_revoke(number: Annotated[int, typer.Argument(help="The number that `token list` shows.")]) -> None:
    """End an API token at once. Example: incident-bot token revoke 3"""
    with acting() as (context, now):
        access.revoke_token(context, number, by=LOCAL, now=now)
        typer.echo(f"token {number} is revoked")


def _say(
    context: Context, line: str, number: int | None, actor: str, key: str | None = None, *, now: datetime
) -> None:
    reply = commands.handle(context, line, incident=number, actor=actor, source=SOURCE, key=key, now=now)
    typer.echo(reply.text)
