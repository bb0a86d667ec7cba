"""Who is on call, when nobody is, and the overrides that people make at run time (R1, R13, R15). Audited.

Reads through `flow.history`, as paging does. What has passed is never edited: an override is made, cut off now, or
taken back before it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.config.documents import nearest
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import JsonObject, Person, rfc3339
from incident_bot.core.oncall import Add, Cover, Override, Remove, Replace
from incident_bot.flow.context import Context
from incident_bot.flow.history import Roster
from incident_bot.flow.permissions import need_schedule
from incident_bot.flow.views import GapView, OnCallView, OverrideView, ScheduleView, ShiftView
from incident_bot.store import handoffs, interventions
from incident_bot.store.interventions import StoredOverride
from incident_bot.store.transaction import LostRace, Tx, Unavailable

LONGEST: Final = timedelta(days=366)
LATE: Final = timedelta(minutes=5)
"""A start that has passed by no more than this means now."""
KEY_MOST: Final = 200
RACES_MOST: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The override that somebody asks for, in the keys of the files; exactly one of the four kinds."""

    cover: tuple[str, ...] | None = None
    replace: str | None = None
    by: str | None = None
    remove: str | None = None
    add: tuple[str, ...] | None = None
    start: datetime | None = None
    """None means now."""
    end: datetime
    reason: str = ""
    nobody: bool = False
    """What an empty cover needs, with a reason."""


def on_call(context: Context, *, schedule: str | None = None, at: datetime) -> list[OnCallView]:
    """Give who is on call, by schedule, with the stretch in which they answer for the same reason.

    By the revision and the overrides in force at the instant (R15). Raises NotFound for a schedule that never was.
    """
    people = context.live.current.revision.people
    with _asking(context) as roster:
        if schedule is not None:
            _known(context, roster, schedule)
        found: list[OnCallView] = []
        for name in [schedule] if schedule is not None else roster.names(at):
            for answer in roster.who(name, at):
                since, until = roster.stretch(name, at, answer.person)
                person = people.get(answer.person)
                found.append(
                    OnCallView(
                        schedule=name,
                        person=answer.person,
                        name=person.name if person else answer.person,
                        why=answer.why,
                        since=since,
                        until=until,
                    )
                )
    return found


def shifts(context: Context, schedule: str, *, start: datetime, end: datetime) -> list[ShiftView]:
    """Give a schedule's shifts in `[start, end)`, each instant by what was in force then; raises NotFound."""
    with _asking(context) as roster:
        _known(context, roster, schedule)
        found = roster.shifts(schedule, start, end)
    return [ShiftView(start=one.start, end=one.end, people=one.people, why=one.why) for one in found]


def gaps(context: Context, schedule: str, *, start: datetime, end: datetime) -> list[GapView]:
    """Give the stretches of `[start, end)` in which nobody answers (R14); raises NotFound."""
    with _asking(context) as roster:
        _known(context, roster, schedule)
        found = roster.gaps(schedule, start, end)
    return [GapView(start=one.start, end=one.end, deliberate=one.deliberate, why=one.why) for one in found]


def schedules(context: Context) -> list[ScheduleView]:
    """Give the schedules of the configuration in force, by name."""
    return [
        ScheduleView(
            name=one.name,
            time_zone=one.zone.key,
            layers=tuple(
                layer.name for layer in sorted(one.layers, key=lambda layer: layer.priority, reverse=True)
            ),
            people=tuple(sorted(one.people)),
        )
        for _, one in sorted(context.live.current.revision.schedules.items())
    ]


def overrides(
    context: Context, schedule: str, *, start: datetime, end: datetime | None = None, now: datetime
) -> list[OverrideView]:
    """Give the overrides made at run time that overlap `[start, end)`, the newest last; raises NotFound.

    Without an end, all that are not over at the start. Cancelled ones are among them, at the span that they were
    made for. Those of the files are not: they have no number.
    """
    with context.store.read() as tx:
        _known(context, Roster(context.records, context.live.current, tx), schedule)
        found = interventions.overrides(tx, schedule, start, end, cancelled=True)
    people = context.live.current.revision.people
    return [_shown(one, people, now=now) for one in found]


def make_override(
    context: Context, schedule: str, wanted: Wanted, *, actor: str, key: str | None = None, now: datetime
) -> OverrideView:
    """Change who answers for a time that begins now or later (R13); with the same key it is made once.

    Raises NotFound for a schedule that is not in force, and Refused with what to write instead; then nothing has
    changed.
    """
    revision = context.live.current.revision
    if schedule not in revision.schedules:
        raise NotFound(_no_schedule(schedule, sorted(revision.schedules)))
    need_schedule(context, schedule, who=actor)
    if key is not None and not 0 < len(key) <= KEY_MOST:
        message = f"An Idempotency-Key has 1 to {KEY_MOST} characters."
        raise Refused(message)
    said, scope = f"{schedule} {sorted(asdict(wanted).items())}", f"override:{actor}"

    def made(tx: Tx) -> StoredOverride:
        known = interventions.recall(tx, key, scope) if key is not None else None
        if known is not None:
            return _recalled(tx, known, said)
        saved = _put(tx, schedule, _change(wanted, revision.people, now=now), actor=actor, now=now)
        if key is not None:
            interventions.remember(tx, key, scope, {"said": said, "override": saved.id}, now=now)
        return saved

    for _ in range(RACES_MOST):
        try:
            with context.store.write() as tx:
                saved = made(tx)
        except LostRace:
            continue
        return _shown(saved, revision.people, now=now)
    message = "the same override is being made by others; try again"
    raise Unavailable(message)


def end_override(
    context: Context, number: int, *, schedule: str | None = None, actor: str, now: datetime
) -> OverrideView:
    """Cut an override off now, or cancel it where it has not begun (R13).

    Raises NotFound where there is none of that number, on that schedule where one is named, and Refused where it is
    over already: the past is not edited.
    """
    with context.store.write() as tx:
        return end_in(context, tx, number, schedule=schedule, actor=actor, now=now)


def override_in(
    context: Context, tx: Tx, schedule: str, wanted: Wanted, *, actor: str, now: datetime
) -> OverrideView:
    """Do as `make_override`, within a transaction of the caller's, for a schedule that is in force."""
    need_schedule(context, schedule, who=actor)
    change = _change(wanted, context.live.current.revision.people, now=now)
    return put_in(context, tx, schedule, change, actor=actor, now=now)


def put_in(
    context: Context, tx: Tx, schedule: str, change: Override, *, actor: str, now: datetime
) -> OverrideView:
    """Add an override as it is, within a transaction of the caller's who answers for it."""
    saved = _put(tx, schedule, change, actor=actor, now=now)
    return _shown(saved, context.live.current.revision.people, now=now)


def end_in(
    context: Context, tx: Tx, number: int, *, schedule: str | None = None, actor: str, now: datetime
) -> OverrideView:
    """Do as `end_override`, within a transaction of the caller's."""
    found = interventions.override(tx, number, lock=True) if 0 < number < 2**63 else None
    if found is None or schedule not in (None, found.schedule):
        where = f" on {schedule[:80]}" if schedule is not None else ""
        message = f"There is no override {number}{where}; list the schedule's overrides to see their numbers."
        raise NotFound(message)
    need_schedule(context, found.schedule, who=actor)
    ended = interventions.end_override(tx, number, by=actor, now=now)
    if ended is None:
        raise Refused(_over(found))
    action = "override.cancelled" if ended.cancelled else "override.ended"
    planned = {"planned_end": rfc3339(found.change.end)}
    interventions.record(
        tx,
        actor,
        action,
        {**_recorded(ended), **planned},
        before=_recorded(found),
        after=_recorded(ended),
        now=now,
    )
    handoffs.hasten(tx, found.schedule, now=now)
    return _shown(ended, context.live.current.revision.people, now=now)


def _put(tx: Tx, schedule: str, change: Override, *, actor: str, now: datetime) -> StoredOverride:
    saved = interventions.add_override(tx, schedule, change, by=actor, now=now)
    interventions.record(tx, actor, "override.added", _recorded(saved), after=_recorded(saved), now=now)
    # Last, so that whoever looks for hand-offs now waits for this change, or comes again (`store.handoffs.lock`).
    handoffs.hasten(tx, schedule, now=now)
    return saved


@contextmanager
def _asking(context: Context) -> Iterator[Roster]:
    with context.store.read() as tx:
        yield Roster(context.records, context.live.current, tx)


def _known(context: Context, roster: Roster, schedule: str) -> None:
    if not roster.is_known(schedule):
        raise NotFound(_no_schedule(schedule, sorted(context.live.current.revision.schedules)))


def _no_schedule(name: str, known: Sequence[str]) -> str:
    hint = nearest(name, known)
    return f"There is no schedule {name[:80]!r}{hint}{'' if hint.endswith('?') else '.'}"


def _change(wanted: Wanted, people: Mapping[str, Person], *, now: datetime) -> Override:
    """Give the override as the rules take it; raises Refused."""
    start = wanted.start or now
    if now - LATE <= start < now:
        # Whoever says "from now" says it a moment before we read it.
        start = now
    if start < now:
        message = "An override cannot begin in the past; leave out start to begin now."
        raise Refused(message)
    if wanted.end - start > LONGEST:
        message = f"An override lasts at most {LONGEST.days} days; what is to stay belongs into the schedule's file."
        raise Refused(message)
    _one_kind(wanted)
    reason = " ".join(wanted.reason.split())
    try:
        if wanted.cover is not None:
            covering = _on(wanted.cover, people)
            return Cover(people=covering, nobody=wanted.nobody, start=start, end=wanted.end, reason=reason)
        if wanted.replace is not None and wanted.by is not None:
            (person,), (by,) = _named([wanted.replace], people), _on([wanted.by], people)
            return Replace(person=person, by=by, start=start, end=wanted.end, reason=reason)
        if wanted.remove is not None:
            (person,) = _named([wanted.remove], people)
            return Remove(person=person, start=start, end=wanted.end, reason=reason)
        return Add(people=_on(wanted.add or (), people), start=start, end=wanted.end, reason=reason)
    except ValueError as error:
        message = f"{str(error)[:1].upper()}{str(error)[1:]}."
        raise Refused(message) from error


def _one_kind(wanted: Wanted) -> None:
    said = [kind for kind in ("cover", "replace", "remove", "add") if getattr(wanted, kind) is not None]
    if not said:
        message = (
            "Say what it does: cover: [NAME], replace: NAME with by: NAME, remove: NAME, or add: [NAME]."
        )
        raise Refused(message)
    if len(said) > 1:
        message = f"It says both {said[0]} and {said[1]}; make two overrides, the newer one last."
        raise Refused(message)
    if (wanted.replace is None) is not (wanted.by is None):
        message = "replace and by go together: replace: NAME, by: NAME."
        raise Refused(message)
    if wanted.nobody and wanted.cover is None:
        message = "nobody: true goes with cover: []; take it out."
        raise Refused(message)


def _named(words: Sequence[str], people: Mapping[str, Person]) -> tuple[str, ...]:
    by_case = {name.casefold(): name for name in people}
    found: list[str] = []
    for word in words:
        name = by_case.get(word.strip().removeprefix("@").casefold())
        if name is None:
            hint = nearest(word, people)
            message = f"There is nobody called {word[:80]!r} in people.yaml{hint}{'' if hint.endswith('?') else '.'}"
            raise Refused(message)
        found.append(name)
    return tuple(dict.fromkeys(found))


def _on(words: Sequence[str], people: Mapping[str, Person]) -> tuple[str, ...]:
    """Give whom an override puts on call: an inactive person would make the rules ignore it whole (R13)."""
    found = _named(words, people)
    active = [name for name, person in people.items() if person.active]
    for name in found:
        if name not in active:
            hint = nearest(name, active)
            message = f"{name} is not active in people.yaml and cannot be put on call{hint}"
            raise Refused(message + ("" if hint.endswith("?") else "."))
    return found


def _recalled(tx: Tx, known: JsonObject, said: str) -> StoredOverride:
    number = known.get("override")
    found = interventions.override(tx, number) if isinstance(number, int) else None
    if known.get("said") != said or found is None:
        message = "This Idempotency-Key was used for another override; use a new one."
        raise Refused(message)
    return found


def _over(found: StoredOverride) -> str:
    if found.cancelled:
        return f"Override {found.id} was taken back by {found.ended_by} before it began; there is nothing to end."
    return (
        f"Override {found.id} ended at {rfc3339(found.change.end)}; what has passed is not edited. "
        "Make a new one for what is to come."
    )


def _state(stored: StoredOverride, now: datetime) -> str:
    if stored.cancelled:
        return "cancelled"
    if now < stored.change.start:
        return "planned"
    return "running" if now < stored.change.end else "ended"


def _shown(
    stored: StoredOverride, people: Mapping[str, Person] | None = None, *, now: datetime
) -> OverrideView:
    """Give what outsiders see; whether it is ignored only where the people of today are given."""
    puts_on = [people.get(name) for name in stored.change.puts_on] if people is not None else []
    said = _said(stored.change)
    return OverrideView(
        id=stored.id,
        schedule=stored.schedule,
        cover=said.cover,
        replace=said.replace,
        by=said.by,
        remove=said.remove,
        add=said.add,
        start=stored.change.start,
        end=stored.change.end,
        reason=said.reason,
        nobody=said.nobody,
        state=_state(stored, now),
        ignored=any(person is None or not person.active for person in puts_on),
        created_by=stored.created_by,
        created_at=stored.created_at,
        ended_by=stored.ended_by,
        ended_at=stored.ended_at,
    )


def _said(change: Override) -> Wanted:
    """Give a stored override in the keys of the files."""
    plain = Wanted(start=change.start, end=change.end, reason=change.reason)
    match change:
        case Cover(people=people, nobody=nobody):
            return replace(plain, cover=people, nobody=nobody)
        case Replace(person=person, by=by):
            return replace(plain, replace=person, by=by)
        case Remove(person=person):
            return replace(plain, remove=person)
        case Add(people=people):
            return replace(plain, add=people)


def _recorded(stored: StoredOverride) -> JsonObject:
    said = {name: value for name, value in asdict(_said(stored.change)).items() if value is not None}
    for name, value in said.items():
        said[name] = rfc3339(value) if isinstance(value, datetime) else value
    return {"id": stored.id, "schedule": stored.schedule, **said}
