"""Notifier `slack`: pages as direct messages with buttons, and messages to channels.

What a message looks like comes with it: `facts["blocks"]` and `facts["text"]`. `facts["edit"]` names the
message that it replaces, and `facts["seek"]` does so by its key where nobody knows whether it got through;
with `or_nothing` none is posted where that is gone. `facts["thread"]` is the one that it answers. An attempt
after one that may have got through looks for the message by the key in its metadata before it is sent again
(S2). The provider's id is `CHANNEL/TS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from incident_bot.core.effects import Moment
from incident_bot.core.lanes import Pace, Pacing
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
from incident_bot.slack_api import URL, WAIT_LEAST, Caller, Limited, Refused, Slack, SlackError, Unanswered

TOKEN: Final = "SLACK_BOT_TOKEN"  # noqa: S105 -- the name of the setting
API: Final = "INCIDENT_BOT_SLACK_API_URL"
TEXT_MOST: Final = 4000
SECTION_MOST: Final = 3000
LOOKED_AT: Final = 100
"""Messages that are looked through for one that was sent already."""
UNSENT_MOST: Final = 10_000

MESSAGES_A_MINUTE: Final = 240
"""Of all channels together: Slack allows several hundred."""
EDITS_A_MINUTE: Final = 45

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_UNEDITABLE: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
_MOVED: Final = frozenset({"channel_not_found", "is_archived"})
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
        self._calls: Caller = slack
        self._direct: dict[str, str] = {}
        """The conversation with each member: a page is one call."""
        self._joined: set[str] = set()
        """Channels that were joined since they were listed."""
        self._unsent: dict[str, int] = {}
        """The attempts, by key, after which nothing was sent for sure: the next one looks for no message."""

    def keep_pace(self, paced: Callable[[Slack], Caller]) -> None:
        """Make every call through this from now on: it says Limited where Slack would, before Slack is asked."""
        self._calls = paced(self._slack)

    def send(self, message: Message) -> Receipt:
        """Post once, or edit what `facts` names; raises RetryLater while Slack is busy or away, else GiveUp."""
        try:
            return self._sent(message)
        except Limited as limit:
            self._note_unsent(message)
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
        seek = message.facts.get("seek")
        if isinstance(seek, str):
            found = self._known(self._address(message), seek, None)
            if found is None:
                return Receipt()
            edit = found.provider_id
        if isinstance(edit, str) and "/" in edit:
            channel, _, ts = edit.partition("/")
            try:
                self._calls.call("chat.update", channel=channel, ts=ts, **content)
            except Refused as refused:
                if refused.error not in _UNEDITABLE:
                    raise
                if message.facts.get("or_nothing"):
                    return Receipt(provider_id=edit)
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
        try:
            return self._posted(message, channel, content)
        except Refused as refused:
            if refused.error in _MOVED:
                # What was remembered is out of date: the next message looks for it anew.
                self._forget(message)
            raise

    def _posted(self, message: Message, channel: str, content: Mapping[str, Any]) -> Receipt:
        if message.attempt > 1 and self._unsent.get(message.key) != message.attempt - 1:
            known = self._known(channel, message.key, content["thread_ts"])
            if known is not None:
                return known
        try:
            said = self._calls.call("chat.postMessage", channel=channel, **content)
        except Refused as refused:
            if refused.error != "not_in_channel":
                raise
            # Sent away since we came. A second message at once would be one too many for the channel.
            self._join(channel)
            raise RetryLater("joined the channel just now", after=WAIT_LEAST) from refused
        return Receipt(provider_id=f"{said['channel']}/{said['ts']}")

    def _address(self, message: Message) -> str:
        if message.person is not None:
            user = message.person.contacts.get("slack")
            if not user:
                raise GiveUp(GiveUpReason.ADDRESS, f"{message.person.id} has no Slack id")
            known = self._direct.get(user)
            if known is None:
                known = str(self._calls.call("conversations.open", users=user)["channel"]["id"])
                self._direct[user] = known
            return known
        found = self._slack.channels.find(
            message.recipient, now=message.at or _NEVER, every=self._calls.every
        )
        if found is None:
            name = message.recipient.removeprefix("#")
            raise GiveUp(
                GiveUpReason.ADDRESS,
                f"there is no channel #{name} that the bot can see; make it, or invite the bot",
            )
        if not found.member and found.id not in self._joined:
            self._join(found.id)
        return found.id

    def _note_unsent(self, message: Message) -> None:
        if message.attempt > 1 and self._unsent.get(message.key) != message.attempt - 1:
            return  # Of an earlier attempt it is not known.
        if len(self._unsent) >= UNSENT_MOST:
            self._unsent.clear()
        self._unsent[message.key] = message.attempt

    def _join(self, channel: str) -> None:
        try:
            self._calls.call("conversations.join", channel=channel)
        except Refused as refused:
            # Says nothing about other channels, nor about people.
            raise GiveUp(GiveUpReason.ADDRESS, f"not in the channel: {refused}; invite the bot") from refused
        self._joined.add(channel)

    def _forget(self, message: Message) -> None:
        if message.person is None:
            self._slack.channels.forget(message.recipient)
        else:
            self._direct.pop(message.person.contacts.get("slack", ""), None)

    def _known(self, channel: str, key: str, thread: str | None) -> Receipt | None:
        method = "conversations.history" if thread is None else "conversations.replies"
        said = self._calls.call(
            method, channel=channel, ts=thread, include_all_metadata=True, limit=LOOKED_AT
        )
        for one in said.get("messages") or ():
            if ((one.get("metadata") or {}).get("event_payload") or {}).get("key") == key:
                return Receipt(provider_id=f"{channel}/{one['ts']}")
        return None


def _text(message: Message) -> str:
    given = message.facts.get("text")
    if isinstance(given, str) and given:
        return cut(given, TEXT_MOST)
    # What is for a channel is mrkdwn already; what is for a person is plain.
    text = message.text if message.person is None else escape(message.text)
    return cut(text, TEXT_MOST) or escape(message.subject) or "–"


def _blocks(message: Message) -> Any:
    given = message.facts.get("blocks")
    return given or [
        {"type": "section", "text": {"type": "mrkdwn", "text": cut(_text(message), SECTION_MOST)}}
    ]


def _reason(error: str) -> GiveUpReason:
    if error in _AUTH or error in ("http_401", "http_403", "http_407"):
        return GiveUpReason.AUTH
    return GiveUpReason.ADDRESS if error in _ADDRESS or error == "http_410" else GiveUpReason.REFUSED


def _lane(recipient: str) -> str:
    return recipient.removeprefix("#")


def _pacing(values: Mapping[str, str]) -> Pacing:
    """Give Slack's paces: a channel or person a message a second, all together some more, edits by themselves."""
    del values
    return Pacing(
        each=Pace(every=timedelta(seconds=1)),
        total=Pace.per_minute(MESSAGES_A_MINUTE),
        lane=_lane,
        acts={Moment.EDIT: Pace.per_minute(EDITS_A_MINUTE)},
    )


def _build(values: Mapping[str, str], client: Client, write: Callable[[str], None]) -> Notifier | None:
    del write
    token = values.get(TOKEN)
    if not token:
        return None
    return SlackNotifier(Slack(client, token=token, url=values.get(API) or URL))


KIND: Final = NotifierKind(name="slack", build=_build, settings=(TOKEN, API), contact="slack", pacing=_pacing)
