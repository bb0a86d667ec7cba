"""What the commands share: the settings, the application for the length of a command, and options of one meaning."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Final

import typer

from incident_bot import bootstrap
from incident_bot.config.settings import Settings
from incident_bot.core.errors import Refused
from incident_bot.flow.context import Context
from incident_bot.store.engine import Store
from incident_bot.telemetry import begin_asking, configure_logging

LOCAL: Final = "operator"
"""Who acts where nobody says who they are."""

At = Annotated[str | None, typer.Option("--at", help="An instant, 2026-11-21T03:00:00Z; now when left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Actor = Annotated[str, typer.Option("--as", help="Your id in people.yaml.")]


def settings() -> Settings:
    """Give the settings of the environment; raises BadConfiguration."""
    return Settings.load(os.environ)


@contextmanager
def database() -> Iterator[Store]:
    """Open the database for the length of the block, as it is."""
    store = Store.open(settings().database_url.get_secret_value())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def application() -> Iterator[Context]:
    """Wire the whole application for the length of the block; only warnings are logged."""
    with acting() as (context, _):
        yield context


@contextmanager
def acting() -> Iterator[tuple[Context, datetime]]:
    """Do the same and give the time as well, by the clock that all who share the database go by (S8)."""
    configure_logging(level="warning", style="console")
    begin_asking(how="command line")
    built = bootstrap.build(settings())
    try:
        yield built.context, built.clock.now()
    finally:
        begin_asking()
        built.close()


def refuse_stranger(context: Context, actor: str) -> None:
    """Raise Refused where `--as` names nobody of people.yaml."""
    known = context.live.current.revision.people
    if actor != LOCAL and actor not in known:
        message = f"--as {actor}: nobody of that id in people.yaml; known: {', '.join(sorted(known))}"
        raise Refused(message)
