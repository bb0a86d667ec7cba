"""Markdown to a printed page: a PDF with an outline, page numbers and tags, in which nothing of a record is ever code.

The text becomes a tree of plain values, and one fixed program sets that. It needs the optional library `typst`.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from incident_bot.core.errors import Refused
from incident_bot.core.model import Json
from incident_bot.core.postmortem import without_fences
from incident_bot.core.timeline import visible

PRINTED_MOST: Final = 1024 * 1024
"""A longer text is not printed: it would take minutes, and nobody reads a thousand pages."""
_LINK: Final = re.compile(r"(?:https?://|mailto:)[^\s]{1,2000}", re.IGNORECASE)
_SOURCES: Final = re.compile(r"(\[(?:event|episode|page|change|graph)s? [0-9][0-9, and more]*\])")
_ELSEWHERE: Final = re.compile("[\u0590-\u1fff\u2e80-\ufdff\U00010000-\U0010ffff]")
"""Scripts that the printer brings no letters for."""
_LONG: Final = re.compile(r"\S{17,}")
_PIECE: Final = re.compile(r"[^\W_]{16}(?=[^\W_])|[^\W_]{0,16}(?:_|[^\w\s]){1,16}(?=\S)")
"""Where a long word may end a line: after its signs, else within it."""
_LEVELS: Final = 3
_WIDE: Final = 40
"""A column of texts as long as this is as wide as columns get."""
_MARKS: Final = {"em": "em", "strong": "b", "s": "del"}


def printed(
    markdown: str, *, title: str, foot: str, at: datetime, graphs: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Give a document as PDF, with pictures as (words, SVG) at its end; raises Refused where it cannot be printed."""
    if len(markdown) > PRINTED_MOST:
        message = f"This is longer than {PRINTED_MOST // 1024} kB and is not printed; take the Markdown or the page."
        raise Refused(message)
    blocks = tree(markdown)
    blocks += [{"t": "graph", "alt": visible(words), "svg": svg} for words, svg in graphs]
    day = at.astimezone(UTC)
    second = (place for place, block in enumerate(blocks) if _is_heading(block, 2))
    data = {
        "title": visible(title),
        "foot": visible(foot),
        "date": [day.year, day.month, day.day],
        "blocks": blocks,
        "lead": next(second, len(blocks)),
        "contents": sum(_is_heading(block, 2) for block in blocks) > 2,  # noqa: PLR2004 -- fewer need no list
    }
    return _set(json.dumps(data, ensure_ascii=False), at=day)


def _is_heading(block: Json, level: int) -> bool:
    return isinstance(block, dict) and block.get("t") == "h" and block.get("level") == level


def _set(data: str, *, at: datetime) -> bytes:
    """Run the fixed program over the data; the same data is the same file."""
    try:
        typst: Any = importlib.import_module("typst")
    except ImportError as error:
        message = (
            "Printing needs another library: install `incident-bot[pdf]`, or print the page: --format html."
        )
        raise Refused(message) from error
    program = (files("incident_bot.render") / "builtin" / "print" / "postmortem.typ").read_bytes()
    made: bytes = typst.compile(
        program,
        format="pdf",
        sys_inputs={"data": data},
        # Its own fonts have no letters of these; looking for others takes a moment.
        ignore_system_fonts=_ELSEWHERE.search(data) is None,
        timestamp=int(at.timestamp()),
    )
    return made


def tree(markdown: str) -> list[Json]:
    """Give what Markdown says as plain values: headings, paragraphs, lists, tables, quotes, code, links to the web."""
    loose = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return _blocks(_Reader(loose.parse(visible(without_fences(markdown)))), "")


class _Reader:
    """The tokens of a document, one after the other."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def next(self) -> Token | None:
        if self._at >= len(self._tokens):
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def until(self, end: str) -> Iterator[Token]:
        while (token := self.next()) is not None and token.type != end:
            yield token


def _blocks(reader: _Reader, end: str) -> list[Json]:
    """Read the blocks up to the token that ends their parent."""
    found: list[Json] = []
    for token in reader.until(end):
        match token.type:
            case "heading_open":
                level = min(int(token.tag[1:]), _LEVELS)
                found.append({"t": "h", "level": level, "c": _inner(reader, "heading_close")})
            case "paragraph_open":
                found.append({"t": "p", "c": _inner(reader, "paragraph_close")})
            case "bullet_list_open":
                found.append({"t": "ul", "c": _items(reader, "bullet_list_close")})
            case "ordered_list_open":
                start = int(token.attrs.get("start", 1))
                found.append({"t": "ol", "start": start, "c": _items(reader, "ordered_list_close")})
            case "blockquote_open":
                found.append({"t": "quote", "c": _blocks(reader, "blockquote_close")})
            case "fence" | "code_block":
                found.append({"t": "code", "s": _loose(token.content.rstrip("\n"))})
            case "hr":
                found.append({"t": "hr"})
            case "table_open":
                found.append(_table(reader))
    return found


def _items(reader: _Reader, end: str) -> list[Json]:
    return [_blocks(reader, "list_item_close") for _ in reader.until(end)]


def _inner(reader: _Reader, end: str) -> list[Json]:
    """Read the words of a heading, a paragraph or a cell."""
    found: list[Json] = []
    for token in reader.until(end):
        found.extend(_words(iter(token.children or ()), ""))
    return found


def _words(tokens: Iterator[Token], end: str) -> list[Json]:
    found: list[Json] = []
    for token in tokens:
        if token.type == end:
            break
        kind = token.type.removesuffix("_open")
        if token.type == "text":
            found.extend(_texts(token.content))
        elif token.type == "code_inline":
            found.append({"t": "code", "s": _loose(token.content)})
        elif token.type in ("softbreak", "hardbreak"):
            found.append({"t": "s", "s": " "} if token.type == "softbreak" else {"t": "br"})
        elif kind in _MARKS and token.type.endswith("_open"):
            found.append({"t": _MARKS[kind], "c": _words(tokens, f"{kind}_close")})
        elif token.type == "link_open":
            address = str(token.attrs.get("href", ""))
            inner = _words(tokens, "link_close")
            found.extend([{"t": "a", "u": address, "c": inner}] if _LINK.fullmatch(address) else inner)
        elif token.type == "image":
            found.extend(_texts(token.content))
    return found


def _texts(text: str) -> Iterator[Json]:
    """Give a text, its sources apart: they are printed smaller."""
    for piece in _SOURCES.split(text):
        if piece:
            is_source = _SOURCES.fullmatch(piece) is not None
            yield {"t": "src", "s": piece} if is_source else {"t": "s", "s": _loose(piece)}


def _loose(text: str) -> str:
    """Let long words end a line: an expression or an address would run over its neighbour and off the page."""
    return _LONG.sub(lambda word: _PIECE.sub("\\g<0>\u200b", word[0]), text)


def _table(reader: _Reader) -> Json:
    head: list[Json] = []
    rows: list[Json] = []
    longest: list[int] = []
    at = 0
    for token in reader.until("table_close"):
        if token.type == "tr_open":
            at = 0
        elif token.type in ("th_open", "td_open"):
            cell = _inner(reader, token.type.replace("open", "close"))
            (head if token.type == "th_open" else rows).append(cell)
            if at >= len(longest):
                longest.append(0)
            longest[at] = max(longest[at], _length(cell))
            at += 1
    widths: list[Json] = [max(min(length, _WIDE), 6) for length in longest]
    return {"t": "table", "head": head, "rows": rows, "widths": widths}


def _length(nodes: Json) -> int:
    """Count the characters that are printed."""
    if isinstance(nodes, dict):
        return len(str(nodes.get("s", ""))) + _length(nodes.get("c"))
    return sum(map(_length, nodes)) if isinstance(nodes, list) else 0
