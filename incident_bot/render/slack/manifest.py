"""The app's manifest: what Slack has to allow, each with its reason, and what it has to tell us. Nothing more.

https://docs.slack.dev/reference/app-manifest. Whoever adds a call, an event or a shortcut adds it here; a test compares
this with the calls that were made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from incident_bot.core.rooms import ChatRules

SCOPES: Final[Mapping[str, str]] = {
    "bookmarks:read": "sees whether a link is there already before it adds it again",
    "bookmarks:write": "puts runbook, dashboards and console at the top of a room",
    "channels:history": "reads a message that somebody pins; finds its own posts instead of posting twice",
    "channels:join": "enters the channels of teams and announcements by itself",
    "channels:manage": "makes rooms, invites those who were paged, sets topics, archives",
    "channels:read": "finds channels by their names; hears who comes into a room",
    "chat:write": "posts pages, cards and updates, and edits them",
    "commands": "the commands and the shortcuts",
    "files:read": "fetches images and files that belong to the record",
    "files:write": "shows the graphs of an incident in its room, and takes them back where it becomes private",
    "groups:history": "as channels:history, in the rooms of private incidents",
    "groups:read": "as channels:read, for private channels that the bot is in",
    "groups:write": "as channels:manage, for the rooms of private incidents",
    "im:history": "finds a page that it sent already before it sends it again",
    "im:write": "opens the conversation in which somebody is paged",
    "pins:read": "hears when somebody pins a message",
    "pins:write": "pins the card",
    "reactions:read": "hears the reactions that note, end and follow up",
    "usergroups:read": "writes the names of mentioned groups into the record",
    "users:read": "writes people's names into the record; checks the ids of people.yaml",
}
"""The scopes of the bot's token, each with what it is for."""

SIGN_IN: Final = ("openid", "profile")
"""The scopes that are asked of a person who signs in with Slack: who they are. Nothing is done in their name."""

EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "app_home_opened": (),
    "channel_archive": ("channels:read",),
    "channel_deleted": ("channels:read",),
    "channel_rename": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_deleted": ("groups:read",),
    "group_rename": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "pin_added": ("pins:read",),
    "pin_removed": ("pins:read",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
}
"""The events that Slack is to tell of, each with the scopes that it asks for."""

SHORTCUTS: Final = (
    ("global", "inc:declare", "Declare an incident", "Something is wrong: pages the right people"),
    ("message", "inc:note", "Add to the timeline", "Puts this message on the incident's timeline"),
    ("message", "inc:task", "Make it a task", "Makes this message a task of the incident"),
    ("message", "inc:followup", "Make it a follow-up", "Makes this message a follow-up of the incident"),
    ("message", "inc:declare_from", "Declare from message", "Opens an incident about this message"),
)
"""Kind, callback id, name and description of each shortcut; Slack takes 24 characters of a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How Slack reaches the bot: at an address, or over Socket Mode where there is none."""

    address: str | None
    """`https://incidents.example.com/slack/events`."""


def manifest(
    chat: ChatRules, door: Door, *, name: str = "incident-bot", sign_in: str | None = None
) -> dict[str, Any]:
    """Give the manifest as Slack's page "Create an app from a manifest" takes it.

    `sign_in` is the address to which Slack sends people back who signed in, where they may.
    """
    url = {"url": door.address} if door.address else {}
    commands = (
        (
            chat.incident_command,
            "Declare, take, update and resolve incidents",
            "help | new <title> | ack | resolve",
        ),
        (chat.oncall_command, "Who is on call, my shifts, covers", "[team] | mine | cover @somebody …"),
    )
    request = {"request_url": door.address} if door.address else {}
    return {
        "display_information": {
            "name": name,
            "description": "Alerts in, the right person paged, every step on the record.",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "shortcuts": [
                {"name": title, "type": kind, "callback_id": key, "description": text}
                for kind, key, title, text in SHORTCUTS
            ],
            "slash_commands": [
                {"command": command, "description": text, "usage_hint": hint, "should_escape": True, **url}
                for command, text, hint in commands
            ],
        },
        "oauth_config": {
            **({"redirect_urls": [sign_in]} if sign_in else {}),
            "scopes": {"bot": sorted(SCOPES), **({"user": [*SIGN_IN]} if sign_in else {})},
        },
        "settings": {
            "event_subscriptions": {**request, "bot_events": sorted(EVENTS)},
            "interactivity": {"is_enabled": True, **request},
            "org_deploy_enabled": False,
            "socket_mode_enabled": door.address is None,
            "token_rotation_enabled": False,
        },
    }
