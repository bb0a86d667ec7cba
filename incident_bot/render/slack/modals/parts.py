"""What modals are made of: the frame, and inputs whose block is called like the field and whose action is `value`.

https://docs.slack.dev/reference/views/modal-views
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from incident_bot.core.model import JsonObject
from incident_bot.render.slack.blocks import OPTIONS_MOST, Block, context, option, plain, section
from incident_bot.render.slack.mrkdwn import cut, escape, link

VALUE: Final = "value"
"""The action of every input."""
TITLE_MOST: Final = 24
BLOCKS_MOST: Final = 100
META_MOST: Final = 3000
TEXT_MOST: Final = 3000
CHOICE_MOST: Final = 150
"""A longer value cannot stand behind a choice: it is left out."""
HINT_MOST: Final = 2000
PLACEHOLDER_MOST: Final = 150
LINES_MOST: Final = 8
LINE_MOST: Final = 200

Choice = tuple[str, str]
"""What a menu shows, and the value behind it."""


def modal(
    title: str,
    callback: str,
    blocks: Sequence[Block],
    *,
    meta: JsonObject,
    submit: str | None = None,
    close: str = "Cancel",
) -> Block:
    """Give a view; without `submit` it has only a button that closes it."""
    view: Block = {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title, TITLE_MOST),
        "close": plain(close, TITLE_MOST),
        "private_metadata": _written(meta),
        "blocks": list(blocks[:BLOCKS_MOST]) or [section("–")],
    }
    if submit is not None:
        view["submit"] = plain(submit, TITLE_MOST)
    return view


def loading(title: str, callback: str, *, meta: JsonObject) -> Block:
    """Give what stands there until the real view is ready."""
    return modal(title, callback, [section("One moment …")], meta=meta)


def told(title: str, callback: str, text: str, *, url: str | None = None) -> Block:
    """Give a view that only says something."""
    where = f"\n{link(url, 'Open it')}" if url else ""
    return modal(title, callback, [section(cut(escape(text), 2500) + where)], meta={}, close="Close")


def warning(text: str) -> Block:
    """Give what must be read before anything is sent."""
    return section(f"⚠️ {cut(escape(text), 2500)}", name="warning")


def listed(label: str, lines: Sequence[str]) -> list[Block]:
    """Give a short list under a label; nothing where it is empty."""
    if not lines:
        return []
    shown = [f"• {cut(escape(' '.join(line.split())), LINE_MOST)}" for line in lines[:LINES_MOST]]
    more = [f"… and {len(lines) - LINES_MOST} more"] if len(lines) > LINES_MOST else []
    return [section("\n".join([f"*{escape(label)}*", *shown, *more]))]


def small(text: str) -> Block:
    """Give small print."""
    return context(escape(text))


def words(
    name: str,
    label: str,
    typed: Mapping[str, str],
    *,
    most: int = TEXT_MOST,
    long: bool = False,
    optional: bool = False,
    hint: str | None = None,
    placeholder: str | None = None,
) -> Block:
    """Give a field for text, with what was typed."""
    element: Block = {"type": "plain_text_input", "action_id": VALUE, "max_length": most, "multiline": long}
    if typed.get(name):
        element["initial_value"] = typed[name][:most]
    if placeholder:
        element["placeholder"] = plain(placeholder, PLACEHOLDER_MOST)
    return _input(name, label, element, optional=optional, hint=hint)


def choice(
    name: str,
    label: str,
    choices: Sequence[Choice],
    typed: Mapping[str, str],
    *,
    optional: bool = False,
    hint: str | None = None,
    placeholder: str = "Choose",
) -> Block:
    """Give a menu; one of more than a hundred choices is looked up by typing."""
    known = {value: option(text, value) for text, value in choices if 0 < len(value) <= CHOICE_MOST}
    chosen = known.get(typed.get(name, ""))
    element: Block = {"action_id": VALUE, "placeholder": plain(placeholder, PLACEHOLDER_MOST)}
    if len(known) > OPTIONS_MOST:
        element |= {"type": "external_select", "min_query_length": 1}
    else:
        # Slack takes no empty menu.
        element |= {"type": "static_select", "options": list(known.values()) or [option("None there", "-")]}
    if chosen is not None:
        element["initial_option"] = chosen
    return _input(name, label, element, optional=optional, hint=hint)


def found(choices: Sequence[Choice], asked: str) -> list[Block]:
    """Give the choices that hold what was typed, a hundred at most."""
    wanted = asked.casefold().strip()
    return [
        option(text, value)
        for text, value in choices
        if len(value) <= CHOICE_MOST and (wanted in text.casefold() or wanted in value.casefold())
    ][:OPTIONS_MOST]


def member(name: str, label: str, typed: Mapping[str, str], *, hint: str | None = None) -> Block:
    """Give a menu of the workspace's members."""
    element: Block = {
        "type": "users_select",
        "action_id": VALUE,
        "placeholder": plain("Choose somebody", PLACEHOLDER_MOST),
    }
    if typed.get(name):
        element["initial_user"] = typed[name]
    return _input(name, label, element, optional=True, hint=hint)


def tick(name: str, label: str, text: str, typed: Mapping[str, str]) -> Block:
    """Give one box to tick."""
    box = option(text, "yes")
    element: Block = {"type": "checkboxes", "action_id": VALUE, "options": [box]}
    if typed.get(name):
        element["initial_options"] = [box]
    return _input(name, label, element, optional=True)


def day(name: str, label: str, typed: Mapping[str, str]) -> Block:
    """Give a field for a date."""
    element: Block = {"type": "datepicker", "action_id": VALUE}
    if typed.get(name):
        element["initial_date"] = typed[name]
    return _input(name, label, element, optional=True)


def clock(name: str, label: str, typed: Mapping[str, str], *, hint: str | None = None) -> Block:
    """Give a field for a time of day."""
    element: Block = {"type": "timepicker", "action_id": VALUE}
    if typed.get(name):
        element["initial_time"] = typed[name]
    return _input(name, label, element, optional=True, hint=hint)


def typed_in(view: Mapping[str, Any]) -> dict[str, str]:
    """Read what stands in the fields of a submitted view; an empty field is left out."""
    values = (view.get("state") or {}).get("values") or {}
    read = {str(block): _value((actions or {}).get(VALUE) or {}) for block, actions in values.items()}
    return {name: value for name, value in read.items() if value}


def inputs_of(view: Mapping[str, Any]) -> set[str]:
    """Give the names of a view's fields: only there can an error be told."""
    return {str(block.get("block_id")) for block in view.get("blocks") or () if block.get("type") == "input"}


def meta_of(view: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a view carries with it; empty where that is none of ours."""
    try:
        meta = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return meta if isinstance(meta, dict) else {}


def _value(given: Mapping[str, Any]) -> str:
    option = given.get("selected_option") or {}
    plain_value = next(
        (
            value
            for value in (
                given.get("value"),
                option.get("value"),
                given.get("selected_user"),
                given.get("selected_date"),
                given.get("selected_time"),
            )
            if isinstance(value, str)
        ),
        "",
    )
    return plain_value.strip() or ("yes" if given.get("selected_options") else "")


def _input(name: str, label: str, element: Block, *, optional: bool, hint: str | None = None) -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "label": plain(label, HINT_MOST),
        "element": element,
        "optional": optional,
    }
    if hint:
        block["hint"] = plain(hint, HINT_MOST)
    return block


def _written(meta: JsonObject) -> str:
    """Write what goes with a view; what is too long for Slack goes without the parts that are only comfort."""
    kept: JsonObject = {name: value for name, value in meta.items() if value is not None}
    written = json.dumps(kept, separators=(",", ":"))
    if len(written) <= META_MOST:
        return written
    return json.dumps({name: kept[name] for name in ("i",) if name in kept}, separators=(",", ":"))
