"""Block Kit's parts, each within its limits whatever it is given.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from incident_bot.core.model import JsonObject
from incident_bot.render.slack.mrkdwn import cut

Block: TypeAlias = dict[str, Any]

SECTION_MOST: Final = 3000
FIELD_MOST: Final = 2000
FIELDS_MOST: Final = 10
HEADER_MOST: Final = 150
CONTEXT_MOST: Final = 10
BUTTONS_MOST: Final = 25
BUTTON_TEXT_MOST: Final = 75
VALUE_MOST: Final = 2000
URL_MOST: Final = 3000
MESSAGE_BLOCKS: Final = 50
TEXT_MOST: Final = 4000
OPTION_MOST: Final = 75
OPTIONS_MOST: Final = 100


def plain(text: str, most: int) -> Block:
    """Give a text object without formatting; an empty text becomes a dash, as Slack takes no empty ones."""
    line = " ".join(text.split()) or "–"
    return {
        "type": "plain_text",
        "text": line if len(line) <= most else f"{line[: most - 1]}…",
        "emoji": True,
    }


def mrkdwn(text: str, most: int = SECTION_MOST) -> Block:
    """Give a text object of mrkdwn, which is escaped already."""
    return {"type": "mrkdwn", "text": cut(text, most) or "–"}


def header(text: str) -> Block:
    """Give a headline."""
    return {"type": "header", "text": plain(text, HEADER_MOST)}


def section(text: str, *, accessory: Block | None = None, name: str | None = None) -> Block:
    """Give a paragraph."""
    block: Block = {"type": "section", "text": mrkdwn(text)}
    if accessory is not None:
        block["accessory"] = accessory
    return block | ({"block_id": name} if name else {})


def fields(pairs: Iterable[tuple[str, str]]) -> list[Block]:
    """Give labelled facts in two columns, ten a block."""
    made = [mrkdwn(f"*{label}*\n{value}", FIELD_MOST) for label, value in pairs]
    return [
        {"type": "section", "fields": made[start : start + FIELDS_MOST]}
        for start in range(0, len(made), FIELDS_MOST)
    ]


def context(*texts: str) -> Block:
    """Give small print."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts[:CONTEXT_MOST]]}


def divider() -> Block:
    """Give a line."""
    return {"type": "divider"}


def button(
    text: str,
    action: str,
    *,
    value: JsonObject | None = None,
    style: str | None = None,
    url: str | None = None,
    confirm: Block | None = None,
) -> Block:
    """Give a button; an address that is too long or none of the web's is left out."""
    made: Block = {"type": "button", "action_id": action, "text": plain(text, BUTTON_TEXT_MOST)}
    if value is not None:
        made["value"] = json.dumps(value, separators=(",", ":"))
    if style is not None:
        made["style"] = style
    if url is not None and url.startswith(("https://", "http://")) and len(url) <= URL_MOST:
        made["url"] = url
    if confirm is not None:
        made["confirm"] = confirm
    return made


def confirmation(title: str, text: str, *, yes: str, no: str = "Not now") -> Block:
    """Give the question before something that cannot be undone."""
    return {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
    }


def actions(buttons: Sequence[Block], *, name: str | None = None) -> Block:
    """Give a row of buttons."""
    block: Block = {"type": "actions", "elements": list(buttons[:BUTTONS_MOST])}
    return block | ({"block_id": name} if name else {})


def option(text: str, value: str) -> Block:
    """Give one choice of a menu."""
    return {"text": plain(text, OPTION_MOST), "value": value[:150]}


def message(blocks: Sequence[Block]) -> list[Block]:
    """Give the blocks of a message: what is too much is left out, and the last one says so."""
    if len(blocks) <= MESSAGE_BLOCKS:
        return list(blocks)
    return [*blocks[: MESSAGE_BLOCKS - 1], context("… and more: open the incident to see everything.")]
