"""Stage 3: decides which runbook belongs to an alert, and reads its steps; it opens no file, fetches nothing.

The most specific runbook wins: one whose matchers all pass before one that names the alert, and of matchers
the longer list. Ties go to the path that sorts first. The alert's `runbook_url` is given besides, always.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlsplit

from incident_bot.core.matchers import Matcher, matches_all
from incident_bot.core.model import Labels

SECTIONS: Final = ("Detection", "Investigation", "Mitigation", "Verification", "Rollback")
"""The headings that are recognised, in the order of the work."""
URL_MOST: Final = 2_000

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_HEADING: Final = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_ITEM: Final = re.compile(r" {0,3}[0-9]{1,9}[.)][ \t]+(?:\[[ xX]\][ \t]+)?(\S.*)")
_NESTED: Final = re.compile(r"\s*(?:[-*+]|[0-9]{1,9}[.)])\s.*")
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*[.):]?\s+")
_WORD: Final = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One recognised part of a runbook: its Markdown without the heading, and its numbered items."""

    name: str
    """One of `SECTIONS`."""
    text: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One file of `runbooks/`, read."""

    path: str
    """Below `runbooks/`."""
    title: str
    alerts: tuple[str, ...] = ()
    match: tuple[Matcher, ...] = ()
    owner: str | None = None
    reviewed: date | None = None
    review_every: timedelta | None = None
    dashboards: tuple[str, ...] = ()
    sections: Mapping[str, Section] = field(default_factory=dict)
    """By the names of `SECTIONS`."""
    text: str = ""

    @property
    def steps(self) -> tuple[tuple[int, str, str], ...]:
        """Give every step with its number, from 1 through the whole runbook, and its section."""
        every = [(section.name, step) for section in self.sections.values() for step in section.steps]
        return tuple((number, name, step) for number, (name, step) in enumerate(every, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The runbook of an alert and the address its rule names, either of which may be missing, and why."""

    runbook: Runbook | None
    url: str | None
    reason: str


def sections(markdown: str) -> dict[str, Section]:
    """Give the recognised sections of a Markdown text, by name, in the order of the text.

    A heading counts at any level, with or without a number before or words after it, as in `### 2. Mitigation
    steps`; its section runs to the next heading of the same or a higher level, or the next recognised one.
    Fenced code holds neither headings nor steps. Sections of one name become one.
    """
    found: dict[str, Section] = {}
    name: str | None = None
    level = 0
    collected: list[tuple[str, bool]] = []
    for line, code in _lines(markdown):
        heading = None if code else _HEADING.fullmatch(line)
        depth = len(heading[1]) if heading else 0
        recognised = _section_name(heading[2] or "") if heading else None
        if heading and (recognised or depth <= level):
            _add(found, name, collected)
            name, level, collected = recognised, depth, []
        else:
            collected.append((line, code))
    _add(found, name, collected)
    return found


def find_runbook(labels: Labels, annotations: Labels, book: Iterable[Runbook]) -> Found:
    """Give the most specific runbook of an alert, the http or https address that its rule names, and why."""
    url, about_url = _address(annotations.get("runbook_url", "").strip())
    best: Runbook | None = None
    rank: tuple[int, int, str] | None = None
    for runbook in book:
        fit = _fit(runbook, labels)
        if fit is not None and (rank is None or fit < rank):
            best, rank = runbook, fit
    if best is None:
        return Found(runbook=None, url=url, reason=f"no runbook here matches{about_url}")
    matched = rank is not None and rank[0] == 0
    by = ", ".join(str(matcher) for matcher in best.match) if matched else f"the name {labels['alertname']}"
    return Found(runbook=best, url=url, reason=f"{best.path} matches by {by}{about_url}")


def _fit(runbook: Runbook, labels: Labels) -> tuple[int, int, str] | None:
    """Say how specific a match is, the most specific first; None where it is none."""
    if runbook.match and matches_all(runbook.match, labels):
        return 0, -len(runbook.match), runbook.path
    if labels.get("alertname", "") in runbook.alerts:
        return 1, 0, runbook.path
    return None


def _address(url: str) -> tuple[str | None, str]:
    """Give an address that may be shown as a link, and what to say about one that may not."""
    if not url:
        return None, ""
    if len(url) > URL_MOST or not url.isprintable() or " " in url:
        return None, "; its runbook_url is dropped: it is no address"
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None, "; its runbook_url is dropped: it is no address"
    if parts.scheme not in {"http", "https"}:
        return None, "; its runbook_url is dropped: only http and https addresses are shown"
    if not host:
        return None, "; its runbook_url is dropped: it names no host"
    return url, "; its rule names a runbook_url"


def _lines(markdown: str) -> Iterator[tuple[str, bool]]:
    """Give every line, and whether it is part of fenced code."""
    fence = ""
    for line in markdown.splitlines():
        mark = _FENCE.fullmatch(line)
        if fence:
            yield line, True
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif mark and not (mark[1][0] == "`" and "`" in mark[2]):
            fence = mark[1]
            yield line, True
        else:
            yield line, False


def _section_name(heading: str) -> str | None:
    word = _WORD.search(_NUMBER.sub("", heading, count=1))
    name = word[0].capitalize() if word else ""
    return name if name in SECTIONS else None


def _add(found: dict[str, Section], name: str | None, lines: list[tuple[str, bool]]) -> None:
    if name is None:
        return
    text = "\n".join(line for line, _code in lines).strip("\n")
    earlier = found.get(name)
    steps = tuple(_steps(lines))
    if earlier is None:
        found[name] = Section(name=name, text=text, steps=steps)
    else:
        both = f"{earlier.text}\n\n{text}".strip("\n")
        found[name] = replace(earlier, text=both, steps=earlier.steps + steps)


def _steps(lines: list[tuple[str, bool]]) -> Iterator[str]:
    """Give the numbered items: the first paragraph of each, on one line."""
    step: list[str] = []
    for line, code in lines:
        item = None if code else _ITEM.fullmatch(line)
        goes_on = bool(step) and not code and bool(line.strip()) and not _NESTED.fullmatch(line)
        if goes_on and item is None and not _HEADING.fullmatch(line):
            step.append(line.strip())
            continue
        if step:
            yield " ".join(step)
        step = [item[1].strip()] if item else []
    if step:
        yield " ".join(step)
