"""Reads what is counted: incidents with their durations, pages, alerts, verdicts. Narrow reads, no decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from incident_bot.core.insights import Case, Fired, Firing, Paged, Sampled, was_acted
from incident_bot.core.milestones import KINDS, Measured, measured, milestones
from incident_bot.core.model import Flag, Kind, Phase, Verdict
from incident_bot.core.timeline import entries
from incident_bot.flow.context import Context
from incident_bot.flow.insights.asking import Asked
from incident_bot.flow.sight import seen
from incident_bot.store import insights as store
from incident_bot.store import paged
from incident_bot.store.insights import Brief, Part
from incident_bot.store.transaction import Tx

SAMPLE: Final = 50
"""Of how many of an alert's newest episodes lengths are told."""
NOISY: Final = 20
"""Of how many alerts everything is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Everything that is counted for one question."""

    cases: tuple[Case, ...]
    pages: tuple[Paged, ...]
    fired: tuple[Fired, ...]
    """The noisiest alerts, with a sample each."""
    alerts: int
    """How many alerts fired, by name."""
    verdicts: Mapping[tuple[int, str], Verdict]
    parts: Mapping[str, tuple[Part, ...]]
    """By alert: its parts in incidents."""
    paged_for: Mapping[int, int]
    """How often people were paged for an incident."""
    zones: Mapping[str, ZoneInfo]

    def firings(self, name: str) -> list[Firing]:
        """Give an alert's incidents as a change of its rule would have met them."""
        parts = {part.incident: part for part in self.parts.get(name, ())}
        found = []
        for case in (case for case in self.cases if case.number in parts):
            part = parts[case.number]
            verdict = self.verdicts.get((part.incident, name))
            found.append(
                Firing(
                    pages=self.paged_for.get(part.incident, 0),
                    length=part.ended - part.began if part.ended else None,
                    actionable=verdict.is_actionable if verdict else case.acted is not False,
                    alone=case.alerts == {name},
                )
            )
        return found


class _First(NamedTuple):
    """The first episode of an incident."""

    id: int
    starts_at: datetime


def gather(context: Context, tx: Tx, wanted: Asked, *, noisy: bool = True) -> Gathered:
    """Read what is counted, as the context's seer may see it; without `noisy` only what charts draw."""
    briefs = store.briefs(
        tx, wanted.start, wanted.end, team=wanted.team, service=wanted.service, severity=wanted.severity
    )
    unseen = _unseen(context, tx, briefs)
    briefs = [brief for brief in briefs if brief.id not in unseen]
    numbers = [brief.id for brief in briefs]
    parts = store.parts(tx, numbers, wanted.start, wanted.end)
    lengths = _measured(context, tx, briefs)
    names: dict[int, set[str]] = {}
    for part in parts:
        names.setdefault(part.incident, set()).add(part.name)
    cases = tuple(_case(brief, lengths[brief.id], frozenset(names.get(brief.id, ()))) for brief in briefs)
    pages = _pages(tx, wanted, numbers, unseen)
    by_alert: dict[str, list[Part]] = {}
    for part in parts:
        by_alert.setdefault(part.name, []).append(part)
    counts = _counts(tx, wanted, by_alert, unseen) if noisy else {}
    paged_for = Counter(page.incident for page in pages)
    return Gathered(
        cases=cases,
        pages=pages,
        fired=_sampled(tx, wanted, counts, by_alert, paged_for, unseen),
        alerts=len(counts),
        verdicts=verdicts(tx, numbers),
        parts={name: tuple(found) for name, found in by_alert.items()},
        paged_for=paged_for,
        zones={one.id: ZoneInfo(one.time_zone) for one in context.live.current.revision.people.values()},
    )


def verdicts(tx: Tx, numbers: Collection[int]) -> dict[tuple[int, str], Verdict]:
    """Give the last verdict on each alert of these incidents."""
    found = {}
    for number, event in store.judged(tx, numbers, Kind.VERDICT_GIVEN):
        found[number, str(event.data.get("alert"))] = Verdict(str(event.data.get("verdict")))
    return found


def _unseen(context: Context, tx: Tx, briefs: Sequence[Brief]) -> frozenset[int]:
    """Give the private incidents that the seer does not see; of other spans than this, all."""
    if context.seer.everything:
        return frozenset()
    secret = frozenset(store.private(tx))
    near = secret & {brief.id for brief in briefs}
    return secret - {one.id for one in seen(tx, context.seer, store.whole(tx, near))}


def _measured(context: Context, tx: Tx, briefs: Sequence[Brief]) -> dict[int, Measured]:
    """Give the durations of each, worked out anew only where something happened since."""
    memory = context.measures
    found = {brief.id: known for brief in briefs if (known := memory.of(brief.id, brief.seq)) is not None}
    missing = [brief.id for brief in briefs if brief.id not in found]
    events = store.told(tx, missing, KINDS)
    begun = store.began(tx, missing)
    for incident in store.whole(tx, missing):
        first = [_First(0, begun[incident.id])] if incident.id in begun else []
        one = measured(incident, milestones(incident, entries(events[incident.id]), first))
        memory.keep(incident.id, incident.seq, one)
        found[incident.id] = one
    return found


def _case(brief: Brief, lengths: Measured, alerts: frozenset[str]) -> Case:
    return Case(
        number=brief.id,
        opened_at=brief.opened_at,
        severity=brief.severity,
        team=brief.team,
        service=brief.service,
        alerts=alerts,
        measured=lengths,
        acted=was_acted(
            taken=lengths.to_acknowledge is not None
            or brief.acknowledged_at is not None
            or brief.updated_by_people,
            cancelled=brief.phase == Phase.CANCELLED.value,
            over=brief.resolved_at is not None,
        ),
    )


def _pages(tx: Tx, wanted: Asked, numbers: Collection[int], unseen: Collection[int]) -> tuple[Paged, ...]:
    """Give the pages of the span: with filters, those for the incidents in question."""
    among = set(numbers) if wanted.filtered else None
    return tuple(
        Paged(*one)
        for one in paged.pages_between(tx, wanted.start, wanted.end)
        if one.incident not in unseen and (among is None or one.incident in among)
    )


def _counts(
    tx: Tx, wanted: Asked, by_alert: Mapping[str, Sequence[Part]], unseen: Collection[int]
) -> dict[str, int]:
    """Count episodes by alert; with filters, those on the incidents in question: the others are of no team's."""
    if wanted.filtered:
        return {name: sum(part.episodes for part in found) for name, found in by_alert.items()}
    counts = store.fired(tx, wanted.start, wanted.end)
    for part in store.parts(tx, unseen, wanted.start, wanted.end):
        counts[part.name] = counts.get(part.name, 0) - part.episodes
    return {name: count for name, count in counts.items() if count > 0}


def _sampled(
    tx: Tx,
    wanted: Asked,
    counts: Mapping[str, int],
    by_alert: Mapping[str, Sequence[Part]],
    paged_for: Mapping[int, int],
    unseen: Collection[int],
) -> tuple[Fired, ...]:
    """Give the alerts that paged most or fired most, each with a sample of its newest episodes."""
    cost = {name: sum(paged_for.get(part.incident, 0) for part in by_alert.get(name, ())) for name in counts}
    noisy = sorted(counts, key=lambda name: (-cost[name], -counts[name], name))[:NOISY]
    found = []
    for name in noisy:
        newest = store.newest(tx, name, wanted.start, wanted.end, most=SAMPLE)
        mine = {part.incident for part in by_alert.get(name, ())} if wanted.filtered else None
        sample = tuple(
            Sampled(
                length=max(one.ends_at, one.starts_at) - one.starts_at if one.ends_at else None,
                flapping=Flag.FLAPPING.value in one.flags.split(),
            )
            for one in newest
            if one.incident not in unseen and (mine is None or one.incident in mine)
        )
        found.append(Fired(name=name, episodes=counts[name], sample=sample))
    return tuple(found)
