"""What each schedule was, and when: the configurations on record, and the overrides made at run time (R13, R15).

Paging, `/oncall`, previews and calendars all ask a `Roster`, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from incident_bot.config.recorded import RosterReader, Rosters
from incident_bot.core.oncall import Answer, Gap, Override, Schedule, Shift, history
from incident_bot.core.oncall.history import Version
from incident_bot.core.oncall.mirrored import Mirror
from incident_bot.core.walltime import EARLIEST, HORIZON, LATEST
from incident_bot.flow.configure import Current
from incident_bot.store import interventions
from incident_bot.store.mirrors import mirrors
from incident_bot.store.transaction import Tx


class Records:
    """The configurations that were in force, as far as somebody asked for them; shared by all threads."""

    def __init__(self, *, kept: bool = True) -> None:
        """Read what the database keeps; with `kept=False` there is none, and what is in force always was."""
        self.kept = kept
        self.reader = RosterReader()


@dataclass(frozen=True, slots=True)
class _Activation:
    revision: str
    start: datetime
    read: Callable[[], Rosters]


class Roster:
    """Who answers on each schedule, for the length of one transaction: one query a schedule for who answers now."""

    def __init__(self, records: Records, current: Current, tx: Tx) -> None:
        """Take the records, the configuration in force and the transaction."""
        self._records = records
        self._current = current
        self._tx = tx
        self._overrides: dict[str, tuple[datetime, tuple[Override, ...]]] = {}
        self._activations: list[_Activation] | None = None
        self._mirrors: dict[str, Mirror] = {}
        revision = current.revision
        inactive = frozenset(person.id for person in revision.people.values() if not person.active)
        people = frozenset(revision.people)
        self._rosters = Rosters(schedules=revision.schedules, inactive=inactive, people=people)

    def who(self, schedule: str, instant: datetime) -> tuple[Answer, ...]:
        """Give the people on call at the instant, each with the reason; nobody where there is no such schedule."""
        return history.who(self.versions(schedule, instant), self.overrides(schedule, instant), instant)

    def mirror(self, schedule: str) -> Mirror:
        """Give what PagerDuty last said of a schedule of its own, by the id that it has there; asks nobody."""
        if schedule not in self._mirrors:
            found = mirrors(self._tx, [schedule]) if self._records.kept else {}
            self._mirrors[schedule] = found.get(schedule, Mirror(schedule=schedule))
        return self._mirrors[schedule]

    def stretch(
        self, schedule: str, instant: datetime, person: str
    ) -> tuple[datetime | None, datetime | None]:
        """Give since when and until when this person answers for the reason that holds at the instant.

        ValueError where the person is not on call then.
        """
        start, end = _around(instant)
        versions, overrides = self.versions(schedule, start, end), self.overrides(schedule, start)
        return history.stretch(versions, overrides, instant, person)

    def shifts(self, schedule: str, start: datetime, end: datetime) -> tuple[Shift, ...]:
        """Give the maximal stretches of `[start, end)` with one set of people."""
        return history.shifts(
            self.versions(schedule, start, end), self.overrides(schedule, start), start, end
        )

    def gaps(self, schedule: str, start: datetime, end: datetime) -> tuple[Gap, ...]:
        """Give the maximal stretches of `[start, end)` with nobody."""
        return history.gaps(self.versions(schedule, start, end), self.overrides(schedule, start), start, end)

    def names(self, instant: datetime) -> list[str]:
        """Give every schedule of the configurations that may answer at the instant, sorted."""
        if instant >= self._current.activated_at:
            return sorted(self._rosters.schedules)
        return sorted({name for one in self._all() for name in one.read().schedules})

    def is_known(self, schedule: str) -> bool:
        """Say whether any configuration on record has the schedule."""
        if schedule in self._rosters.schedules:
            return True
        return any(schedule in one.read().schedules for one in self._all())

    def overrides(self, schedule: str, start: datetime) -> tuple[Override, ...]:
        """Give the schedule's overrides that are not over at the start, the newest last (R13)."""
        if not self._records.kept:
            return ()
        since, known = self._overrides.get(schedule, (LATEST, ()))
        if start < since:
            found = interventions.overrides(self._tx, schedule, start)
            known = tuple(one.change for one in found)
            self._overrides[schedule] = (start, known)
        return known

    def versions(self, schedule: str, start: datetime, end: datetime | None = None) -> Sequence[Version]:
        """Give what the schedule was in `[start, end)`, or at the start alone, oldest first (R15)."""
        named = frozenset(person for one in self.overrides(schedule, start) for person in one.puts_on)
        if start >= self._current.activated_at or not self._records.kept:
            # What pages is what is in force here, and nothing comes after it.
            found = self._rosters.schedules.get(schedule)
            return (_version(found, self._rosters, named, self._current.revision.id, EARLIEST),)
        every = self._all()
        until = end or start
        first = max((number for number, one in enumerate(every) if one.start <= start), default=0)
        last = max((number for number, one in enumerate(every) if one.start <= until), default=0)
        chosen = list(range(first, last + 1))
        if not self._has(every[first], schedule):
            # The first that has it answers for all time before it; where an earlier one had it, nobody does.
            elsewhere = (*range(first - 1, -1, -1), *range(last + 1, len(every)))
            if (other := next((n for n in elsewhere if self._has(every[n], schedule)), None)) is not None:
                chosen = sorted({*chosen, other})
        versions: list[Version] = []
        for one in (every[number] for number in chosen):
            rosters = one.read()
            if schedule not in rosters.unreadable:
                found = rosters.schedules.get(schedule)
                versions.append(_version(found, rosters, named, one.revision, one.start))
        return versions

    def _all(self) -> list[_Activation]:
        """Give every activation, oldest first; the last is that of the configuration in force here."""
        if self._activations is None:
            recorded = interventions.activations(self._tx) if self._records.kept else []
            revision = self._current.revision
            every = [_Activation(one.id, one.activated_at, partial(self._read, one)) for one in recorded]
            if not recorded or recorded[-1].digest != revision.digest:
                start = max([self._current.activated_at, *(one.activated_at for one in recorded[-1:])])
                every.append(_Activation(revision.id, start, lambda: self._rosters))
            self._activations = every
        return self._activations

    def _read(self, one: interventions.Activation) -> Rosters:
        if one.digest == self._current.revision.digest:
            return self._rosters
        reader = self._records.reader
        known = reader.known(one.digest, one.activated_at)
        if known is None:
            documents = interventions.documents_of(self._tx, one.number)
            texts = {path: str(text) for path, text in documents.items()}
            known = reader.read(one.digest, texts, one.activated_at)
        return known

    @staticmethod
    def _has(one: _Activation, schedule: str) -> bool:
        return schedule in one.read().schedules


def _version(
    schedule: Schedule | None, rosters: Rosters, named: frozenset[str], revision: str, start: datetime
) -> Version:
    """Give the version; of those whom overrides name, who is in people.yaml no more is on call no more (R13)."""
    gone = named - rosters.people if rosters.people is not None else frozenset[str]()
    return Version(schedule=schedule, inactive=rosters.inactive | gone, revision=revision, start=start)


def _around(instant: datetime) -> tuple[datetime, datetime]:
    return max(instant, EARLIEST + HORIZON) - HORIZON, min(instant, LATEST - HORIZON) + HORIZON
