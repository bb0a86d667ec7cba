"""`dup` and `unmerge`: two incidents become one, or come apart again, with their alerts, in one transaction.

The locks are taken in one order everywhere: the intake's first, as it writes the episodes that move, then the
incidents' with the lower number first. Of two merges that cross, one wins and the other finds what it wanted to merge
into merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.effects import Page, PageKind
from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    Command,
    Decision,
    Merge,
    MergeHere,
    Opening,
    Unmerge,
    UnmergeHere,
    decide,
    open_incident,
    taken_out,
)
from incident_bot.core.model import (
    Episode,
    Event,
    Incident,
    Kind,
    Running,
    Status,
    Urgency,
    incident_name,
    paging_service,
)
from incident_bot.flow.channel_facts import PAGERDUTY
from incident_bot.flow.commands import arguments
from incident_bot.flow.grammar import verb_named
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.permissions import need_verb
from incident_bot.flow.placed import attached
from incident_bot.flow.sight import visible
from incident_bot.flow.triage import Triage
from incident_bot.store import alerts, incidents, outbox
from incident_bot.store.outbox import OutboxRow, RowState


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """One line about two incidents, and who said it where."""

    ledger: Ledger
    number: int
    """The one that the line is about."""
    rest: str
    actor: str
    source: str
    now: datetime

    def decide(self, command: Command, incident: Incident) -> Decision:
        """Have the core decide, under the rules in force."""
        rules = self.ledger.current.revision.rules
        return decide(command, incident, actor=self.actor, source=self.source, rules=rules, now=self.now)


def _merge(joining: Joining) -> tuple[str, int]:
    ledger, tx = joining.ledger, joining.ledger.tx
    number, reason = arguments.other_incident(joining.rest, example="dup INC-1")
    tx.lock_intake()
    for wanted in (joining.number, number):
        about = visible(tx, ledger.context.seer, wanted)
        need_verb(
            ledger.context, tx, verb_named("dup"), about,
            actor=joining.actor, source=joining.source, now=joining.now,
        )  # fmt: skip
    both = incidents.get_many(tx, {joining.number, number})
    found, into = (ledger.incident(both[wanted]) for wanted in (joining.number, number))
    end = incidents.end_of_merges(tx, into)
    episodes = alerts.episodes_of_incident(tx, found.id)
    told = tuple(attached(episode) for episode in episodes)
    decision = joining.decide(
        Merge(
            into=into,
            final=end.id if end else None,
            reason=reason,
            alerts=told,
            notices=_notices(joining, found, into),
        ),
        found,
    )
    if not decision.events:
        return decision.said, into.id
    firing = sum(episode.status is Status.FIRING for episode in episodes)
    here = joining.decide(MergeHere(of=found, reason=reason, alerts=told, firing=firing), into)
    ledger.take(decision)
    ledger.take(here)
    alerts.move_episodes(tx, [episode.id for episode in episodes], into.id)
    if into.progress.state is Running.PAUSED:
        # What holds its alerts back may not hold back those that came along.
        Triage(ledger).reconsider([into.id])
    ledger.flush()
    return f"{decision.said} {here.said}", into.id


def _notices(joining: Joining, found: Incident, into: Incident) -> tuple[Page, ...]:
    """Give one word to each who was paged for the one and not for the other, the way they were paged first."""
    tx = joining.ledger.tx
    knows = {joining.actor, into.lead, *into.responders, *into.roles.values()}
    knows.update(row.person for row, _ in outbox.pages_of(tx, into.id) if _reaches(row))
    first: dict[str, OutboxRow] = {}
    for row, _ in outbox.pages_of(tx, found.id):
        person = row.person
        if not _went_out(row) or row.via == PAGERDUTY or person is None or paging_service(person):
            # A paging service is told by itself that the alert is over.
            continue
        if person not in knows:
            first.setdefault(person, row)
    return tuple(
        Page(
            person=person,
            via=row.via,
            kind=PageKind.NOTE,
            epoch=found.epoch,
            loop=0,
            step=0,
            due_at=joining.now,
            urgency=row.urgency or Urgency.HIGH,
            reason=f"{found.name} was merged into {into.name}",
        )
        for person, row in first.items()
    )


def _went_out(row: OutboxRow) -> bool:
    return row.page_kind is not PageKind.NOTE and (row.sent_at is not None or row.state is RowState.SENDING)


def _reaches(row: OutboxRow) -> bool:
    return _went_out(row) or row.state is RowState.PENDING


def _unmerge(joining: Joining) -> tuple[str, int]:
    ledger, tx = joining.ledger, joining.ledger.tx
    number, reason = _named(joining)
    tx.lock_intake()
    found = visible(tx, joining.ledger.context.seer, number)
    events = incidents.events(tx, number)
    part = _part(joining, found, events, reason)
    if part is None:
        return _taken_out_already(found), number
    end = incidents.end_of_merges(tx, found) or found
    both = incidents.get_many(tx, {found.id, end.id})
    found, end = ledger.incident(both[found.id]), ledger.incident(both[end.id])
    ways = ledger.current.ways
    held_by_it = alerts.episodes_of_incident(tx, end.id)
    mine = [
        episode
        for episode in held_by_it
        if episode.id in part.episodes or ways.of(episode).key_of(episode) in part.keys
    ]
    others = [episode for episode in held_by_it if episode not in mine]
    opening = _opening(joining, found, mine, part)
    ledger.take(open_incident(opening, now=joining.now))
    (new,) = ledger.flush()
    alerts.move_episodes(tx, [episode.id for episode in mine], new.id)
    told = tuple(attached(episode) for episode in mine)
    decision = joining.decide(Unmerge(into=new.id, out_of=end.id, reason=part.reason), found)
    here = UnmergeHere(
        of=found,
        into=new.id,
        alerts=told,
        had_alerts=bool(others),
        still_firing=len(_firing(others)),
    )
    ledger.take(decision)
    ledger.take(joining.decide(here, end))
    ledger.flush()
    return decision.said, new.id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What a merged incident brought along."""

    episodes: frozenset[int]
    keys: frozenset[str]
    """Its incident key, and those of what had been merged into it before: what fired for them since is its too."""
    reason: str | None


def _named(joining: Joining) -> tuple[int, str | None]:
    """Give the one to take out: `unmerge INC-3` on the one that it is in, else the one that the line is about."""
    rest = joining.rest
    if rest[:4].casefold() == "inc-":
        number, rest = arguments.other_incident(rest, example="unmerge INC-3")
        return number, rest or None
    return joining.number, rest or None


def _part(joining: Joining, found: Incident, events: Iterable[Event], reason: str | None) -> _Part | None:
    """Give what came from it; None where it was taken out already, and nothing is left to do."""
    went = [event for event in events if event.kind in (Kind.MERGED, Kind.UNMERGED)]
    if not went:
        raise Refused(_not_merged(found, events))
    if went[-1].kind is Kind.UNMERGED:
        return None
    told = went[-1].data.get("alerts")
    listed = told if isinstance(told, Sequence) and not isinstance(told, str) else ()
    numbers = (one.get("episode_id") for one in listed if isinstance(one, Mapping))
    return _Part(
        episodes=frozenset(number for number in numbers if isinstance(number, int)),
        keys=frozenset(_keys(joining, found, events)),
        reason=reason,
    )


def _keys(joining: Joining, found: Incident, events: Iterable[Event]) -> Iterator[str]:
    yield found.key
    tx = joining.ledger.tx
    for event in events:
        number = event.data.get("incident")
        if event.kind is not Kind.MERGED_HERE or not isinstance(number, int):
            continue
        inside = incidents.get(tx, number)
        if inside is not None and inside.merged_into == found.id:
            yield from _keys(joining, inside, incidents.events(tx, number))


def _not_merged(found: Incident, events: Iterable[Event]) -> str:
    inside = {event.data.get("name") for event in events if event.kind is Kind.MERGED_HERE}
    inside -= {event.data.get("name") for event in events if event.kind is Kind.UNMERGED_HERE}
    names = sorted(str(name) for name in inside)
    if not names:
        return f"{found.name} is not merged into another, and none into it: there is nothing to take out."
    ways = " or ".join(f"`unmerge {name}`" for name in names[:5])
    return f"{found.name} is not merged into another; to take out what was merged into it, type {ways}."


def _taken_out_already(found: Incident) -> str:
    name = incident_name(found.merged_into or 0)
    return f"{found.name} was taken out again already: it goes on as {name}; nothing changed."


def _firing(episodes: Iterable[Episode]) -> list[Episode]:
    return [episode for episode in episodes if episode.status is Status.FIRING]


def _opening(joining: Joining, found: Incident, mine: Sequence[Episode], part: _Part) -> Opening:
    ledger, firing = joining.ledger, _firing(mine)
    severity = ledger.current.revision.ladder.named(found.severity)
    held = Triage(ledger).held_back(firing)
    template = Opening(
        key=found.key,
        title=found.title,
        severity=found.severity,
        team=found.team,
        policy=ledger.policy(severity, found.team) if severity else found.policy,
        revision=ledger.current.revision.id,
        opened_by=joining.actor,
        source=joining.source,
        alerts=tuple(attached(episode) for episode in firing),
        paused_reason=held.reason if held else None,
        paused_until=held.until if held else None,
    )
    taken = incidents.open_by_keys(ledger.tx, [found.key]).get(found.key)
    return taken_out(
        found,
        template,
        firing=len(firing),
        had_alerts=bool(part.episodes or mine),
        open_one=taken.id if taken else None,
    )


JOINS: Final[Mapping[str, Callable[[Joining], tuple[str, int]]]] = {"dup": _merge, "unmerge": _unmerge}
"""Every verb about two incidents: it gives what to answer, and the incident that goes on."""
