"""The channels of `channels.yaml`: a message for one person, posted by HTTP as the channel's templates write it.

ntfy, Gotify and whatever else takes a POST: docs/howto/push.md. Tokens come from the environment when a message goes
out, so that none stands in a file of the configuration. Not in the registry: each has its name from the configuration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from incident_bot.config.revision import PushChannel
from incident_bot.core.model import Person
from incident_bot.notifiers.base import (
    GiveUp,
    GiveUpReason,
    Message,
    Receipt,
    RetryLater,
    header_value,
    judge,
    signed_headers,
    webhook_payload,
)
from incident_bot.outgoing import CallFailed, Client
from incident_bot.render.push import JSON_TYPE, PushTemplates


class PushNotifier:
    """Posts to one address; each person has an address or a token of their own there."""

    def __init__(self, client: Client, channel: PushChannel, *, secret: Callable[[str], str | None]) -> None:
        """Take the shared client, the channel and what looks up a secret by the name of its variable."""
        self._client = client
        self._channel = channel
        self._secret = secret
        self._templates = PushTemplates(channel.body, channel.headers)

    def send(self, message: Message) -> Receipt:
        """Post once; raises RetryLater for 408, 409, 423, 425, 429, 5xx and no answer, GiveUp for any other refusal."""
        facts = self._facts(message)
        try:
            text = self._body(message, facts)
            written = {name: self._templates.header(name, facts) for name in self._channel.headers}
        except ValueError as error:
            raise GiveUp(GiveUpReason.REFUSED, f"the template of {self._channel.name}: {error}") from error
        body = text.encode(errors="replace")
        headers = {
            "Content-Type": JSON_TYPE,
            "User-Agent": "incident-bot",
            "Idempotency-Key": header_value(message.key),
            **signed_headers(self._named(self._channel.secret_env), body, message.at),
        }
        ours = {name.lower(): name for name in headers}
        for name, value in written.items():
            headers.pop(ours.get(name.lower(), name), None)
            headers[name] = " ".join(header_value(word) for word in value.split(" "))
        try:
            answer = self._client.call("POST", self._channel.url, headers=headers, content=body)
        except CallFailed as error:
            raise RetryLater(str(error)) from error
        judge(answer.status, answer.headers, who=self._channel.name)
        return Receipt()

    def reaches(self, person: Person) -> bool:
        """Say yes to who has an address here, and the token where one is named."""
        name = self._token_name(person)
        known = person.active and bool(person.contacts.get(self._channel.name))
        return known and (name is None or self._secret(name) is not None)

    def missing(self, people: Iterable[Person]) -> list[str]:
        """Give the variables that are named and not set, for these people and for the channel."""
        here = [person for person in people if person.active and person.contacts.get(self._channel.name)]
        wanted = {self._token_name(person) for person in here} | {self._channel.secret_env}
        return sorted(name for name in wanted if name and self._secret(name) is None)

    def _facts(self, message: Message) -> Mapping[str, object]:
        person = message.person
        address = person.contacts.get(self._channel.name) if person else None
        if person is None or not address:
            raise GiveUp(GiveUpReason.ADDRESS, f"{self._channel.name} has no address for it")
        return {
            "subject": message.subject,
            "text": message.text,
            "url": message.url,
            "ack_url": message.ack_url,
            "kind": message.kind,
            "urgent": message.urgent,
            "attempt": message.attempt,
            "key": message.key,
            "person": {"id": person.id, "name": person.name, "time_zone": person.time_zone},
            "address": address,
            "token": self._named(self._token_name(person)) or "",
            "facts": dict(message.facts),
        }

    def _body(self, message: Message, facts: Mapping[str, object]) -> str:
        if self._channel.body is None:
            return json.dumps(webhook_payload(message), separators=(",", ":"), ensure_ascii=False)
        return self._templates.body(facts)

    def _token_name(self, person: Person) -> str | None:
        return person.tokens.get(self._channel.name) or self._channel.token_env

    def _named(self, name: str | None) -> str | None:
        if name is None:
            return None
        found = self._secret(name)
        if found is None:
            raise GiveUp(GiveUpReason.AUTH, f"{name} is not set in the environment")
        return found
