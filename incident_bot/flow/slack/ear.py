"""How well this process hears Slack: whether Socket Mode is connected, and when something came last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Ear:
    """One process's own; each attribute is set whole, so threads need no lock."""

    last: datetime | None = None
    """When a request of Slack came last, over HTTP or Socket Mode; None where none did since the start."""
    connected: Callable[[], bool] | None = None
    """Says whether Socket Mode is connected now; None where it is not in use."""
    trouble: str | None = None
    """Why Socket Mode could not be connected the last time; None where it could."""
