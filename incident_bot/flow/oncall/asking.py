"""Who asks, on which clock, and about what: the words of a line to people, schedules and shifts. Changes nothing.

A shift is a person's maximal stretch on call on one schedule. It is named by its schedule and the local date on which
it begins, `payments-primary 2026-12-24`, with the time of day where two begin on that date.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.config.documents import nearest
from incident_bot.core.errors import Refused
from incident_bot.core.model import Person
from incident_bot.core.oncall import Shift
from incident_bot.core.oncall.handoffs import held
from incident_bot.flow.commands import arguments
from incident_bot.flow.context import Context
from incident_bot.flow.history import Roster
from incident_bot.flow.oncall import times
from incident_bot.flow.oncall.grammar import FIRST_WORDS
from incident_bot.flow.oncall.times import When
from incident_bot.store.handoffs import Held
from incident_bot.store.transaction import Tx

BACK: Final = timedelta(days=45)
"""How far the beginning of a shift is looked for; one that is longer has none."""
AHEAD: Final = timedelta(days=400)
NAMED: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One shift of one person."""

    schedule: str
    person: str
    start: datetime
    end: datetime
    endless: bool = False
    """It goes on for longer than anybody looks: there is nothing to swap, only a time of it to cover."""


class Asking:
    """One line's asker, for the length of its transaction."""

    def __init__(
        self, context: Context, tx: Tx, *, actor: str, now: datetime, here: str | None = None
    ) -> None:
        """Take the transaction and who asks; `here` is the schedule that they look at."""
        self.context = context
        self.tx = tx
        self.actor = actor
        self.now = now
        self.current = context.live.current
        self.revision = self.current.revision
        self.roster = Roster(context.records, self.current, tx)
        self.here = here if here in self.revision.schedules else None

    def fresh(self) -> Asking:
        """Give the same asker, who sees the overrides that this transaction made."""
        return Asking(self.context, self.tx, actor=self.actor, now=self.now, here=self.here)

    @property
    def me(self) -> Person:
        """Who asks; raises Refused where that is nobody of people.yaml."""
        person = self.revision.people.get(self.actor)
        if person is None:
            message = (
                f"You are {self.actor!r} here, who is nobody in people.yaml; choose your name under `Settings: me` in "
                "the console, send `actor` with the API, or use --as on the command line."
            )
            raise Refused(message)
        return person

    def zone(self, schedule: str | None = None) -> ZoneInfo:
        """Give the clock on which the asker says times: their own, else the schedule's, else UTC."""
        person = self.revision.people.get(self.actor)
        if person is not None:
            return ZoneInfo(person.time_zone)
        found = self.revision.schedules.get(schedule or "")
        return found.zone if found else ZoneInfo("UTC")

    def name(self, person: str) -> str:
        """Give a person's name."""
        known = self.revision.people.get(person)
        return known.name if known else person

    def person(self, word: str) -> Person:
        """Give the active person that a word names; raises Refused with the nearest."""
        found = self.revision.people[arguments.person(word, self.revision.people, actor=self.actor)]
        if not found.active:
            message = f"{found.name} is not active in people.yaml and cannot be put on call."
            raise Refused(message)
        return found

    def schedule(self, words: Sequence[str]) -> str | None:
        """Give the schedule that the first word names, itself or by its team; None where it names none."""
        if not words:
            return None
        wanted = words[0].strip(",").casefold()
        for name in self.revision.schedules:
            if name.casefold() == wanted:
                return name
        for team in self.revision.teams.values():
            if wanted in (team.id.casefold(), team.name.casefold()) and team.schedule:
                return team.schedule
        return None

    def needed_schedule(self, words: Sequence[str]) -> str:
        """Give the schedule that the first word names; raises Refused with the nearest."""
        found = self.schedule(words)
        if found is None:
            known = [*self.revision.schedules, *self.revision.teams]
            message = f"I know no schedule or team {words[0][:40]!r}{nearest(words[0], known)}"
            raise Refused(message if message.endswith("?") else f"{message}.")
        return found

    def unknown(self, word: str) -> Refused:
        """Say that a word means nothing, with what it may have been."""
        named = (*self.revision.schedules, *self.revision.teams)
        hints = (nearest(word, known) for known in (named, FIRST_WORDS, times.WORDS))
        near = next((hint for hint in hints if hint.endswith("?")), "")
        example = next(iter(self.revision.schedules), "now")
        message = (
            f"I do not know {word[:40]!r}{near} Type for example `{example}`, `tomorrow 18:00` or `help`."
        )
        return Refused(message if near else message.replace("' Type", "'. Type"))

    def schedules_of(self, person: str) -> list[str]:
        """Give the schedules on which a person may be on call, now or later."""
        return [
            name
            for name, one in sorted(self.revision.schedules.items())
            if person in one.people
            or any(
                person in override.puts_on
                for override in (*one.overrides, *self.roster.overrides(name, self.now))
            )
        ]

    def duties(
        self, schedule: str, start: datetime, end: datetime, *, people: Iterable[str] | None = None
    ) -> list[Duty]:
        """Give the shifts on a schedule that overlap `[start, end)` and are not over, the earliest first."""
        low, high = start - BACK, end + BACK
        shifts: Sequence[Shift] = self.roster.shifts(schedule, low, high)
        wanted = (
            list(people) if people is not None else sorted({one for shift in shifts for one in shift.people})
        )
        found = [
            Duty(
                schedule=schedule, person=person, start=first, end=last, endless=last >= high or first <= low
            )
            for person in wanted
            for first, last in held(shifts, person)
            if first < end and last > max(start, self.now)
        ]
        return sorted(found, key=lambda one: (one.start, one.person))

    def duty(self, words: Sequence[str], *, people: Sequence[str] | None, example: str) -> tuple[Duty, int]:
        """Give the one shift that the words name, of these people or of anybody, and how many words it took.

        Raises Refused where there is none, or more than one, naming those that there are.
        """
        schedule = self.schedule(words)
        used = 0 if schedule is None else 1
        if schedule is None and people is None:
            if words and times.read(words, self.zone(), now=self.now) is None:
                self.needed_schedule(words)
            message = f"Which schedule? Type for example `{example}`."
            raise Refused(message)
        names = (
            [schedule]
            if schedule
            else sorted({name for person in people or () for name in self.schedules_of(person)})
        )
        rest = words[used:]
        word = rest[0].casefold() if rest else ""
        if word in ("now", "next"):
            every = [
                duty
                for name in names
                for duty in self.duties(name, self.now, self.now + AHEAD, people=people)
            ]
            begun = [duty for duty in every if (duty.start <= self.now) is (word == "now")]
            first = min((duty.start for duty in begun), default=None)
            candidates = [duty for duty in begun if word == "now" or duty.start == first]
            return self._only(candidates, names, people, rest[0], example), used + 1
        own = times.read(rest, self.zone(schedule), now=self.now)
        if own is None:
            message = (
                f"Which shift? Name its schedule and the day it begins, as in `{example}`; `me` lists yours."
            )
            raise Refused(message)
        found: dict[tuple[str, str, datetime], Duty] = {}
        for name in names:
            there = times.read(rest, self.revision.schedules[name].zone, now=self.now)
            for when in {own[0], there[0] if there else own[0]}:
                for duty in self._beginning(name, when, people):
                    found[duty.schedule, duty.person, duty.start] = duty
        said = " ".join(rest[: own[1]])
        return self._only(list(found.values()), names, people, said, example), used + own[1]

    def _beginning(self, schedule: str, when: When, people: Sequence[str] | None) -> list[Duty]:
        end = when.end or when.start + timedelta(minutes=1)
        return [
            one
            for one in self.duties(schedule, when.start, end, people=people)
            if when.start <= one.start < end
        ]

    def _only(
        self,
        found: Sequence[Duty],
        names: Sequence[str],
        people: Sequence[str] | None,
        said: str,
        example: str,
    ) -> Duty:
        if len(found) == 1:
            if found[0].endless:
                message = (
                    f"{self.name(found[0].person)} is on call for {found[0].schedule} with no end in sight: there is "
                    "no shift to give away. Cover a time of it: `cover me fri 18:00 8h`, or "
                    "`override @dan fri 18:00 8h`."
                )
                raise Refused(message)
            return found[0]
        if found:
            shown = "; ".join(f"`{self.label(one, exact=True)}` ({one.person})" for one in found[:NAMED])
            message = (
                f"{said!r} may be several: {shown}. Name the one, with `for @name` where they begin together."
            )
            raise Refused(message)
        ahead = [
            duty for name in names for duty in self.duties(name, self.now, self.now + 4 * BACK, people=people)
        ]
        ahead.sort(key=lambda one: one.start)
        shown = ", ".join(f"`{self.label(one)}`" for one in ahead[:NAMED])
        whose = f"{self.name(people[0])} has" if people else "There is"
        hint = f"There are {shown}." if shown else f"Type for example `{example}`."
        message = f"{whose} no shift to come that begins at {said!r}. {hint}"
        raise Refused(message)

    def still(self, given: Held, giver: str) -> bool:
        """Say whether what is left of a time is the giver's, whole."""
        left = [(max(start, self.now), end) for start, end in given.spans if end > self.now]
        return all(held(self.roster.shifts(given.schedule, *span), giver) == (span,) for span in left)

    def label(self, duty: Duty, *, exact: bool = False) -> str:
        """Give the name of a shift: its schedule and the date on which it begins, on the schedule's clock."""
        local = duty.start.astimezone(self.revision.schedules[duty.schedule].zone)
        return f"{duty.schedule} {local:%Y-%m-%d %H:%M}" if exact else f"{duty.schedule} {local:%Y-%m-%d}"

    def span(
        self, start: datetime, end: datetime, *, schedule: str | None = None, person: str | None = None
    ) -> str:
        """Write a stretch of time on a person's clock, the asker's where nobody is named, with its zone."""
        known = self.revision.people.get(person or self.actor)
        zone = ZoneInfo(known.time_zone) if known else self.zone(schedule)
        first, last = start.astimezone(zone), end.astimezone(zone)
        left = _written(first, self.now.astimezone(zone).year)
        zoned = left if first.tzname() == last.tzname() else f"{left} {first:%Z}"
        if first.date() == last.date():
            return f"{zoned} – {last:%H:%M %Z}"
        return f"{zoned} – {_written(last, first.year)} {last:%Z}"

    def clock(self, instant: datetime, schedule: str | None = None) -> str:
        """Write an instant on the asker's clock, with its zone."""
        local = instant.astimezone(self.zone(schedule))
        return f"{_written(local, self.now.astimezone(self.zone(schedule)).year)} {local:%Z}"


def _written(local: datetime, year: int) -> str:
    of_year = "" if local.year == year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{of_year} {local:%H:%M}"
