"""Notifiers `sms` and `voice`, both over Twilio's REST API: a text of at most two segments, and a call.

A later attempt first asks Twilio whether an earlier one got through, its answer lost (S2); where that cannot be known,
a text is sent again and says so. A call names the address at which the bot says what it has to say.
https://www.twilio.com/docs/messaging/api/message-resource, https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from incident_bot.config.settings import is_loopback
from incident_bot.core.lanes import Pace, Pacing
from incident_bot.core.model import Json, Person
from incident_bot.notifiers.base import (
    GiveUp,
    GiveUpReason,
    Message,
    Notifier,
    NotifierKind,
    Receipt,
    RetryLater,
    judge,
)
from incident_bot.outgoing import SEND_SECONDS, Answer, CallFailed, Client
from incident_bot.render.sms import short

ACCOUNT: Final = "TWILIO_ACCOUNT_SID"
TOKEN: Final = "TWILIO_AUTH_TOKEN"  # noqa: S105 -- the name of the setting
CALLER: Final = "TWILIO_FROM"
API_URL: Final = "INCIDENT_BOT_TWILIO_API_URL"
PUBLIC_URL: Final = "INCIDENT_BOT_PUBLIC_URL"
DEFAULT_URL: Final = "https://api.twilio.com"

SEGMENTS_MOST: Final = 2
RING_SECONDS: Final = 30
"""Longer, and most networks' voice mail takes the call."""
ASK_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = SEND_SECONDS - ASK_SECONDS
"""With these both calls of a later attempt take no longer than one (S2)."""
LISTED: Final = 20

UNREACHABLE: Final[Mapping[int, str]] = {
    13223: "the number cannot be called",
    13224: "the number cannot be called",
    13225: "the number is blocked",
    21211: "the number does not exist",
    21214: "the number cannot be reached",
    21215: "calls to this country are not enabled at Twilio",
    21216: "the number is blocked",
    21217: "the number does not exist",
    21265: "a short code takes no messages",
    21408: "messages to this country are not enabled at Twilio",
    21608: "a trial account reaches verified numbers only",
    21610: "the person replied STOP; START allows messages again",
    21612: "this number cannot be reached from ours",
    21614: "the number is not a mobile one",
}
"""Twilio's codes by which no attempt will ever reach the person: https://www.twilio.com/docs/api/errors"""
BAD_CREDENTIALS: Final = frozenset({20003, 20005, 20008})
TOO_MANY: Final = frozenset({20429, 14107, 30022, 63038})
MISSED: Final = frozenset({"busy", "no-answer", "failed", "canceled"})
"""A call's end without anybody who took it."""
_DEAD: Final = frozenset({"failed", "undelivered", "canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What both notifiers call Twilio with."""

    client: Client = field(repr=False)
    url: str
    sid: str
    token: str = field(repr=False)
    caller: str
    public_url: str
    """Where Twilio reaches us; empty where it cannot."""

    def address(self, resource: str) -> str:
        """Give the address of a resource of this account."""
        return f"{self.url}/2010-04-01/Accounts/{self.sid}/{resource}.json"

    def call(self, method: str, address: str, *, body: bytes | None, within: float) -> Answer:
        """Make one call with the account's credentials; raises CallFailed."""
        credentials = base64.b64encode(f"{self.sid}:{self.token}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "User-Agent": "incident-bot"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.client.call(method, address, headers=headers, content=body, within=within)

    def create(self, resource: str, fields: Mapping[str, str | tuple[str, ...]], *, within: float) -> Receipt:
        """Create a message or call in one attempt; raises RetryLater or GiveUp."""
        body = urlencode(fields, doseq=True, errors="replace").encode()
        try:
            answer = self.call("POST", self.address(resource), body=body, within=within)
        except CallFailed as error:
            raise RetryLater(str(error)) from error
        _refuse(answer)
        sid = _object(answer).get("sid")
        if not isinstance(sid, str):
            raise RetryLater("Twilio's answer names no message")
        return Receipt(provider_id=sid[:64])


class SmsNotifier:
    """Sends text messages."""

    def __init__(self, account: Account) -> None:
        """Take the account."""
        self._account = account

    def send(self, message: Message) -> Receipt:
        """Send one text once; raises RetryLater for 408, 409, 423, 425, 429, 5xx and no answer, else GiveUp."""
        number = _number(message, "sms")
        within = AGAIN_SECONDS if message.attempt > 1 else SEND_SECONDS
        body = text_of(message)
        if message.attempt > 1:
            known = self._sent(number, body)
            if isinstance(known, Receipt):
                return known
            if known is None:
                body = text_of(message, repeat=True)
        fields = {"To": number, "From": self._account.caller, "Body": body}
        if self._account.public_url:
            fields["StatusCallback"] = (
                f"{self._account.public_url}/webhooks/twilio/status?page={token_of(message.key)}"
            )
        return self._account.create("Messages", fields, within=within)

    def reaches(self, person: Person) -> bool:
        """Say yes to everybody with a phone."""
        return person.active and bool(person.contacts.get("sms"))

    def _sent(self, number: str, body: str) -> Receipt | bool | None:
        """Find the same text among the newest to this number: False where it is not there, None where nobody knows."""
        query = urlencode({"To": number, "PageSize": LISTED})
        try:
            answer = self._account.call(
                "GET", f"{self._account.address('Messages')}?{query}", body=None, within=ASK_SECONDS
            )
            listed = _object(answer).get("messages") if answer.status == 200 else None  # noqa: PLR2004 -- OK
        except CallFailed:
            return None
        if not isinstance(listed, list):
            return None
        for one in listed:
            # The time in the text tells one page from the next; a trial account puts words of its own before it.
            same = isinstance(one, Mapping) and str(one.get("body", "")).endswith(body)
            if same and str(one.get("status")) not in _DEAD:
                return Receipt(provider_id=str(one.get("sid"))[:64])
        return False


class VoiceNotifier:
    """Calls people; what they hear is told by `flow.twilio` when they answer."""

    def __init__(self, account: Account) -> None:
        """Take the account."""
        self._account = account

    def send(self, message: Message) -> Receipt:
        """Have one call made; raises RetryLater for 408, 409, 423, 425, 429, 5xx and no answer, else GiveUp.

        Twilio's list of calls does not tell which page one was for. Its reports do: where one has come about an earlier
        attempt, that call was made though its answer was lost, and nobody's phone rings a second time (S2).
        """
        number = _number(message, "voice")
        if message.attempt > 1 and message.said:
            missed = next((word for word in message.said if word in MISSED), None)
            if missed:
                raise GiveUp(GiveUpReason.ADDRESS, f"Twilio: {missed}")
            return Receipt()
        token = token_of(message.key)
        fields: dict[str, str | tuple[str, ...]] = {
            "To": number,
            "From": self._account.caller,
            "Url": f"{self._account.public_url}/webhooks/twilio/voice/{token}",
            "Method": "POST",
            "StatusCallback": f"{self._account.public_url}/webhooks/twilio/status?page={token}",
            # The first is sent when the call is made: all we hear of one whose answer was lost, until it is over.
            "StatusCallbackEvent": ("initiated", "completed"),
            "Timeout": str(RING_SECONDS),
        }
        return self._account.create("Calls", fields, within=SEND_SECONDS)

    def reaches(self, person: Person) -> bool:
        """Say yes to everybody with a phone."""
        return person.active and bool(person.contacts.get("voice"))


def text_of(message: Message, *, repeat: bool = False) -> str:
    """Give a message as a text of at most two segments, what matters most first."""
    needed = [*_texts(message.facts.get("lines"))] or [message.subject]
    needed[0] = f"Repeat: {needed[0]}" if repeat else needed[0]
    wanted = (
        _texts(message.facts.get("more_lines")) if "lines" in message.facts else message.text.splitlines()
    )
    return short([*needed, message.url or ""], wanted, most=SEGMENTS_MOST) or "A page without a text"


def token_of(key: str) -> str:
    """Give a message's key as it can stand in an address; `flow.twilio` reads it."""
    return base64.urlsafe_b64encode(key.encode(errors="replace")).decode().rstrip("=")


def _number(message: Message, channel: str) -> str:
    number = message.person.contacts.get(channel) if message.person else None
    if not number:
        raise GiveUp(GiveUpReason.ADDRESS, "nobody with a phone is meant")
    return number


def _refuse(answer: Answer) -> None:
    """Raise what an answer other than 2xx means; Twilio's own codes say more than the status does."""
    if 200 <= answer.status < 300:  # noqa: PLR2004 -- the 2xx class
        return
    code = _object(answer).get("code")
    known = code if isinstance(code, int) else 0
    # Not Twilio's words: they repeat the number.
    said = UNREACHABLE.get(known, "") or (f"error {known}" if known else "")
    if known in UNREACHABLE:
        raise GiveUp(GiveUpReason.ADDRESS, f"Twilio: {said} ({known})")
    if known in BAD_CREDENTIALS:
        raise GiveUp(GiveUpReason.AUTH, f"Twilio refuses the credentials ({known})")
    judge(429 if known in TOO_MANY else answer.status, answer.headers, who="Twilio", said=said)


def _object(answer: Answer) -> Mapping[str, object]:
    try:
        read = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _texts(value: Json) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list | tuple) else []


def _account(values: Mapping[str, str], client: Client) -> Account | None:
    sid, token, caller = (values.get(name) for name in (ACCOUNT, TOKEN, CALLER))
    if not (sid and token and caller):
        return None
    url = values.get(API_URL)
    public_url = values.get(PUBLIC_URL, "").rstrip("/")
    # The real Twilio refuses addresses that it cannot reach; one of our own may well sit beside us.
    hidden = url is None and is_loopback(urlsplit(public_url).hostname or "localhost")
    return Account(
        client=client,
        url=(url or DEFAULT_URL).rstrip("/"),
        sid=sid,
        token=token,
        caller=caller,
        public_url="" if hidden else public_url,
    )


def _build_sms(values: Mapping[str, str], client: Client, write: Callable[[str], None]) -> Notifier | None:
    del write
    account = _account(values, client)
    return SmsNotifier(account) if account else None


def _build_voice(values: Mapping[str, str], client: Client, write: Callable[[str], None]) -> Notifier | None:
    """Build nothing where Twilio could not fetch what it is to say."""
    del write
    account = _account(values, client)
    return VoiceNotifier(account) if account and account.public_url else None


def _pacing(values: Mapping[str, str]) -> Pacing:
    """One a second, which is what one number sends and dials: Twilio lets more of them wait for hours."""
    del values
    return Pacing(total=Pace(every=timedelta(seconds=1)))


_SETTINGS: Final = (ACCOUNT, TOKEN, CALLER, API_URL)
SMS: Final = NotifierKind(name="sms", build=_build_sms, settings=_SETTINGS, contact="phone", pacing=_pacing)
VOICE: Final = NotifierKind(
    name="voice", build=_build_voice, settings=_SETTINGS, contact="phone", pacing=_pacing
)
