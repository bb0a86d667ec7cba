"""The registry of alert sources: one line a source."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from incident_bot.sources import alertmanager
from incident_bot.sources.base import SourceKind

SOURCES: Final[Mapping[str, SourceKind]] = MappingProxyType(
    {kind.name: kind for kind in (alertmanager.KIND,)}
)
"""Every kind that `sources:` in `routing.yaml` may name."""

__all__ = ["SOURCES", "SourceKind"]
