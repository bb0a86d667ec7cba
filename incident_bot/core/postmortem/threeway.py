"""Stage 8: two people edited one document. Merges paragraph by paragraph; never loses a paragraph of either.

What only one of them touched is as they left it. Where both added something at the same place, both stand there. A
generated part counts as one piece, and who edited it wins over who did not. Where both changed the same piece, theirs
is quoted beneath mine, and the merge is not clean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from incident_bot.core.postmortem.merge import Part, parts_of, without_fences

THEIRS: Final = "> The other version has:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Two versions in one; `clashes` counts the places where both changed the same piece."""

    text: str
    clashes: int

    @property
    def is_clean(self) -> bool:
        """Say whether nobody has to look."""
        return not self.clashes


def join(base: str, mine: str, theirs: str) -> Joined:
    """Merge two texts that both come from `base`."""
    pieces = [list(_pieces(text)) for text in (base, mine, theirs)]
    out: list[str] = []
    clashes = 0
    for common, own, other in _regions(*pieces):
        kept, clash = _settled(common, own, other)
        out.extend(kept)
        clashes += clash
    return Joined(text="".join(out), clashes=clashes)


def written_by_people(markdown: str) -> str:
    """Give what readers see of people's own: their text, and the generated parts that they edited."""
    return "".join(
        "".join(part.lines) for part in parts_of(markdown) if not part.name or not part.is_as_generated
    )


def _pieces(text: str) -> Iterator[str]:
    """Cut into generated parts and paragraphs, each with the blank lines that follow it."""
    whole = text if text.endswith("\n") or not text else f"{text}\n"
    for part in parts_of(whole):
        if part.name:
            yield "".join(part.lines)
        else:
            yield from _paragraphs(part.lines)


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    block: list[str] = []
    for line in lines:
        if block and line.strip() and not block[-1].strip():
            yield "".join(block)
            block = []
        block.append(line)
    yield "".join(block)


def _regions(
    base: list[str], mine: list[str], theirs: list[str]
) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """Cut all three at what is the same in them."""
    own, other = _same(base, mine), _same(base, theirs)
    at = in_mine = in_theirs = 0
    for place in range(len(base)):
        if place in own and place in other:
            yield base[at:place], mine[in_mine : own[place]], theirs[in_theirs : other[place]]
            yield [base[place]], [mine[own[place]]], [theirs[other[place]]]
            at, in_mine, in_theirs = place + 1, own[place] + 1, other[place] + 1
    yield base[at:], mine[in_mine:], theirs[in_theirs:]


def _same(base: list[str], other: list[str]) -> dict[int, int]:
    found = SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in found for step in range(block.size)}


def _settled(base: list[str], mine: list[str], theirs: list[str]) -> tuple[list[str], bool]:
    if mine in (base, theirs):
        return theirs, False
    if theirs == base:
        return mine, False
    if not base:
        return [*theirs, *mine], False
    own, other = _generated(mine), _generated(theirs)
    if own is not None and other is not None and own.name == other.name:
        if own.is_as_generated:
            return theirs, False
        if other.is_as_generated:
            return mine, False
    return [*mine, *_quoted("".join(theirs))], True


def _generated(pieces: list[str]) -> Part | None:
    """Give the one generated part that these pieces are."""
    found = list(parts_of("".join(pieces)))
    return found[0] if len(found) == 1 and found[0].name else None


def _quoted(text: str) -> list[str]:
    """Quote the other text without the comments of its generated parts; those that people wrote are theirs."""
    lines = without_fences(text).strip().splitlines()
    if not lines:
        lines = ["(this was deleted)"]
    return ["\n", f"{THEIRS}\n", ">\n", *(f"> {line}".rstrip() + "\n" for line in lines), "\n"]
