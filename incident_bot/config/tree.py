"""YAML 1.2 into plain values that remember their lines. Reads one text; touches no file, builds no objects.

Works on the parser's events and resolves scalars itself, for three reasons: only the core schema of YAML 1.2
applies (`17:00`, `no` and `2026-01-05` are text), every key and item keeps its line, and depth and size are
bounded *before* anything is built, so that a hostile file costs no more than a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from incident_bot.core.errors import Problem

DEPTH_MOST: Final = 40
NODES_MOST: Final = 200_000
"""Counted after aliases are written out, so that anchors of anchors cannot grow without end."""

MESSAGE_MOST: Final = 500

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of a document to one place in it."""

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,4})?")
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a key or item stands, and a scalar exactly as it was written."""

    line: int
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One document: plain values, and the line of every key and item."""

    file: str
    value: object
    marks: Mapping[Path, Mark] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Give the line of a place, or of the nearest place above it that is written down."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks[path].line if path in self.marks else 1

    def text(self, path: Path) -> str | None:
        """Give a scalar as it was written, before it became a number or a truth value."""
        mark = self.marks.get(path)
        return mark.text if mark else None

    def keys(self, *path: str) -> frozenset[str] | None:
        """Give the keys of the mapping at a place; None where there is no mapping."""
        value = self.value
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return frozenset(value) if isinstance(value, dict) else None

    def problem(self, path: Path, message: str, *, severity: str = "error", kind: str = "format") -> Problem:
        """Make a problem that stands at this place and names it."""
        place = dotted(path)
        text = one_line(f"{place}: {message}" if place else message)
        return Problem(self.file, self.line(path), text, severity, kind)


def dotted(path: Path) -> str:
    """Write a place as people say it: `routes[2].match`."""
    written = ""
    for step in path:
        written += f"[{step}]" if isinstance(step, int) else f".{step}" if written else step
    return written


def one_line(message: str) -> str:
    """Give a message as one printable line of bounded length, whatever it quotes from a file."""
    if len(message) > MESSAGE_MOST:
        message = message[: MESSAGE_MOST - 1] + "…"
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in message)


def parse(text: str, *, file: str, first_line: int = 1) -> tuple[Tree | None, tuple[Problem, ...]]:
    """Read one document; without a tree the problems say why, with one they may name duplicate keys."""
    builder = _Builder(file=file, shift=first_line)
    try:
        tree = builder.document(YAML(typ="safe", pure=True, plug_ins=[]).parse(text))
    except _RefusedError:
        tree = None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        last = text.rstrip("\n").count("\n")
        line = min(mark.line, last) if mark else 0
        builder.note(line, f"not YAML: {error.problem or error.context}")
        tree = None
    except YAMLError as error:
        builder.note(_line_of(text, error), f"not YAML: {str(error).splitlines()[0]}")
        tree = None
    except (ValueError, OverflowError, LookupError, AttributeError) as error:
        # Over nonsense such as "\UFFFFFFFF" the scanner stumbles in its own ways, without a YAMLError.
        builder.note(0, f"not YAML: {error}")
        tree = None
    return tree, tuple(builder.problems)


def _line_of(text: str, error: YAMLError) -> int:
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position) if isinstance(position, int) else 0


class _RefusedError(Exception):
    """The document cannot be built; the problem is noted already."""


@dataclass(frozen=True, slots=True)
class _Scalar:
    line: int
    text: str
    value: object


@dataclass(frozen=True, slots=True)
class _Sequence:
    line: int
    items: list[_Node]


@dataclass(frozen=True, slots=True)
class _Mapping:
    line: int
    items: dict[str, tuple[int, _Node]]


_Node: TypeAlias = _Scalar | _Sequence | _Mapping


@dataclass(slots=True)
class _Builder:
    """Events to nodes, then nodes to values with marks."""

    file: str
    shift: int
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, _Node] = field(default_factory=dict)
    marks: dict[Path, Mark] = field(default_factory=dict)
    count: int = 0

    def note(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.file, line + self.shift, one_line(message)))

    def refuse(self, line: int, message: str) -> NoReturn:
        self.note(line, message)
        raise _RefusedError

    def document(self, events: Iterator[Event]) -> Tree:
        root: _Node = _Scalar(0, "", None)
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.refuse(_line(event), "a second document begins here; a file holds one")
            elif isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent | AliasEvent):
                root = self.node(event, events, 0)
        value = self.value(root, (), 0)
        return Tree(file=self.file, value=value, marks=self.marks)

    def node(self, event: Event, events: Iterator[Event], depth: int) -> _Node:
        line = _line(event)
        if depth > DEPTH_MOST:
            self.refuse(line, f"nested more than {DEPTH_MOST} deep")
        if isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                self.refuse(
                    line, f"*{event.anchor} stands before the end of &{event.anchor}, or there is none"
                )
            return self.anchors[event.anchor]
        node = self.fresh(event, events, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self.anchors[anchor] = node
        return node

    def fresh(self, event: Event, events: Iterator[Event], depth: int) -> _Node:
        line = _line(event)
        tag: Any = getattr(event, "tag", None)
        if tag is not None:
            self.refuse(line, f"the tag {tag} is not accepted; write plain text, lists and mappings")
        if isinstance(event, SequenceStartEvent):
            items: list[_Node] = []
            while not isinstance(item := next(events), SequenceEndEvent):
                items.append(self.node(item, events, depth + 1))
            return _Sequence(line, items)
        if isinstance(event, MappingStartEvent):
            return self.mapping(line, events, depth)
        plain = isinstance(event, ScalarEvent) and event.style is None
        text = str(getattr(event, "value", ""))
        return _Scalar(line, text, _resolve(text) if plain else text)

    def mapping(self, line: int, events: Iterator[Event], depth: int) -> _Mapping:
        items: dict[str, tuple[int, _Node]] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            key = self.node(event, events, depth + 1)
            value = self.node(next(events), events, depth + 1)
            at = _line(event)
            if not isinstance(key, _Scalar):
                self.note(at, "a key must be text")
            elif key.text == "<<":
                self.note(at, "merge keys (<<) are not part of YAML 1.2; write the keys out")
            elif not isinstance(key.value, str):
                self.note(
                    at, f'the key {key.text or "(nothing)"} is not text; write it in quotes: "{key.text}"'
                )
            elif key.value in items:
                first = items[key.value][0] + self.shift
                self.note(at, f"the key {key.value} stands here again; first on line {first}")
            else:
                items[key.value] = (at, value)
        return _Mapping(line, items)

    def value(self, node: _Node, path: Path, depth: int, line: int | None = None) -> object:
        """Write aliases out; `line` is the line of the key, where there is one."""
        at = node.line if line is None else line
        self.count += 1
        if self.count > NODES_MOST or depth > DEPTH_MOST:
            self.refuse(at, "far too large once its aliases are written out")
        self.marks[path] = Mark(at + self.shift, node.text if isinstance(node, _Scalar) else None)
        if isinstance(node, _Scalar):
            return node.value
        if isinstance(node, _Sequence):
            return [self.value(item, (*path, at), depth + 1) for at, item in enumerate(node.items)]
        return {key: self.value(item, (*path, key), depth + 1, at) for key, (at, item) in node.items.items()}


def _line(event: Event) -> int:
    return int(event.start_mark.line)


def _resolve(text: str) -> object:
    """Give a plain scalar its value by the core schema of YAML 1.2 (section 10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0 if text.startswith(("0o", "0x")) else 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
