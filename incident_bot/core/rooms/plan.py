"""The next call that brings a room nearer to what it should show; none when it shows that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from incident_bot.core.rooms.shown import Bookmark, Desired, Leaving, Place, Shown

INVITED_AT_ONCE: Final = 100
"""https://docs.slack.dev/reference/methods/conversations.invite."""


@dataclass(frozen=True, slots=True)
class Create:
    """Make the channel."""

    name: str
    private: bool


@dataclass(frozen=True, slots=True)
class Join:
    """Find the team's channel and enter it."""

    channel: str


@dataclass(frozen=True, slots=True)
class Unarchive:
    """Take the channel up again."""


@dataclass(frozen=True, slots=True)
class PostCard:
    """Post the card for the first time."""


@dataclass(frozen=True, slots=True)
class EditCard:
    """Bring the card up to date, in place."""


@dataclass(frozen=True, slots=True)
class Pin:
    """Pin the card."""


@dataclass(frozen=True, slots=True)
class Invite:
    """Bring people in."""

    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetTopic:
    """Say in the topic where things stand."""

    text: str


@dataclass(frozen=True, slots=True)
class SetPurpose:
    """Say what the channel is for."""

    text: str


@dataclass(frozen=True, slots=True)
class AddBookmark:
    """Put a link at the top."""

    bookmark: Bookmark


@dataclass(frozen=True, slots=True)
class EditBookmark:
    """Let a link lead elsewhere."""

    id: str
    bookmark: Bookmark


@dataclass(frozen=True, slots=True)
class RemoveBookmark:
    """Take a link away."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the entries of the timeline after this number, up to that one: aloud, or in the thread for noise."""

    after: int
    upto: int
    aloud: bool


@dataclass(frozen=True, slots=True)
class Draw:
    """Show the newest graphs after this number, up to that one."""

    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class Archive:
    """Put the channel away."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Do one thing in the place that was left for a private one."""

    step: Leaving


Action: TypeAlias = (
    Create
    | Join
    | Unarchive
    | PostCard
    | EditCard
    | Pin
    | Invite
    | SetTopic
    | SetPurpose
    | AddBookmark
    | EditBookmark
    | RemoveBookmark
    | Tell
    | Draw
    | Archive
    | Leave
)


def plan(desired: Desired, shown: Shown, *, now: datetime) -> Action | None:
    """Give the next call, the most useful first; None where the room shows what it should.

    The order: a place to meet, the card, the people, what others are to read no more where it was until now, what
    happened, then the decorations; at the end the archive.
    """
    place = _place(desired, shown)
    if place is not None:
        return place
    if shown.archived:
        return None
    if shown.card_ts is None:
        return PostCard()
    own = shown.place is Place.OWN
    missing = tuple(user for user in desired.members if user not in shown.members)
    if own and missing:
        return Invite(missing[:INVITED_AT_ONCE])
    if shown.left is not None:
        return Leave(shown.left.steps[0])
    if shown.told < desired.upto:
        return Tell(shown.told, desired.upto, aloud=True)
    if shown.card != desired.card:
        return EditCard()
    if shown.drawn < desired.drawn:
        return Draw(shown.drawn, desired.drawn)
    if shown.noted < desired.upto:
        return Tell(shown.noted, desired.upto, aloud=False)
    found = _decoration(desired, shown) if own else None
    if found is not None:
        return found
    due = not desired.open and desired.archive_at is not None and desired.archive_at <= now
    return Archive() if own and due and not shown.converted else None


def _place(desired: Desired, shown: Shown) -> Action | None:
    if shown.channel is None and desired.place is Place.THREAD:
        return Join(desired.channel or "")
    # A thread that has become too small for its incident goes on in a channel of its own.
    outgrown = desired.place is Place.OWN and shown.place is Place.THREAD
    if shown.channel is None or outgrown or too_open(desired, shown):
        return Create(desired.names[min(shown.attempts, len(desired.names) - 1)], desired.private)
    return Unarchive() if shown.archived and shown.put_away and desired.open else None


def too_open(desired: Desired, shown: Shown) -> bool:
    """Say whether everybody can read what only some are to read; what is put away stays as it is."""
    return desired.hidden and not shown.secret and shown.channel is not None and not shown.archived


def _decoration(desired: Desired, shown: Shown) -> Action | None:
    if not shown.pinned:
        return Pin()
    if shown.topic != desired.topic:
        return SetTopic(desired.topic)
    if shown.purpose != desired.purpose and not shown.converted:
        return SetPurpose(desired.purpose)
    wanted = {bookmark.title: bookmark for bookmark in desired.bookmarks}
    for title, kept in shown.bookmarks.items():
        if title not in wanted:
            return RemoveBookmark(kept.id, title)
        if wanted[title].url != kept.url:
            return EditBookmark(kept.id, wanted[title])
    for title, bookmark in wanted.items():
        if title not in shown.bookmarks:
            return AddBookmark(bookmark)
    return None
