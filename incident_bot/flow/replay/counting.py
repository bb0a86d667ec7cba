"""Counts what went out: by person, by hour of each person's own clock, by alert. Reads only.

A page counts once a step, however many channels told of it, as in the report on who carried how much; the note to
somebody whose page came too late counts for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.effects import PageKind
from incident_bot.core.model import Episode, Incident, Person
from incident_bot.core.oncall.load import is_night
from incident_bot.core.routing import title
from incident_bot.flow.context import Context
from incident_bot.flow.replay.recordings import Skipped
from incident_bot.flow.replay.views import Hours, NoisyView, PagedView, PersonView, ReplayView
from incident_bot.store import alerts, incidents, outbox
from incident_bot.store.outbox import OutboxRow
from incident_bot.store.transaction import Tx

NOISIEST: Final = 20
_BATCH: Final = 500
_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Told:
    """One page: its first row, and the channels that told of it."""

    row: OutboxRow
    at: datetime
    channels: tuple[str, ...]


def replayed(
    context: Context,
    *,
    start: datetime,
    end: datetime,
    deliveries: int,
    skipped: Sequence[Skipped] = (),
) -> ReplayView:
    """Give what a replay brought, from the database that it ran on."""
    people = context.live.current.revision.people
    with context.store.read() as tx:
        pages = told(tx, start, end)
        opened = {one.id: one for one in opened_between(tx, start, end)}
        fired = [
            one for one in _episodes(tx) if one.incident_id is not None or one.closed_at != one.opened_at
        ]
    counted = by_person(pages, people)
    return ReplayView(
        start=start,
        end=end,
        deliveries=deliveries,
        skipped=tuple(skipped),
        alerts=len(fired),
        incidents=len(opened),
        pages=len(pages),
        night_pages=sum(one.night_pages for one in counted),
        hours=together(counted),
        people=counted,
        noisiest=_noisiest(fired, pages),
        paged=tuple(_paged(page, opened[page.row.incident_id or 0], people) for page in pages),
    )


def told(tx: Tx, start: datetime, end: datetime) -> list[Told]:
    """Give every page that went out in `[start, end)`, once a step and person, in order."""
    steps: dict[tuple[object, ...], list[OutboxRow]] = {}
    for row in outbox.sent_pages(tx, start, end):
        if row.person is not None and row.page_kind is not PageKind.NOTE:
            step = row.incident_id, row.person, row.epoch, row.loop, row.step, row.page_kind
            steps.setdefault(step, []).append(row)
    return [
        Told(rows[0], rows[0].sent_at or rows[0].due_at, tuple(dict.fromkeys(row.via for row in rows)))
        for rows in steps.values()
    ]


def opened_between(tx: Tx, start: datetime, end: datetime) -> Iterator[Incident]:
    """Give the incidents that opened in `[start, end)`, the newest first."""
    before: int | None = None
    while found := incidents.list_incidents(tx, before_id=before, limit=_BATCH):
        yield from (one for one in found if start <= one.opened_at < end)
        before = found[-1].id


def by_person(pages: Sequence[Told], people: Mapping[str, Person]) -> tuple[PersonView, ...]:
    """Count the pages of each, whoever was paged most first."""
    mine: dict[str, list[Told]] = {}
    for page in pages:
        mine.setdefault(page.row.person or "", []).append(page)
    views = [_person(person, found, people) for person, found in mine.items()]
    return tuple(sorted(views, key=lambda one: (-one.pages, one.person)))


def by_alert(tx: Tx, pages: Sequence[Told]) -> Counter[str]:
    """Count the pages by the name of the alert; a page counts for every alert of its incident."""
    counted: Counter[str] = Counter()
    for number, count in Counter(page.row.incident_id for page in pages).items():
        episodes = alerts.episodes_of_incident(tx, number) if number is not None else []
        counted.update(dict.fromkeys((_alert(one) for one in episodes), count))
    return counted


def together(counted: Sequence[PersonView]) -> Hours:
    """Give everybody's pages by hour."""
    return tuple(sum(one.hours[hour] for one in counted) for hour in range(_HOURS))


def name_of(person: str, people: Mapping[str, Person]) -> str:
    """Give how people call somebody; the id of whoever is not in people.yaml."""
    return people[person].name if person in people else person


def _zone(person: str, people: Mapping[str, Person]) -> ZoneInfo:
    return ZoneInfo(people[person].time_zone if person in people else "UTC")


def _person(person: str, pages: Sequence[Told], people: Mapping[str, Person]) -> PersonView:
    zone = _zone(person, people)
    hours = Counter(page.at.astimezone(zone).hour for page in pages)
    return PersonView(
        person=person,
        name=name_of(person, people),
        time_zone=zone.key,
        pages=len(pages),
        night_pages=sum(is_night(page.at, zone) for page in pages),
        hours=tuple(hours[hour] for hour in range(_HOURS)),
    )


def _paged(page: Told, incident: Incident, people: Mapping[str, Person]) -> PagedView:
    row, person = page.row, page.row.person or ""
    zone = _zone(person, people)
    kind = row.page_kind or PageKind.STEP
    return PagedView(
        at=page.at,
        local=f"{page.at.astimezone(zone):%Y-%m-%d %H:%M %Z}",
        night=is_night(page.at, zone),
        person=person,
        name=name_of(person, people),
        channels=page.channels,
        incident=incident.name,
        title=incident.title,
        severity=incident.severity,
        step=row.step + 1 if kind is PageKind.STEP else kind.value,
        loop=row.loop,
        reason=row.reason,
    )


def _episodes(tx: Tx) -> Iterator[Episode]:
    before: int | None = None
    while found := alerts.list_episodes(tx, before_id=before, limit=_BATCH):
        yield from found
        before = found[-1].id


def _alert(episode: Episode) -> str:
    return episode.labels.get("alertname") or title(episode.labels, episode.annotations)


def _noisiest(fired: Sequence[Episode], pages: Sequence[Told]) -> tuple[NoisyView, ...]:
    paged = Counter(page.row.incident_id for page in pages)
    firings: Counter[str] = Counter()
    belongs: dict[str, set[int]] = {}
    for episode in fired:
        name = _alert(episode)
        firings[name] += 1
        found = belongs.setdefault(name, set())
        if episode.incident_id is not None:
            found.add(episode.incident_id)
    views = [
        NoisyView(
            alert=name,
            firings=count,
            incidents=len(belongs[name]),
            pages=sum(paged[number] for number in belongs[name]),
        )
        for name, count in firings.items()
    ]
    ordered = sorted(views, key=lambda one: (-one.pages, -one.firings, one.alert))
    return tuple(one for place, one in enumerate(ordered) if one.pages or place < NOISIEST)
