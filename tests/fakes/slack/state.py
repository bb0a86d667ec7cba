"""What a workspace keeps: people, channels, messages, views, and the errors that it answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TEAM: Final = "T0INCIDENT"
ENTERPRISE: Final = "E0COMPANY"
BOT_USER: Final = "U0BOT"
BOT: Final = "B0BOT"
APP: Final = "A0BOT"
BOT_TOKEN: Final = "xoxb-the-bot"
APP_TOKEN: Final = "xapp-the-app"
SECRET: Final = "the-signing-secret"


class Refused(Exception):
    """`{"ok": false, "error": …}`; `more` stands beside it."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


@dataclass
class User:
    """One person."""

    id: str
    name: str
    email: str
    admin: bool = False
    deleted: bool = False
    bot: bool = False
    zone: str = "Europe/Berlin"


@dataclass
class Message:
    """One message; `versions` are its texts and blocks over time."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    thread: str | None = None
    metadata: dict[str, Any] | None = None
    broadcast: bool = False
    reactions: dict[str, set[str]] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    edits: int = 0
    deleted: bool = False
    client_msg_id: str | None = None

    def shown(self) -> dict[str, Any]:
        """Give it as the Web API does."""
        said: dict[str, Any] = {"type": "message", "ts": self.ts, "user": self.user, "text": self.text}
        if self.blocks:
            said["blocks"] = self.blocks
        if self.thread:
            said["thread_ts"] = self.thread
        if self.metadata:
            said["metadata"] = self.metadata
        if self.user == BOT_USER:
            said |= {"bot_id": BOT, "app_id": APP}
        if self.files:
            said["files"] = self.files
        if self.reactions:
            said["reactions"] = [
                {"name": name, "users": sorted(users), "count": len(users)}
                for name, users in self.reactions.items()
            ]
        return said


@dataclass
class Channel:
    """One channel or direct conversation."""

    id: str
    name: str
    private: bool = False
    members: set[str] = field(default_factory=set)
    topic: str = ""
    purpose: str = ""
    archived: bool = False
    direct: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    pins: list[str] = field(default_factory=list)
    bookmarks: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: int = 0
    creator: str = ""
    ever: list[str] = field(default_factory=list)
    """Everybody who was ever invited, in order."""

    def shown(self) -> dict[str, Any]:
        """Give it as the Web API does."""
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": not self.private and not self.direct,
            "is_group": self.private,
            "is_im": self.direct,
            "is_private": self.private,
            "is_archived": self.archived,
            "is_member": BOT_USER in self.members,
            "created": self.created,
            "creator": self.creator,
            "topic": {"value": self.topic},
            "purpose": {"value": self.purpose},
            "num_members": len(self.members),
        }

    def live(self) -> list[Message]:
        """Give its messages that are still there, oldest first."""
        return [message for message in self.messages.values() if not message.deleted]


@dataclass
class View:
    """One open modal, or a person's App Home."""

    id: str
    user: str
    view: dict[str, Any]
    hash: str
    root: str
    closed: bool = False


@dataclass
class Trigger:
    """What lets a modal be opened, for three seconds, once."""

    id: str
    user: str
    made_at: float
    used: bool = False


Method = Callable[[Any, Mapping[str, Any]], dict[str, Any]]

TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100
"""Calls a minute: https://docs.slack.dev/apis/web-api/rate-limits."""
POSTS: Final = -1
"""One message a second and channel."""

METHODS: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    "auth.test": (1000, ()),
    "apps.connections.open": (TIER_1 * 60, ("connections:write",)),
    "bookmarks.add": (TIER_2, ("bookmarks:write",)),
    "bookmarks.edit": (TIER_2, ("bookmarks:write",)),
    "bookmarks.list": (TIER_3, ("bookmarks:read",)),
    "bookmarks.remove": (TIER_2, ("bookmarks:write",)),
    "chat.delete": (TIER_3, ("chat:write",)),
    "chat.getPermalink": (1000, ()),
    "chat.postEphemeral": (TIER_4, ("chat:write",)),
    "chat.postMessage": (POSTS, ("chat:write",)),
    "chat.update": (TIER_3, ("chat:write",)),
    "conversations.archive": (TIER_2, ("channels:manage", "groups:write")),
    "conversations.create": (TIER_2, ("channels:manage", "groups:write")),
    "conversations.history": (TIER_3, ("channels:history", "groups:history", "im:history")),
    "conversations.info": (TIER_3, ("channels:read", "groups:read")),
    "conversations.invite": (TIER_3, ("channels:manage", "groups:write")),
    "conversations.join": (TIER_3, ("channels:join",)),
    "conversations.list": (TIER_2, ("channels:read", "groups:read")),
    "conversations.members": (TIER_4, ("channels:read", "groups:read")),
    "conversations.open": (TIER_3, ("im:write",)),
    "conversations.rename": (TIER_2, ("channels:manage", "groups:write")),
    "conversations.replies": (TIER_3, ("channels:history", "groups:history", "im:history")),
    "conversations.setPurpose": (TIER_2, ("channels:manage", "groups:write")),
    "conversations.setTopic": (TIER_2, ("channels:manage", "groups:write")),
    "conversations.unarchive": (TIER_2, ("channels:manage", "groups:write")),
    "emoji.list": (TIER_2, ("emoji:read",)),
    "files.completeUploadExternal": (TIER_4, ("files:write",)),
    "files.delete": (TIER_3, ("files:write",)),
    "files.getUploadURLExternal": (TIER_4, ("files:write",)),
    "files.info": (TIER_4, ("files:read",)),
    "pins.add": (TIER_2, ("pins:write",)),
    "pins.list": (TIER_2, ("pins:read",)),
    "pins.remove": (TIER_2, ("pins:write",)),
    "reactions.add": (TIER_3, ("reactions:write",)),
    "reactions.remove": (TIER_2, ("reactions:write",)),
    "usergroups.list": (TIER_2, ("usergroups:read",)),
    "users.info": (TIER_4, ("users:read",)),
    "users.list": (TIER_2, ("users:read",)),
    "users.lookupByEmail": (TIER_3, ("users:read.email",)),
    "views.open": (TIER_4, ()),
    "views.publish": (TIER_4, ()),
    "views.push": (TIER_4, ()),
    "views.update": (TIER_4, ()),
}
"""Each method: how often a minute, and which scopes it may need (of several, those of the kind of conversation)."""
