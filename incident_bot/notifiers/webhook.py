"""Notifier `webhook`: posts each message as JSON to one address, signed, once per attempt.

The receiver can rely on: `Idempotency-Key` is the same for every attempt of one message; any 2xx counts as taken. Where
a secret is set, `signed_headers` says what stands in the headers; how to check it: docs/howto/push.md.
A page that tells of several incidents lists them in `incidents`, the worst first, and counts the rest in `more`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from incident_bot.core.lanes import Pacing
from incident_bot.core.model import Person
from incident_bot.notifiers.base import (
    Message,
    Notifier,
    NotifierKind,
    Receipt,
    RetryLater,
    asked_pace,
    header_value,
    judge,
    signed_headers,
    webhook_payload,
)
from incident_bot.outgoing import SEND_SECONDS, CallFailed, Client

URL: Final = "INCIDENT_BOT_WEBHOOK_URL"
RATE: Final = "INCIDENT_BOT_WEBHOOK_RATE"
SECRET: Final = "INCIDENT_BOT_WEBHOOK_SECRET"  # noqa: S105 -- the name of the setting
_PROVIDER_ID_MOST: Final = 200


class WebhookNotifier:
    """Posts to one address; who is meant stands in the body."""

    def __init__(self, client: Client, *, url: str, secret: str | None) -> None:
        """Take the shared client, the address and the secret that signs."""
        self._client = client
        self._url = url
        self._secret = secret

    def send(self, message: Message) -> Receipt:
        """Post once; raises RetryLater for 408, 409, 423, 425, 429, 5xx and no answer, GiveUp for any other refusal."""
        # Half of a surrogate pair, which JSON may bring in, has no UTF-8: it must not cost the page.
        text = json.dumps(webhook_payload(message), separators=(",", ":"), ensure_ascii=False)
        body = text.encode(errors="replace")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "incident-bot",
            "Idempotency-Key": header_value(message.key),
        }
        headers |= signed_headers(self._secret, body, message.at)
        try:
            answer = self._client.call("POST", self._url, headers=headers, content=body, within=SEND_SECONDS)
        except CallFailed as error:
            raise RetryLater(str(error)) from error
        judge(answer.status, answer.headers, who="the webhook")
        return Receipt(provider_id=(answer.headers.get("x-message-id") or "")[:_PROVIDER_ID_MOST] or None)

    def reaches(self, person: Person) -> bool:
        """Say yes: the receiver knows what to do with a person's id."""
        return person.active


def _build(values: Mapping[str, str], client: Client, write: Callable[[str], None]) -> Notifier | None:
    del write
    url = values.get(URL)
    return WebhookNotifier(client, url=url, secret=values.get(SECRET)) if url else None


def _pacing(values: Mapping[str, str]) -> Pacing:
    # A program reads as many as come; who asks for a pace wants fewer.
    pace = asked_pace(values, RATE)
    return Pacing(total=pace, folds=pace is not None)


KIND: Final = NotifierKind(name="webhook", build=_build, settings=(URL, SECRET, RATE), pacing=_pacing)
