"""`/oncall` in every surface: one line in, one reply out. Each line is one transaction, idempotent by key."""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

from incident_bot.core.access import Permission
from incident_bot.core.effects import Moment
from incident_bot.core.errors import Refused
from incident_bot.core.model import JsonObject
from incident_bot.flow import roster
from incident_bot.flow.context import Context
from incident_bot.flow.oncall import reading, swaps, taps
from incident_bot.flow.oncall.asking import AHEAD, Asking
from incident_bot.flow.oncall.grammar import CHANGING, Line, Verb, parse
from incident_bot.flow.oncall.notices import Notices
from incident_bot.flow.permissions import need
from incident_bot.flow.roster import Wanted
from incident_bot.flow.views import ReplyView
from incident_bot.store import handoffs, interventions, outbox
from incident_bot.store.transaction import LostRace, Tx, Unavailable

KEY_MOST: Final = 200
RACES_MOST: Final = 5
ARRANGING: Final = frozenset({Verb.OVERRIDE, Verb.END, Verb.OFFER, Verb.COVER, Verb.ASK})
"""What needs a role; an answer to an offer, and to whether one is reachable, is one's own."""
OVERRIDE_EXAMPLE: Final = "override @dan fri 18:00 mon 09:00 web"


def run(
    context: Context,
    line: str,
    actor: str,
    *,
    now: datetime,
    key: str | None = None,
    here: str | None = None,
) -> ReplyView:
    """Do what a line says; raises Refused and NotFound with what to type instead, and then nothing has changed.

    The same key answers the same and changes nothing twice. `here` is the schedule that they look at: it is meant where
    an override names none.
    """
    parsed = parse(line)
    if parsed.verb not in CHANGING:
        with context.store.read() as tx:
            return _read(Asking(context, tx, actor=actor, now=now), parsed)
    if key is not None and not 0 < len(key) <= KEY_MOST:
        message = f"An Idempotency-Key has 1 to {KEY_MOST} characters."
        raise Refused(message)
    for _ in range(RACES_MOST):
        try:
            with context.store.write() as tx:
                reply = _once(context, tx, parsed, actor, key, now, here)
        except LostRace:
            continue
        context.signals.changed()
        context.store.notify()
        return reply
    message = "the same shifts are being changed by others; try again"
    raise Unavailable(message)


def _once(
    context: Context,
    tx: Tx,
    line: Line,
    actor: str,
    key: str | None,
    now: datetime,
    here: str | None,
) -> ReplyView:
    said, scope = f"{line.verb} {line.number} {' '.join(line.rest)}", f"oncall:{actor}"
    known = interventions.recall(tx, key, scope) if key is not None else None
    if known is not None:
        if known.get("said") != said:
            message = "This Idempotency-Key was used for another command; use a new one."
            raise Refused(message)
        return ReplyView(text=str(known.get("text", "")))
    if line.verb in ARRANGING:
        need(context, Permission.SCHEDULE_OVERRIDE, who=actor)
    reply = _change(Asking(context, tx, actor=actor, now=now, here=here), line)
    if key is not None:
        answer: JsonObject = {"said": said, "text": reply.text}
        interventions.remember(tx, key, scope, answer, now=now)
    return reply


def _read(asking: Asking, line: Line) -> ReplyView:
    match line.verb:
        case Verb.ME:
            return reading.me(asking, line.rest)
        case Verb.OVERRIDES:
            return reading.overrides(asking, line.rest)
        case Verb.SWAPS:
            return reading.offers(asking)
        case Verb.HELP:
            return reading.help_(line.rest)
        case _:
            return reading.who(asking, line.rest)


def _change(asking: Asking, line: Line) -> ReplyView:
    match line.verb:
        case Verb.HERE:
            return _here(asking)
        case Verb.OVERRIDE:
            return _override(asking, line.rest)
        case Verb.END:
            return _end(asking, line.number)
        case Verb.OFFER:
            return swaps.offer(asking, line.rest)
        case Verb.ACCEPT:
            return swaps.accept(asking, line.number)
        case Verb.DECLINE:
            return swaps.decline(asking, line.number)
        case Verb.WITHDRAW:
            return swaps.withdraw(asking, line.number)
        case Verb.COVER:
            return swaps.cover(asking, line.rest)
        case Verb.ASK:
            return swaps.ask(asking, line.rest)
        case Verb.WHO | Verb.ME | Verb.OVERRIDES | Verb.SWAPS | Verb.HELP:
            return _read(asking, line)
        case _:
            assert_never(line.verb)


def _override(asking: Asking, rest: tuple[str, ...]) -> ReplyView:
    """Put one person on call instead of everybody for a time: a cover (R13)."""
    if not rest:
        message = f"Whom, and when? Type for example `{OVERRIDE_EXAMPLE}`."
        raise Refused(message)
    person = asking.person(rest[0])
    schedule = asking.schedule(rest[1:])
    words = rest[2:] if schedule else rest[1:]
    start, end, used = swaps.span(asking, words, schedule, example=OVERRIDE_EXAMPLE)
    words = words[used:]
    if schedule is None:
        schedule = asking.schedule(words)
        words = words if schedule is None else words[1:]
    schedule = schedule or asking.here or _implied(asking, person.id)
    wanted = Wanted(
        cover=(person.id,), start=start if start > asking.now else None, end=end, reason=" ".join(words)
    )
    if start < asking.now:
        message = "An override cannot begin in the past; write `now` to begin now."
        raise Refused(message)
    made = roster.override_in(asking.context, asking.tx, schedule, wanted, actor=asking.actor, now=asking.now)
    if person.id != asking.actor:
        _tell_put_on(asking, person.id, schedule, made.id, made.start, made.end, made.reason)
    span = asking.span(made.start, made.end, schedule=schedule)
    text = f"{person.name} covers {schedule}: {span} (override {made.id}). Undo: `override end {made.id}`"
    return ReplyView(text=text, actions=(f"override end {made.id}",))


def _implied(asking: Asking, person: str) -> str:
    """Give the schedule that is meant where none is named: the only one that there is, or that is the person's."""
    every = sorted(asking.revision.schedules)
    theirs = [name for name in every if person in asking.revision.schedules[name].people]
    for names in (every, theirs):
        if len(names) == 1:
            return names[0]
    listed = ", ".join(f"`{name}`" for name in (theirs or every)[:12])
    message = f"On which schedule? Name it after the times: {listed}."
    raise Refused(message)


def _tell_put_on(
    asking: Asking,
    person: str,
    schedule: str,
    number: int,
    start: datetime,
    end: datetime,
    reason: str,
) -> None:
    span = asking.span(start, end, schedule=schedule, person=person)
    data: JsonObject = {
        "schedule": schedule,
        "text": f"{asking.name(asking.actor)} put you on call for {schedule}: {span}",
        "lines": [reason] if reason else [],
        "todo": f"Cannot take it? Type: oncall override end {number}",
    }
    notices = Notices(asking.context, asking.tx, current=asking.current, now=asking.now)
    messages = notices.to_person(person, Moment.SWAP, f"put-on:{number}", data)
    outbox.add_messages(asking.tx, messages, now=asking.now)


def _end(asking: Asking, number: int) -> ReplyView:
    ended = roster.end_in(asking.context, asking.tx, number, actor=asking.actor, now=asking.now)
    answers = asking.fresh().roster.who(ended.schedule, asking.now)
    people = " and ".join(asking.name(one.person) for one in answers) or "nobody"
    what = "taken back; it never counted" if ended.state == "cancelled" else "ended"
    return ReplyView(text=f"Override {number} is {what}. On call for {ended.schedule} now: {people}.")


def _here(asking: Asking) -> ReplyView:
    """Take the asker's word that they are reachable, for every shift that they were asked about."""
    mine = asking.me
    asked = handoffs.of_person(asking.tx, mine.id, since=asking.now - taps.LATE)
    waiting = [one for one in asked if one.tapped_at is None]
    if waiting:
        notices = Notices(asking.context, asking.tx, current=asking.current, now=asking.now)
        taps.note(asking.tx, notices, asking.current, waiting, by=mine.id, now=asking.now)
        shifts = " and ".join(f"{one.schedule} from {asking.clock(one.starts_at)}" for one in waiting)
        return ReplyView(text=f"Thank you: you are reachable for {shifts}.")
    if asked:
        at = max(one.tapped_at for one in asked if one.tapped_at)
        return ReplyView(text=f"You have said so already, at {asking.clock(at)}.")
    ahead = [
        duty
        for name in asking.schedules_of(mine.id)
        for duty in asking.duties(name, asking.now, asking.now + AHEAD, people=[mine.id])
        if duty.start > asking.now
    ]
    if not ahead:
        return ReplyView(text="Nobody asked you, and no shift of yours is to come.")
    following = min(ahead, key=lambda one: one.start)
    text = f"Nobody asked you yet. Your next shift, {asking.label(following)}, begins {asking.clock(following.start)}."
    return ReplyView(text=text)
