"""The verbs about silences: which there would be comes from what fires, how long they last from the words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident import Command, LiftSilence, SilenceAlerts, may_silence
from incident_bot.flow.commands import arguments
from incident_bot.flow.silences.planning import propose

if TYPE_CHECKING:
    from incident_bot.flow.commands.request import Request

EXAMPLE: Final = "silence 2h the database is being moved"
REASON_MOST: Final = 500


def silence(request: Request) -> Command:
    """Read `2h [reason]` or `until 14:30 [reason]`; raises Refused where nothing can be silenced."""
    until, reason = _lasting(request)
    # What it would hide is looked up only for one that may be.
    may_silence(request.incident, until, now=request.now)
    found = propose(request.ledger.current, request.ledger.tx, request.incident)
    return SilenceAlerts(
        wanted=found.wanted, until=until, reason=reason[:REASON_MOST] or None, hidden=found.hidden
    )


def unsilence(request: Request) -> Command:
    """Read the numbers of silences, or none for all."""
    words = request.rest.replace(",", " ").split()
    return LiftSilence(numbers=tuple(arguments.item_number(word, example="unsilence 1")[0] for word in words))


def _lasting(request: Request) -> tuple[datetime, str]:
    first, _, rest = request.rest.partition(" ")
    if not first:
        message = f"For how long? Type for example `{EXAMPLE}` or `silence until 14:30`."
        raise Refused(message)
    if first.casefold() == "for":
        first, _, rest = rest.strip().partition(" ")
    if first.casefold() == "until":
        clock, _, rest = rest.strip().partition(" ")
        return arguments.until(
            clock, request.zone, now=request.now, example="silence until 14:30"
        ), rest.strip()
    return request.now + arguments.duration(first, example=EXAMPLE), rest.strip()
