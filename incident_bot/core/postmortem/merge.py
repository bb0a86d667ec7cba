"""Stage 8: bring a written post-mortem up to date without losing a word of it.

Every generated part stands between two comments, the first of which carries a hash of what was generated::

    <!-- generated:impact hash:1a2b3c4d -->
    …
    <!-- end:impact -->

What stands outside is people's and stays byte for byte. A part whose text still has its hash is replaced. An
edited part stays; when the records say something new, that is quoted beneath it once and reported, and the
hash moves on, so that the same news is not told again. A hash of `mine` says: leave this part alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final, TypeAlias

MINE: Final = "mine"
OFFER: Final = "> Generated now:"
OFFER_HEAD: Final = 3
HEADING: Final = "## "
_OPEN: Final = re.compile(r"^<!-- generated:([a-z0-9][a-z0-9-]*) hash:([0-9a-f]{8}|mine) -->\s*$")
_END: Final = re.compile(r"^<!-- end:([a-z0-9][a-z0-9-]*) -->\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The document brought up to date, and the names of the edited parts for which the records have news."""

    text: str
    conflicts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A generated part with its two comments, or people's text when it has no name."""

    lines: tuple[str, ...]
    name: str = ""
    mark: str = ""

    @property
    def body(self) -> tuple[str, ...]:
        """The lines between its comments."""
        return self.lines[1:-1]

    @property
    def is_as_generated(self) -> bool:
        """Whether nobody has edited it."""
        return digest("".join(self.body)) == self.mark


def digest(body: str) -> str:
    """Give the hash of a generated part; line ends and spaces before them do not count."""
    plain = "\n".join(line.rstrip() for line in body.strip().splitlines())
    return hashlib.sha256(plain.encode()).hexdigest()[:8]


def fenced(body: str, name: str) -> str:
    """Put a generated part between its comments."""
    inside = body.strip("\n")
    return f"<!-- generated:{name} hash:{digest(inside)} -->\n{inside}\n<!-- end:{name} -->"


def without_fences(markdown: str) -> str:
    """Give the document as people are to see it: without the comments."""
    kept = (
        line for line in markdown.splitlines(keepends=True) if not _OPEN.match(line) and not _END.match(line)
    )
    return "".join(kept)


def merge(old_markdown: str, new_markdown: str) -> Merged:
    """Put what is generated now into a document that people have written in; never loses a line of theirs."""
    new = {part.name: part for part in parts_of(new_markdown) if part.name}
    old = list(parts_of(old_markdown))
    conflicts: list[str] = []
    out: list[Part] = []
    for place, part in enumerate(old):
        before = old[place - 1] if place else None
        if not part.name:
            out.append(_without_answered_offer(part, before, new) if before else part)
        elif part.name not in new:
            out.extend(() if part.is_as_generated else (part,))
        else:
            kept, news = _renewed(part, new[part.name])
            out.extend(kept)
            conflicts.extend([part.name] if news else [])
    out = [part for part in out if part.lines]
    _insert_missing(out, list(parts_of(new_markdown)))
    return Merged(text="".join(line for part in out for line in part.lines), conflicts=tuple(conflicts))


def parts_of(markdown: str) -> Iterator[Part]:
    """Split a document; a comment without its partner, and a name used twice, are people's text."""
    lines = markdown.splitlines(keepends=True)
    seen: set[str] = set()
    text: list[str] = []
    at = 0
    while at < len(lines):
        opening = _OPEN.match(lines[at])
        end = _end_of(lines, at, opening.group(1)) if opening and opening.group(1) not in seen else 0
        if opening and end:
            if text:
                yield Part(lines=tuple(text))
            text = []
            seen.add(opening.group(1))
            yield Part(lines=tuple(lines[at : end + 1]), name=opening.group(1), mark=opening.group(2))
            at = end + 1
        else:
            text.append(lines[at])
            at += 1
    if text:
        yield Part(lines=tuple(text))


def _end_of(lines: Sequence[str], start: int, name: str) -> int:
    """Find the line that ends a part; 0 when another part begins or ends first."""
    for at in range(start + 1, len(lines)):
        if _OPEN.match(lines[at]):
            return 0
        if (end := _END.match(lines[at])) is not None:
            return at if end.group(1) == name else 0
    return 0


def _renewed(part: Part, new: Part) -> tuple[tuple[Part, ...], bool]:
    """Give what takes the place of one part, and whether it is a conflict."""
    if part.mark == MINE:
        return (part,), False
    if part.is_as_generated or digest("".join(part.body)) == new.mark:
        return (_ended(new, like=part),), False
    if part.mark == new.mark:
        return (part,), False
    opening = part.lines[0].replace(f"hash:{part.mark}", f"hash:{new.mark}", 1)
    kept = replace(part, lines=(opening, *part.body, _closed(part.lines[-1])), mark=new.mark)
    return (kept, Part(lines=_offer(new))), True


def _ended(new: Part, *, like: Part) -> Part:
    """Give the new part; it ends the document without a line end only if the old one did."""
    last = new.lines[-1].rstrip("\r\n") + like.lines[-1][len(like.lines[-1].rstrip("\r\n")) :]
    return replace(new, lines=(*new.lines[:-1], last))


def _offer(new: Part) -> tuple[str, ...]:
    """Quote what is generated now."""
    quoted = (f"> {line.rstrip()}".rstrip() + "\n" for line in new.body)
    return ("\n", f"{OFFER}\n", ">\n", *quoted)


def _without_answered_offer(text: Part, before: Part, new: Mapping[str, Part]) -> Part:
    """Drop the quote beneath a part once it is out of date, unless somebody has edited the quote."""
    size = _offer_size(text.lines)
    if not size or before.name not in new:
        return text
    quoted = "\n".join(line.rstrip()[1:].removeprefix(" ") for line in text.lines[OFFER_HEAD:size])
    is_ours = digest(quoted) == before.mark
    is_settled = new[before.name].mark != before.mark or before.is_as_generated
    return replace(text, lines=text.lines[size:]) if is_ours and is_settled else text


def _offer_size(lines: Sequence[str]) -> int:
    """Count the lines of the quote with which a text begins; 0 when it does not."""
    if [line.rstrip() for line in lines[:OFFER_HEAD]] != ["", OFFER, ">"]:
        return 0
    quoted = takewhile(lambda line: line.startswith(">"), lines[OFFER_HEAD:])
    return OFFER_HEAD + sum(1 for _ in quoted)


def _insert_missing(out: list[Part], fresh: Sequence[Part]) -> None:
    """Add what the old document lacks: beside its neighbour, under its heading, or with its section."""
    added: set[str] = set()
    for at, part in enumerate(fresh):
        if not part.name or any(old.name == part.name for old in out):
            continue
        heading, before = _section_of(fresh, at)
        lead: tuple[str, ...] = ()
        tail: tuple[str, ...] = ()
        # What comes before it in the section is there by now: parts are added in their order.
        spot = _beneath(out, before[-1]) if before else _under(out, heading)
        if spot is None and heading:
            added.add(heading)
            lead = _from_heading(fresh[at - 1].lines)
            spot = _before_next_section(out, [old.name for old in fresh[:at] if old.name])
        if heading in added:
            tail = _to_heading(fresh[at + 1].lines) if at + 1 < len(fresh) else ()
        where = _split(out, spot or (0, 0))
        if where:
            out[where - 1] = replace(out[where - 1], lines=_closed_lines(out[where - 1].lines))
        above = ("\n",) if where and out[where - 1].lines[-1].strip() else ()
        below = ("\n",) if not tail and where < len(out) and out[where].lines[0].strip() else ()
        around = (
            Part(lines=(*above, *lead)),
            replace(part, lines=_closed_lines(part.lines)),
            Part(lines=(*tail, *below)),
        )
        out[where:where] = [piece for piece in around if piece.lines]


_Spot: TypeAlias = tuple[int, int]
"""A part of the document and a line in it."""


def _section_of(fresh: Sequence[Part], at: int) -> tuple[str, tuple[str, ...]]:
    """Give the heading above a part, and the parts between the two."""
    between: list[str] = []
    for part in reversed(fresh[:at]):
        if part.name:
            between.insert(0, part.name)
            continue
        for line in reversed(part.lines):
            if line.startswith(HEADING):
                return line.strip(), tuple(between)
    return "", tuple(between)


def _beneath(out: Sequence[Part], name: str) -> _Spot:
    """Give the spot after a part and the offer beneath it."""
    after = 1 + next(at for at, part in enumerate(out) if part.name == name)
    return after, _offer_size(out[after].lines) if after < len(out) else 0


def _under(out: Sequence[Part], heading: str) -> _Spot | None:
    """Give the spot after a heading that people have kept."""
    for at, part in enumerate(out):
        for number, line in enumerate(part.lines):
            if heading and not part.name and line.strip() == heading:
                return at, number + 1
    return None


def _before_next_section(out: Sequence[Part], earlier: Sequence[str]) -> _Spot:
    """Give the spot before the heading that follows the nearest earlier part, else the end."""
    start = max((at for at, part in enumerate(out) if part.name in earlier), default=len(out))
    for at in range(start + 1, len(out)):
        for number, line in enumerate(out[at].lines):
            if line.startswith(HEADING) and not out[at].name:
                return at, number
    return len(out), 0


def _split(out: list[Part], spot: _Spot) -> int:
    """Cut people's text at a spot, and give the place between the two pieces."""
    at, line = spot
    if at == len(out) or line == 0:
        return at
    lines = out[at].lines
    out[at : at + 1] = [Part(lines=piece) for piece in (lines[:line], lines[line:]) if piece]
    return at + 1


def _from_heading(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Give the last heading of a text and what follows it."""
    starts = [at for at, line in enumerate(lines) if line.startswith(HEADING)]
    return _closed_lines(lines[starts[-1] :]) if starts else ()


def _to_heading(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Give what comes before the first heading of a text."""
    size = next((at for at, line in enumerate(lines) if line.startswith(HEADING)), len(lines))
    return _closed_lines(lines[:size])


def _closed_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    return (*lines[:-1], _closed(lines[-1])) if lines else ()


def _closed(line: str) -> str:
    """End a line that stood at the end of a document."""
    return line if line.endswith(("\n", "\r")) else line + "\n"
