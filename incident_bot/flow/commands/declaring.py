"""`new`: a person declares an incident."""

from __future__ import annotations

import secrets
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident import Decision, Opening, open_incident
from incident_bot.core.model import Severity
from incident_bot.core.routing import SERVICE_MOST
from incident_bot.core.timeline import one_line, visible
from incident_bot.flow.commands import arguments
from incident_bot.flow.ledger import Ledger

TITLE_MOST: Final = 200
PRIVATE: Final = ("--private", "—private", "–private")
"""Phones and editors make a dash of two."""


def declare(
    ledger: Ledger,
    *,
    title: str,
    actor: str,
    source: str,
    severity: str | None = None,
    team: str | None = None,
    service: str | None = None,
    impact: str | None = None,
    private: bool = False,
) -> Decision:
    """Open an incident that a person declares; raises Refused for a severity or team that does not exist."""
    revision = ledger.current.revision
    chosen = _severity(ledger, severity)
    owner = revision.services.get(service or "")
    chosen_team = team or (owner.team if owner else None) or revision.routing.default.team
    if chosen_team not in revision.teams:
        message = f"There is no team {chosen_team[:40]!r}; use one of {', '.join(sorted(revision.teams))}."
        raise Refused(message)
    shown = one_line(title, TITLE_MOST)
    if not shown:
        message = "An incident needs a title: what do people notice?"
        raise Refused(message)
    # The same words may be declared again, even while a clock that was set back stands still: no key is made twice.
    unique = secrets.token_hex(8)
    opening = Opening(
        key=f"declared|{unique}",
        title=shown,
        severity=chosen.name,
        team=chosen_team,
        service=(one_line(service, SERVICE_MOST) or None) if service else None,
        policy=ledger.policy(chosen, chosen_team),
        revision=revision.id,
        opened_by=actor,
        source=source,
        declared=True,
        impact=visible(impact) if impact else None,
        private=private,
    )
    return open_incident(opening, now=ledger.now)


def declare_from_line(ledger: Ledger, rest: str, *, actor: str, source: str) -> Decision:
    """Read `new [P2] [--private] <title>`; severity and option may stand first, in either order."""
    text = arguments.needed(rest, example="new P2 Checkout rejects cards")
    severity, private = None, False
    while text:
        first, _, others = text.partition(" ")
        if first.casefold() in PRIVATE:
            private = True
        elif severity is None and others and ledger.current.revision.ladder.named(first) is not None:
            severity = first
        else:
            break
        text = others.strip()
    text = arguments.needed(text, example="new P2 --private Customer data leaked")
    return declare(ledger, title=text, severity=severity, private=private, actor=actor, source=source)


def _severity(ledger: Ledger, word: str | None) -> Severity:
    ladder = ledger.current.revision.ladder
    if word is None:
        return (
            ladder.named(ledger.current.revision.routing.default.severity)
            or ladder.rungs[len(ladder.rungs) // 2]
        )
    severity = ladder.named(word)
    if severity is None:
        message = f"{word[:40]!r} is no severity; use one of {', '.join(rung.name for rung in ladder.rungs)}."
        raise Refused(message)
    return severity
