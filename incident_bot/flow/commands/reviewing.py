"""The words of `postmortem` that change something, and `followup`: each becomes the command that core decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from incident_bot.core.errors import Refused
from incident_bot.core.incident import AddItem, Command, MovePostmortem, SetPostmortem
from incident_bot.core.model import FollowUpType, Incident, ItemKind, ReviewState
from incident_bot.flow.commands import arguments
from incident_bot.flow.ledger import Ledger

OPERATOR: Final = "operator"
"""Who acts where nobody says who they are: on this machine, and nobody else is there to ask."""
QUERY_MOST: Final = 1000
_DONE_WHEN: Final = re.compile(r"\bdone when:\s*", re.IGNORECASE)
_TYPE: Final = re.compile(r"(?:^|\s)type:(\s*)([A-Za-z]+)", re.IGNORECASE)
_PEOPLE: Final = re.compile(r"[\s,]+")


class Said(Protocol):
    """One line, and where it was said."""

    @property
    def ledger(self) -> Ledger:
        """The unit of work."""
        ...

    @property
    def incident(self) -> Incident:
        """What it is about."""
        ...

    @property
    def rest(self) -> str:
        """What follows the verb."""
        ...

    @property
    def actor(self) -> str:
        """Who said it."""
        ...

    @property
    def now(self) -> datetime:
        """When."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """On whose clock."""
        ...


def postmortem(said: Said) -> Command:
    """Read `owner @u`, `review [@u …]`, `approve`, `publish`, `waive <reason>`, `draft [why]` or `due <when>`."""
    word, _, rest = said.rest.partition(" ")
    read = _WORDS.get(word.casefold())
    if read is None:
        message = (
            f"I do not understand {said.rest[:40]!r}; after `postmortem` comes one of {', '.join(_WORDS)}."
        )
        raise Refused(message)
    return read(said, rest.strip())


def _owner(said: Said, rest: str) -> Command:
    word = arguments.needed(rest, example="postmortem owner @alice").split()[0]
    return SetPostmortem(owner=_person(said, word))


def _review(said: Said, rest: str) -> Command:
    people = tuple(dict.fromkeys(_person(said, word) for word in _PEOPLE.split(rest) if word))
    return MovePostmortem(to=ReviewState.IN_REVIEW, reviewers=people or None)


def _move(to: ReviewState) -> Callable[[Said, str], Command]:
    return lambda said, rest: MovePostmortem(to=to, reason=rest or None, senior=_is_senior(said))


def _due(said: Said, rest: str) -> Command:
    wanted = arguments.needed(rest, example="postmortem due 3d")
    _, due = arguments.due(f"due {wanted}", said.zone, now=said.now)
    if due is None:
        message = f"{wanted[:40]!r} is no date; type for example `postmortem due 3d` or `postmortem due 2026-12-31`."
        raise Refused(message)
    return SetPostmortem(due=due)


_WORDS: Final[Mapping[str, Callable[[Said, str], Command]]] = {
    "owner": _owner,
    "review": _review,
    "approve": _move(ReviewState.APPROVED),
    "publish": _move(ReviewState.PUBLISHED),
    "waive": _move(ReviewState.WAIVED),
    "draft": _move(ReviewState.DRAFT),
    "due": _due,
}


def _person(said: Said, word: str) -> str:
    return arguments.person(word, said.ledger.current.revision.people, actor=said.actor)


def _is_senior(said: Said) -> bool:
    team = said.ledger.current.revision.teams.get(said.incident.team)
    return said.actor == OPERATOR or (team is not None and said.actor in (team.lead, team.manager))


def followup(said: Said) -> Command:
    """Read `<text> [@person] [date or 7d] [type:detect] [done when: <PromQL>]`."""
    people = said.ledger.current.revision.people
    rest, done_when = _condition(said.rest)
    rest, kind = _type(rest)
    text, due = arguments.due(rest, said.zone, now=said.now)
    text, owner = arguments.trailing_person(text, people, actor=said.actor)
    if due is None:
        text, due = arguments.due(text, said.zone, now=said.now)
    text = arguments.needed(text, example="followup alert on pool saturation @bob 2026-12-31 type:detect")
    return AddItem(kind=ItemKind.FOLLOWUP, text=text, owner=owner, due=due, type=kind, done_when=done_when)


def _condition(rest: str) -> tuple[str, str | None]:
    found = _DONE_WHEN.search(rest)
    if found is None:
        return rest, None
    query = rest[found.end() :].strip().strip("`").strip()
    if not query or len(query) > QUERY_MOST:
        message = (
            "After `done when:` comes a PromQL condition of at most 1000 characters, such as "
            "`done when: max_over_time(pool_used_ratio[7d]) < 0.8`."
        )
        raise Refused(message)
    return rest[: found.start()].strip(), query


def _type(rest: str) -> tuple[str, FollowUpType | None]:
    found = _TYPE.search(rest)
    if found is None:
        return rest, None
    try:
        kind = FollowUpType(found[2].casefold())
    except ValueError as error:
        if found[1]:
            # Words such as "of type: slow" are a part of what is to be done.
            return rest, None
        message = f"{found[2][:40]!r} is no type; use one of {', '.join(one.value for one in FollowUpType)}."
        raise Refused(message) from error
    return (rest[: found.start()] + rest[found.end() :]).strip(), kind
