"""The command line, one call each: reads words, calls `bootstrap` and `flow`, prints. Decides nothing.

Errors go to standard error in one line that says what to do; exit status 0, 1 (refused or problems found), 2 (usage).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from incident_bot import __version__, bootstrap, demo
from incident_bot.cli import arguments
from incident_bot.cli.printing import print_json, print_simulated, shown
from incident_bot.clock import SystemClock
from incident_bot.config.settings import Settings
from incident_bot.core.errors import BadConfiguration, IncidentBotError, Refused
from incident_bot.flow import access, commands, export, queries, simulate
from incident_bot.flow.configure import prepare
from incident_bot.flow.context import Context
from incident_bot.store.engine import Store
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

LOCAL: Final = "operator"
SOURCE: Final = "cli"

At = Annotated[str | None, typer.Option("--at", help="An instant, 2026-11-21T03:00:00Z; now when left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
    settings = _settings()
    configure_logging(level=settings.log_level.lower(), style=settings.log_format)
    application = bootstrap.build(settings, exclusive=True)
    bootstrap.serve(application)


@app.command("demo")
def run_demo() -> None:
    """Tell one incident from alert to post-mortem with a sped-up clock. Example: DEMO_EXIT=1 incident-bot demo"""
    demo.run(os.environ, write=typer.echo)


@app.command()
def check(
    directory: Annotated[Path | None, typer.Argument(help="Holds rotations/, runbooks/, templates/.")] = None,
) -> None:
    """Validate all configuration. Example: incident-bot check ."""
    chosen = directory or _settings().config_dir
    try:
        current = prepare(chosen, now=SystemClock().now())
    except BadConfiguration as error:
        for problem in error.problems:
            typer.echo(str(problem))
        errors = sum(problem.severity == "error" for problem in error.problems)
        typer.echo(
            f"{errors} error{'s' if errors != 1 else ''}; nothing of this set would be applied.", err=True
        )
        raise typer.Exit(1) from error
    revision = current.revision
    for problem in (*revision.problems, *current.templates.problems()):
        typer.echo(str(problem))
    typer.echo(
        f"ok: revision {revision.id}, {len(revision.people)} people, {len(revision.teams)} teams, "
        f"{len(revision.schedules)} schedules, {len(revision.routing.routes)} routes, "
        f"{len(revision.runbooks)} runbooks, {len(revision.templates)} templates"
    )


@app.command()
def oncall(
    schedule: Annotated[str | None, typer.Argument(help="One schedule; all when left out.")] = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Say who is on call. Example: incident-bot oncall payments-primary --at 2026-12-24T20:00:00Z"""
    with bootstrap.offline(_settings()) as context:
        found = queries.on_call(context, schedule=schedule, at=arguments.instant(at))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        until = f" until {shown(one.until)}" if one.until else ""
        typer.echo(f"{one.schedule}: {one.name} ({one.person}){until} – {one.why}")
    if not found:
        typer.echo("Nobody is on call.")


@app.command()
def shifts(
    schedule: Annotated[str, typer.Argument(help="The schedule's name.")],
    start: Annotated[str, typer.Option("--from", help="An instant or a date.")],
    end: Annotated[str, typer.Option("--to", help="An instant or a date.")],
    as_json: AsJson = False,
) -> None:
    """List shifts. Example: incident-bot shifts payments-primary --from 2026-12-01 --to 2026-12-31"""
    begin, finish = arguments.instant(start), arguments.instant(end)
    if not begin < finish <= begin + timedelta(days=3660):
        message = "--to must come after --from, and within ten years of it"
        raise Refused(message)
    with bootstrap.offline(_settings()) as context:
        found = queries.shifts(context, schedule, start=begin, end=finish)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        typer.echo(f"{shown(one.start)} – {shown(one.end)}  {', '.join(one.people)}  ({one.why})")


@app.command("simulate")
def simulate_command(
    labels: Annotated[list[str] | None, typer.Argument(help="Labels as name=value.")] = None,
    body: Annotated[str | None, typer.Option(help="A webhook body: a file, or - for standard input.")] = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show the whole decision on an alert. Example: incident-bot simulate alertname=HighErrorRate severity=critical"""
    instant = arguments.instant(at)
    if bool(labels) == bool(body):
        message = "give either labels as name=value, or --body FILE"
        raise typer.BadParameter(message)
    named = arguments.labels(labels or [])
    decoded = arguments.body(body) if body else None
    with bootstrap.offline(_settings()) as context:
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
def postmortem(
    name: Annotated[str, typer.Argument(help="INC-42 or 42.")],
    form: Annotated[str, typer.Option("--format", help="md, html or json.")] = "md",
    output: Annotated[
        Path | None, typer.Option(help="Write there; what people wrote into an existing file is kept.")
    ] = None,
) -> None:
    """Write the post-mortem draft. Example: incident-bot postmortem INC-42 --output inc-42.md"""
    number = arguments.number(name)
    with _application() as context:
        now = SystemClock().now()
        if output is not None and form == "md" and output.exists():
            text, conflicts = export.refreshed(context, number, arguments.read(output), now=now)
            for conflict in conflicts:
                typer.echo(
                    f"{output}: you edited the part {conflict}, and the record has news for it: see beneath it",
                    err=True,
                )
        else:
            text, _ = export.postmortem(context, number, format=form, now=now)
        if output is None:
            typer.echo(text, nl=False)
            return
        arguments.write(output, text)
        typer.echo(f"written: {output}")


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
    with _application() as context:
        if as_json:
            found = queries.incidents(context, state="all" if everything else "open", limit=500)
            print_json([asdict(one) for one in found])
            return
        _say(context, "list all" if everything else "list", None, LOCAL)


@incident_app.command("show")
def incident_show(
    name: Annotated[str, typer.Argument(help="INC-42 or 42.")], as_json: AsJson = False
) -> None:
    """Show one incident with its timeline. Example: incident-bot incident show INC-42"""
    number = arguments.number(name)
    with _application() as context:
        if as_json:
            print_json(asdict(queries.incident(context, number)))
            return
        _say(context, "info", number, LOCAL)
        typer.echo("")
        for entry in queries.timeline(context, number):
            typer.echo(f"{shown(entry.happened_at)}  {entry.text}  ({entry.actor_name})")


@incident_app.command("run")
def incident_run(
    line: Annotated[str, typer.Argument(help='A command as in chat: "ack INC-42".')],
    name: Annotated[
        str | None, typer.Option("--incident", help="INC-42, when the line does not say.")
    ] = None,
    actor: Annotated[str, typer.Option("--as", help="Your id in people.yaml.")] = LOCAL,
    key: Annotated[str | None, typer.Option(help="An idempotency key: run twice, done once.")] = None,
) -> None:
    """Run one command. Example: incident-bot incident run "ack INC-42" --as alice"""
    with _application() as context:
        known = context.live.current.revision.people
        if actor != LOCAL and actor not in known:
            message = f"--as {actor}: nobody of that id in people.yaml; known: {', '.join(sorted(known))}"
            raise Refused(message)
        _say(context, line, arguments.number(name) if name else None, actor, key)


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Migrate the database to the newest schema. Example: incident-bot db upgrade"""
    configure_logging(level="warning", style="console")
    with _database() as store:
        store.upgrade()
        current, _ = store.schema_state()
    typer.echo(f"the schema is at {current}")


@db_app.command("check")
def db_check() -> None:
    """Say whether the schema is the newest. Example: incident-bot db check"""
    with _database() as store:
        current, head = store.schema_state()
    typer.echo(f"schema {current or 'none'}, newest {head}")
    if current != head:
        typer.echo("run `incident-bot db upgrade`", err=True)
        raise typer.Exit(1)


@token_app.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scopes: Annotated[str, typer.Option(help="read, write, admin; comma-separated.")] = "read,write",
) -> None:
    """Make an API token; its secret is shown this once. Example: incident-bot token create ci --scopes read"""
    with _application() as context:
        wanted = frozenset(scope.strip() for scope in scopes.split(",") if scope.strip())
        typer.echo(access.create_token(context, name, wanted, by=LOCAL, now=SystemClock().now()))


@token_app.command("list")
def token_list() -> None:
    """List the API tokens. Example: incident-bot token list"""
    with _application() as context:
        for token in access.tokens(context):
            state = f"revoked {shown(token.revoked_at)}" if token.revoked_at else "valid"
            typer.echo(f"{token.id}  {token.name}  {','.join(token.scopes)}  {state}")


@token_app.command("revoke")
def token_revoke(number: Annotated[int, typer.Argument(help="The number that `token list` shows.")]) -> None:
    """End an API token at once. Example: incident-bot token revoke 3"""
    with _application() as context:
        access.revoke_token(context, number, by=LOCAL, now=SystemClock().now())
        typer.echo(f"token {number} is revoked")


def _settings() -> Settings:
    return Settings.load(os.environ)


@contextmanager
def _database() -> Iterator[Store]:
    store = Store.open(_settings().database_url.get_secret_value())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _application() -> Iterator[Context]:
    configure_logging(level="warning", style="console")
    application = bootstrap.build(_settings())
    try:
        yield application.context
    finally:
        application.close()


def _say(context: Context, line: str, number: int | None, actor: str, key: str | None = None) -> None:
    reply = commands.handle(
        context, line, incident=number, actor=actor, source=SOURCE, key=key, now=SystemClock().now()
    )
    typer.echo(reply.text)
