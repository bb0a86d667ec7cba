r"""Decides whether a label set is meant: Alertmanager's matchers, read from text and applied.

Routes, runbooks, inhibit rules and maintenance windows all ask here; it reads no file and knows none of
them. The rules are those of Alertmanager's default (fallback) mode::

    a="b"  a!="b"        equal, not equal
    a=~"b|c"  a!~"b.*"   RE2, anchored at both ends
    {a="b", "ü.x"="c",}  braces and a trailing comma are optional; quoted names may hold any text

A label that is missing counts as the empty string. `\"`, `\\` and `\n` are escapes; any other backslash
stands for itself, so that `"db\d+"` is the regular expression it looks like.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

import re2  # type: ignore[import-untyped]  # google-re2 ships no types; `_Compiled` is all that is used of it.

from incident_bot.core.model import Labels

PATTERN_MOST: Final = 1_000
"""Characters of a regular expression that are accepted."""

_RESERVED: Final = frozenset("{}!=~,\\\"'`")
_ENDS: Final = frozenset("{},\"'`")
"""What ends an unquoted value: more than classic Alertmanager, where `a='b'` silently never matches."""
_META: Final = frozenset("\\.+*?()[]{}^$")
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:")


class Op(StrEnum):
    """The four ways in which a matcher compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


class _Compiled(Protocol):
    """What is used of a compiled RE2 expression."""

    def fullmatch(self, text: bytes, /) -> object | None: ...


@dataclass(frozen=True, slots=True)
class Matcher:
    """One comparison of one label; raises ValueError with RE2's message when its expression is bad."""

    name: str
    op: Op
    value: str
    text: str = field(init=False, repr=False, compare=False)
    """As `str()` writes it, made once because every routed alert shows it."""
    _words: frozenset[str] | None = field(init=False, repr=False, compare=False)
    _regex: _Compiled | None = field(init=False, repr=False, compare=False)
    _wanted: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words, regex = _prepare(self.op, self.value)
        object.__setattr__(self, "text", f"{_name(self.name)}{self.op.value}{_quote(self.value)}")
        object.__setattr__(self, "_words", words)
        object.__setattr__(self, "_regex", regex)
        object.__setattr__(self, "_wanted", self.op in {Op.EQUAL, Op.REGEX})

    def accepts(self, value: str) -> bool:
        """Say whether a label of this value passes; the empty string stands for a missing label."""
        if self._words is not None:
            return (value in self._words) is self._wanted
        # A lone surrogate, which JSON can carry, must not make an alert unroutable: it counts as `?`.
        told = value.encode("utf-8", "replace")
        return (self._regex is not None and self._regex.fullmatch(told) is not None) is self._wanted

    def matches(self, labels: Labels) -> bool:
        """Say whether this label set passes."""
        return self.accepts(labels.get(self.name, ""))

    def __str__(self) -> str:
        """Write it so that `parse_matcher` gives an equal matcher."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitRule:
    """While an alert matches `source`, those that match `target` and share the `equal` labels are quiet."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    place: str = ""
    """Where it is written: `routing.yaml:40`."""


def parse_matcher(text: str) -> Matcher:
    """Read exactly one matcher; raises ValueError with the position and what was expected there."""
    found = parse_matchers(text)
    if len(found) != 1:
        raise ValueError(f"expected one matcher in {text!r}, found {len(found)}")
    return found[0]


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Read a list of matchers, `{…}` or bare; raises ValueError with the position and what was expected."""
    reader = _Reader(text)
    braced = reader.take("{")
    found: list[Matcher] = []
    while not reader.at_end() and reader.peek() != "}":
        found.append(reader.matcher())
        if not reader.take(","):
            break
    if braced and not reader.take("}"):
        raise reader.expected("a comma or the closing }")
    if not reader.at_end():
        raise reader.expected("the end, as the } is closed" if braced else "a comma or the end")
    return tuple(found)


def matches_all(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Say whether every matcher passes; no matchers mean every label set."""
    return all(matcher.accepts(labels.get(matcher.name, "")) for matcher in matchers)


@dataclass(slots=True)
class _Reader:
    """A place in the text of a matcher list."""

    text: str
    at: int = 0

    def expected(self, what: str) -> ValueError:
        found = repr(self.text[self.at : self.at + 12]) if self.at < len(self.text) else "the end"
        return ValueError(f"position {self.at + 1} of {self.text!r}: expected {what}, found {found}")

    def peek(self) -> str:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def at_end(self) -> bool:
        return not self.peek()

    def take(self, mark: str) -> bool:
        taken = self.peek() == mark
        self.at += taken
        return taken

    def matcher(self) -> Matcher:
        name = self.quoted() if self.peek() == '"' else self.bare(_RESERVED)
        if not name:
            raise self.expected("a label name")
        op = self.operator()
        quoted = self.peek() == '"'
        start = self.at
        value = self.quoted() if quoted else _unescape(self.bare(_ENDS))
        if not quoted and not value:
            raise self.expected('a value (the empty one is ""; quote spaces, commas and braces with ")')
        try:
            return Matcher(name, op, value)
        except ValueError as error:
            raise ValueError(f"position {start + 1} of {self.text!r}: {error}") from None

    def operator(self) -> Op:
        self.peek()
        # The longest first: `=~` begins with `=`.
        for op in (Op.REGEX, Op.NOT_REGEX, Op.NOT_EQUAL, Op.EQUAL):
            if self.text.startswith(op.value, self.at):
                self.at += len(op.value)
                return op
        raise self.expected("one of = != =~ !~")

    def bare(self, stops: frozenset[str]) -> str:
        self.peek()
        start = self.at
        while (mark := self.text[self.at : self.at + 1]) and mark not in stops and not mark.isspace():
            self.at += 1
        return self.text[start : self.at]

    def quoted(self) -> str:
        start = self.at + 1
        self.at = start
        while self.at < len(self.text) and self.text[self.at] != '"':
            self.at += 2 if self.text[self.at] == "\\" else 1
        inside = self.text[start : self.at]
        if self.at >= len(self.text):
            self.at = len(self.text)
            raise self.expected("a closing quote")
        self.at += 1
        return _unescape(inside)


def _prepare(op: Op, value: str) -> tuple[frozenset[str] | None, _Compiled | None]:
    """Turn a value into words or an expression: most expressions are lists of words, which need no RE2."""
    if op in {Op.EQUAL, Op.NOT_EQUAL}:
        return frozenset((value,)), None
    if len(value) > PATTERN_MOST:
        raise ValueError(f"the regular expression has {len(value)} characters; {PATTERN_MOST} are allowed")
    if _META.isdisjoint(value):
        return frozenset(value.split("|")), None
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        compiled: _Compiled = re2.compile(value, options)
    except re2.error as error:
        raise ValueError(f"bad regular expression {value!r}: {_message(error)}") from None
    return None, compiled


def _message(error: Exception) -> str:
    said: object = error.args[0] if error.args else error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _name(name: str) -> str:
    return name if name and _PLAIN.issuperset(name) else _quote(name)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    parts: list[str] = []
    at = 0
    while at < len(text):
        pair = text[at : at + 2]
        known = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}.get(pair)
        parts.append(text[at] if known is None else known)
        at += 1 if known is None else 2
    return "".join(parts)
