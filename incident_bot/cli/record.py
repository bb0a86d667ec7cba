"""The commands around an incident's record: its timeline as a document, the sealed bundle, and its check."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from incident_bot.cli import arguments
from incident_bot.cli.wiring import LOCAL, acting
from incident_bot.core.errors import Refused
from incident_bot.flow import bundle
from incident_bot.flow.bundle.archive import BYTES_MOST


class Form(StrEnum):
    """How a timeline is written down."""

    CSV = "csv"
    MD = "md"
    JSON = "json"


class View(StrEnum):
    """How much of a timeline is written down."""

    FULL = "full"
    CURATED = "curated"


def incident_bundle(
    name: Annotated[str, typer.Argument(help="INC-42 or 42.")],
    output: Annotated[Path | None, typer.Option(help="Write there; inc-42.zip when left out.")] = None,
) -> None:
    """Write the whole record into one sealed file. Example: incident-bot incident bundle INC-42 --output inc-42.zip"""
    number = arguments.number(name)
    with acting() as (context, now):
        made = bundle.bundle(context, number, actor=LOCAL, now=now)
    target = output or Path(made.name)
    try:
        target.write_bytes(made.content)
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}"
        raise Refused(message) from error
    typer.echo(f"written: {target}")
    typer.echo(f"seal {made.seal}")
    typer.echo(f"head {made.head}")


def verify(
    file: Annotated[Path, typer.Argument(help="A bundle.")],
    seal: Annotated[str | None, typer.Option(help="The seal that was printed when it was made.")] = None,
    head: Annotated[
        str | None, typer.Option(help="The hash of the timeline's last entry, noted elsewhere.")
    ] = None,
) -> None:
    """Say whether a bundle is as it was made; asks nobody. Example: incident-bot verify inc-42.zip"""
    try:
        found = bundle.check(_read(file))
    except Refused as refused:
        message = f"{file}: {refused}"
        raise Refused(message) from refused
    for name, wanted, got in (("seal", seal, found.seal), ("head", head, found.head)):
        if wanted is not None and wanted.strip().casefold() != got:
            message = f"{file}: its {name} is {got}, which is another one: it was made anew"
            raise Refused(message)
    typer.echo(found.words)
    typer.echo(f"seal {found.seal}")
    typer.echo(f"head {found.head}")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(BYTES_MOST + 1)
    except OSError as error:
        message = f"it cannot be read: {error.strerror}"
        raise Refused(message) from error
