"""What the console's palette finds: pages, open incidents, words of the grammar, people, schedules, runbooks.

Bounded, and a private incident is found by those alone who see it. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

from incident_bot.core.errors import NotFound
from incident_bot.flow import incident_list
from incident_bot.flow.context import Context
from incident_bot.flow.grammar import VERBS
from incident_bot.flow.sight import visible

FOUND_MOST: Final = 24
EACH_MOST: Final = 8
_CLEAR: Final = frozenset({"ack", "unack", "escalate", "cannot", "accept", "decline", "undo", "info", "firing",
                           "catchup", "why", "postmortem", "runbook", "reopen", "private", "unsilence"})  # fmt: skip
"""Verbs that need nothing after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that the palette offers: it leads to an address, or puts a line into the command line."""

    kind: str
    label: str
    hint: str = ""
    address: str | None = None
    line: str | None = None
    """What to put into the command line; nothing is done before somebody sends it."""


def find(
    context: Context, words: str, *, pages: Iterable[tuple[str, str]], number: int | None = None
) -> list[Found]:
    """Give what fits the words, the nearest first: verbs where an incident is looked at, then pages, then the rest."""
    wanted = words.casefold().split()
    offered = (
        *_few(_verbs(context, number), wanted),
        *_few((Found(kind="page", label=label, address=path) for path, label in pages), wanted),
        *_few(_incidents(context, words), wanted if not words.strip() else ()),
        *_few(_people(context), wanted),
        *_few(_schedules(context), wanted),
        *_few(_runbooks(context), wanted),
    )
    return list(offered[:FOUND_MOST])


def _few(found: Iterable[Found], wanted: Iterable[str]) -> Iterator[Found]:
    words = list(wanted)
    fitting = [one for one in found if all(word in f"{one.label} {one.hint}".casefold() for word in words)]
    return islice(sorted(fitting, key=lambda one: _distance(one, words)), EACH_MOST)


def _distance(one: Found, words: list[str]) -> int:
    """Say how far a thing is from what was typed: its name begins so, a word of it does, it is in it, or beside it."""
    label = one.label.casefold()
    first = words[0] if words else ""
    if label.startswith(first):
        return 0
    return 1 if f" {first}" in label else 2 if first in label else 3


def _verbs(context: Context, number: int | None) -> Iterator[Found]:
    if number is None:
        return
    try:
        with context.store.read() as tx:
            name = visible(tx, context.seer, number).name
    except NotFound:
        return
    for verb in VERBS:
        if verb.about_one:
            line = verb.name if verb.name in _CLEAR else f"{verb.name} "
            yield Found(kind=name, label=verb.usage, hint=verb.help, line=line)


def _incidents(context: Context, words: str) -> Iterator[Found]:
    asked = {"q": words} if words.strip() else {"state": "open"}
    for one in incident_list.page(context, incident_list.read(asked), limit=EACH_MOST).incidents:
        hint = f"{one.severity}, {one.escalation}"
        yield Found(kind="incident", label=f"{one.id} {one.title}", hint=hint, address=f"/incidents/{one.id}")


def _people(context: Context) -> Iterator[Found]:
    for one in context.live.current.revision.people.values():
        if one.active:
            address = f"/people/{quote(one.id, safe='')}/why"
            yield Found(kind="person", label=one.name, hint=f"{one.id}: what they were sent", address=address)


def _schedules(context: Context) -> Iterator[Found]:
    for name in sorted(context.live.current.revision.schedules):
        yield Found(kind="schedule", label=name, address=f"/oncall/{quote(name, safe='')}")


def _runbooks(context: Context) -> Iterator[Found]:
    for one in context.live.current.revision.runbooks:
        yield Found(kind="runbook", label=one.title, hint=one.path, address=f"/runbooks/{quote(one.path)}")
