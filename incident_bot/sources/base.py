"""What an alert source must offer: a reader of its webhook bodies, and perhaps a list of what it holds now.

Never stores and never decides. A new source is one file exporting `KIND` plus one line in `__init__`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from incident_bot.core.dedupe import Listed
from incident_bot.core.model import Delivery, SilenceMatchers
from incident_bot.outgoing import Client


class Read(Protocol):
    """Turns a decoded body into a delivery."""

    def __call__(
        self, body: object, *, source: str, ignore_labels: frozenset[str], now: datetime
    ) -> Delivery:
        """Give the readable part; raises Unreadable, naming the first wrong field, where there is none."""


class ListActive(Protocol):
    """Asks a source's API what it holds (I10)."""

    def __call__(
        self, client: Client, api_url: str, *, source: str, ignore_labels: frozenset[str]
    ) -> tuple[Listed, ...]:
        """Give the complete list, silenced and inhibited ones included; raises `outgoing.CallFailed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One silence that holds at the source."""

    what: str
    """Its matchers and its comment, for people."""
    ends_at: datetime


class ListSilences(Protocol):
    """Asks a source's API which silences hold now."""

    def __call__(self, client: Client, api_url: str) -> tuple[Silence, ...]:
        """Give those that hold, the first to end first; raises `outgoing.CallFailed`."""


class SilenceRefused(Exception):
    """The source will not do it, however often it is asked; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSilence:
    """A silence as the source is to hold it."""

    key: str
    """Unique; stands in the comment, by which it is found again when an answer is lost."""
    matchers: SilenceMatchers
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSilence:
    """A silence as the source has it, not ended yet."""

    id: str
    starts_at: datetime
    ends_at: datetime


class Silencer(Protocol):
    """Makes, changes and lifts silences; every call raises `outgoing.CallFailed` where it may be asked again."""

    def find(self, client: Client, api_url: str, key: str) -> HeldSilence | None:
        """Give the one of this key that has not ended."""

    def look(self, client: Client, api_url: str, number: str) -> HeldSilence | None:
        """Give the one that the source calls so; None where it ended, or is not there."""

    def hold(self, client: Client, api_url: str, new: NewSilence, held: HeldSilence | None) -> str:
        """Make it, or change the one that is held, and give what the source calls it; raises SilenceRefused."""

    def lift(self, client: Client, api_url: str, number: str) -> None:
        """End it; one that has ended already is none the worse. Raises SilenceRefused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """One kind of alert source."""

    name: str
    read: Read
    list_active: ListActive | None = None
    """None where the source has no such API."""
    list_silences: ListSilences | None = None
    """None where the source knows no silences."""
    silencer: Silencer | None = None
    """None where silences cannot be made at the source."""
