"""`replay`: recorded deliveries against a configuration, and who would have been paged, when, at which local hour."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final

import typer

from incident_bot import bootstrap
from incident_bot.cli import arguments
from incident_bot.cli.printing import print_json, shown
from incident_bot.cli.wiring import settings
from incident_bot.clock import ManualClock, SystemClock
from incident_bot.config.durations import parse_duration
from incident_bot.config.settings import Settings
from incident_bot.core.errors import Refused
from incident_bot.flow.replay import AFTER_THE_LAST, Heard, Recorded, Skipped, bring, compared, read, replayed
from incident_bot.flow.replay import run as run_through
from incident_bot.flow.replay import stored as stored_in
from incident_bot.flow.replay.views import Hours, ReplayView
from incident_bot.render.charts import Day, hours_chart
from incident_bot.store.engine import Store
from incident_bot.telemetry import configure_logging

SOURCE: Final = "alertmanager"
BAR: Final = 40
SHOWN: Final = 20
"""How many alerts stand in the text; the JSON has all that paged."""
PATIENCE_SECONDS: Final = 1.0
"""A replay that is over before then shows no progress."""
STEP_SECONDS: Final = 0.1


class Form(StrEnum):
    """How the outcome is printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The options that say how it runs."""

    ack_after: timedelta | None
    until: datetime | None
    compare: bool


def replay(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Recorded deliveries: webhook bodies, lists or JSON lines; - for standard input."
        ),
    ] = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="The deliveries that the configured database keeps.")
    ] = False,
    since: Annotated[str | None, typer.Option(help="Leave out deliveries before this instant.")] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Stop the clock then; 12 hours behind the last delivery when left out."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The configuration to try; the configured one when left out.")
    ] = None,
    source: Annotated[str, typer.Option(help="The source of deliveries that do not name one.")] = SOURCE,
    ack_after: Annotated[
        str | None, typer.Option(help="Whoever is paged first acknowledges after this; else nobody answers.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Beside the pages that really went out in the same time.")
    ] = False,
    pages: Annotated[bool, typer.Option("--pages", help="List every page.")] = False,
    form: Annotated[Form, typer.Option("--format", help="text or json.")] = Form.TEXT,
    chart: Annotated[Path | None, typer.Option(help="Draw pages by local hour there, as SVG.")] = None,
) -> None:
    """Say who would have been paged. Example: incident-bot replay storm.jsonl --config try-this --ack-after 5m"""
    configure_logging(level="critical", style="console")
    if bool(files) == recorded:
        message = "give either files with recorded deliveries, or --recorded"
        raise typer.BadParameter(message)
    start, end = _optional(since), _optional(until)
    asked = _Asked(ack_after=_duration(ack_after), until=end, compare=compare)
    chosen = settings()
    if config is not None:
        chosen = chosen.model_copy(update={"config_dir": config})
    with bootstrap.records(chosen) as kept:
        if (recorded or compare) and kept is None:
            message = "there is no database to read from; INCIDENT_BOT_DATABASE_URL names it"
            raise Refused(message)
        found, skipped = _stored(kept, start, end) if kept and recorded else _read(files or [], source)
        within = [one for one in found if (not start or one.at >= start) and (not end or one.at < end)]
        for one in skipped:
            _left_out(one)
        if not within:
            message = "there is no delivery to replay" + (" in this time" if found else "")
            raise Refused(message)
        view, seconds = _run(chosen, kept, within, asked, skipped)
    if chart:
        arguments.write(chart, _drawn(view))
        typer.echo(f"written: {chart}", err=True)
    if form is Form.JSON:
        rate = round(view.deliveries / seconds, 1) if seconds else None
        print_json({**asdict(view), "seconds": round(seconds, 3), "deliveries_per_second": rate})
    else:
        _print(view, seconds, pages=pages)


def _optional(text: str | None) -> datetime | None:
    return arguments.instant(text) if text else None


def _duration(text: str | None) -> timedelta | None:
    try:
        return parse_duration(text) if text else None
    except ValueError as error:
        message = f"--ack-after: {error}"
        raise Refused(message) from error


def _read(files: Sequence[str], source: str) -> tuple[list[Recorded], list[Skipped]]:
    found: list[Recorded] = []
    skipped: list[Skipped] = []
    for name in files:
        try:
            content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except (OSError, ValueError) as error:
            message = f"{name!r} cannot be read: {error.strerror if isinstance(error, OSError) else error}"
            raise Refused(message) from error
        good, bad = read("standard input" if name == "-" else name, content, source=source)
        found += good
        skipped += bad
    return found, skipped


def _stored(
    kept: Store, start: datetime | None, end: datetime | None
) -> tuple[list[Recorded], list[Skipped]]:
    if start is None:
        message = "--recorded needs --since, an instant or a date"
        raise Refused(message)
    return list(stored_in(kept, start=start, end=end or SystemClock().now())), []


def _run(
    chosen: Settings,
    kept: Store | None,
    deliveries: Sequence[Recorded],
    asked: _Asked,
    skipped: Sequence[Skipped],
) -> tuple[ReplayView, float]:
    start = min(one.at for one in deliveries)
    end = asked.until or max(one.at for one in deliveries) + AFTER_THE_LAST
    clock, heard = ManualClock(start), Heard()
    with bootstrap.rehearsal(chosen, clock=clock, heard=heard) as application:
        context = application.context
        if kept is not None:
            bring(context, kept, start=start)
        began = perf_counter()
        refused = run_through(
            context, application.intake, deliveries,
            clock=clock, heard=heard, until=end, ack_after=asked.ack_after, tell=_progress(len(deliveries)),
        )  # fmt: skip
        seconds = perf_counter() - began
        for one in refused:
            _left_out(one)
        done, every = len(deliveries) - len(refused), (*skipped, *refused)
        view = replayed(context, start=start, end=end, deliveries=done, skipped=every)
        if asked.compare and kept is not None:
            view = compared(view, kept, context.live.current.revision.people)
    return view, seconds


def _left_out(one: Skipped) -> None:
    typer.echo(f"{one.place}: left out: {one.reason}", err=True)


def _progress(total: int) -> Callable[[int], None] | None:
    """Give what draws a bar once it takes longer; None where nobody watches."""
    if not sys.stderr.isatty():
        return None
    began = drawn = perf_counter()

    def tell(done: int) -> None:
        nonlocal drawn
        now = perf_counter()
        if now - began < PATIENCE_SECONDS or (now - drawn < STEP_SECONDS and done < total):
            return
        drawn = now
        full = done * BAR // total
        typer.echo(f"\r[{'#' * full}{' ' * (BAR - full)}] {done}/{total}", nl=done == total, err=True)

    return tell


def _print(view: ReplayView, seconds: float, *, pages: bool) -> None:
    rate = f", {view.deliveries / seconds:,.0f}/s" if seconds else ""
    typer.echo(
        f"{shown(view.start)} to {shown(view.end)}: {view.deliveries} deliveries ({seconds:.1f} s{rate})"
    )
    left = f", {len(view.skipped)} deliveries left out" if view.skipped else ""
    opened = f"{view.alerts} alerts, {view.incidents} incidents"
    typer.echo(f"{opened}, {view.pages} pages, {view.night_pages} of them at night{left}")
    typer.echo("")
    _table(
        ("person", "pages", "at night", "time zone"),
        [(one.name, str(one.pages), str(one.night_pages), one.time_zone) for one in view.people],
        empty="Nobody would have been paged.",
    )
    if view.pages:
        _histogram(view.hours)
    if view.noisiest:
        typer.echo("")
        rows = [
            (one.alert[:60], str(one.firings), str(one.incidents), str(one.pages))
            for one in view.noisiest[:SHOWN]
        ]
        _table(("alert", "firings", "incidents", "pages"), rows)
    if pages:
        typer.echo("")
        for page in view.paged:
            moon = ", night" if page.night else ""
            way = ", ".join(page.channels)
            typer.echo(
                f"{shown(page.at)}  {page.name} ({page.local}{moon}) by {way}: "
                f"{page.incident} [{page.severity}] {page.title} – {page.reason}"
            )
    if view.happened is not None:
        _compared(view)


def _compared(view: ReplayView) -> None:
    happened = view.happened
    if happened is None:
        return
    typer.echo("")
    typer.echo(
        f"What really happened: {happened.incidents} incidents, {happened.pages} pages, "
        f"{happened.night_pages} of them at night"
    )
    rows = [
        (one.name, str(one.happened), str(one.pages), f"{one.difference:+d}", f"{one.night_difference:+d}")
        for one in happened.people
    ]
    _table(("person", "happened", "replay", "difference", "at night"), rows, empty="Nobody was paged either.")
    if happened.alerts:
        typer.echo("")
        changed = [
            (one.alert[:60], str(one.happened), str(one.pages), f"{one.difference:+d}")
            for one in happened.alerts[:SHOWN]
        ]
        _table(("alert", "happened", "replay", "difference"), changed)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, empty: str = "") -> None:
    if not rows:
        typer.echo(empty)
        return
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    right = [cell.lstrip("+-").isdecimal() for cell in rows[0]]
    right[0] = False
    for row in (heads, *rows):
        cells = [
            cell.rjust(width) if figures else cell.ljust(width)
            for cell, width, figures in zip(row, widths, right, strict=True)
        ]
        typer.echo("  ".join(cells).rstrip())


def _histogram(hours: Hours) -> None:
    typer.echo("")
    typer.echo("pages by hour, on the clock of whoever was paged:")
    most = max(hours)
    for hour, count in enumerate(hours):
        if count:
            typer.echo(f"  {hour:02d}:00  {'#' * max(1, count * BAR // most)} {count}")


def _drawn(view: ReplayView) -> str:
    days = [Day(name="replay", hours=view.hours)]
    if view.happened is not None:
        days.append(Day(name="happened", hours=view.happened.hours))
    return hours_chart(f"Pages by local hour, {view.start:%Y-%m-%d} to {view.end:%Y-%m-%d}", days)
