"""Notifier `slack`: pages as direct messages with buttons, and messages to channels.

What a message looks like comes with it: `facts["blocks"]`, and `facts["edit"]` names the message that it replaces. An
attempt after the first looks for the message by the key in its metadata before it is sent again (S2). The provider's id
is `CHANNEL/TS`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from incident_bot.core.model import Person
from incident_bot.notifiers.base import (
    GiveUp,
    GiveUpReason,
    Message,
    Notifier,
    NotifierKind,
    Receipt,
    RetryLater,
)
from incident_bot.outgoing import Client
from incident_bot.render.slack.mrkdwn import cut, escape
from incident_bot.slack_api import URL, Limited, Refused, Slack, SlackError, Unanswered

TOKEN: Final = "SLACK_BOT_TOKEN"  # noqa: S105 -- the name of the setting
API: Final = "INCIDENT_BOT_SLACK_API_URL"
TEXT_MOST: Final = 4000
SECTION_MOST: Final = 3000
LOOKED_AT: Final = 100
"""Messages that are looked through for one that was sent already."""

_ADDRESS: Final = frozenset(
    {"channel_not_found", "is_archived", "not_in_channel", "user_not_found", "users_not_found", "user_disabled",
     "messages_tab_disabled", "cannot_dm_bot", "method_not_supported_for_channel_type"}
)  # fmt: skip
_AUTH: Final = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
     "no_permission", "org_login_required", "ekm_access_denied", "access_denied"}
)  # fmt: skip


class SlackNotifier:
    """Posts to people and channels of one workspace."""

    def __init__(self, slack: Slack) -> None:
        """Take the workspace."""
        self._slack = slack
        self._lock = threading.Lock()
        self._channels: dict[str, str] = {}
        """Ids by name."""

    def send(self, message: Message) -> Receipt:
        """Post once, or edit what `facts` names; raises RetryLater while Slack is busy or away, else GiveUp."""
        try:
            return self._sent(message)
        except Limited as limit:
            raise RetryLater(str(limit), after=limit.after) from limit
        except Unanswered as problem:
            raise RetryLater(str(problem)) from problem
        except Refused as refused:
            raise GiveUp(_reason(refused.error), str(refused)) from refused
        except SlackError as problem:
            raise RetryLater(str(problem)) from problem

    def reaches(self, person: Person) -> bool:
        """Say whether this person's Slack id is known."""
        return person.active and bool(person.contacts.get("slack"))

    def _sent(self, message: Message) -> Receipt:
        content: dict[str, Any] = {"text": _text(message), "blocks": _blocks(message)}
        edit = message.facts.get("edit")
        if isinstance(edit, str) and "/" in edit:
            channel, _, ts = edit.partition("/")
            try:
                self._slack.call("chat.update", channel=channel, ts=ts, **content)
            except Refused as refused:
                if refused.error not in ("message_not_found", "cant_update_message"):
                    raise
            else:
                return Receipt(provider_id=edit)
        channel = self._address(message)
        thread = message.facts.get("thread")
        content |= {
            "thread_ts": thread if isinstance(thread, str) else None,
            "metadata": {"event_type": "incident_bot", "event_payload": {"key": message.key}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if message.attempt > 1:
            known = self._known(channel, message.key)
            if known is not None:
                return known
        try:
            said = self._slack.call("chat.postMessage", channel=channel, **content)
        except Refused as refused:
            if refused.error != "not_in_channel":
                raise
            self._slack.call("conversations.join", channel=channel)
            said = self._slack.call("chat.postMessage", channel=channel, **content)
        return Receipt(provider_id=f"{said['channel']}/{said['ts']}")

    def _address(self, message: Message) -> str:
        if message.person is not None:
            user = message.person.contacts.get("slack")
            if not user:
                raise GiveUp(GiveUpReason.ADDRESS, f"{message.person.id} has no Slack id")
            return str(self._slack.call("conversations.open", users=user)["channel"]["id"])
        name = message.recipient.removeprefix("#")
        with self._lock:
            known = self._channels.get(name)
        if known is not None:
            return known
        found = self._slack.every(
            "conversations.list",
            "channels",
            types="public_channel,private_channel",
            exclude_archived=True,
            limit=500,
        )
        names = {str(one["name"]): str(one["id"]) for one in found}
        with self._lock:
            self._channels = names
        if name in names:
            return names[name]
        if name in names.values():
            return name
        raise GiveUp(
            GiveUpReason.ADDRESS,
            f"there is no channel #{name} that the bot can see; make it, or invite the bot",
        )

    def _known(self, channel: str, key: str) -> Receipt | None:
        said = self._slack.call(
            "conversations.history", channel=channel, include_all_metadata=True, limit=LOOKED_AT
        )
        for one in said.get("messages") or ():
            if ((one.get("metadata") or {}).get("event_payload") or {}).get("key") == key:
                return Receipt(provider_id=f"{channel}/{one['ts']}")
        return None


def _text(message: Message) -> str:
    # What is for a channel is mrkdwn already; what is for a person is plain.
    text = message.text if message.person is None else escape(message.text)
    return cut(text, TEXT_MOST) or escape(message.subject) or "–"


def _blocks(message: Message) -> Any:
    given = message.facts.get("blocks")
    return given or [
        {"type": "section", "text": {"type": "mrkdwn", "text": cut(_text(message), SECTION_MOST)}}
    ]


def _reason(error: str) -> GiveUpReason:
    if error in _AUTH:
        return GiveUpReason.AUTH
    return GiveUpReason.ADDRESS if error in _ADDRESS else GiveUpReason.REFUSED


def _build(values: Mapping[str, str], client: Client, write: Callable[[str], None]) -> Notifier | None:
    del write
    token = values.get(TOKEN)
    if not token:
        return None
    return SlackNotifier(Slack(client, token=token, url=values.get(API) or URL))


KIND: Final = NotifierKind(name="slack", build=_build, settings=(TOKEN, API), contact="slack")
