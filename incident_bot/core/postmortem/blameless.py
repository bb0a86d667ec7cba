"""Stage 8: a post-mortem without names, and words that blame. Texts in, texts out; nothing of the record changes.

Each person has one role throughout. Names, mentions, addresses and ids of people are replaced wherever they stand, in
generated lines as in what people wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from incident_bot.core.model import Incident, Json, Person
from incident_bot.core.postmortem.merge import parts_of
from incident_bot.core.postmortem.words import escape
from incident_bot.core.timeline import Entry, one_line

COMMANDER: Final = "incident commander"
OTHER: Final = "a colleague"
"""Whoever is named and had no part in it."""
_ACTED: Final = ("person", "people", "owner", "by", "author", "pinned_by", "taker", "lead", "handed_over_by")
_FIRST_NAME_LEAST: Final = 3
_STARTS: Final = re.compile(r"(?:^|[\n|]|[.!?:]\s)[\s*_>#-]*$")
"""What stands before the beginning of a sentence, of a cell or of a line."""
_COMMON: Final = frozenset(
    {"will", "mark", "art", "grant", "may", "april", "june", "august", "bill", "rich", "hope", "grace"}
)
"""First names that are words: alone they are left, or every sentence that begins with one would be about a person."""


def roles(incident: Incident, entries: Iterable[Entry], people: Mapping[str, Person]) -> dict[str, str]:
    """Give everybody who had a part in it one role, in the order in which they came."""
    found: dict[str, str] = {}
    told = tuple(entries)
    for number, person in enumerate(_commanders(incident, told), 1):
        found[person] = COMMANDER if number == 1 else f"{COMMANDER} {number}"
    for role, person in incident.roles.items():
        found.setdefault(person, role)
    responders = 0
    for person in _in_order(incident, told):
        if person in people and person not in found:
            responders += 1
            found[person] = f"responder {responders}"
    return {person: role for person, role in found.items() if person in people}


def _commanders(incident: Incident, entries: Sequence[Entry]) -> list[str]:
    led = (str(one.data.get("person")) for one in entries if one.kind.value == "lead_assigned")
    return list(dict.fromkeys([*led, *filter(None, [incident.lead])]))


def _in_order(incident: Incident, entries: Sequence[Entry]) -> Iterable[str]:
    for entry in entries:
        yield entry.actor
        for key in _ACTED:
            yield from _ids(entry.data.get(key))
    for item in incident.items:
        yield from filter(None, (item.added_by, item.owner, item.done_by))


def _ids(value: Json) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _ids(value.get("person"))
    elif isinstance(value, Sequence):
        for one in value:
            yield from _ids(one)


def without_names(people: Mapping[str, Person], named: Mapping[str, str]) -> Callable[[str], str]:
    """Give what writes roles in the place of people; `named` has the roles of those who had a part in it."""
    words: dict[str, str] = {}
    for person in people.values():
        role = named.get(person.id, OTHER)
        for word in _called(person, part=person.id in named):
            words.setdefault(word.casefold(), role)
    if not words:
        return lambda text: text
    # The longest first: a whole name before its parts.
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w@])(?:<@)?(?P<word>{listed})(?![\w])>?", re.IGNORECASE)

    def replaced(text: str) -> str:
        def role(found: re.Match[str]) -> str:
            word = found["word"]
            instead = words.get(word.casefold(), OTHER)
            # A first name is a name where it is written as one.
            if word.isalpha() and word[0].islower():
                return found[0]
            before = text[max(0, found.start() - 40) : found.start()]
            return instead[0].upper() + instead[1:] if _STARTS.search(before) else instead

        return pattern.sub(role, text)

    return replaced


def _called(person: Person, *, part: bool) -> Iterable[str]:
    """Give all that a person is called; by the first name alone only whoever had a part in it."""
    # As it is, and as it stands in a document, where what could be Markdown is escaped.
    yield from filter(None, dict.fromkeys((person.name.strip(), one_line(person.name), escape(person.name))))
    yield f"@{person.id}"
    yield from (value for value in person.contacts.values() if value)
    yield from (f"@{value}" for value in person.contacts.values() if value)
    if ":" in person.id or "@" in person.id:
        yield person.id
    first = person.name.split()[0] if person.name.split() else ""
    if part and len(first) >= _FIRST_NAME_LEAST and first.isalpha() and first.casefold() not in _COMMON:
        yield first


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Words that blame, where they stand, and what to say instead."""

    line: int
    """Counted from one, in the whole text."""
    words: str
    instead: str


_BLAMING: Final = tuple(
    (re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE), instead)
    for pattern, instead in (
        (r"human error|operator error|user error", "say what made the action look right, and what let it through"),
        (r"should(?:n't| not)? have|ought to have", "say what was known then, and what would have shown it"),
        (r"fail(?:ed|s|ure) to (?:notice|check|test|follow|read|act|respond|see|understand)", "say what hid it"),
        (r"forgot(?:ten)?(?: to)?|forgetful", "say what would have reminded them, or done it for them"),
        (r"careless(?:ly|ness)?|negligen(?:t|ce|tly)|sloppy|lazy|reckless(?:ly)?", "say what made it likely"),
        (r"incompeten(?:t|ce)|stupid(?:ly|ity)?|idiot(?:ic)?|dumb", "say what was hard to know"),
        (r"(?:is|was|were|are) to blame|blam(?:e|ed|es|ing)|(?:\w+'s|whose|their|his|her|our) fault|at fault",
         "name the condition, not the person"),
        (r"obvious(?:ly)?|clearly|of course|everybody knows|common sense", "say where it could be seen then"),
        (r"simply|just had to|only had to|easily could have|could(?:n't| not)? have easily", "say what made it hard"),
        (r"ignor(?:ed|ing) (?:the|an?) (?:alert|alarm|warning|page|runbook)s?", "say what else called for attention"),
        (r"mistaken(?:ly)?|by mistake|(?:made|making) (?:a|the) mistake|blunder(?:ed)?|messed up|screwed up",
         "say what happened, and what let it reach users"),
        (r"didn't bother|did not bother|couldn't be bothered|refused to", "say what spoke against it at the time"),
        (r"root cause (?:is|was) (?:a |the )?(?:person|engineer|developer|operator|human)\w*",
         "people are not causes: which conditions had to come together?"),
    )
)  # fmt: skip


def blaming(markdown: str) -> tuple[Wording, ...]:
    """Find words that blame in what people wrote; generated parts only tell what is on the record."""
    found: list[Wording] = []
    at = 0
    for part in parts_of(markdown):
        is_own = not part.name or not part.is_as_generated
        for number, line in enumerate(part.lines, at + 1):
            if is_own and not line.startswith(("_To write:", "<!--")):
                found.extend(
                    Wording(line=number, words=match[0], instead=instead)
                    for pattern, instead in _BLAMING
                    for match in pattern.finditer(line)
                )
        at += len(part.lines)
    return tuple(found)
