"""`import`: schedules of other systems as files of ours, with what could not be said and a side-by-side report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from incident_bot.cli import arguments
from incident_bot.cli.printing import print_json
from incident_bot.cli.wiring import AsJson
from incident_bot.config.loader import PEOPLE
from incident_bot.config.recorded import RosterReader, people_of
from incident_bot.core.errors import NotFound, Refused
from incident_bot.importers import DAYS, FORMATS, Imported, as_json, as_text, compare, convert, people_text

BYTES_MOST: Final = 64 * 1024 * 1024
DAYS_MOST: Final = 400

Kind = StrEnum("Kind", {kind.replace("-", "_").upper(): kind for kind in FORMATS})  # type: ignore[misc]


def import_schedules(
    kind: Annotated[Kind, typer.Argument(help="Where the export comes from.")],
    file: Annotated[str, typer.Argument(help="The export as JSON, or - for standard input.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The configuration directory to write into; without it the files are only shown."),
    ] = None,
    replace: Annotated[bool, typer.Option(help="Write over files that are there already.")] = False,
    side_by_side: Annotated[
        bool, typer.Option("--compare", help="Compare with who the export says is on call.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MOST, help="How far ahead --compare looks.")] = DAYS,
    at: Annotated[
        str | None, typer.Option(help="When the export was made, 2026-11-21T03:00:00Z; now when left out.")
    ] = None,
    as_json_text: AsJson = False,
) -> None:
    """Import schedules. Example: incident-bot import pagerduty export.json --out . --compare"""
    now = arguments.instant(at)
    there = out / PEOPLE if out is not None else None
    people = people_of(_text(str(there))) if there is not None and there.exists() else {}
    known = {person.contacts["mail"]: name for name, person in people.items() if "mail" in person.contacts}
    imported = convert(kind.value, _text(file), now=now, known=known)
    found = RosterReader().read("", imported.files, now).schedules
    compared = compare(imported, found, now=now, days=days) if side_by_side else ()
    if out is not None:
        _write(imported.files, out, replace=replace)
    new = {name: entry for name, entry in imported.people.items() if name not in people}
    if as_json_text:
        print_json(
            {
                "files": dict(imported.files),
                "people": new,
                "notes": [asdict(note) for note in imported.notes],
                "comparison": as_json(compared),
            }
        )
        return
    _show(imported, new, out)
    if side_by_side:
        typer.echo()
        typer.echo(as_text(compared).rstrip())


def _text(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read(BYTES_MOST + 1) if file == "-" else _bytes(Path(file))
    except OSError as error:
        message = f"cannot read {file}: {error.strerror}"
        raise NotFound(message) from error
    if len(raw) > BYTES_MOST:
        message = f"{file} is larger than {BYTES_MOST // 1024 // 1024} MB; export fewer schedules at once"
        raise Refused(message)
    return raw.decode("utf-8-sig", errors="replace")


def _bytes(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(BYTES_MOST + 1)


def _write(files: Mapping[str, str], out: Path, *, replace: bool) -> None:
    """Write all files or, where one is there already, none."""
    there = [path for path in files if (out / path).exists()]
    if there and not replace:
        message = (
            f"{', '.join(there)} in {out} already; add --replace to write over, or name another directory"
        )
        raise Refused(message)
    try:
        for path, text in files.items():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"cannot write into {out}: {error.strerror}"
        raise Refused(message) from error


def _show(imported: Imported, new: Mapping[str, Mapping[str, str]], out: Path | None) -> None:
    for path, text in imported.files.items():
        if out is None:
            typer.echo(f"# --- {path}")
            typer.echo(text)
        else:
            typer.echo(f"wrote {out / path}")
    if not imported.files:
        typer.echo("no schedule could be written; the notes say why")
    if new:
        typer.echo()
        typer.echo(f"# not in {PEOPLE} yet; put them there:")
        typer.echo(people_text(new).rstrip())
    if imported.notes:
        typer.echo()
        typer.echo(f"{len(imported.notes)} to read, as they could not be said, or not in the same way:")
        for note in imported.notes:
            typer.echo(f"- {note}")
