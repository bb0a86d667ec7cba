"""What people ask about the status page: one value per verb, like those of `commands`. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from incident_bot.core.model import ComponentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """`publish [text]`: what the status page says of it; the flow has looked at the words already."""

    title: str
    text: str
    components: tuple[str, ...]
    state: ComponentState
    next_update_at: datetime | None = None
    confirmed: bool = True
    """Whether it goes out now; else it is kept as a draft, and `publish yes` sends it."""
    findings: tuple[str, ...] = ()
    """What was found wrong with it, for whoever publishes."""
    names: tuple[str, ...] = ()
    """What the components are called, for the preview."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpublish:
    """`unpublish [reason]`: off the status page, with all that it said there."""

    reason: str | None = None


PublicCommand: TypeAlias = Publish | Unpublish
