"""What people write in Slack as plain text for the record: names for mentions, addresses beside their words.

https://docs.slack.dev/messaging/formatting-message-text. The other direction is `mrkdwn`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

TEXT_MOST: Final = 4000
"""What is longer goes on in the chat."""
_TYPED: Final = re.compile(r"<([^<>]*)>")
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_ID: Final = re.compile(r"[UWCGS][A-Z0-9]{2,20}")


def mentioned(text: str) -> frozenset[str]:
    """Give the ids of the members, channels and groups that a text names without their names."""
    found: set[str] = set()
    for inside in _TYPED.findall(text):
        target, _, label = inside.partition("|")
        if target.startswith(("@", "#")) and (target.startswith("@") or not label):
            found.add(target[1:])
        elif target.startswith("!subteam^") and not label:
            found.add(target.removeprefix("!subteam^"))
    return frozenset(one for one in found if _ID.fullmatch(one))


def readable(text: str, names: Mapping[str, str]) -> str:
    """Give a message's text as people read it; an id without a name stays. Emoji keep their `:names:`."""
    said = _TYPED.sub(lambda found: _plain(found[1], names), text)
    for written, sign in _ENTITIES:
        said = said.replace(written, sign)
    said = said.strip()
    return said if len(said) <= TEXT_MOST else said[: TEXT_MOST - 1] + "…"


def _plain(inside: str, names: Mapping[str, str]) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return f"@{names.get(target[1:]) or label or target[1:]}"
    if target.startswith("#"):
        return f"#{label or names.get(target[1:]) or target[1:]}"
    if target.startswith("!subteam^"):
        group = target.removeprefix("!subteam^")
        return f"@{(label or names.get(group) or group).removeprefix('@')}"
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    address = target.removeprefix("mailto:")
    return f"{label} ({address})" if label and label not in (target, address) else address
