"""The card at the head of a room: where an incident stands, and what can be done about it with one thumb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.model import JsonObject, Paging, Phase
from incident_bot.render.slack.blocks import (
    Block,
    actions,
    button,
    confirmation,
    context,
    fields,
    header,
    message,
    section,
)
from incident_bot.render.slack.mrkdwn import cut, escape, link, mention, when

SHAPES: Final = ("🔴", "🟠", "🟡", "🔵")
"""One shape for each of the worst ranks; a word always stands beside it."""
LINES_MOST: Final = 5
LINE_MOST: Final = 150
SILENCES_SHOWN: Final = 3
_OVER: Final = frozenset({Phase.RESOLVED, Phase.CLOSED, Phase.CANCELLED})


@dataclass(frozen=True, slots=True)
class Who:
    """A person as a card names them."""

    name: str
    user: str | None = None
    """Their Slack id, where known."""

    def said(self) -> str:
        """Mention or name them."""
        return mention(self.user, self.name)


@dataclass(frozen=True, slots=True)
class Link:
    """Where to read on."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The facts of a card; texts are not escaped yet."""

    number: int
    name: str
    title: str
    severity: str
    rank: int
    phase: Phase
    paging: Paging
    epoch: int
    opened_at: datetime
    url: str
    team: str
    services: Sequence[str] = ()
    impact: str | None = None
    lead: Who | None = None
    acknowledged_by: Who | None = None
    waiting_for: str | None = None
    snoozed_until: datetime | None = None
    roles: Sequence[tuple[str, Who]] = ()
    firing: Sequence[str] = ()
    """One line an alert that fires, the newest first."""
    firing_count: int = 0
    next_update_at: datetime | None = None
    update_overdue: bool = False
    last_update: str | None = None
    changes: Sequence[str] = ()
    """Temporary changes that are in force."""
    tasks: Sequence[str] = ()
    theories: Sequence[str] = ()
    runbook: Link | None = None
    links: Sequence[Link] = ()
    resolved_at: datetime | None = None
    merged_into: str | None = None
    drill: bool = False
    private: bool = False
    exhausted: bool = False
    silenced_until: Sequence[datetime] = ()
    """When each of its silences ends."""
    silences: bool = False
    """Whether its alerts can be silenced from here."""
    phones: Sequence[str] = ()
    """Names with numbers, where nothing else reaches anybody."""


def card_text(card: Card) -> str:
    """Say it in one line, for notifications."""
    drill = "DRILL " if card.drill else ""
    line = f"{drill}{card.severity} {card.name} {escape(card.title)} – {card.phase.value}"
    return cut(line, 300)


def card_blocks(card: Card) -> list[Block]:
    """Give the card."""
    shape = SHAPES[min(card.rank, len(SHAPES) - 1)]
    title = f"{'DRILL ' if card.drill else ''}{shape} {card.severity} · {card.name} · {card.title}"
    blocks = [header(title), *fields(_facts(card))]
    if card.impact:
        blocks.append(section(f"*Impact*\n{cut(escape(card.impact), 600)}"))
    blocks += [
        section(f"*{label}*\n{_listed(lines)}")
        for label, lines in (
            (f"Firing now ({card.firing_count})", card.firing),
            ("Temporary changes in force", card.changes),
            ("Open tasks", card.tasks),
            ("Theories", card.theories),
            ("Nobody could be reached: call", card.phones),
        )
        if lines
    ]
    if card.last_update:
        blocks.append(section(f"*Last update*\n{cut(escape(card.last_update), 600)}"))
    buttons = _buttons(card)
    if buttons:
        blocks.append(actions(buttons, name=f"card:{card.number}"))
    blocks.append(context(_small_print(card)))
    return message(blocks)


def topic(card: Card) -> str:
    """Give the channel's topic: at most 250 characters, plain."""
    lead = f" · {card.lead.name} leads" if card.lead else " · nobody leads"
    over = card.phase in _OVER
    said = f"{card.severity} · {card.phase.value}{'' if over else lead} · {' '.join(card.title.split())}"
    return said if len(said) <= 250 else f"{said[:249]}…"  # noqa: PLR2004 -- Slack's limit


def purpose(card: Card) -> str:
    """Give the channel's purpose: at most 250 characters, plain."""
    return f"{card.name}: work on this incident happens here. {card.url}"[:250]


def _facts(card: Card) -> list[tuple[str, str]]:
    facts = [
        ("Severity", f"{SHAPES[min(card.rank, len(SHAPES) - 1)]} {escape(card.severity)}"),
        ("Phase", _phase(card)),
    ]
    facts.append(("Lead", card.lead.said() if card.lead else "_nobody yet_"))
    facts.append(("Paging", _paging(card)))
    facts.append(("Since", when(card.opened_at, form="{date_short_pretty} {time}")))
    facts.append(("Services", escape(", ".join(card.services)) if card.services else "_not known yet_"))
    facts += [(role.capitalize(), who.said()) for role, who in card.roles]
    if card.next_update_at is not None:
        facts.append(
            ("Update overdue since" if card.update_overdue else "Next update by", when(card.next_update_at))
        )
    if card.silenced_until:
        ends = ", ".join(when(end) for end in sorted(set(card.silenced_until))[:SILENCES_SHOWN])
        facts.append(("Silenced until", ends))
    facts.append(("Team", escape(card.team)))
    return facts


def _phase(card: Card) -> str:
    if card.resolved_at is not None and card.phase in _OVER:
        return f"{card.phase.value}, {when(card.resolved_at)}"
    return card.phase.value


def _paging(card: Card) -> str:
    if card.paging is Paging.MERGED:
        return f"merged into {escape(card.merged_into or 'another incident')}"
    if card.paging is Paging.SNOOZED and card.snoozed_until:
        return f"snoozed until {when(card.snoozed_until)}"
    if card.paging is Paging.ACKNOWLEDGED:
        who = card.acknowledged_by.said() if card.acknowledged_by else "somebody"
        waiting = f", waiting for {cut(escape(card.waiting_for), 100)}" if card.waiting_for else ""
        return f"{who} has it{waiting}"
    if card.paging is Paging.TRIGGERED:
        return "*nobody answered, everybody was paged*" if card.exhausted else "*nobody has it yet*"
    return "over"


def _listed(lines: Sequence[str]) -> str:
    shown = [f"• {cut(escape(' '.join(line.split())), LINE_MOST)}" for line in lines[:LINES_MOST]]
    more = len(lines) - LINES_MOST
    return "\n".join([*shown, f"… and {more} more"] if more > 0 else shown)


def _buttons(card: Card) -> list[Block]:
    value: JsonObject = {"i": card.number, "e": card.epoch}
    if card.paging is Paging.MERGED:
        return []
    if card.phase in _OVER or not card.paging.is_open:
        again = confirmation(f"Reopen {card.name}?", "Paging starts again from the first step.", yes="Reopen")
        return [
            button("Reopen", "inc:reopen", value=value, confirm=again),
            button("Follow-up", "inc:followup", value=value),
            button("Timeline entry", "inc:note", value=value),
            button("Open", "inc:open", url=card.url, value=value),
        ]
    first = [button("Acknowledge", "inc:ack", value=value, style="primary")]
    if card.paging is Paging.ACKNOWLEDGED:
        first = [button("Me, too", "inc:ack", value=value)]
    return [
        *first,
        button("Resolve", "inc:resolve", value=value),
        button("Escalate", "inc:escalate", value=value),
        button("Update", "inc:update", value=value),
        button("Roles", "inc:roles", value=value),
        button("Runbook", "inc:runbook", value=value),
        button("Page", "inc:page", value=value),
        *([button("Silence", "inc:silence", value=value)] if card.silences else []),
        button("Follow-up", "inc:followup", value=value),
        button("Timeline entry", "inc:note", value=value),
        button("Open", "inc:open", url=card.url, value=value),
    ]


def _small_print(card: Card) -> str:
    parts = [link(card.url, "Incident page")]
    if card.runbook:
        parts.append(link(card.runbook.url, f"Runbook: {card.runbook.title}"[:100]))
    parts += [link(one.url, one.title[:100]) for one in card.links[:6]]
    if card.private:
        parts.append("private: only who is here sees it")
    parts.append("`/incident help` lists the commands")
    return cut(" · ".join(parts), 2900)
