"""A page as a direct message: what is broken and what to do first on one screen, three buttons, and how it ended.

Once somebody has the incident, or it is over, the same message says so in its place and has none of these buttons any
more. Once it is resolved it asks, until somebody has said it, what the alerts were worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from incident_bot.core.effects import PageKind
from incident_bot.core.model import JsonObject, Verdict
from incident_bot.render.slack.blocks import (
    Block,
    actions,
    button,
    context,
    fields,
    header,
    message,
    section,
)
from incident_bot.render.slack.card import SHAPES, Link, Who
from incident_bot.render.slack.mrkdwn import cut, escape, link, when

LINES_MOST: Final = 5
LINE_MOST: Final = 200
LISTED_MOST: Final = 25
LINKS_MOST: Final = 6
VERDICT: Final = "page:verdict:"
"""What the buttons begin with that say what a page was worth; its end is the verdict's word."""
_STAMP: Final = "{date_short_pretty} {time}"
_BEFORE: Final = {PageKind.ASK: "Still on it? ", PageKind.NOTE: "Taken already: "}


class Became(StrEnum):
    """What became of what a page asked for."""

    TAKEN = "taken"
    PART = "part"
    """This person has their part of it."""
    ANSWERED = "answered"
    """Whoever was asked whether they still have it said so."""
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    MERGED = "merged"
    AGAIN = "again"
    """Paging moved on or began again: a newer page tells of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it, by whom and when."""

    became: Became
    who: Who | None = None
    at: datetime | None = None
    into: str | None = None

    def said(self) -> str:
        """Say it in mrkdwn."""
        who = self.who.said() if self.who else "somebody"
        at = f" at {when(self.at, form=_STAMP)}" if self.at else ""
        match self.became:
            case Became.TAKEN:
                return f"Taken by {who}{at}"
            case Became.PART:
                return "You have your part of it"
            case Became.ANSWERED:
                return f"Answered: {who} has it"
            case Became.SNOOZED:
                return f"Snoozed until {when(self.at, form=_STAMP)}" if self.at else "Snoozed"
            case Became.MERGED:
                return f"Merged into {escape(self.into or 'another incident')}"
            case Became.AGAIN:
                return "Out of date: paging went on; the newest page tells how it stands"
            case _:
                return f"{self.became.value.capitalize()}{at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The verdict on one alert."""

    alert: str
    label: str
    who: Who | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What the alerts of a resolved incident were worth; while nobody has said it, that is asked."""

    given: Sequence[Given] = ()

    def said(self) -> str:
        """Say it in mrkdwn, a line for each alert."""
        lines = [
            cut(f"*{escape(one.label.capitalize())}*{_says(one.who)}: {escape(one.alert)}", LINE_MOST * 2)
            for one in self.given[:LINES_MOST]
        ]
        more = len(self.given) - len(lines)
        return "\n".join([*lines, f"… and {more} more"] if more > 0 else lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The facts of a page about one incident; texts are not escaped yet."""

    number: int
    name: str
    title: str
    severity: str
    rank: int
    epoch: int
    row: int
    """The page's number in the outbox."""
    kind: PageKind
    since: datetime
    url: str
    team: str
    why: str
    service: str | None = None
    impact: str | None = None
    firing: Sequence[str] = ()
    firing_count: int = 0
    first_step: str | None = None
    shared: str | None = None
    """Who has their part of it already, where each is to answer."""
    waiting_for: str | None = None
    call: str | None = None
    """Whom to phone, where nothing else reached anybody."""
    links: Sequence[Link] = ()
    drill: bool = False
    outcome: Outcome | None = None
    worth: Worth | None = None
    """None where nothing is to be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One of several incidents in a page; texts are not escaped yet."""

    name: str
    title: str
    severity: str
    rank: int
    since: datetime
    url: str
    service: str | None = None
    drill: bool = False
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The facts of a page about several incidents (S7), the worst first."""

    row: int
    """The number of the page that carries the others."""
    kind: PageKind
    listed: Sequence[Listed]
    """As many as there are lines for."""
    count: int
    waiting: int
    """How many of all nobody has yet."""
    url: str


def page_text(page: Page) -> str:
    """Say it in one line, for notifications."""
    drill = "DRILL " if page.drill else ""
    end = f" – {page.outcome.said()}" if page.outcome else ""
    said = f"{_before(page.kind, page.outcome)}{drill}{page.severity} {page.name}: {page.title}"
    return f"{cut(escape(said), 300)}{end}"


def page_blocks(page: Page) -> list[Block]:
    """Give the message."""
    drill = "DRILL " if page.drill else ""
    before = _before(page.kind, page.outcome)
    blocks = [header(f"{before}{drill}{_shape(page.rank)} {page.severity} · {page.name} · {page.title}")]
    if page.outcome is not None:
        blocks.append(section(f"*{page.outcome.said()}*"))
        if page.worth is not None and page.outcome.became is Became.RESOLVED:
            blocks += _worth(page, page.worth)
        return message([*blocks, context(_links(page))])
    facts = [("Since", when(page.since, form=_STAMP)), ("Service", escape(page.service or "not known yet"))]
    facts += [("Firing now", str(page.firing_count)), ("Team", escape(page.team))]
    if page.waiting_for:
        facts.append(("Waiting for", cut(escape(page.waiting_for), LINE_MOST)))
    blocks += fields(facts)
    blocks += [
        section(f"*{label}*\n{text}")
        for label, text in (
            ("Impact", cut(escape(page.impact or ""), 600)),
            ("Alerts", _lines(page)),
            ("Do first", cut(escape(page.first_step or ""), 600)),
            ("Already", cut(escape(page.shared or ""), LINE_MOST)),
            ("Phone", cut(escape(page.call or ""), 600)),
        )
        if text
    ]
    buttons = _buttons(page)
    if buttons:
        blocks.append(actions(buttons, name=f"page:{page.row}"))
    return message([*blocks, context(f"Why you: {cut(escape(page.why), 600)}", _links(page))])


def pages_text(pages: Pages) -> str:
    """Say it in one line, for notifications."""
    worst = pages.listed[0] if pages.listed else None
    said = f", worst {worst.severity} {worst.name}: {worst.title}" if worst else ""
    done = "" if pages.waiting else " – taken or over"
    return f"{cut(escape(f'{pages.count} incidents{said}'), 300)}{done}"


def pages_blocks(pages: Pages) -> list[Block]:
    """Give the message: a line an incident, and one button that takes all that still wait."""
    before = "Taken already: " if pages.kind is PageKind.NOTE else ""
    shown = pages.listed[:LISTED_MOST]
    blocks: list[Block] = [header(f"{before}{pages.count} incidents")]
    blocks += [section(_line(one)) for one in shown]
    if pages.count > len(shown):
        blocks.append(context(f"… and {pages.count - len(shown)} more"))
    waiting = pages.waiting
    if waiting and pages.kind is not PageKind.NOTE:
        everything = "Acknowledge all" if waiting == pages.count else f"Acknowledge the other {waiting}"
        value: JsonObject = {"p": pages.row}
        blocks.append(
            actions(
                [
                    button(everything, "page:ack", value=value, style="primary"),
                    button("Open", "inc:open", url=pages.url, value=value),
                ],
                name=f"page:{pages.row}",
            )
        )
    return message(blocks)


def _before(kind: PageKind, outcome: Outcome | None) -> str:
    return "" if outcome else _BEFORE.get(kind, "")


def _shape(rank: int) -> str:
    return SHAPES[min(max(rank, 0), len(SHAPES) - 1)]


def _lines(page: Page) -> str:
    shown = [f"• {cut(escape(' '.join(line.split())), LINE_MOST)}" for line in page.firing[:LINES_MOST]]
    more = max(page.firing_count, len(page.firing)) - len(shown)
    return "\n".join([*shown, f"… and {more} more"] if shown and more > 0 else shown)


def _links(page: Page) -> str:
    parts = [link(page.url, page.name), *(link(one.url, one.title[:100]) for one in page.links[:LINKS_MOST])]
    return cut(" · ".join(parts), 2900)


def _buttons(page: Page) -> list[Block]:
    value: JsonObject = {"i": page.number, "e": page.epoch, "p": page.row}
    if page.kind is PageKind.NOTE:
        return []
    if page.kind is PageKind.ASK:
        return [
            button("Still on it", "page:ack", value=value, style="primary"),
            button("Give it back", "page:unack", value=value),
        ]
    return [
        button("Acknowledge", "page:ack", value=value, style="primary"),
        button("Escalate", "page:escalate", value=value),
        button("I can't take it", "page:cannot", value=value),
    ]


def _says(who: Who | None) -> str:
    return f" (says {who.said()})" if who else ""


def _worth(page: Page, worth: Worth) -> list[Block]:
    if worth.given:
        return [section(worth.said())]
    value: JsonObject = {"i": page.number, "e": page.epoch, "p": page.row}
    row = [button(one.label.capitalize(), f"{VERDICT}{one.value}", value=value) for one in Verdict]
    return [section("Was this page actionable?"), actions(row, name=f"worth:{page.row}")]


def _line(one: Listed) -> str:
    drill = "DRILL " if one.drill else ""
    # A title made of the alert's name names the service already.
    where = f" · {cut(escape(one.service), 80)}" if one.service and one.service not in one.title else ""
    title = cut(escape(" ".join(one.title.split())), LINE_MOST)
    end = f"\n*{one.outcome.said()}*" if one.outcome else ""
    since = when(one.since, form=_STAMP)
    return (
        f"{drill}{_shape(one.rank)} {escape(one.severity)} · {link(one.url, one.name)} · {title}{where} · "
        f"since {since}{end}"
    )
