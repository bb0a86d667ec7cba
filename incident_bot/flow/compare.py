"""What a configuration changes for the people on call, against another one or one on record. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.config.recorded import RosterReader
from incident_bot.config.revision import Revision
from incident_bot.core.errors import NotFound
from incident_bot.core.oncall.diff import Side, compare
from incident_bot.core.walltime import Span
from incident_bot.store import interventions
from incident_bot.store.engine import Store

PREFIX_LEAST: Final = 4

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanView:
    """One stretch on call, also on the person's own clock."""

    start: datetime
    end: datetime
    local_start: str
    local_end: str
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """What one person gains and loses on one schedule."""

    schedule: str
    person: str
    name: str
    time_zone: str
    gained: float
    lost: float
    """Both in hours."""
    gains: tuple[SpanView, ...]
    loses: tuple[SpanView, ...]


def side_of(revision: Revision) -> Side:
    """Give what a checked configuration says about who is on call."""
    inactive = frozenset(person.id for person in revision.people.values() if not person.active)
    return Side(schedules=revision.schedules, inactive=inactive)


def side_on_record(store: Store, prefix: str, *, now: datetime) -> tuple[str, Side]:
    """Give the newest configuration on record whose id begins so, with its id; raises NotFound.

    A schedule in it that this release can no longer read is left out.
    """
    with store.read() as tx:
        known = interventions.activations(tx)
        chosen = [one for one in known if len(prefix) >= PREFIX_LEAST and one.digest.startswith(prefix)]
        if not chosen:
            message = (
                f"{prefix[:80]!r} is neither a directory nor a revision on record; give a directory, or the first "
                f"{PREFIX_LEAST} or more characters of a revision's id"
            )
            raise NotFound(message)
        documents = interventions.documents_of(tx, chosen[-1].number)
    texts = {path: str(text) for path, text in documents.items()}
    read = RosterReader().read(chosen[-1].digest, texts, now)
    return chosen[-1].id, Side(schedules=read.schedules, inactive=read.inactive)


def changes(old: Side, new: Revision, *, start: datetime, end: datetime) -> list[ChangeView]:
    """Give who gains and loses what in `[start, end)` by the new configuration; overrides made at run time aside."""
    return [
        ChangeView(
            schedule=change.schedule,
            person=change.person,
            name=new.people[change.person].name if change.person in new.people else change.person,
            time_zone=_zone(new, change.person).key,
            gained=round(change.gained / _HOUR, 2),
            lost=round(change.lost / _HOUR, 2),
            gains=_spans(change.gains, _zone(new, change.person)),
            loses=_spans(change.loses, _zone(new, change.person)),
        )
        for change in compare(old, side_of(new), start, end)
    ]


def _zone(revision: Revision, person: str) -> ZoneInfo:
    known = revision.people.get(person)
    return ZoneInfo(known.time_zone if known else "UTC")


def _spans(spans: tuple[Span, ...], zone: ZoneInfo) -> tuple[SpanView, ...]:
    return tuple(
        SpanView(
            start=start,
            end=end,
            local_start=f"{start.astimezone(zone):%a %Y-%m-%d %H:%M}",
            local_end=f"{end.astimezone(zone):%a %Y-%m-%d %H:%M}",
            hours=round((end - start) / _HOUR, 2),
        )
        for start, end in spans
    )
