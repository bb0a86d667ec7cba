"""Stage 8: what people wrote into which section, and where something may be added to it. Texts in, texts out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from incident_bot.core.postmortem.merge import OFFER, parts_of
from incident_bot.core.postmortem.prompts import BLANKS, PROMPTS
from incident_bot.core.postmortem.threeway import THEIRS

_HEADING: Final = re.compile(r"^## (?:([0-9]{1,2})\. )?")
_ASKED: Final = re.compile(r"^_To write: .*_\s*$")
_OFFERS: Final = (OFFER, THEIRS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What people wrote: for each prompt whether there is an answer, and their text by section."""

    texts: Mapping[int, str]
    """People's own text by section, without prompts and quotes of the bot."""
    blanks: tuple[str, ...]
    """The names of the prompts that nobody has answered, the most useful first."""

    def has(self, section: int) -> bool:
        """Say whether a person wrote anything into a section."""
        return bool(self.texts.get(section))

    def quotes(self, question: str) -> bool:
        """Say whether a question stands in what people wrote: then it was answered by name."""
        wanted = _plain(question)
        return any(wanted in _plain(text) for text in self.texts.values())


def answers(written: str) -> Answers:
    """Read a saved document; before there is one every prompt is a blank.

    A prompt is answered once its words are gone, or once somebody has written beneath it.
    """
    if not written:
        return Answers(texts={}, blanks=tuple(name for *_, name in BLANKS))
    texts: dict[int, list[str]] = {}
    open_prompts: set[str] = set()
    section, prompt = 0, ""
    for line in _own_lines(written):
        if heading := _HEADING.match(line):
            section, prompt = int(heading[1] or 0), ""
        elif _ASKED.match(line):
            prompt = line.strip()
            open_prompts.add(prompt)
        elif line.strip():
            open_prompts.discard(prompt)
            texts.setdefault(section, []).append(line.strip())
    asked = "\n".join(open_prompts)
    return Answers(
        texts={number: "\n".join(lines) for number, lines in texts.items()},
        blanks=tuple(name for number, place, name in BLANKS if PROMPTS[number][place] in asked),
    )


def _own_lines(written: str) -> Iterable[str]:
    """Give people's lines: what stands outside of generated parts, and the parts that they edited."""
    for part in parts_of(written):
        if part.name:
            yield from () if part.is_as_generated else part.body
            continue
        quoting = False
        for line in part.lines:
            quoting = line.strip() in _OFFERS or (quoting and line.startswith(">"))
            if not quoting:
                yield line


def insert(markdown: str, section: int, lines: str) -> str:
    """Put lines at the end of a section; at the end of the document where it has no such section."""
    parts = [part.lines for part in parts_of(markdown)]
    own = [not part.name for part in parts_of(markdown)]
    headings = [
        (place, at, int(found[1] or 0))
        for place, (part, is_own) in enumerate(zip(parts, own, strict=True))
        for at, line in enumerate(part)
        if is_own and (found := _HEADING.match(line))
    ]
    after = next((later for (_, _, number), later in pairwise(headings) if number == section), None)
    flat = [line for part in parts for line in part]
    where = len(flat) if after is None else sum(len(part) for part in parts[: after[0]]) + after[1]
    while where and not flat[where - 1].strip():
        where -= 1
    before = "".join(flat[:where])
    before = before if before.endswith("\n") or not before else f"{before}\n"
    # A list goes on where a list ends, so that two imports are one list.
    gap = (
        ""
        if lines.startswith("- ") and flat[where - 1 : where] and flat[where - 1].startswith("- ")
        else "\n"
    )
    rest = "".join(flat[where:])
    return f"{before}{gap}{lines.rstrip()}\n{rest or ''}"


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\\*_`“”\"]", "", text).split()).casefold()
