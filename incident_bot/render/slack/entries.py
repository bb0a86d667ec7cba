"""Lines of the timeline as a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.render.slack.blocks import Block, context, section
from incident_bot.render.slack.mrkdwn import cut, escape, when

LINES_MOST: Final = 40
LINE_MOST: Final = 600
_ROOM: Final = 2800


@dataclass(frozen=True, slots=True)
class Line:
    """One entry; its text is not escaped yet."""

    at: datetime
    text: str
    strong: bool = False


def entries_message(lines: Sequence[Line], *, name: str, late: bool) -> tuple[str, list[Block]]:
    """Give text and blocks of a message; with `late`, or several lines, each line says when it happened."""
    timed = late or len(lines) > 1
    written = [_line(line, timed=timed) for line in lines[:LINES_MOST]]
    if len(lines) > LINES_MOST:
        written.append(f"… and {len(lines) - LINES_MOST} more on the timeline")
    blocks: list[Block] = [section(part) for part in _parts(written)]
    if late:
        blocks.append(
            context("Told late: Slack could not be reached, or was busy. The times are when it happened.")
        )
    return cut(f"{name}: {written[0]}", 300), blocks


def _line(line: Line, *, timed: bool) -> str:
    said = cut(escape(line.text), LINE_MOST)
    said = f"*{said}*" if line.strong and "*" not in said else said
    return f"{when(line.at)}  {said}" if timed else said


def _parts(lines: Sequence[str]) -> list[str]:
    """Put lines together to paragraphs that a block takes."""
    parts: list[str] = []
    for line in lines:
        if parts and len(parts[-1]) + len(line) < _ROOM:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return parts
