"""What a room should show, and what it shows as far as we know: two values that `plan` compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from incident_bot.core.model import Json, JsonObject


class Place(StrEnum):
    """Where an incident is worked on in chat."""

    OWN = "own"
    """A channel of its own."""
    THREAD = "thread"
    """A thread in the channel of its team."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """One link at the top of a channel."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What should be shown."""

    place: Place
    names: tuple[str, ...]
    """Names for a channel of its own, the best first."""
    channel: str | None = None
    """The team's channel, for a thread."""
    private: bool = False
    topic: str = ""
    purpose: str = ""
    bookmarks: tuple[Bookmark, ...] = ()
    card: str = ""
    """A digest of the card as it should be."""
    members: tuple[str, ...] = ()
    """Slack ids of people who belong here."""
    upto: int = 0
    """The number of the timeline's last entry."""
    open: bool = True
    archive_at: datetime | None = None
    """When a channel of its own is put away; None while it is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One bookmark as it is."""

    id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trying:
    """A call whose end we do not know yet: before it is made again, it is looked for."""

    key: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown, as recorded after each call."""

    channel: str | None = None
    name: str | None = None
    attempts: int = 0
    """How many names were found taken."""
    place: Place = Place.OWN
    card_ts: str | None = None
    """The card, which is also the head of the thread for noise, and of the whole room where that is a thread."""
    card: str = ""
    pinned: bool = False
    topic: str = ""
    purpose: str = ""
    bookmarks: Mapping[str, Kept] = field(default_factory=dict)
    """By title."""
    members: frozenset[str] = frozenset()
    """Everybody who was invited, or cannot be."""
    told: int = 0
    """The number of the last entry told aloud, or passed over."""
    noted: int = 0
    """The number of the last entry told in the thread for noise, or passed over."""
    archived: bool = False
    put_away: bool = False
    """Whether the archiving was ours: what people put away stays away."""
    converted: bool = False
    """Whether people had the channel before the incident: it is never renamed or put away."""
    trying: Trying | None = None

    @property
    def thread(self) -> str | None:
        """The thread that the room is, where it has no channel of its own."""
        return self.card_ts if self.place is Place.THREAD else None

    def to_json(self) -> JsonObject:
        """Write it: `from_json` gives an equal one back."""
        bookmarks: dict[str, Json] = {
            title: {"id": kept.id, "url": kept.url} for title, kept in self.bookmarks.items()
        }
        trying: Json = (
            {"key": self.trying.key, "since": self.trying.since.isoformat()} if self.trying else None
        )
        return {
            "channel": self.channel,
            "name": self.name,
            "attempts": self.attempts,
            "place": self.place.value,
            "card_ts": self.card_ts,
            "card": self.card,
            "pinned": self.pinned,
            "topic": self.topic,
            "purpose": self.purpose,
            "bookmarks": bookmarks,
            "members": sorted(self.members),
            "told": self.told,
            "noted": self.noted,
            "archived": self.archived,
            "put_away": self.put_away,
            "converted": self.converted,
            "trying": trying,
        }

    @classmethod
    def from_json(cls, data: JsonObject) -> Shown:
        """Read what `to_json` wrote; what is missing is as in a room that does not exist yet."""
        bookmarks = data.get("bookmarks")
        trying = data.get("trying")
        members = data.get("members")
        return cls(
            channel=_text(data, "channel"),
            name=_text(data, "name"),
            attempts=_number(data, "attempts"),
            place=Place(_text(data, "place") or Place.OWN.value),
            card_ts=_text(data, "card_ts"),
            card=_text(data, "card") or "",
            pinned=data.get("pinned") is True,
            topic=_text(data, "topic") or "",
            purpose=_text(data, "purpose") or "",
            bookmarks={
                title: Kept(id=str(kept["id"]), url=str(kept["url"]))
                for title, kept in (bookmarks if isinstance(bookmarks, Mapping) else {}).items()
                if isinstance(kept, Mapping)
            },
            members=frozenset(str(one) for one in members)
            if isinstance(members, list | tuple)
            else frozenset(),
            told=_number(data, "told"),
            noted=_number(data, "noted"),
            archived=data.get("archived") is True,
            put_away=data.get("put_away") is True,
            converted=data.get("converted") is True,
            trying=Trying(key=str(trying["key"]), since=datetime.fromisoformat(str(trying["since"])))
            if isinstance(trying, Mapping)
            else None,
        )


def _text(data: JsonObject, key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _number(data: JsonObject, key: str) -> int:
    value = data.get(key)
    return value if isinstance(value, int) else 0
