"""The modal of a runbook: its steps, each with a button that ticks it or takes its tick away, and who did which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from incident_bot.core.model import JsonObject
from incident_bot.render.slack.blocks import Block, button, context, section
from incident_bot.render.slack.modals import parts
from incident_bot.render.slack.modals.about import About, Step, head, noticed
from incident_bot.render.slack.mrkdwn import cut, escape, link, when

TICK: Final = "inc:tick"
"""The action of every step's button."""
STEP_MOST: Final = 600
SECTION_MOST: Final = 200
ROOM: Final = 90
"""Blocks for sections and steps: a modal takes a hundred, the rest is for what stands around them."""


def runbook_view(
    about: About, typed: Mapping[str, str], *, meta: JsonObject, notice: str | None = None
) -> Block:
    """Give the steps with their ticks, and a menu to follow another runbook.

    What a modal has no room for stands behind a link; `tick n` works for every step.
    """
    blocks = [*noticed(notice), head(about)]
    if about.book is None:
        blocks.append(section("It has no runbook yet."))
    else:
        blocks.append(section(_title(about)))
        blocks += _steps(about)
    if not about.runbooks:
        return parts.modal(f"Runbook of {about.name}", "inc:runbook", blocks, meta=meta, close="Close")
    blocks.append(parts.choice("runbook", "Follow another runbook", about.runbooks, typed))
    return parts.modal(f"Runbook of {about.name}", "inc:runbook", blocks, meta=meta, submit="Follow")


def _title(about: About) -> str:
    done = sum(1 for step in about.steps if step.done_at)
    count = f" · {done} of {len(about.steps)} done" if about.steps else " · it has no numbered steps"
    return f"*{cut(escape(about.book or ''), SECTION_MOST)}*{count}"


def _steps(about: About) -> list[Block]:
    """Give a block a step, under the names of their sections."""
    blocks: list[Block] = []
    shown = 0
    before: str | None = None
    for step in about.steps:
        made = [_step(step)]
        if step.section != before:
            made.insert(0, context(f"*{cut(escape(step.section), SECTION_MOST)}*"))
        if len(blocks) + len(made) > ROOM:
            break
        blocks += made
        before = step.section
        shown += 1
    if shown < len(about.steps):
        blocks.append(context(_more(about.steps[shown:], about.url)))
    return blocks


def _step(step: Step) -> Block:
    text = cut(escape(step.text), STEP_MOST)
    value: JsonObject = {"n": step.number, "d": step.done_at is None, "h": step.digest}
    if step.done_at is None:
        said, press = f"{step.number}. {text}", button("Done", TICK, value=value)
    else:
        who = f"{step.done_by.said()}, " if step.done_by else ""
        said = f"✅ {step.number}. {text}\n_{who}{when(step.done_at)}_"
        press = button("Not done", TICK, value=value)
    return section(said, accessory=press, name=f"step:{step.number}")


def _more(rest: Sequence[Step], url: str) -> str:
    first = rest[0].number
    where = f" {link(url, 'Read them all')}." if url.startswith("http") else ""
    return f"… and {len(rest)} more, from step {first} on; `tick {first}` works for them as well.{where}"
