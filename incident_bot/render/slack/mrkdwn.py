"""Text as Slack reads it: everything foreign escaped, mentions and links only where we make them.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from incident_bot.core.timeline import visible

_ESCAPES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_WHOLE: Final = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>|.", re.DOTALL)
_USER: Final = re.compile(r"[UW][A-Z0-9]{2,20}")


def escape(text: str) -> str:
    """Give a text that Slack shows as it is: nothing in it calls anybody or makes a link."""
    shown = visible(text)
    for sign, written in _ESCAPES:
        shown = shown.replace(sign, written)
    return shown


def cut(text: str, most: int) -> str:
    """Give mrkdwn of at most so many characters; never ends inside an entity, a link or a mention."""
    if len(text) <= most:
        return text
    kept: list[str] = []
    length = 0
    for part in _WHOLE.findall(text):
        if length + len(part) > most - 1:
            break
        kept.append(part)
        length += len(part)
    return "".join(kept).rstrip() + "…"


def link(url: str, text: str) -> str:
    """Give a link; an address that is none of the web's is left out and the text stays."""
    safe = escape(text).replace("|", "¦") or "link"
    if not url.startswith(("https://", "http://")) or re.search(r"[\s<>|]", url):
        return safe
    return f"<{url.replace('&', '&amp;')}|{safe}>"


def mention(user: str | None, name: str) -> str:
    """Mention a person by their Slack id, or name them where there is none."""
    return f"<@{user}>" if user and _USER.fullmatch(user) else escape(name)


def when(instant: datetime, *, form: str = "{time}") -> str:
    """Give an instant that each reader sees in their own zone; in UTC where Slack cannot."""
    fallback = f"{instant.astimezone(UTC):%H:%M} UTC"
    return f"<!date^{int(instant.timestamp())}^{form}|{fallback}>"
