"""`incident-bot postmortem`: the document in every form, and a file of it taken to an editor and back."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from incident_bot.cli import arguments
from incident_bot.cli.wiring import LOCAL, Actor, acting, refuse_stranger
from incident_bot.core.errors import Refused
from incident_bot.flow import export
from incident_bot.flow.context import Context
from incident_bot.flow.postmortems import documents
from incident_bot.flow.postmortems.documents import Clash

_VERSION: Final = re.compile(r"\A<!-- version:([0-9]{1,9}) -->\r?\n")
"""The first line of a file: upon which version it was written."""


def postmortem(
    name: Annotated[str, typer.Argument(help="INC-42 or 42.")],
    form: Annotated[str, typer.Option("--format", help="md, html, pdf or json.")] = "md",
    output: Annotated[
        Path | None, typer.Option(help="Write there; what people wrote into an existing file is kept.")
    ] = None,
    names: Annotated[
        bool | None, typer.Option("--names/--blameless", help="People by name, or by their roles.")
    ] = None,
    edit: Annotated[
        Path | None, typer.Option(help="Write the text there to be edited; its first line is its version.")
    ] = None,
    imported: Annotated[
        Path | None, typer.Option("--import", help="Save this file, which --edit has written before.")
    ] = None,
    actor: Actor = LOCAL,
) -> None:
    """Write the post-mortem, or save it. Example: incident-bot postmortem INC-42 --output inc-42.md"""
    number = arguments.number(name)
    with acting() as (context, now):
        if imported is not None:
            refuse_stranger(context, actor)
            _save(context, number, imported, actor, now=now)
            return
        if edit is not None:
            _edit(context, number, edit, now=now)
            return
        view: export.View | None = None if names is None else "names" if names else "blameless"
        if form == "md" and output is not None and view is None:
            _text(context, number, output, now=now)
        elif form == "pdf":
            _print(export.pdf(context, number, view=view, now=now), output or Path(f"inc-{number}.pdf"))
        else:
            body, _ = export.postmortem(context, number, format=form, view=view, now=now)
            _tell(body, output)


def _tell(body: str, output: Path | None) -> None:
    if output is None:
        typer.echo(body, nl=False)
        return
    arguments.write(output, body)
    typer.echo(f"written: {output}")


def _print(made: bytes, output: Path) -> None:
    try:
        output.write_bytes(made)
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}"
        raise Refused(message) from error
    typer.echo(f"written: {output}")


def _text(context: Context, number: int, output: Path, *, now: datetime) -> None:
    """Write the text; a file that people have written in is brought up to date and stays theirs."""
    if output.exists():
        text, conflicts = export.refreshed(context, number, arguments.read(output), now=now)
        for conflict in conflicts:
            typer.echo(
                f"{output}: you edited the part {conflict}, and the record has news for it: see beneath it",
                err=True,
            )
    else:
        text, _ = export.postmortem(context, number, now=now)
    arguments.write(output, text)
    typer.echo(f"written: {output}")


def _edit(context: Context, number: int, file: Path, *, now: datetime) -> None:
    if file.exists():
        message = f"{file} is there already; --import {file} saves it, or name another file"
        raise Refused(message)
    found = documents.read(context, number, now=now)
    arguments.write(file, _marked(found.text, found.version))
    typer.echo(
        f"written: {file}; when it is as it should be: incident-bot postmortem INC-{number} --import {file}"
    )


def _save(context: Context, number: int, file: Path, actor: str, *, now: datetime) -> None:
    text = arguments.read(file)
    found = _VERSION.match(text)
    if found is None:
        message = (
            f"{file} does not say upon which version it was written; its first line is `<!-- version:3 -->` when "
            "--edit has written it"
        )
        raise Refused(message)
    own = text[found.end() :]
    try:
        kept = documents.save(context, number, own, after=int(found[1]), actor=actor, source="cli", now=now)
    except Clash as clash:
        arguments.write(file, _marked(clash.merged, clash.version))
        look = "both changes are in it" if not clash.clashes else "the other words are quoted beneath yours"
        message = (
            f"{clash.saved_by} saved version {clash.version} meanwhile; nothing was stored. {file} holds both now, "
            f"{look}: look at it and import it again"
        )
        raise Refused(message) from clash
    arguments.write(file, _marked(kept.text, kept.version))
    typer.echo(f"saved as version {kept.version}")


def _marked(text: str, version: int) -> str:
    return f"<!-- version:{version} -->\n{text}"
