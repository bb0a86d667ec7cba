"""The files of an incident's record, for readers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.errors import NotFound
from incident_bot.core.model import incident_name
from incident_bot.flow.context import Context
from incident_bot.flow.sight import visible
from incident_bot.flow.slack.attached import KINDS
from incident_bot.store import evidence

IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Kinds that a page may show in place: pictures that run nothing and load nothing. SVG is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """One file."""

    number: int
    name: str
    kind: str
    size: int
    sha256: str | None
    added_by: str
    added_at: datetime
    state: str
    """`kept`, `waiting` or `not kept`."""
    reason: str | None
    """Why it is not kept, or what went wrong last."""
    image: bool = False
    """Whether it can be shown in place: kept, and of a kind that is a picture and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """One file with its content."""

    name: str
    kind: str
    content: bytes


def files(context: Context, number: int) -> list[FileView]:
    """Give an incident's files by their numbers; raises NotFound."""
    with context.store.read() as tx:
        visible(tx, context.seer, number)
        found = evidence.of(tx, number)
    return [
        FileView(
            number=file.number,
            name=file.name or "taken back",
            kind=file.kind,
            size=file.size,
            sha256=file.sha256,
            added_by=file.added_by,
            added_at=file.added_at,
            state="kept" if file.sha256 else "waiting" if file.waiting else "not kept",
            reason=file.error,
            image=file.sha256 is not None and file.kind in IMAGES,
        )
        for file in found
    ]


def file(context: Context, number: int, wanted: int) -> FileContent:
    """Give one file that is kept; raises NotFound."""
    with context.store.read() as tx:
        visible(tx, context.seer, number)
        found = evidence.content(tx, number, wanted)
    kept, content = found or (None, None)
    if kept is None or content is None:
        message = f"{incident_name(number)} keeps no file {wanted}."
        raise NotFound(message)
    # What nobody looked through is bytes to be saved, whatever its sender called it.
    kind = kept.kind if kept.kind in KINDS else "application/octet-stream"
    return FileContent(name=kept.name, kind=kind, content=content)
