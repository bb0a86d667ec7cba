"""What a command answers, as Slack shows it to whoever asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from incident_bot.render.slack.blocks import Block, context, fields, message, section
from incident_bot.render.slack.mrkdwn import cut, escape

LINE_MOST = 400
_PART = 2800


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reply; its texts are not escaped yet."""

    text: str
    title: str | None = None
    facts: Sequence[tuple[str, str]] = ()
    lines: Sequence[str] = ()
    actions: Sequence[str] = field(default=())
    """What to type next."""


def reply_text(answer: Answer) -> str:
    """Say the whole of it, for where no blocks are shown."""
    return cut(escape(answer.text or answer.title or "") or "Done.", 3000)


def reply_blocks(answer: Answer) -> list[Block]:
    """Give the blocks of a reply."""
    blocks: list[Block] = []
    if answer.title:
        blocks.append(section(f"*{escape(answer.title)}*"))
    # Facts and lines under a title say what the text says in one piece.
    if not (answer.title and (answer.facts or answer.lines)):
        lines = [cut(escape(line), _PART) for line in answer.text.split("\n")]
        blocks += [section(part) for part in _parts(lines)]
    blocks += fields([(escape(label), escape(value) or "–") for label, value in answer.facts])
    blocks += [
        section(part) for part in _parts([f"• {cut(escape(line), LINE_MOST)}" for line in answer.lines])
    ]
    if answer.actions:
        blocks.append(context("Next: " + " · ".join(f"`{escape(one)}`" for one in answer.actions[:5])))
    return message(blocks)


def _parts(lines: Sequence[str]) -> list[str]:
    parts: list[str] = []
    for line in lines:
        if parts and len(parts[-1]) + len(line) < _PART:
            parts[-1] += f"\n{line}"
        elif line.strip() or parts:
            parts.append(line)
    return [part for part in parts if part.strip()]
