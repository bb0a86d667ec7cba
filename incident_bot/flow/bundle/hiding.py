"""What must not leave in a bundle: the bot's own secrets, links that open something, and whatever looks like a key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from incident_bot.config.settings import MORE, SECRETS, Settings
from incident_bot.core.model import Json, JsonObject
from incident_bot.core.timeline import HIDDEN, redact, redact_data

_SECRET_LEAST: Final = 6
"""A shorter secret would hide ordinary words, and is none."""
_LINK: Final = re.compile(r"(/(?:ack|oncall/tap)/)[A-Za-z0-9_-]{16,}")


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Give every secret that the bot was started with, and the passwords within addresses, the longest first."""
    found: set[str] = set()
    for variable, value in settings.reveal().items():
        name = variable.removeprefix("INCIDENT_BOT_")
        if name in SECRETS or name.startswith(MORE):
            # A database's address is no secret where it carries no password.
            found |= {_password(value), "" if name == "DATABASE_URL" else value}
    return tuple(
        sorted((one for one in found if len(one) >= _SECRET_LEAST), key=lambda one: (-len(one), one))
    )


def conceal(text: str, secrets: Sequence[str]) -> str:
    """Hide the bot's own secrets and the links that open something."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _LINK.sub(rf"\1{HIDDEN}", text) if "/ack/" in text or "/tap/" in text else text


def conceal_all(value: Json, secrets: Sequence[str]) -> Json:
    """Hide the same in every text of a JSON value."""
    if isinstance(value, str):
        return conceal(value, secrets)
    if isinstance(value, Mapping):
        return {conceal(key, secrets): conceal_all(part, secrets) for key, part in value.items()}
    return [conceal_all(part, secrets) for part in value] if isinstance(value, Sequence) else value


def clean(value: JsonObject, secrets: Sequence[str]) -> JsonObject:
    """Hide all that, and whatever looks like a key, in every text of a JSON object."""
    cleaned = conceal_all(redact_data(value), secrets)
    return cleaned if isinstance(cleaned, Mapping) else {}


def clean_text(text: str, secrets: Sequence[str]) -> str:
    """Hide all that in a text."""
    return conceal(redact(text), secrets)


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""
