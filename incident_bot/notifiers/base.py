"""What a notifier must offer: send one message once, and say what came of it with one of three words.

Never retries, never reads the database, never decides who is told. A new notifier is one file exporting `KIND` plus
one line in `__init__`; the contract tests find it in the registry.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import quote

from incident_bot.core.lanes import Pace, Pacing
from incident_bot.core.model import JsonObject, Person
from incident_bot.outgoing import Client

RETRY_AFTER_MOST: Final = timedelta(days=1)
_RETRIED: Final = frozenset({408, 409, 423, 425, 429})
_AUTH: Final = frozenset({401, 403, 407})
_ADDRESS: Final = frozenset({404, 410})
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
class Line:
    """One of several incidents that a message tells of."""

    incident: str
    """`INC-42`."""
    title: str
    severity: str
    since: str
    """RFC 3339, in UTC."""
    service: str | None
    runbooks: int
    """How many runbooks say what to do."""
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing to say, rendered."""

    key: str
    """The idempotency key: the same for every attempt (S2)."""
    kind: str
    """`page`; `ask` (still on it?); `note` (taken already); or the moment that a channel is told of."""
    recipient: str
    """A person's id or a channel's name."""
    person: Person | None
    subject: str
    """One line, at most 80 characters."""
    text: str
    url: str | None = None
    facts: JsonObject = field(default_factory=dict)
    urgent: bool = False
    """Whether it should wake somebody."""
    at: datetime | None = None
    """When it was written, which is just before it is sent."""
    attempt: int = 1
    """Which attempt this is; a later one may find that an earlier one got through, its answer lost (S4)."""
    said: tuple[str, ...] = ()
    """The provider's words that reached us about earlier attempts, oldest first: who reports on a call has made it."""
    thread: str | None = None
    """What all messages about one thing have in common, and no others: they belong together (S2)."""
    also: tuple[Line, ...] = ()
    """Every incident that it tells of, the worst first, where it tells of several (S7)."""
    more: int = 0
    """How many further ones it tells of that have no line."""
    html: str | None = field(default=None, repr=False)
    """The same as a page of HTML, where the kind asks for it."""
    ack_url: str | None = field(default=None, repr=False)
    """A secret address at which this person acknowledges this incident, where the kind asks for it."""
    unsubscribe_url: str | None = field(default=None, repr=False)
    """A secret address at which whoever asked for this themselves says that they want nothing more."""


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


def _unpaced(values: Mapping[str, str]) -> Pacing:
    del values
    return Pacing()


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
    html: bool = False
    """Whether its pages are written in HTML, too."""
    ack_link: bool = False
    """Whether its pages carry a link that acknowledges."""
    pacing: Callable[[Mapping[str, str]], Pacing] = _unpaced
    """How fast it may be used, from the same values as `build` (S6)."""


def asked_pace(values: Mapping[str, str], setting: str) -> Pace | None:
    """Read a pace in messages a minute; None where the setting is absent."""
    text = values.get(setting)
    return Pace.per_minute(int(text)) if text else None


def retry_after_header(value: str | None) -> timedelta | None:
    """Read a Retry-After in seconds (RFC 9110, section 10.2.3); None for a date or nonsense: our own back-off holds."""
    if value is None or not value.strip().isdecimal():
        return None
    # Python refuses to read numbers of thousands of digits.
    digits = value.strip().lstrip("0")
    return min(timedelta(seconds=int(digits[:9] or "0")), RETRY_AFTER_MOST)


def judge(status: int, headers: Mapping[str, str], *, who: str, said: str = "") -> None:
    """Return for 2xx; else raise what an HTTP status means: RetryLater where time may help, GiveUp where it cannot.

    Later are 408, 409, 423, 425, 429 and 5xx, with the answer's Retry-After. `who` and `said` stand in the error's text
    and must hold no secret; the names of `headers` are in lower case.
    """
    if 200 <= status < 300:  # noqa: PLR2004 -- the 2xx class
        return
    told = f"{who} answered {status}{f': {said}' if said else ''}"
    if status in _RETRIED or status >= 500:  # noqa: PLR2004 -- the 5xx class
        raise RetryLater(told, after=retry_after_header(headers.get("retry-after")))
    if status in _AUTH:
        raise GiveUp(GiveUpReason.AUTH, told)
    raise GiveUp(GiveUpReason.ADDRESS if status in _ADDRESS else GiveUpReason.REFUSED, told)


def header_value(text: str) -> str:
    """Give a text as a header can carry it: what is not printable ASCII is percent-encoded, equal for equal texts."""
    return quote(text, safe=_HEADER_SAFE, errors="surrogatepass")


def webhook_payload(message: Message) -> dict[str, object]:
    """Give a message as the body of a webhook that has no template."""
    person = message.person
    contacts = (
        None if person is None else {"id": person.id, "name": person.name, "time_zone": person.time_zone}
    )
    return {
        "key": message.key,
        "kind": message.kind,
        "recipient": message.recipient,
        "person": contacts,
        "subject": message.subject,
        "text": message.text,
        "url": message.url,
        "facts": dict(message.facts),
        "incidents": [asdict(line) for line in message.also],
        "more": message.more,
    }


def signed_headers(secret: str | None, body: bytes, at: datetime | None) -> dict[str, str]:
    """Give the headers by which a receiver with the secret knows that a body is ours, and when it was written.

    `X-Incident-Bot-Signature` is `sha256=` and the hexadecimal HMAC-SHA256 of the body;
    `X-Incident-Bot-Signature-Timed` is the same of `X-Incident-Bot-Timestamp` (Unix seconds), a dot and the body: what
    was recorded cannot be played again later.
    """
    if not secret:
        return {}
    headers = {"X-Incident-Bot-Signature": f"sha256={_hmac(secret, body)}"}
    if at is not None:
        stamp = str(int(at.timestamp()))
        timed = _hmac(secret, f"{stamp}.".encode() + body)
        headers |= {"X-Incident-Bot-Timestamp": stamp, "X-Incident-Bot-Signature-Timed": f"sha256={timed}"}
    return headers


def _hmac(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
