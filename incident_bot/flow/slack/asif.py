"""What is shown once a call is done; of calls that give ids, as if they were there."""

from __future__ import annotations

from dataclasses import replace

from incident_bot.core.rooms import (
    Action,
    AddBookmark,
    Archive,
    Draw,
    EditBookmark,
    EditCard,
    Invite,
    Kept,
    Leave,
    Pin,
    RemoveBookmark,
    SetPurpose,
    SetTopic,
    Shown,
    Tell,
)
from incident_bot.flow.slack.facts import Scene


def as_if(action: Action, shown: Shown, scene: Scene) -> Shown:
    """Give what is shown once the action is done."""
    match action:
        case EditCard():
            return replace(shown, card=scene.desired.card)
        case Pin():
            return replace(shown, pinned=True)
        case Invite():
            return replace(shown, members=shown.members | set(action.users))
        case SetTopic():
            return replace(shown, topic=action.text)
        case SetPurpose():
            return replace(shown, purpose=action.text)
        case Archive():
            return replace(shown, archived=True, put_away=True)
        case Leave() if shown.left is not None:
            return replace(shown, left=shown.left.after(action.step))
        case Draw():
            return replace(shown, drawn=action.upto)
        case Tell() if action.aloud:
            return replace(shown, told=action.upto)
        case Tell():
            return replace(shown, noted=action.upto)
        case _:
            return _as_if_marked(action, shown)


def _as_if_marked(action: Action, shown: Shown) -> Shown:
    match action:
        case RemoveBookmark():
            rest = {title: kept for title, kept in shown.bookmarks.items() if title != action.title}
            return replace(shown, bookmarks=rest)
        case EditBookmark():
            kept = Kept(id=action.id, url=action.bookmark.url)
            return replace(shown, bookmarks={**shown.bookmarks, action.bookmark.title: kept})
        case AddBookmark():
            kept = Kept(id="", url=action.bookmark.url)
            return replace(shown, bookmarks={**shown.bookmarks, action.bookmark.title: kept})
        case _:
            return shown
