"""Stage 7: what a chat should show of an incident, and which call brings it nearer to that. Never acts.

A room is a projection: everything in it follows from the incident and its timeline. What it should show and what it
shows are compared, and the difference is one call at a time; so what changes often is told once, what could not be told
is told later in order, and nothing is told twice.
"""

from incident_bot.core.rooms.entries import Telling, telling
from incident_bot.core.rooms.naming import NAME_MOST, room_name
from incident_bot.core.rooms.plan import (
    Action,
    AddBookmark,
    Archive,
    Create,
    Draw,
    EditBookmark,
    EditCard,
    Invite,
    Join,
    Leave,
    Pin,
    PostCard,
    RemoveBookmark,
    SetPurpose,
    SetTopic,
    Tell,
    Unarchive,
    plan,
    too_open,
)
from incident_bot.core.rooms.rules import ChatRules, RoomRules
from incident_bot.core.rooms.shown import Bookmark, Desired, Kept, Leaving, Left, Place, Shown, Trying

__all__ = [
    "NAME_MOST",
    "Action",
    "AddBookmark",
    "Archive",
    "Bookmark",
    "ChatRules",
    "Create",
    "Desired",
    "Draw",
    "EditBookmark",
    "EditCard",
    "Invite",
    "Join",
    "Kept",
    "Leave",
    "Leaving",
    "Left",
    "Pin",
    "Place",
    "PostCard",
    "RemoveBookmark",
    "RoomRules",
    "SetPurpose",
    "SetTopic",
    "Shown",
    "Tell",
    "Telling",
    "Trying",
    "Unarchive",
    "plan",
    "room_name",
    "telling",
    "too_open",
]
