"""The type of data that came from, or goes to, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, Union

Json: TypeAlias = Union[str, int, float, bool, "Sequence[Json]", "Mapping[str, Json]", None]
"""Any JSON value."""

JsonObject: TypeAlias = Mapping[str, Json]
"""A JSON object."""
