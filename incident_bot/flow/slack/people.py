"""Who is who: Slack's members and the people of the configuration."""

from __future__ import annotations

import re

from incident_bot.core.model import Person
from incident_bot.flow.context import Context

GUEST = "slack:"
"""What the name of an actor begins with whom `people.yaml` does not know."""
_MENTION = re.compile(r"<@([UW][A-Z0-9]{2,20})(?:\|([^<>]*))?>")
_CHANNEL = re.compile(r"<#[CG][A-Z0-9]{2,20}\|([^<>]*)>")
_LINK = re.compile(r"<((?:https?|mailto):[^<>|]+)(?:\|([^<>]*))?>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def actor(context: Context, user: str) -> str:
    """Give the actor behind a Slack member: the id of the person who has it, else `slack:U0123`."""
    found = person_of(context, user)
    return found.id if found else f"{GUEST}{user}"


def person_of(context: Context, user: str) -> Person | None:
    """Give the active person of the configuration who has this Slack id."""
    people = context.live.current.revision.people.values()
    return next((one for one in people if one.active and one.contacts.get("slack") == user), None)


def mentioned(context: Context, text: str) -> dict[str, str]:
    """Give the members whom a text mentions and people.yaml does not know, with what Slack calls them there."""
    found = {one[1]: one[2] or "" for one in _MENTION.finditer(text)}
    return {user: name for user, name in found.items() if person_of(context, user) is None}


def typed(context: Context, text: str) -> str:
    """Give what somebody typed as the grammar reads it: mentions become `@id`, links their address, entities signs."""

    def named(found: re.Match[str]) -> str:
        person = person_of(context, found[1])
        return f"@{person.id}" if person else f"@{GUEST}{found[1]}"

    said = _MENTION.sub(named, text)
    said = _CHANNEL.sub(r"#\1", said)
    said = _LINK.sub(lambda found: found[1].removeprefix("mailto:"), said)
    for written, sign in _ENTITIES:
        said = said.replace(written, sign)
    return said.strip()
