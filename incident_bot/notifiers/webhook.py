"""Notifier `webhook`: posts each message as JSON to one address, signed, once per attempt.

The receiver can rely on: `Idempotency-Key` is the same for every attempt of one message; `X-Incident-Bot-Signature`
is `sha256=` and the hexadecimal HMAC-SHA256 of the body with the shared secret; any 2xx counts as taken.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Final

from incident_bot.core.model import Person
from incident_bot.notifiers.base import (
    Message,
    Notifier,
    NotifierKind,
    Receipt,
    RetryLater,
    header_value,
    judge,
)
from incident_bot.outgoing import CallFailed, Client

URL: Final = "INCIDENT_BOT_WEBHOOK_URL"
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
        text = json.dumps(_payload(message), separators=(",", ":"), ensure_ascii=False)
        body = text.encode(errors="replace")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "incident-bot",
            "Idempotency-Key": header_value(message.key),
        }
        if self._secret:
            signature = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Incident-Bot-Signature"] = f"sha256={signature}"
        try:
            answer = self._client.call("POST", self._url, headers=headers, content=body)
        except CallFailed as error:
            raise RetryLater(str(error)) from error
        judge(answer.status, answer.headers, who="the webhook")
        return Receipt(provider_id=(answer.headers.get("x-message-id") or "")[:_PROVIDER_ID_MOST] or None)

    def reaches(self, person: Person) -> bool:
        """Say yes: the receiver knows what to do with a person's id."""
        return person.active


def _payload(message: Message) -> dict[str, object]:
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
    }


def _build(values: Mapping[str, str], client: Client, write: Callable[[str], None]) -> Notifier | None:
    del write
    url = values.get(URL)
    return WebhookNotifier(client, url=url, secret=values.get(SECRET)) if url else None


KIND: Final = NotifierKind(name="webhook", build=_build, settings=(URL, SECRET))
