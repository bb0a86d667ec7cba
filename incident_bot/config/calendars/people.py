"""Whom an event names: by the addresses of those invited, else by its summary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from incident_bot.core.model import Person

PERSON: Final = "X-INCIDENT-BOT-PERSON"
"""Our own feeds name a person by id with it, so that a bot reads another's without guessing."""

_PREFIX: Final = re.compile(r"^\s*on[\s-]?call\b\s*[:\u2013-]?\s*", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"\s*(?:[,;/&+]|\band\b)\s*", re.IGNORECASE)
_AFTER: Final = re.compile(r"\s+[\u2013\u2014-]\s+|\s*[(|]")
_SUMMARY_MOST: Final = 500
_NO_PERSON: Final = frozenset({"RESOURCE", "ROOM", "GROUP"})


class Named(NamedTuple):
    """Whom one event means."""

    people: tuple[str, ...]
    strangers: tuple[str, ...]
    """The addresses and names beside them that nobody here has."""


class Roll:
    """Everybody by every word that a calendar may use for them: address, id, name, and the file's own words."""

    def __init__(self, people: Mapping[str, Person], own: Mapping[str, str]) -> None:
        """Take the people, and the layer's own words for them, which come first. A name of two people is nobody's."""
        names: dict[str, str | None] = {}
        for person in people.values():
            words = {_word(person.id), _word(person.name), _word(person.contacts.get("mail", ""))}
            for word in words - {""}:
                names[word] = person.id if names.get(word, person.id) == person.id else None
        for person in people.values():
            names[_word(person.id)] = person.id
        names.update({_word(word): person for word, person in own.items()})
        self._names = names
        self._ids = frozenset(people)

    def named(self, event: Any) -> Named:
        """Give whom an event means, in the order in which it names them; who declined is not meant."""
        ours = [str(one) for one in _listed(event.get(PERSON))]
        if ours and self._ids.issuperset(ours):
            return Named(tuple(dict.fromkeys(ours)), ())
        invited = [_address(one) for one in _listed(event.get("ATTENDEE")) if _comes(one)]
        known, strangers = self._sorted(invited)
        if known:
            return Named(known, strangers)
        summary = " ".join(str(event.get("SUMMARY", "")).split())
        return self._summarised(summary[:_SUMMARY_MOST], strangers)

    def _summarised(self, summary: str, strangers: tuple[str, ...]) -> Named:
        bare = _PREFIX.sub("", summary)
        for text in dict.fromkeys((summary, bare, _AFTER.split(bare)[0], _before_last(bare))):
            if person := self._names.get(_word(text)):
                return Named((person,), ())
        best = Named((), strangers)
        for text in dict.fromkeys((bare, _before_last(bare), _AFTER.split(bare)[0])):
            known, others = self._sorted(word for word in _BETWEEN.split(text) if word.strip())
            if len(known) > len(best.people) or (known == best.people and len(others) < len(best.strangers)):
                best = Named(known, others)
        return best

    def _sorted(self, words: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        known: dict[str, None] = {}
        strangers: dict[str, None] = {}
        for word in words:
            person = self._names.get(_word(word))
            if person is None:
                strangers[word.strip()] = None
            else:
                known[person] = None
        return tuple(known), tuple(strangers)


def _word(text: str) -> str:
    return " ".join(text.casefold().split())


def _before_last(text: str) -> str:
    """Leave out the name of a schedule: `Alice – payments-primary`."""
    cuts = list(re.finditer(r"\s+[\u2013\u2014-]\s+", text))
    return text[: cuts[-1].start()] if cuts else text


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _address(attendee: Any) -> str:
    return re.sub(r"(?i)^mailto:", "", str(attendee).strip())


def _comes(attendee: Any) -> bool:
    parameters = getattr(attendee, "params", {})
    declined = str(parameters.get("PARTSTAT", "")).upper() == "DECLINED"
    return not declined and str(parameters.get("CUTYPE", "")).upper() not in _NO_PERSON
