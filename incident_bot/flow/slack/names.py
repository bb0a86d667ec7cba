"""How members, channels and groups of the workspace are called: asked for once a day, remembered in the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from incident_bot.flow.context import Context
from incident_bot.flow.slack.people import GUEST
from incident_bot.slack_api import Caller, Refused
from incident_bot.store import chat
from incident_bot.store.transaction import Tx

FRESH: Final = timedelta(days=1)


def names_of(context: Context, slack: Caller, ids: Iterable[str], *, now: datetime) -> dict[str, str]:
    """Give the names of these ids; what Slack does not tell is left out. Raises Limited and Unanswered."""
    wanted = set(ids)
    people = context.live.current.revision.people.values()
    found = {
        address: person.name
        for person in people
        if (address := person.contacts.get("slack")) and address in wanted
    }
    with context.store.read() as tx:
        found |= chat.names(tx, wanted - found.keys(), since=now - FRESH)
    asked = _asked(slack, wanted - found.keys())
    if asked:
        with context.store.write() as tx:
            chat.keep_names(tx, asked, now=now)
    return {key: name for key, name in (found | asked).items() if name and key in wanted}


def guests(tx: Tx, actors: Iterable[str]) -> dict[str, str]:
    """Give the names of those actors whom `people.yaml` does not know, by actor."""
    ids = [actor.removeprefix(GUEST) for actor in actors if actor.startswith(GUEST)]
    found = chat.names(tx, ids) if ids else {}
    return {f"{GUEST}{key}": name for key, name in found.items() if name}


def _asked(slack: Caller, ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    groups_asked = False
    for key in sorted(ids):
        try:
            if key.startswith("S"):
                if not groups_asked:
                    groups_asked = True
                    found |= {
                        str(group["id"]): str(group.get("handle") or group.get("name") or "")
                        for group in slack.call("usergroups.list").get("usergroups") or ()
                    }
            elif key.startswith(("C", "G")):
                found[key] = str(slack.call("conversations.info", channel=key)["channel"].get("name") or "")
            else:
                found[key] = _called(slack.call("users.info", user=key)["user"])
        except Refused:
            # Gone, or not for us to see: its id stands for it, and it is not asked for again today.
            found.setdefault(key, "")
    return found


def _called(user: dict[str, Any]) -> str:
    profile = user.get("profile") or {}
    named = (profile.get("real_name"), user.get("real_name"), profile.get("display_name"), user.get("name"))
    return next((str(name) for name in named if name), "")
