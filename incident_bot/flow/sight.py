"""Who may see a private incident. Every surface asks here, and whoever may not is told that there is no such incident.

A private incident is seen by those who work on it: who opened it, leads it or is asked to, holds a role or a task,
has acknowledged it, was paged for it, or made it private; and, in chat, by whoever is in its room. The bot itself and
its operator see everything: the machine's command line, this machine while no token is configured, and a token with
the scope `admin` that acts as nobody else. All others see what is not private.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from incident_bot.core.errors import NotFound
from incident_bot.core.model import Incident, Kind, incident_name
from incident_bot.store import incidents, outbox
from incident_bot.store.outbox import RowState
from incident_bot.store.transaction import Tx

_ON_ITS_WAY: Final = frozenset({RowState.PENDING, RowState.SENDING})
_SEEN_BY: Final = frozenset({Kind.MADE_PRIVATE, Kind.PAGED})
"""What only those do who see it; an undone role or a lead that moved on takes nothing from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seer:
    """Somebody who looks: by which names they are known, and where they are."""

    names: frozenset[str] = frozenset()
    """As actors are written: an id of people.yaml, `slack:U0123`, the name of a token."""
    inside: int | None = None
    """The incident in whose room they are."""
    everything: bool = False


EVERYTHING: Final = Seer(everything=True)
"""The bot itself, and its operator."""
NOBODY: Final = Seer()
"""Whoever has not said who they are: sees what is not private."""


def known_as(*names: str, inside: int | None = None) -> Seer:
    """Give the seer whom these names prove."""
    return Seer(names=frozenset(filter(None, names)), inside=inside)


def load(tx: Tx, number: int, *, lock: bool = False) -> Incident:
    """Give an incident's state, whoever asks: for the bot's own work. Raises NotFound."""
    found = incidents.get(tx, number, lock=lock) if 0 < number < 2**31 else None
    if found is None:
        raise NotFound(_none(number))
    return found


def visible(tx: Tx, seer: Seer, number: int, *, lock: bool = False) -> Incident:
    """Give an incident that the seer may see; raises NotFound, in the same words whether it is private or not there."""
    found = load(tx, number, lock=lock)
    if not may_see(tx, seer, found):
        raise NotFound(_none(number))
    return found


def may_see(tx: Tx, seer: Seer, incident: Incident) -> bool:
    """Say whether the seer may see an incident; what is not private is seen by all."""
    if not incident.private or seer.everything or seer.inside == incident.id:
        return True
    return bool(seer.names) and not seer.names.isdisjoint(at_work(tx, incident))


def seen(tx: Tx, seer: Seer, found: Iterable[Incident]) -> list[Incident]:
    """Give those of them that the seer may see, in their order."""
    return [one for one in found if may_see(tx, seer, one)]


def hidden(tx: Tx, seer: Seer, numbers: Iterable[int]) -> frozenset[int]:
    """Give those of these incidents that the seer may not see."""
    return frozenset(one.id for one in incidents.private_among(tx, numbers) if not may_see(tx, seer, one))


def at_work(tx: Tx, incident: Incident) -> frozenset[str]:
    """Give the actors who work on an incident: those who see it where it is private."""
    return frozenset(_named(incident) | _told(tx, incident))


def _named(incident: Incident) -> set[str]:
    offered = incident.offer.to if incident.offer else None
    named = (
        incident.opened_by, incident.lead, incident.acknowledged_by, offered, *incident.responders,
        *incident.roles.values(), *(item.owner for item in incident.items), *incident.progress.taken,
    )  # fmt: skip
    return {one for one in named if one}


def _told(tx: Tx, incident: Incident) -> set[str]:
    pages = (row for row, _ in outbox.pages_of(tx, incident.id))
    paged = {row.person for row in pages if row.sent_at is not None or row.state in _ON_ITS_WAY}
    acted = {event.actor for event in incidents.of_kinds(tx, incident.id, _SEEN_BY)}
    return {one for one in paged | acted if one}


def _none(number: int) -> str:
    return f"There is no {incident_name(number)}; `list all` shows those there are."
