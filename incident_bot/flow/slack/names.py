"""How members, channels and groups of the workspace are called: asked for once a day, remembered in the database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from incident_bot.core.model import Event, Person
from incident_bot.flow.context import Context
from incident_bot.flow.slack.people import GUEST
from incident_bot.slack_api import Caller, Refused
from incident_bot.store import chat
from incident_bot.store.transaction import Tx

FRESH: Final = timedelta(days=1)
_IN_TEXT: Final = re.compile(rf"\b{GUEST}([UW][A-Z0-9]{{2,20}})\b")


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


def named(context: Context, tx: Tx, told: Iterable[object]) -> dict[str, str]:
    """Give everybody's names by actor: those of people.yaml, and of the guests who stand anywhere in these values."""
    ids = {key for one in told for key in _IN_TEXT.findall(_text(one))}
    known = chat.names(tx, ids) if ids else {}
    found = {f"{GUEST}{key}": known.get(key) or key for key in ids}
    return found | {person.id: person.name for person in context.live.current.revision.people.values()}


def _text(one: object) -> str:
    """Give what a value says as text; of an event without its times, which are most of it."""
    return f"{one.actor} {one.source} {one.data}" if isinstance(one, Event) else str(one)


def everybody(context: Context, tx: Tx, told: Iterable[object]) -> dict[str, Person]:
    """Give the same as people: a guest has a name, and no way to be reached."""
    people = context.live.current.revision.people
    names = named(context, tx, told)
    guests = {
        key: Person(id=key, name=name, active=False) for key, name in names.items() if key not in people
    }
    return {**people, **guests}


def readable(tx: Tx, text: str) -> str:
    """Write guests by their names, where a text has their ids."""
    ids = set(_IN_TEXT.findall(text))
    if not ids:
        return text
    known = chat.names(tx, ids)
    return _IN_TEXT.sub(lambda found: known.get(found[1]) or found[1], text)


def called(context: Context, actor: str) -> str:
    """Give the name of an actor, whoever it is."""
    person = context.live.current.revision.people.get(actor)
    if person is not None or not actor.startswith(GUEST):
        return person.name if person else actor
    with context.store.read() as tx:
        return readable(tx, actor)


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
