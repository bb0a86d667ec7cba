"""An announcement: one message per incident and channel, edited in place; what happens is told in its thread.

For the public it says what people notice, where the work stands, what was written for everybody and when the
next update comes: no address, no alert, no host and nobody's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.render.slack.blocks import Block, context, fields, header, message, section
from incident_bot.render.slack.card import SHAPES
from incident_bot.render.slack.mrkdwn import cut, escape, link, when

UPDATE_MOST: Final = 1500
_STAMP: Final = "{date_short_pretty} {time}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The facts of an announcement; texts are not escaped yet, but for `words`."""

    name: str
    title: str
    severity: str
    rank: int
    status: str
    """The phase, or how it ended."""
    url: str
    words: str
    """What the template says, in mrkdwn."""
    open: bool
    impact: str | None = None
    update: str | None = None
    """The last one that people wrote."""
    updated_at: datetime | None = None
    next_update_at: datetime | None = None
    update_overdue: bool = False
    ended_at: datetime | None = None
    drill: bool = False
    public: bool = False
    hosts: tuple[str, ...] = ()
    """Names of machines that the public does not read."""


def announcement_text(told: Announcement) -> str:
    """Say it in one line, for notifications."""
    drill = "DRILL " if told.drill else ""
    name = "" if told.public else f"{told.severity} {told.name} "
    return cut(escape(f"{drill}{name}{told.title} – {told.status}"), 300)


def announcement_blocks(told: Announcement) -> list[Block]:
    """Give the message at the head of the thread."""
    drill = "DRILL " if told.drill else ""
    shape = SHAPES[min(max(told.rank, 0), len(SHAPES) - 1)] if told.open else "✅"
    if told.public:
        blocks = [header(f"{drill}{shape} {told.title}"), *fields(_public_facts(told))]
    else:
        blocks = [
            header(f"{drill}{shape} {told.severity} · {told.name} · {told.title}"),
            section(told.words or "–"),
        ]
    if told.update and told.open:
        at = f" ({when(told.updated_at, form=_STAMP)})" if told.updated_at else ""
        blocks.append(section(f"*Last update*{at}\n{cut(escape(told.update), UPDATE_MOST)}"))
    small = "This message is kept up to date; what happens is told in its thread."
    return message([*blocks, context(small if told.public else f"{link(told.url, told.name)} · {small}")])


def public_reply(told: Announcement, moment: Moment, text: str) -> tuple[str, list[Block]]:
    """Give text and blocks of what the public is told in the thread; `text` is what people wrote for everybody."""
    said = {
        Moment.UPDATE: cut(escape(text), UPDATE_MOST) or "There is an update.",
        Moment.RESOLVED: "*It is over.*",
        Moment.REOPENED: "*It is not over:* it is being worked on again.",
    }.get(moment, "There is news.")
    return cut(said, 300), message([section(said), *fields(_public_facts(told))])


def _public_facts(told: Announcement) -> list[tuple[str, str]]:
    facts = [
        ("Status", escape(told.status.capitalize())),
        ("Impact", cut(escape(told.impact), 600) if told.impact else "Not known yet"),
    ]
    if told.next_update_at and told.open:
        label = "Next update was due" if told.update_overdue else "Next update by"
        facts.append((label, when(told.next_update_at, form=_STAMP)))
    if told.ended_at and not told.open:
        facts.append(("Over since", when(told.ended_at, form=_STAMP)))
    return facts
