"""One shift taken over by another person, in two steps: what is offered, and the override that makes it so (R13).

An override is made only if the solver says that it changes the shift to exactly what was shown; else nothing is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import JsonObject, Person
from incident_bot.core.oncall import Cover, Override, Replace
from incident_bot.core.oncall import history as solver
from incident_bot.core.oncall.history import Version
from incident_bot.flow import roster
from incident_bot.flow.context import Context
from incident_bot.flow.history import Roster
from incident_bot.flow.oncall.asking import Asking
from incident_bot.flow.oncall.notices import Notices
from incident_bot.flow.views import OverrideView
from incident_bot.store import interventions, outbox
from incident_bot.store.transaction import LostRace, Tx, Unavailable

LONGEST: Final = timedelta(days=35)
"""A shift without an end in sight is taken over for so long."""
RACES_MOST: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is left of one shift, or of a stretch with nobody."""

    schedule: str
    start: datetime
    end: datetime
    people: tuple[str, ...]
    """Empty where nobody answers."""
    why: str
    whole: bool
    """False where it goes on beyond the 35 days that are offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What somebody was shown, and who takes it."""

    person: str | None
    """Whose place is taken; None for a stretch with nobody."""
    by: str
    start: datetime
    end: datetime
    reason: str = ""


def offer(context: Context, schedule: str, *, at: datetime, now: datetime) -> Offer:
    """Give what is left of the shift or gap around this instant, from now on at the earliest; raises NotFound."""
    _in_force(context, schedule)
    start = max(at, now)
    limit = start + LONGEST
    with context.store.read() as tx:
        asked = Roster(context.records, context.live.current, tx)
        shifts = asked.shifts(schedule, start, limit)
        gaps = asked.gaps(schedule, start, limit)
    if shifts and shifts[0].start == start:
        end, people, why = shifts[0].end, shifts[0].people, shifts[0].why
    else:
        end, people, why = gaps[0].end, (), gaps[0].why
    return Offer(schedule=schedule, start=start, end=end, people=people, why=why, whole=end < limit)


def take(
    context: Context, schedule: str, wanted: Take, *, actor: str, key: str | None = None, now: datetime
) -> OverrideView | None:
    """Put `by` in the place of `person` for the rest of the shift, and tell both; None where that is so already.

    Raises NotFound for a schedule that is not in force, and Refused where the shift has changed since it was shown;
    then nothing was done. The same key takes nothing twice.
    """
    _in_force(context, schedule)
    _able(wanted, context.live.current.revision.people, now=now)
    scope = f"take:{actor}"
    for _ in range(RACES_MOST):
        try:
            with context.store.write() as tx:
                if key and interventions.recall(tx, key, scope) is not None:
                    return None
                change = _decided(context, tx, schedule, wanted, now=now)
                if change is None:
                    return None
                made = roster.put_in(context, tx, schedule, change, actor=actor, now=now)
                _tell(context, tx, made, wanted, actor=actor, now=now)
                if key:
                    interventions.remember(tx, key, scope, {"override": made.id}, now=now)
        except LostRace:
            continue
        context.signals.changed()
        context.store.notify()
        return made
    message = "the same shift is being changed by others; try again"
    raise Unavailable(message)


def _able(wanted: Take, people: Mapping[str, Person], *, now: datetime) -> None:
    """Refuse what no state of the schedule could make possible."""
    message = ""
    if not wanted.by:
        message = "Say who takes it; nothing was done."
    elif wanted.by not in people or not people[wanted.by].active:
        message = f"There is no active person {wanted.by[:80]!r} in people.yaml; nothing was done."
    elif wanted.end <= max(wanted.start, now):
        message = "That shift is over; nothing was done."
    elif wanted.end - max(wanted.start, now) > LONGEST:
        message = f"A shift is taken over for at most {LONGEST.days} days at once; nothing was done."
    if message:
        raise Refused(message)


def _decided(context: Context, tx: Tx, schedule: str, wanted: Take, *, now: datetime) -> Override | None:
    """Give the override that does exactly what was shown; None where nothing is left to do."""
    people = context.live.current.revision.people
    start = max(wanted.start, now)
    asked = Roster(context.records, context.live.current, tx)
    versions = asked.versions(schedule, start, wanted.end)
    overrides = asked.overrides(schedule, start)
    before = _through(versions, overrides, start, wanted.end)
    if before is not None and wanted.by in before and wanted.person not in before:
        return None
    if before is None or (wanted.person not in before if wanted.person else before):
        raise Refused(_changed(versions, overrides, start, people))
    after = tuple(dict.fromkeys(wanted.by if one == wanted.person else one for one in before or (wanted.by,)))
    for change in _ways(wanted, after, versions, start=start):
        told = _through(versions, (*overrides, change), start, wanted.end)
        if told is not None and set(told) == set(after):
            return change
    message = (
        f"{_name(wanted.person, people)} is on this shift by an override that cannot be taken over; "
        "end that one instead. Nothing was done."
    )
    raise Refused(message)


def _tell(context: Context, tx: Tx, made: OverrideView, wanted: Take, *, actor: str, now: datetime) -> None:
    """Tell whoever comes and whoever goes; not the one who did it."""
    asking = Asking(context, tx, actor=actor, now=now)
    notices = Notices(context, tx, current=asking.current, now=now)
    for person in {wanted.by, wanted.person} - {actor, None}:
        if person is None or person not in asking.revision.people:
            continue
        span = asking.span(made.start, made.end, schedule=made.schedule, person=person)
        comes = f"{asking.name(actor)} put you on call for {made.schedule}: {span}"
        goes = f"{asking.name(wanted.by)} takes your shift on {made.schedule}: {span}"
        data: JsonObject = {
            "schedule": made.schedule,
            "text": comes if person == wanted.by else goes,
            "lines": [made.reason] if made.reason else [],
            "todo": f"Not what you want? Type: oncall override end {made.id}",
        }
        messages = notices.to_person(person, Moment.SWAP, f"taken:{made.id}", data)
        outbox.add_messages(tx, messages, now=now)


def _in_force(context: Context, schedule: str) -> None:
    if schedule not in context.live.current.revision.schedules:
        message = f"There is no schedule {schedule[:80]!r} in force, so nobody can take a shift of it."
        raise NotFound(message)


def _through(
    versions: Sequence[Version], overrides: Sequence[Override], start: datetime, end: datetime
) -> tuple[str, ...] | None:
    """Give the people who answer the whole span, nobody being (); None where they change within it."""
    found = solver.shifts(versions, overrides, start, end)
    if not found:
        return ()
    if len(found) > 1 or (found[0].start, found[0].end) != (start, end):
        return None
    return found[0].people


def _ways(
    wanted: Take, after: tuple[str, ...], versions: Sequence[Version], *, start: datetime
) -> Iterator[Override]:
    """Give the overrides that may do it, the one that says least first.

    Whoever stands in by an override holds the place of somebody of a layer, and that one is replaced anew.
    """
    reason = " ".join(wanted.reason.replace("\0", "").split())
    if wanted.person is not None:
        schedules = [version.schedule for version in versions if version.schedule is not None]
        others = sorted({person for schedule in schedules for person in schedule.people})
        for person in dict.fromkeys((wanted.person, *others)):
            if person != wanted.by:
                yield Replace(person=person, by=wanted.by, reason=reason, start=start, end=wanted.end)
    yield Cover(people=after, reason=reason, start=start, end=wanted.end)


def _changed(
    versions: Sequence[Version],
    overrides: Sequence[Override],
    start: datetime,
    people: Mapping[str, Person],
) -> str:
    found = solver.who(versions, overrides, start)
    named = ", ".join(_name(one.person, people) for one in found) or "nobody"
    return (
        f"The shift has changed since this page was shown: it begins with {named} now. "
        "Nothing was done; look at the schedule again."
    )


def _name(person: str | None, people: Mapping[str, Person]) -> str:
    known = people.get(person or "")
    return known.name if known is not None else person or "Nobody"
