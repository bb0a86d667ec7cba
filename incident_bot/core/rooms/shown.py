"""What a room should show, and what it shows as far as we know: two values that `plan` compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

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
    hidden: bool = False
    """Whether it was made private after it began: what everybody could read until then is left."""
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
    drawn: int = 0
    """The number of the last graph that belongs here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One bookmark as it is."""

    id: str
    url: str


class Leaving(StrEnum):
    """What is still to do in a place that is left, in this order."""

    ERASE = "erase"
    """Take back all that the bot said."""
    TOPIC = "topic"
    PURPOSE = "purpose"
    BOOKMARKS = "bookmarks"
    NAME = "name"
    """Give the channel a name that says nothing."""
    NOTE = "note"
    """Say that it is over here, and not where it goes on."""
    ARCHIVE = "archive"


_OF_PEOPLE: Final = (Leaving.ERASE, Leaving.TOPIC, Leaving.BOOKMARKS, Leaving.NOTE)
"""What is done in a channel that people had before: its name and purpose are theirs, and it stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A place that everybody could read, and that is left for a private one."""

    channel: str
    thread: str | None
    """The card there: the head of a thread."""
    steps: tuple[Leaving, ...]
    files: tuple[str, ...] = ()
    """Pictures of ours: they outlive the message that showed them."""

    @classmethod
    def of(cls, shown: Shown) -> Left | None:
        """Give what there is to leave; None where there is no place yet."""
        if shown.channel is None:
            return None
        if shown.place is Place.THREAD:
            steps: tuple[Leaving, ...] = (Leaving.ERASE,)
        else:
            steps = _OF_PEOPLE if shown.converted else tuple(Leaving)
        return cls(channel=shown.channel, thread=shown.card_ts, steps=steps, files=shown.files)

    def after(self, step: Leaving) -> Left | None:
        """Give what is left to do once this is done; None where that was all."""
        rest = tuple(one for one in self.steps if one is not step)
        return replace(self, steps=rest) if rest else None


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
    secret: bool = False
    """Whether the channel was made for those alone who are in it."""
    left: Left | None = None
    """The place that was left for this one, as long as something is to be done there."""
    drawn: int = 0
    """The number of the last graph that was shown, or passed over."""
    files: tuple[str, ...] = ()
    """Slack's ids of the pictures that were put here, the last ones last."""

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
        left: Json = (
            {
                "channel": self.left.channel,
                "thread": self.left.thread,
                "steps": [*self.left.steps],
                "files": [*self.left.files],
            }
            if self.left
            else None
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
            "secret": self.secret,
            "left": left,
            "drawn": self.drawn,
            "files": [*self.files],
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
            secret=data.get("secret") is True,
            left=_left(data.get("left")),
            drawn=_number(data, "drawn"),
            files=_texts(data.get("files")),
        )


def _left(data: Json) -> Left | None:
    if not isinstance(data, Mapping):
        return None
    steps = data.get("steps")
    if not isinstance(steps, list | tuple) or not steps:
        return None
    named = tuple(Leaving(str(one)) for one in steps)
    return Left(
        channel=_text(data, "channel") or "",
        thread=_text(data, "thread"),
        steps=named,
        files=_texts(data.get("files")),
    )


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


def _text(data: JsonObject, key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _number(data: JsonObject, key: str) -> int:
    value = data.get(key)
    return value if isinstance(value, int) else 0
