"""Flapping alerts and storms of incidents, where alerts are placed (I11, I12): reads and writes what `core` decides on.

The storm's order of things: which keys would open an incident is known, the bucket of each team's route is read and
locked, and what is adopted goes on under the key of the storm's own incident. So a thousand new alerts cost one query
and one row for each route, however many incidents they would have been.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Final

from incident_bot.config.durations import format_duration
from incident_bot.config.sources import OWN_NAME
from incident_bot.core.dedupe import Judgement, Verdict
from incident_bot.core.flapping import changes_of, flaps, joined, told_by
from incident_bot.core.model import (
    Alert,
    Bucket,
    Change,
    Episode,
    Flag,
    StormRule,
    copied,
)
from incident_bot.core.postmortem import clock
from incident_bot.core.routing import Action, Routed, storm_key
from incident_bot.core.storm import draw, refilled
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.placed import Placed
from incident_bot.flow.ways import Ways
from incident_bot.store import incidents

_NOTHING_NEW: Final = frozenset({Verdict.REPEAT, Verdict.HELD})


def noted(ways: Ways, judgement: Judgement, alert: Alert, last: Episode | None, *, now: datetime) -> Episode:
    """Give the judged episode with its alert's changes, marked if it flaps; without a change the same object (P8)."""
    episode = judgement.episode
    if last is None or judgement.verdict in _NOTHING_NEW:
        return episode
    told = told_by(alert, now=now)
    if judgement.verdict is Verdict.REOPENED and told[0] in changes_of(last):
        # The source told of no new beginning: it begins again when we believe that it does.
        told = (Change(at=now, firing=True),)
    return _with(ways, episode, last, told)


def ended(ways: Ways, episode: Episode) -> Episode:
    """Do the same for an episode that the bot itself ended, as its source no longer lists it."""
    return _with(ways, episode, episode, ())


def reopened(ways: Ways, episode: Episode, last: Episode, *, now: datetime) -> Episode:
    """Do the same for an episode that the bot itself opened again."""
    return _with(ways, episode, last, (Change(at=now, firing=True),))


def _with(ways: Ways, episode: Episode, last: Episode, told: Iterable[Change]) -> Episode:
    rule = ways.of(episode).routed.flapping
    known = joined(changes_of(last), changes_of(episode))
    changes = () if rule is None else joined(known, told, span=max(rule.within, rule.quiet))
    flags = episode.flags - {Flag.FLAPPING}
    if flaps(changes, rule, before=Flag.FLAPPING in last.flags):
        flags |= {Flag.FLAPPING}
    if flags == episode.flags and (changes == changes_of(episode) or not (changes or episode.changes)):
        return episode
    return copied(episode, changes=changes, flags=flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What one storm takes of what would open."""

    route: str
    rule: StormRule
    keys: tuple[str, ...]

    @property
    def title(self) -> str:
        """What the storm's incident is called."""
        return f"Alert storm: route {self.route}"

    @property
    def reason(self) -> str:
        """Why, in words."""
        rule = self.rule
        return (
            f"route {self.route} opened more than {rule.openings} incidents in {format_duration(rule.within)}"
        )

    def put(self, items: Iterable[Placed], storm: str) -> None:
        """Put these under the storm's key, with the reason."""
        for item in items:
            item.key = storm
            item.episode = copied(item.episode, why={**(item.episode.why or {}), "storm": self.reason})


def storm_notes(context: Context, routed: Routed, *, at: datetime) -> list[str]:
    """Say to whoever simulates that the route is in a storm, if it is; nothing else."""
    if routed.storm is None or routed.action is not Action.INCIDENT:
        return []
    with context.store.read() as tx:
        stored = incidents.bucket(tx, storm_key(routed))
    since = refilled(stored, routed.storm, now=at).since
    if since is None:
        return []
    return [f"Its route {routed.name} has been in a storm since {clock(since)}: it would be adopted."]


@dataclass(slots=True)
class _Bucketful:
    rule: StormRule
    route: str
    asking: list[tuple[int, str]] = field(default_factory=list)
    """The rank of its severity and the key of each incident that would open."""


def adopt(ledger: Ledger, opening: Mapping[str, Sequence[Placed]]) -> dict[str, Adoption]:
    """Say by the key of each storm which of the incidents that would open it adopts, the least severe ones.

    What is left in the buckets is stored. An incident with an alert that is exempt, or of the bot itself, is left out.
    """
    wanted: dict[str, _Bucketful] = {}
    for key, items in opening.items():
        routed = [ledger.current.ways.of(item.episode).routed for item in items]
        rule = routed[0].storm
        if rule is None or any(one.storm is None for one in routed) or items[0].episode.source == OWN_NAME:
            continue
        ladder = ledger.current.revision.ladder
        worst = ladder.worst(tuple(item.episode.severity or "" for item in items))
        part = wanted.setdefault(storm_key(routed[0]), _Bucketful(rule, routed[0].name))
        part.asking.append((worst.rank if worst else len(ladder.rungs), key))
    if not wanted:
        return {}
    known = incidents.buckets(ledger.tx, wanted.keys())
    after: dict[str, Bucket] = {}
    found: dict[str, Adoption] = {}
    for storm, part in wanted.items():
        drawn = draw(known.get(storm), part.rule, len(part.asking), now=ledger.now)
        after[storm] = drawn.bucket
        if drawn.adopted:
            worst_first = sorted(part.asking, key=itemgetter(0))
            keys = tuple(key for _, key in worst_first[drawn.alone :])
            found[storm] = Adoption(route=part.route, rule=part.rule, keys=keys)
            count = sum(len(opening[key]) for key in keys)
            ledger.context.metrics.storm_adopted.labels(route=part.route).inc(count)
    incidents.save_buckets(ledger.tx, after)
    return found
