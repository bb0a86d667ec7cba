"""What a notifier must offer: send one message once, and say what came of it with one of three words.

Never retries, never reads the database, never decides who is told. A new notifier is one file exporting `KIND` plus
one line in `__init__`; the contract tests find it in the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import quote

from incident_bot.core.model import JsonObject, Person
from incident_bot.outgoing import Client

RETRY_AFTER_MOST: Final = timedelta(days=1)
_HEADER_SAFE: Final = "!#$&'()*+,/:;=?@[]^`{|}<>"


class GiveUpReason(StrEnum):
    """Why no further attempt makes sense."""

    ADDRESS = "address"
    """The person or channel cannot be reached this way."""
    AUTH = "auth"
    """The provider refuses our credentials."""
    REFUSED = "refused"
    """The provider refuses this message."""


class RetryLater(Exception):
    """The provider may take it later."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        """Say why, without secrets, and how long the provider asked to wait."""
        super().__init__(reason)
        self.after = after


class GiveUp(Exception):
    """No further attempt will help."""

    def __init__(self, reason: GiveUpReason, detail: str) -> None:
        """Name the reason and, without secrets, what happened."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing to say, rendered."""

    key: str
    """The idempotency key: the same for every attempt (S2)."""
    kind: str
    """`page`, or the moment that a channel message tells: `opened`, `update`, `resolved` …"""
    recipient: str
    """A person's id or a channel's name."""
    person: Person | None
    subject: str
    """One line, at most 80 characters."""
    text: str
    url: str | None = None
    facts: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the provider said."""

    provider_id: str | None = None


class Notifier(Protocol):
    """One wired way out; safe to call from several threads."""

    def send(self, message: Message) -> Receipt:
        """Make exactly one attempt; raises RetryLater or GiveUp, nothing else."""

    def reaches(self, person: Person) -> bool:
        """Say whether this person has what this way needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierKind:
    """One kind of notifier: `build` gives None where its settings are absent."""

    name: str
    build: Callable[[Mapping[str, str], Client, Callable[[str], None]], Notifier | None]
    """From the environment's names and values (secrets resolved), the shared HTTP client and a line printer."""
    settings: tuple[str, ...] = ()
    """The names of the settings it reads; the reference page names each."""
    contact: str | None = None
    """The field of `people.yaml` that carries its address, if it needs one."""


def retry_after_header(value: str | None) -> timedelta | None:
    """Read a Retry-After in seconds (RFC 9110, section 10.2.3); None for a date or nonsense: our own back-off holds."""
    if value is None or not value.strip().isdecimal():
        return None
    # Python refuses to read numbers of thousands of digits.
    digits = value.strip().lstrip("0")
    return min(timedelta(seconds=int(digits[:9] or "0")), RETRY_AFTER_MOST)


def header_value(text: str) -> str:
    """Give a text as a header can carry it: what is not printable ASCII is percent-encoded, equal for equal texts."""
    return quote(text, safe=_HEADER_SAFE, errors="surrogatepass")
