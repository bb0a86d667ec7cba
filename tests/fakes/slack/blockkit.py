"""Block Kit's limits, as Slack enforces them: what it would answer `invalid_blocks` or `invalid_arguments` for.

https://docs.slack.dev/reference/block-kit/blocks and the pages of block elements and composition objects beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

BLOCKS_IN: Final = {"message": 50, "modal": 100, "home": 100}
ACTION_ELEMENTS: Final = frozenset(
    {
        "button", "overflow", "static_select", "external_select", "users_select", "conversations_select",
        "channels_select", "multi_static_select", "multi_external_select", "multi_users_select",
        "multi_conversations_select", "multi_channels_select", "datepicker", "timepicker", "datetimepicker",
        "checkboxes", "radio_buttons",
    }
)  # fmt: skip
INPUT_ELEMENTS: Final = (ACTION_ELEMENTS - {"button", "overflow"}) | {
    "plain_text_input", "email_text_input", "url_text_input", "number_input", "file_input", "rich_text_input",
}  # fmt: skip
_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "section": frozenset({"text", "fields", "accessory", "expand"}),
    "header": frozenset({"text"}),
    "divider": frozenset(),
    "context": frozenset({"elements"}),
    "actions": frozenset({"elements"}),
    "image": frozenset({"image_url", "alt_text", "title", "slack_file"}),
    "input": frozenset({"label", "element", "hint", "optional", "dispatch_action"}),
    "rich_text": frozenset({"elements"}),
}


def message_problems(text: str | None, blocks: Sequence[Any] | None) -> list[str]:
    """Say what is wrong with a message."""
    found = []
    if not text and not blocks:
        found.append("no_text")
    if blocks and not text:
        found.append("a message with blocks needs a text for notifications")
    if text and len(text) > 4000:
        found.append(f"text has {len(text)} characters, 4000 are the most")
    if blocks is not None:
        found += block_problems(blocks, "message")
    return found


def view_problems(view: Any) -> list[str]:
    """Say what is wrong with a modal or an App Home."""
    if not isinstance(view, Mapping) or view.get("type") not in ("modal", "home"):
        return ["view: type must be modal or home"]
    found = []
    kind = str(view["type"])
    known = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
    known |= (
        {"title", "submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"}
        if kind == "modal"
        else set()
    )
    found += [f"view: unknown key {key}" for key in view if key not in known]
    if kind == "modal":
        found += _text_object(view.get("title"), "view.title", most=24, plain=True)
        for name in ("submit", "close"):
            if name in view:
                found += _text_object(view[name], f"view.{name}", most=24, plain=True)
    found += _most(view.get("private_metadata"), "view.private_metadata", 3000)
    found += _most(view.get("callback_id"), "view.callback_id", 255)
    blocks = view.get("blocks")
    if not isinstance(blocks, Sequence) or isinstance(blocks, str):
        return [*found, "view.blocks: missing"]
    found += block_problems(blocks, kind)
    if kind == "modal" and "submit" not in view and any(_kind(block) == "input" for block in blocks):
        found.append("view.submit: needed where a block is an input")
    return found


def block_problems(blocks: Sequence[Any], surface: str) -> list[str]:
    """Say what is wrong with blocks on a surface: `message`, `modal` or `home`."""
    found = []
    if len(blocks) > BLOCKS_IN[surface]:
        found.append(f"{len(blocks)} blocks, {BLOCKS_IN[surface]} are the most on a {surface}")
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        place = f"blocks[{index}]"
        if not isinstance(block, Mapping) or _kind(block) not in _KEYS:
            found.append(f"{place}: unknown block {_kind(block)!r}")
            continue
        name = block.get("block_id")
        if name is not None:
            found += _text(name, f"{place}.block_id", 1, 255)
            if name in seen:
                found.append(f"{place}.block_id: {name} stands twice")
            seen.add(str(name))
        allowed = _KEYS[_kind(block)] | {"type", "block_id"}
        found += [f"{place}: unknown key {key}" for key in block if key not in allowed]
        found += _BLOCKS[_kind(block)](block, place)
        found += _same_action(block, place)
    return found


def actions_of(blocks: Sequence[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give each interactive element with the id of its block."""
    for index, block in enumerate(blocks):
        name = str(block.get("block_id") or f"b{index}")
        for element in _elements(block):
            if "action_id" in element:
                yield name, element


def _elements(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    inside = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
    return [element for element in inside if isinstance(element, Mapping)]


def _same_action(block: Mapping[str, Any], place: str) -> list[str]:
    names = [str(element["action_id"]) for element in _elements(block) if "action_id" in element]
    return [f"{place}: action_id {name} stands twice" for name in set(names) if names.count(name) > 1]


def _section(block: Mapping[str, Any], place: str) -> list[str]:
    found = []
    if "text" not in block and not block.get("fields"):
        found.append(f"{place}: a section needs text or fields")
    if "text" in block:
        found += _text_object(block["text"], f"{place}.text", most=3000)
    fields = block.get("fields", ())
    if len(fields) > 10:
        found.append(f"{place}.fields: {len(fields)}, 10 are the most")
    for number, one in enumerate(fields):
        found += _text_object(one, f"{place}.fields[{number}]", most=2000)
    if "accessory" in block:
        found += _element(block["accessory"], f"{place}.accessory", ACTION_ELEMENTS | {"image"})
    return found


def _header(block: Mapping[str, Any], place: str) -> list[str]:
    return _text_object(block.get("text"), f"{place}.text", most=150, plain=True)


def _nothing(_block: Mapping[str, Any], _place: str) -> list[str]:
    return []


def _context(block: Mapping[str, Any], place: str) -> list[str]:
    elements = block.get("elements")
    if not isinstance(elements, Sequence) or not 1 <= len(elements) <= 10:
        return [f"{place}.elements: 1 to 10"]
    found = []
    for number, element in enumerate(elements):
        where = f"{place}.elements[{number}]"
        if _kind(element) == "image":
            found += _image(element, where)
        else:
            found += _text_object(element, where, most=3000)
    return found


def _actions(block: Mapping[str, Any], place: str) -> list[str]:
    elements = block.get("elements")
    if not isinstance(elements, Sequence) or not 1 <= len(elements) <= 25:
        return [f"{place}.elements: 1 to 25"]
    found = []
    for number, element in enumerate(elements):
        found += _element(element, f"{place}.elements[{number}]", ACTION_ELEMENTS)
    return found


def _image(block: Mapping[str, Any], place: str) -> list[str]:
    found = _text(block.get("alt_text"), f"{place}.alt_text", 1, 2000)
    if "slack_file" not in block:
        found += _url(block.get("image_url"), f"{place}.image_url")
    if "title" in block:
        found += _text_object(block["title"], f"{place}.title", most=2000, plain=True)
    return found


def _input(block: Mapping[str, Any], place: str) -> list[str]:
    found = _text_object(block.get("label"), f"{place}.label", most=2000, plain=True)
    if "hint" in block:
        found += _text_object(block["hint"], f"{place}.hint", most=2000, plain=True)
    return found + _element(block.get("element"), f"{place}.element", INPUT_ELEMENTS)


_BLOCKS: Final[Mapping[str, Callable[[Mapping[str, Any], str], list[str]]]] = {
    "section": _section,
    "header": _header,
    "divider": _nothing,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "input": _input,
    "rich_text": _nothing,
}


def _element(element: Any, place: str, allowed: frozenset[str] | set[str]) -> list[str]:
    kind = _kind(element)
    if kind not in allowed:
        return [f"{place}: {kind!r} is not allowed here"]
    if kind == "image":
        return _image(element, place)
    found = []
    if "action_id" in element:
        found += _text(element["action_id"], f"{place}.action_id", 1, 255)
    if "placeholder" in element:
        found += _text_object(element["placeholder"], f"{place}.placeholder", most=150, plain=True)
    if "confirm" in element:
        found += _confirm(element["confirm"], f"{place}.confirm")
    check = _CHECKS.get(kind)
    return found + (check(element, place) if check else [])


def _button(element: Mapping[str, Any], place: str) -> list[str]:
    found = _text_object(element.get("text"), f"{place}.text", most=75, plain=True)
    found += _most(element.get("value"), f"{place}.value", 2000)
    found += _most(element.get("accessibility_label"), f"{place}.accessibility_label", 75)
    if element.get("style", "primary") not in ("primary", "danger"):
        found.append(f"{place}.style: primary or danger")
    if "url" in element:
        found += _url(element["url"], f"{place}.url")
    known = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
    return found + [f"{place}: unknown key {key}" for key in element if key not in known]


def _text_input(element: Mapping[str, Any], place: str) -> list[str]:
    found = []
    most = element.get("max_length", 3000)
    if not isinstance(most, int) or not 1 <= most <= 3000:
        found.append(f"{place}.max_length: 1 to 3000")
    initial = element.get("initial_value", "")
    if not isinstance(initial, str) or (isinstance(most, int) and len(initial) > most):
        found.append(f"{place}.initial_value: longer than max_length")
    return found


def _date(element: Mapping[str, Any], place: str) -> list[str]:
    return _like(element, "initial_date", r"\d{4}-\d\d-\d\d", place)


def _time(element: Mapping[str, Any], place: str) -> list[str]:
    return _like(element, "initial_time", r"([01]\d|2[0-3]):[0-5]\d", place)


def _moment(element: Mapping[str, Any], place: str) -> list[str]:
    moment = element.get("initial_date_time", 1_000_000_000)
    right = isinstance(moment, int) and len(str(moment)) == 10
    return [] if right else [f"{place}.initial_date_time: ten digits"]


def _options(element: Mapping[str, Any], place: str) -> list[str]:
    kind = _kind(element)
    groups = element.get("option_groups")
    if groups is not None:
        options = [option for group in groups for option in group.get("options", ())]
    else:
        options = list(element.get("options", ()))
    most = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}.get(kind, 100)
    found = []
    if not 1 <= len(options) <= most:
        found.append(f"{place}.options: {len(options)}, 1 to {most}")
    values = []
    for number, option in enumerate(options):
        where = f"{place}.options[{number}]"
        plain = kind not in ("checkboxes", "radio_buttons")
        found += _text_object(option.get("text"), f"{where}.text", most=75, plain=plain)
        found += _text(option.get("value"), f"{where}.value", 1, 150)
        if "description" in option:
            found += _text_object(option["description"], f"{where}.description", most=75, plain=plain)
        values.append(option.get("value"))
    if len(set(values)) != len(values):
        found.append(f"{place}.options: a value stands twice")
    chosen = (
        element.get("initial_options") or [element["initial_option"]] if "initial_option" in element else ()
    )
    found += [f"{place}: the initial option is none of the options" for one in chosen if one not in options]
    if "initial_options" in element and not element["initial_options"]:
        found.append(f"{place}.initial_options: not empty")
    return found


_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any], str], list[str]]]] = {
    "button": _button,
    "plain_text_input": _text_input,
    "datepicker": _date,
    "timepicker": _time,
    "datetimepicker": _moment,
    **dict.fromkeys(
        ("static_select", "multi_static_select", "overflow", "checkboxes", "radio_buttons"), _options
    ),
}


def _confirm(confirm: Any, place: str) -> list[str]:
    if not isinstance(confirm, Mapping):
        return [f"{place}: not an object"]
    return [
        *_text_object(confirm.get("title"), f"{place}.title", most=100, plain=True),
        *_text_object(confirm.get("text"), f"{place}.text", most=300),
        *_text_object(confirm.get("confirm"), f"{place}.confirm", most=30, plain=True),
        *_text_object(confirm.get("deny"), f"{place}.deny", most=30, plain=True),
    ]


def _text_object(value: Any, place: str, *, most: int, plain: bool = False) -> list[str]:
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if not isinstance(value, Mapping) or value.get("type") not in kinds:
        return [f"{place}: must be a text object of {' or '.join(kinds)}"]
    known = {"type", "text", "emoji"} if value["type"] == "plain_text" else {"type", "text", "verbatim"}
    extra = [f"{place}: unknown key {key}" for key in value if key not in known]
    return extra + _text(value.get("text"), place, 1, most)


def _text(value: Any, place: str, least: int, most: int) -> list[str]:
    if not isinstance(value, str) or not least <= len(value) <= most:
        told = f"{len(value)} characters" if isinstance(value, str) else repr(value)
        return [f"{place}: {told}, {least} to {most} are allowed"]
    return []


def _most(value: Any, place: str, most: int) -> list[str]:
    return [] if value is None else _text(value, place, 0, most)


def _url(value: Any, place: str) -> list[str]:
    if not isinstance(value, str) or len(value) > 3000 or not re.match(r"https?://[^\s/]+", value):
        return [f"{place}: must be an address of at most 3000 characters"]
    return []


def _like(element: Mapping[str, Any], key: str, pattern: str, place: str) -> list[str]:
    value = element.get(key)
    if value is not None and not re.fullmatch(pattern, str(value)):
        return [f"{place}.{key}: {value!r}"]
    return []


def _kind(value: Any) -> str:
    return str(value.get("type")) if isinstance(value, Mapping) else ""
