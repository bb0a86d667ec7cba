"""Stage 4: who is to be reminded of what an incident owes, and when. Sends nothing, reads no clock.

Derived from the incident alone, so a restart changes nothing, and every reminder that is given changes the incident:

- A promised update: its keeper is reminded before it is due. Once it is missed, that is recorded, and it climbs:
  communications, then whoever leads, then a deputy, `CLIMB` apart, each once. Another update ends it.
- An incident of high urgency that somebody took and nobody leads, and one without any update: whoever has it is told,
  `NAGS_MOST` times at most.
- An open task, when it is due, and a follow-up, on the morning of its day: their owner, once.
- A post-mortem: its owner, a day before it is due and when it is, each once, until it is published or waived. An
  overdue follow-up: its owner, once a week.
- A silence that ends soon, while the incident is open: whoever has it, else who asked for the silence, once for each
  end. It stands in the record, and so in the room, even where nobody can be told.

What is snoozed, merged or a drill reminds nobody; of what is over only the follow-ups are left. In an incident of low
urgency, and for follow-ups always, a person's quiet hours hold a reminder back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Final

from incident_bot.core.effects import Effect, Moment
from incident_bot.core.incident.commands import SetReminders
from incident_bot.core.incident.facts import written
from incident_bot.core.incident.holding import urgency_of
from incident_bot.core.incident.paging import shown
from incident_bot.core.incident.rules import Case, Decision, Rules
from incident_bot.core.model import (
    Event,
    Incident,
    Item,
    ItemKind,
    Json,
    Kind,
    Paging,
    Person,
    Phase,
    Reminders,
    Silence,
    Told,
    Urgency,
)
from incident_bot.core.walltime import to_instant, zone

CLIMB: Final = timedelta(minutes=5)
"""How long after one person was told of a missed promise the next one is."""
MISSES_MOST: Final = 3
"""How many people hear of one missed promise."""
LEAD_AFTER: Final = timedelta(minutes=10)
"""How long somebody may have an incident of high urgency before they are told that nobody leads it."""
LEAD_AGAIN: Final = timedelta(minutes=30)
UPDATE_LEAST: Final = timedelta(minutes=5)
"""How long whoever has just taken an incident is left alone about the first update."""
NAGS_MOST: Final = 3
SILENCE_AHEAD: Final = timedelta(minutes=15)
"""How long before a silence ends somebody is told; of a short one it is a quarter of its time."""
DAY: Final = timedelta(days=1)
"""How long before a post-mortem is due its owner is reminded, where there is as much time again."""
WEEK: Final = timedelta(days=7)
OVERDUE_MOST: Final = 12
"""How often somebody is reminded of one follow-up after its day."""
MORNING: Final = time(9)
"""When a follow-up is brought to mind, on its owner's clock."""
COMMS: Final = frozenset({"comms", "communications", "communication", "comms lead", "communications lead"})
DEPUTIES: Final = frozenset({"deputy", "deputy commander", "deputy lead"})
"""The words of the roles that a missed promise climbs to."""
_AT_WORK: Final = frozenset({Paging.TRIGGERED, Paging.ACKNOWLEDGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What has to be known beside the incident."""

    rules: Rules
    people: Mapping[str, Person] = field(default_factory=dict)
    """Who can be told, as far as they are active; others are passed over."""
    deputy: str | None = None
    """Who leads the team: told last of a missed promise, where no role is a deputy's."""
    quiet: Callable[[str, datetime], datetime | None] = lambda _person, _at: None
    """Until when quiet hours hold for a person at an instant; None where they do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One thing to be said, to whom, when."""

    kind: Kind
    subject: str
    """`due`, `missed`, `lead`, `update`, `item:3` or `silence:2026-03-03T05:00:00+00:00`."""
    person: str | None
    """None records a missed promise that nobody is told of now."""
    due_at: datetime
    reason: str = ""
    item: Item | None = None
    silences: tuple[Silence, ...] = ()
    """The silences that end then."""


def upcoming(incident: Incident, around: Around, *, now: datetime) -> tuple[Reminder, ...]:
    """Give every reminder that is to come as things stand, the next one first; what was missed is due at once."""
    if not _owes(incident):
        return ()
    found = [
        *_before(incident, around, now),
        *_missed(incident, around, now),
        *_unled(incident, around, now),
        *_no_update(incident, around, now),
        *_items(incident, around, now),
        *_postmortem(incident, around, now),
        *_silences(incident, around, now),
    ]
    return tuple(sorted(found, key=lambda one: (one.due_at, one.subject)))


def remind(incident: Incident, around: Around, *, now: datetime) -> tuple[Decision, tuple[Reminder, ...]]:
    """Record every reminder that is due, and give those that are to be said to somebody."""
    case = Case(incident=incident, actor="escalation", source="worker", rules=around.rules, now=now)
    due = tuple(one for one in upcoming(incident, around, now=now) if one.due_at <= now)
    effects: tuple[Effect, ...] = ()
    for one in due:
        if one.subject == "missed" and one.subject not in incident.reminders.told:
            data = {"due_at": written(incident.next_update_at), "by": incident.reminders.promised_by}
            effects = case.announced(Moment.MISSED, data)
    said = (
        f"{incident.name}: {len(due)} due."
        if due
        else f"{incident.name}: nobody is to be reminded of anything now."
    )
    decision = case.decided(said, *(_event(case, one) for one in due), effects=effects)
    return decision, tuple(one for one in due if one.person is not None)


def set_reminders(command: SetReminders, case: Case) -> Decision:
    """Snooze the reminders of this incident, or switch them off or on; asked twice is asked once."""
    incident, before = case.incident, case.incident.reminders
    if replace(before, off=command.off, until=command.until) == before:
        return case.decided(f"The reminders of {incident.name} are so already; nothing changed.")
    how = "switched off" if command.off else "snoozed" if command.until else "switched on"
    data: dict[str, Json] = {"how": how, "off": command.off, "until": written(command.until)}
    said = f"The reminders of {incident.name} are {how}"
    if command.until is not None:
        said = f"{said} until {shown(command.until, case.now)}"
    hint = "" if how == "switched on" else " `remind on` brings them back."
    return case.decided(f"{said}.{hint}", case.event(Kind.REMINDERS_SET, data))


def _owes(incident: Incident) -> bool:
    """Say cheaply whether anything can be due: a storm asks this of thousands."""
    if incident.drill or incident.paging in (Paging.SNOOZED, Paging.MERGED):
        return False
    if incident.paging is Paging.ACKNOWLEDGED or incident.next_update_at is not None:
        return True
    if any(one.is_on for one in incident.silences) or incident.review is not None:
        return True
    return bool(incident.items) and incident.phase is not Phase.CANCELLED


def _before(incident: Incident, around: Around, now: datetime) -> Iterator[Reminder]:
    """Remind whoever is to keep a promise: a third of its time before it is due, and not sooner than the rule says."""
    due, reminders = incident.next_update_at, incident.reminders
    if incident.paging not in _AT_WORK or due is None or due <= now or "due" in reminders.told:
        return
    ahead = around.rules.promises.remind_before
    if reminders.promised_at is not None:
        ahead = min(ahead, (due - reminders.promised_at) / 3)
    person = _known(around, incident.lead, incident.acknowledged_by, reminders.promised_by)
    at = _when(incident, around, person, due - ahead, now) if person and ahead > timedelta(0) else None
    if at is not None and at < due:
        yield Reminder(kind=Kind.PROMISE_DUE, subject="due", person=person, due_at=at)


def _missed(incident: Incident, around: Around, now: datetime) -> Iterator[Reminder]:
    """Record that a promise was not kept, whoever is there to hear it, and tell one after the other."""
    due, told = incident.next_update_at, incident.reminders.told.get("missed")
    if incident.paging not in _AT_WORK or due is None:
        return
    heard = told.people if told else ()
    wanted = [one for one in _ladder(incident, around) if one not in heard]
    person = wanted[0] if wanted and len(heard) < MISSES_MOST else None
    if told is None:
        at = _when(incident, around, person, due, now) if person else None
        person = person if at is not None and at <= max(due, now) else None
        yield Reminder(kind=Kind.PROMISE_MISSED, subject="missed", person=person, due_at=due)
    elif person is not None:
        at = _when(incident, around, person, told.at + CLIMB if heard else told.at, now)
        if at is not None:
            yield Reminder(kind=Kind.PROMISE_MISSED, subject="missed", person=person, due_at=at)


def _ladder(incident: Incident, around: Around) -> list[str]:
    """Give who hears of a missed promise, in order; whose incident is private is known to those who are on it."""
    roles = {role.casefold(): person for role, person in incident.roles.items()}
    comms = [person for role, person in roles.items() if role in COMMS]
    deputy = [person for role, person in roles.items() if role in DEPUTIES]
    leads = (incident.lead, incident.acknowledged_by, incident.reminders.promised_by)
    climbs = (
        _known(around, *comms),
        _known(around, *leads),
        _known(around, *deputy, None if incident.private else around.deputy),
    )
    return list(dict.fromkeys(person for person in climbs if person is not None))


def _unled(incident: Incident, around: Around, now: datetime) -> Iterator[Reminder]:
    taken = incident.acknowledged_at
    if not _may_nag(incident, around) or incident.lead is not None or taken is None:
        return
    if urgency_of(incident) is not Urgency.HIGH:
        return
    reason = "nobody leads the incident"
    yield from _nag(incident, around, "lead", (taken + LEAD_AFTER, LEAD_AGAIN), reason, now)


def _no_update(incident: Incident, around: Around, now: datetime) -> Iterator[Reminder]:
    rung, taken = around.rules.ladder.named(incident.severity), incident.acknowledged_at
    every = rung.update_every if rung else None
    if not _may_nag(incident, around) or incident.updated_by_people or every is None or taken is None:
        return
    first = max(incident.opened_at + every, taken + UPDATE_LEAST)
    yield from _nag(incident, around, "update", (first, every), "no update was posted yet", now)


def _may_nag(incident: Incident, around: Around) -> bool:
    return around.rules.promises.nag and incident.paging is Paging.ACKNOWLEDGED


def _nag(
    incident: Incident,
    around: Around,
    subject: str,
    times: tuple[datetime, timedelta],
    reason: str,
    now: datetime,
) -> Iterator[Reminder]:
    """Remind whoever has it, first at an instant and then again and again, but not for ever."""
    person = _known(around, incident.lead, incident.acknowledged_by)
    told, (at, again) = incident.reminders.told.get(subject), times
    if person is None or (told is not None and len(told.people) >= NAGS_MOST):
        return
    wanted = at if told is None else max(at, told.at + again)
    due_at = _when(incident, around, person, wanted, now)
    if due_at is not None:
        yield Reminder(kind=Kind.NAGGED, subject=subject, person=person, due_at=due_at, reason=reason)


def _items(incident: Incident, around: Around, now: datetime) -> Iterator[Reminder]:
    """Remind the owners of what is open and has a date; a follow-up outlives its incident."""
    for item in incident.items:
        subject = f"item:{item.number}"
        owner = _known(around, item.owner)
        if item.done_at or item.due is None or owner is None:
            continue
        if subject in incident.reminders.told:
            if item.kind is ItemKind.FOLLOWUP and incident.phase is not Phase.CANCELLED:
                yield from _overdue(incident, around, item, owner, now)
            continue
        if item.kind is ItemKind.FOLLOWUP and incident.phase is not Phase.CANCELLED:
            wanted = _morning(item, item.due, around.people[owner])
        elif item.kind is ItemKind.TASK and incident.paging in _AT_WORK:
            wanted = item.due
        else:
            continue
        asleep = item.kind is ItemKind.FOLLOWUP
        at = _when(incident, around, owner, wanted, now, always_quiet=asleep)
        if at is not None:
            what = "follow-up" if asleep else "task"
            reason = f"{what} {item.number} is due: {item.text}"
            yield Reminder(
                kind=Kind.NAGGED, subject=subject, person=owner, due_at=at, reason=reason, item=item
            )


def _overdue(incident: Incident, around: Around, item: Item, owner: str, now: datetime) -> Iterator[Reminder]:
    """Bring an overdue follow-up to mind once a week, but not for ever."""
    subject = f"item:{item.number}:late"
    told = incident.reminders.told.get(subject)
    before = told or incident.reminders.told[f"item:{item.number}"]
    if item.due is None or (told is not None and len(told.people) >= OVERDUE_MOST):
        return
    at = _when(incident, around, owner, max(before.at, item.due) + WEEK, now, always_quiet=True)
    if at is not None:
        reason = f"follow-up {item.number} is overdue: {item.text}"
        yield Reminder(kind=Kind.NAGGED, subject=subject, person=owner, due_at=at, reason=reason, item=item)


def _postmortem(incident: Incident, around: Around, now: datetime) -> Iterator[Reminder]:
    """Remind the owner of a post-mortem before its date and at it; another date is another reminder."""
    review = incident.review
    if review is None or review.due is None or review.state.is_over or incident.paging.is_open:
        return
    owner, due = _known(around, review.owner), review.due
    if owner is None or incident.phase is Phase.CANCELLED:
        return
    told = incident.reminders.told
    ahead = min(DAY, (due - (incident.resolved_at or review.since)) / 2)
    for subject, wanted, reason in (
        (f"postmortem:{due.isoformat()}", due - ahead, "the post-mortem is due soon"),
        (f"postmortem:late:{due.isoformat()}", due, "the post-mortem is overdue"),
    ):
        is_past = wanted < due <= now
        at = (
            None
            if subject in told or is_past
            else _when(incident, around, owner, wanted, now, always_quiet=True)
        )
        if at is not None:
            yield Reminder(kind=Kind.NAGGED, subject=subject, person=owner, due_at=at, reason=reason)


def _silences(incident: Incident, around: Around, now: datetime) -> Iterator[Reminder]:
    """Say before silences end that they do: what still fires pages again then. Those of one end are said together."""
    by_end: dict[datetime, list[Silence]] = {}
    for one in incident.silences:
        if one.is_on and one.ends_at > now and incident.paging in _AT_WORK:
            by_end.setdefault(one.ends_at, []).append(one)
    for end, ending in by_end.items():
        subject = f"silence:{end.isoformat()}"
        if subject in incident.reminders.told:
            continue
        last = ending[-1]
        wanted = end - min(SILENCE_AHEAD, (end - last.asked_at) / 4)
        person = _known(around, incident.lead, incident.acknowledged_by, last.asked_by)
        at = _when(incident, around, person or "", wanted, now)
        if at is None:
            continue
        asleep = at >= end
        yield Reminder(
            kind=Kind.SILENCE_ENDING,
            subject=subject,
            person=None if asleep else person,
            due_at=wanted if asleep else at,
            silences=tuple(ending),
        )


def _morning(item: Item, due: datetime, owner: Person) -> datetime:
    """Give nine o'clock of the day, on the owner's clock; what was asked for later than that waits for its time."""
    there = zone(owner.time_zone)
    morning = to_instant(datetime.combine(due.astimezone(there).date(), MORNING), there)
    return morning if item.added_at < morning < due else due


def _when(
    incident: Incident,
    around: Around,
    person: str,
    wanted: datetime,
    now: datetime,
    *,
    always_quiet: bool = False,
) -> datetime | None:
    """Give when it may be said: not while it is snoozed or this person has quiet hours; None where never."""
    reminders: Reminders = incident.reminders
    if reminders.off:
        return None
    at = max(wanted, reminders.until) if reminders.until else wanted
    if not always_quiet and urgency_of(incident) is Urgency.HIGH:
        return at
    return around.quiet(person, max(at, now)) or at


def _known(around: Around, *wanted: str | None) -> str | None:
    """Give the first of these who can be told."""
    people = (around.people.get(one or "") for one in wanted)
    return next((person.id for person in people if person is not None and person.active), None)


def _event(case: Case, one: Reminder) -> Event:
    reminders: Reminders = case.incident.reminders
    data: dict[str, Json] = {"subject": one.subject, "person": one.person}
    if one.kind is Kind.NAGGED:
        data["reason"] = one.reason
    elif one.kind is Kind.SILENCE_ENDING:
        data["until"] = written(one.silences[0].ends_at)
        data["what"] = [silence.what for silence in one.silences]
    else:
        data["next_update_at"] = written(case.incident.next_update_at)
        data["by"] = reminders.promised_by
    return case.event(one.kind, data)


def is_overdue(incident: Incident) -> bool:
    """Say whether a promised update has not come, as the record has it."""
    told: Told | None = incident.reminders.told.get("missed")
    return told is not None and incident.next_update_at is not None and incident.paging.is_open
