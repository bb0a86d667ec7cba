"""Reasons that the bot wrote name people by their ids; this gives them the names that readers know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_BY: Final = re.compile(r"^((?:acknowledged|snoozed|asked for) by )(\S+)")
_DID: Final = re.compile(r"^()(\S+)(?= (?:raised it to|cannot take it|has INC-))")


def with_names(reason: str, names: Mapping[str, str]) -> str:
    """Put a name in the place of the id in a reason of the bot's own making; every other text stays as it is."""
    for pattern in (_BY, _DID):
        found = pattern.match(reason)
        if found:
            return f"{found[1]}{names.get(found[2], found[2])}{reason[found.end() :]}"
    return reason
