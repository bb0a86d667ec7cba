"""The words of `/oncall`, as data, and the cutting of a line into a verb and the rest. Does nothing with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from incident_bot.core.errors import Refused

LINE_MOST: Final = 1000


class Verb(StrEnum):
    """What a line asks for."""

    WHO = "who"
    ME = "me"
    HERE = "here"
    OVERRIDE = "override"
    OVERRIDES = "override list"
    END = "override end"
    SWAPS = "swap"
    OFFER = "swap with"
    ACCEPT = "swap accept"
    DECLINE = "swap decline"
    WITHDRAW = "swap withdraw"
    COVER = "cover"
    ASK = "cover me"
    HELP = "help"


USAGES: Final[Mapping[Verb, tuple[str, str]]] = {
    Verb.WHO: (
        "[schedule|team] [when]",
        "who is on call: now, or `tomorrow 18:00`, `fri 20:00`, `2026-12-24`, `in 3h`",
    ),
    Verb.ME: ("me [8w]", "your shifts, on your own clock"),
    Verb.HERE: ("here", "say that you are reachable for the shift that is about to begin"),
    Verb.OVERRIDE: (
        "override @dan <from> <to> [schedule] [reason]",
        "put somebody on call instead of everybody",
    ),
    Verb.OVERRIDES: ("override list [schedule]", "the overrides that run or are to come"),
    Verb.END: ("override end <number>", "end one, or take it back before it begins"),
    Verb.SWAPS: ("swap", "the offers that wait for you, or for anybody"),
    Verb.OFFER: (
        "swap <shift> with @dan [for <shift>]",
        "offer a shift of yours, alone or against one of theirs",
    ),
    Verb.ACCEPT: ("swap accept <number>", "take an offer (also: take <number>)"),
    Verb.DECLINE: ("swap decline <number>", "say no to an offer"),
    Verb.WITHDRAW: ("swap withdraw <number>", "take your own offer back"),
    Verb.COVER: ("cover <shift> [for @ana]", "take somebody's shift yourself"),
    Verb.ASK: ("cover me <from> <to> [schedule] [reason]", "ask whether anybody takes a time of yours"),
    Verb.HELP: ("help", "these words"),
}
"""Every verb with how it is typed and what it does, in the order of `help`."""

_FIRST: Final = {
    "who": Verb.WHO, "whois": Verb.WHO,
    "me": Verb.ME, "my": Verb.ME, "shifts": Verb.ME, "mine": Verb.ME,
    "here": Verb.HERE, "confirm": Verb.HERE, "tap": Verb.HERE, "reachable": Verb.HERE,
    "override": Verb.OVERRIDE, "overrides": Verb.OVERRIDES,
    "swap": Verb.OFFER, "swaps": Verb.SWAPS, "offers": Verb.SWAPS, "trade": Verb.OFFER,
    "cover": Verb.COVER, "take": Verb.ACCEPT, "accept": Verb.ACCEPT, "decline": Verb.DECLINE,
    "withdraw": Verb.WITHDRAW, "end": Verb.END,
    "help": Verb.HELP, "?": Verb.HELP, "commands": Verb.HELP,
}  # fmt: skip
_SECOND: Final = {
    (Verb.OVERRIDE, "list"): Verb.OVERRIDES, (Verb.OVERRIDE, "end"): Verb.END, (Verb.OVERRIDE, "cancel"): Verb.END,
    (Verb.OFFER, "list"): Verb.SWAPS, (Verb.OFFER, "accept"): Verb.ACCEPT, (Verb.OFFER, "take"): Verb.ACCEPT,
    (Verb.OFFER, "decline"): Verb.DECLINE, (Verb.OFFER, "withdraw"): Verb.WITHDRAW, (Verb.COVER, "me"): Verb.ASK,
}  # fmt: skip
_NUMBERED: Final = frozenset({Verb.END, Verb.ACCEPT, Verb.DECLINE, Verb.WITHDRAW})
_NUMBER: Final = re.compile(r"#?([0-9]{1,15})")
_ROOTS: Final = frozenset({"/oncall", "oncall"})
CHANGING: Final = frozenset(Verb) - {Verb.WHO, Verb.ME, Verb.OVERRIDES, Verb.SWAPS, Verb.HELP}
"""The verbs that change something."""
FIRST_WORDS: Final = tuple(_FIRST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line, cut up."""

    verb: Verb
    rest: tuple[str, ...] = ()
    number: int = 0
    """What a verb that takes a number got; 0 for all others."""


def parse(text: str) -> Line:
    """Cut up one line; raises Refused where a number is missing. Without a verb it asks who is on call."""
    if len(text) > LINE_MOST:
        message = f"That is longer than {LINE_MOST} characters; keep the reason short."
        raise Refused(message)
    words = tuple(text.replace("\x00", " ").split())
    if words and words[0].casefold() in _ROOTS:
        words = words[1:]
    verb = _FIRST.get(words[0].casefold()) if words else None
    if verb is None:
        return Line(verb=Verb.WHO, rest=words)
    rest = words[1:]
    if rest and (verb, rest[0].casefold()) in _SECOND:
        verb, rest = _SECOND[verb, rest[0].casefold()], rest[1:]
    if verb is Verb.OFFER and not rest:
        verb = Verb.SWAPS
    if verb not in _NUMBERED:
        return Line(verb=verb, rest=rest)
    found = _NUMBER.fullmatch(rest[0]) if rest else None
    if found is None:
        where = "override list" if verb is Verb.END else "swap"
        message = f"Which one? Type `{verb} 7` with its number; `{where}` shows the numbers."
        raise Refused(message)
    return Line(verb=verb, rest=rest[1:], number=int(found[1]))
