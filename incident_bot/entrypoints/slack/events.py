"""What people do to messages and rooms: noted at once, worked on afterwards.

A mark is written before Slack gets its answer, so that nothing is lost when we end in between; a mark that comes twice
is one. Messages themselves, most of what comes, are dropped without a look at the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from slack_bolt import App, BoltResponse

from incident_bot.core.rooms.heard import GONE, PIN, SHORTCUT, TIMELINE, Mark
from incident_bot.entrypoints.slack.work import Workbench, text_of
from incident_bot.flow.slack.channels import ARCHIVED, DELETED, JOINED, NAME
from incident_bot.flow.slack.chat import hear
from incident_bot.flow.slack.people import person_of
from incident_bot.flow.slack.where import incident_at
from incident_bot.flow.views import ReplyView

Next: TypeAlias = Callable[[], BoltResponse]
Event: TypeAlias = Mapping[str, Any]

HEARD: Final = {
    "reaction_added": "_reaction",
    "reaction_removed": "_reaction",
    "pin_added": "_pin",
    "pin_removed": "_pin",
    "message": "_message",
    "member_joined_channel": "_joined",
    "channel_archive": "_archive",
    "channel_unarchive": "_archive",
    "group_archive": "_archive",
    "group_unarchive": "_archive",
    "channel_rename": "_rename",
    "group_rename": "_rename",
    "channel_deleted": "_deleted",
    "group_deleted": "_deleted",
}
"""The events that are subscribed to for this, and who takes each."""
SHORTCUTS: Final = {
    "inc:note": (SHORTCUT, "It goes on the timeline."),
}
ELSEWHERE: Final = "This works in the room of an incident; `/incident list` shows what is open."


def install(bolt: App, bench: Workbench) -> None:
    """Listen to events and to the shortcuts of messages."""
    ears = _Ears(bench)

    def heard(event: Event, next_: Next) -> BoltResponse:
        getattr(ears, HEARD[text_of(event, "type")])(event)
        return next_()

    def answered() -> None:
        """Slack has its answer by now."""

    for kind in HEARD:
        bolt.event(kind, middleware=[heard])(answered)

    def shortcut(ack: Callable[..., Any], respond: Callable[..., Any], body: Mapping[str, Any]) -> None:
        bench.act(lambda: ears.shortcut(body), ack, respond)

    for name in SHORTCUTS:
        bolt.message_shortcut(name)(shortcut)


class _Ears:
    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    def shortcut(self, body: Mapping[str, Any]) -> ReplyView:
        key, said = SHORTCUTS[text_of(body, "callback_id")]
        message = body.get("message") or {}
        channel = text_of(body.get("channel") or {}, "id")
        user = text_of(body.get("user") or {}, "id")
        self._bench.actor(user)
        thread = text_of(message, "thread_ts") or text_of(message, "ts")
        if incident_at(self._bench.context, channel, thread) is None:
            return ReplyView(text=ELSEWHERE, ok=False)
        self._hear(channel, text_of(message, "ts"), key, Mark(at=text_of(body, "action_ts"), by=user))
        return ReplyView(text=said)

    def _reaction(self, event: Event) -> None:
        meaning = self._bench.context.live.current.revision.chat.meaning(text_of(event, "reaction"))
        item = event.get("item") or {}
        if meaning is None or item.get("type") != "message":
            return
        user = text_of(event, "user")
        if self._is_stranger(user):
            return
        key = f"{TIMELINE}:{user}" if meaning == TIMELINE else f"{meaning}:{user}"
        on = event["type"] == "reaction_added"
        self._hear(text_of(item, "channel"), text_of(item, "ts"), key, self._mark(event, on=on, by=user))

    def _pin(self, event: Event) -> None:
        item = event.get("item") or {}
        message = item.get("message") or {}
        # Our own card is pinned by ourselves.
        if item.get("type") != "message" or message.get("bot_id"):
            return
        if self._is_stranger(text_of(event, "user")):
            return
        on = event["type"] == "pin_added"
        channel = text_of(event, "channel_id") or text_of(item, "channel")
        self._hear(channel, text_of(message, "ts"), PIN, self._mark(event, on=on, by=text_of(event, "user")))

    def _message(self, event: Event) -> None:
        subtype = event.get("subtype")
        if subtype == "message_deleted":
            key, ts = GONE, text_of(event, "deleted_ts")
        elif subtype == "message_changed":
            message = event.get("message") or {}
            key, ts = ("edited", text_of(message, "ts"))
            if message.get("bot_id"):
                return
            if message.get("subtype") == "tombstone":
                key = GONE
        else:
            return
        self._hear(text_of(event, "channel"), ts, key, self._mark(event), only_known=True)

    def _joined(self, event: Event) -> None:
        user = text_of(event, "user")
        self._room(text_of(event, "channel"), f"{JOINED}{user}", self._mark(event, by=user))

    def _archive(self, event: Event) -> None:
        on = not text_of(event, "type").endswith("unarchive")
        self._room(text_of(event, "channel"), ARCHIVED, self._mark(event, on=on))

    def _rename(self, event: Event) -> None:
        channel = event.get("channel") or {}
        self._room(text_of(channel, "id"), f"{NAME}{text_of(channel, 'name')}", self._mark(event))

    def _deleted(self, event: Event) -> None:
        self._room(text_of(event, "channel"), DELETED, self._mark(event))

    def _is_stranger(self, user: str) -> bool:
        """Say whether somebody may not act; a reaction gets no answer."""
        context = self._bench.context
        return not context.live.current.revision.chat.strangers and person_of(context, user) is None

    def _mark(self, event: Event, *, on: bool = True, by: str = "") -> Mark:
        at = text_of(event, "event_ts") or f"{self._bench.now().timestamp():.6f}"
        return Mark(at=at, on=on, by=by)

    def _room(self, channel: str, key: str, mark: Mark) -> None:
        hear(self._bench.context, channel, "", key, mark, now=self._bench.now())

    def _hear(self, channel: str, ts: str, key: str, mark: Mark, *, only_known: bool = False) -> None:
        if channel and ts:
            hear(self._bench.context, channel, ts, key, mark, only_known=only_known, now=self._bench.now())
