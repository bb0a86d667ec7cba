"""The type of data that came from, or goes to, JSON, and how an instant is written in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias, Union

Json: TypeAlias = Union[str, int, float, bool, "Sequence[Json]", "Mapping[str, Json]", None]
"""Any JSON value."""

JsonObject: TypeAlias = Mapping[str, Json]
"""A JSON object."""


def rfc3339(instant: datetime) -> str:
    """Give an instant as RFC 3339 in UTC, with `Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
