"""The modals that write something down: follow-up, task, timeline entry. Where no incident is known they ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from incident_bot.core.model import JsonObject
from incident_bot.render.slack.blocks import Block, section
from incident_bot.render.slack.modals import parts
from incident_bot.render.slack.modals.parts import Choice
from incident_bot.render.slack.mrkdwn import cut, escape

OPEN_MOST = 100


def followup_view(
    name: str | None,
    typed: Mapping[str, str],
    *,
    meta: JsonObject,
    choices: Sequence[Choice] = (),
    notice: str | None = None,
) -> Block:
    """Ask what is to be done afterwards, by whom and until when."""
    blocks = [
        *_about(name, choices, typed, notice),
        parts.words("text", "What is to be done?", typed, long=True),
        parts.member("owner", "Who does it?", typed),
        parts.day("due", "Until when?", typed),
    ]
    return parts.modal("Follow-up", "inc:followup", blocks, meta=meta, submit="Add")


def task_view(
    name: str | None,
    typed: Mapping[str, str],
    *,
    meta: JsonObject,
    choices: Sequence[Choice] = (),
    notice: str | None = None,
) -> Block:
    """Ask what is to be done now, and by whom."""
    blocks = [
        *_about(name, choices, typed, notice),
        parts.words("text", "What is to be done?", typed, long=True),
        parts.member("owner", "Who does it?", typed),
    ]
    return parts.modal("Task", "inc:task", blocks, meta=meta, submit="Add")


def note_view(
    name: str | None,
    typed: Mapping[str, str],
    *,
    meta: JsonObject,
    choices: Sequence[Choice] = (),
    notice: str | None = None,
) -> Block:
    """Ask what happened, and when."""
    hint = "Without one: now. It is the last time your clock showed it."
    blocks = [
        *_about(name, choices, typed, notice),
        parts.words("text", "What happened?", typed, long=True),
        parts.clock("time", "At what time?", typed, hint=hint),
    ]
    return parts.modal("Timeline entry", "inc:note", blocks, meta=meta, submit="Add")


def _about(
    name: str | None, choices: Sequence[Choice], typed: Mapping[str, str], notice: str | None
) -> list[Block]:
    first = [parts.warning(notice)] if notice else []
    if name is not None:
        return [*first, section(f"*{cut(escape(name), 400)}*")]
    return [*first, parts.choice("incident", "Incident", choices[:OPEN_MOST], typed)]
