"""Shifts that change hands: offered and taken, asked for, covered. Each is checked again when it is taken.

An offer against nothing can be taken until what it gives has ended, from then on only the rest; a swap of two shifts
until the first of them begins. Nobody takes for somebody else. What is taken becomes overrides, all or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import JsonObject, Person, rfc3339
from incident_bot.core.oncall.handoffs import held, transfer
from incident_bot.core.walltime import Span
from incident_bot.flow import roster
from incident_bot.flow.oncall import times
from incident_bot.flow.oncall.asking import Asking, Duty
from incident_bot.flow.oncall.notices import Notices
from incident_bot.flow.oncall.reading import held_text
from incident_bot.flow.views import ReplyView
from incident_bot.store import handoffs, interventions, outbox
from incident_bot.store.handoffs import Held, Offer, OfferState

LONGEST: Final = timedelta(days=366)
OFFER_EXAMPLE: Final = "swap web 2026-12-24 with @dan"
COVER_EXAMPLE: Final = "cover web 2026-12-24"
ASK_EXAMPLE: Final = "cover me fri 18:00 sat 09:00 web"
_SETTLED: Final = {
    OfferState.TAKEN: "was taken by {who}",
    OfferState.DECLINED: "was declined by {who}",
    OfferState.WITHDRAWN: "was withdrawn by {who}",
}


def offer(asking: Asking, rest: tuple[str, ...]) -> ReplyView:
    """Offer a shift of the asker's to one person, alone or against one of theirs, and tell that person."""
    mine = asking.me
    words = [word.casefold() for word in rest]
    if "with" not in words:
        message = (
            f"With whom? Type for example `{OFFER_EXAMPLE}`, or `cover me fri 18:00 8h` to ask everybody."
        )
        raise Refused(message)
    at = words.index("with")
    if at + 1 >= len(rest):
        message = f"With whom? Type for example `{OFFER_EXAMPLE}`."
        raise Refused(message)
    other = asking.person(rest[at + 1])
    if other.id == mine.id:
        message = "You cannot swap with yourself; name somebody else: `swap <shift> with @dan`."
        raise Refused(message)
    given = _whole(asking, rest[:at], mine, OFFER_EXAMPLE)
    after = rest[at + 2 :]
    wanted: Duty | None = None
    if after and after[0].casefold() == "for":
        wanted, used = asking.duty(
            after[1:], people=[other.id], example=f"{OFFER_EXAMPLE} for web 2026-12-31"
        )
        after = after[1 + used :]
    made = _made(asking, mine, other, _held(given), _held(wanted) if wanted else None, " ".join(after))
    text = f"Offered to {other.name} (number {made.id}): {held_text(asking, made.given)}"
    if made.wanted:
        text += f", for {held_text(asking, made.wanted)}"
    return ReplyView(
        text=f"{text}. Nothing changes before they take it; take it back: `swap withdraw {made.id}`.",
        actions=(f"swap withdraw {made.id}",),
    )


def ask(asking: Asking, rest: tuple[str, ...]) -> ReplyView:
    """Ask everybody of a schedule to take a time of the asker's; whoever takes it first has it."""
    mine = asking.me
    schedule = asking.schedule(rest)
    words = rest[1:] if schedule else rest
    start, end, used = span(asking, words, schedule, example=ASK_EXAMPLE)
    words = words[used:]
    if schedule is None and (named := asking.schedule(words)) is not None:
        schedule, words = named, words[1:]
    names = [schedule] if schedule else asking.schedules_of(mine.id)
    found = [
        Held(schedule=name, spans=spans) for name in names if (spans := _mine(asking, name, mine, start, end))
    ]
    if not found:
        where = f" for {schedule}" if schedule else ""
        message = f"You are not on call{where} in {asking.span(start, end)}; `me` lists your shifts."
        raise Refused(message)
    if len(found) > 1:
        listed = " or ".join(f"`{one.schedule}`" for one in found)
        message = f"You are on call for several then; name one after the times: {listed}."
        raise Refused(message)
    made = _made(asking, mine, None, found[0], None, " ".join(words))
    return ReplyView(
        text=(
            f"Asked everybody on {found[0].schedule} (number {made.id}): {held_text(asking, found[0])}. "
            f"You stay on call until somebody takes it; take it back: `swap withdraw {made.id}`."
        ),
        actions=(f"swap withdraw {made.id}",),
    )


def accept(asking: Asking, number: int) -> ReplyView:
    """Take an offer: whoever it was made to, or for an offer to all, the first of that schedule's people."""
    mine = asking.me
    found = _waiting(asking, number)
    if found.offered_by == mine.id:
        message = f"Offer {number} is your own; take it back with `swap withdraw {number}`."
        raise Refused(message)
    if found.offered_to not in (None, mine.id):
        message = f"Offer {number} is for {asking.name(found.offered_to or '')}: nobody can take it for them."
        raise Refused(message)
    schedule = asking.revision.schedules.get(found.given.schedule)
    if found.offered_to is None and (schedule is None or mine.id not in schedule.people):
        message = (
            f"Offer {number} is for the people of {found.given.schedule}, and you are none of them; "
            f"`cover {found.given.schedule} <day>` takes a shift there."
        )
        raise Refused(message)
    reason = f"offer {number}{f': {found.reason}' if found.reason else ''}"
    numbers = give(asking, found.given, found.offered_by, mine.id, reason)
    if found.wanted is not None:
        numbers += give(asking, found.wanted, mine.id, found.offered_by, reason)
    handoffs.settle_offer(asking.tx, number, OfferState.TAKEN, by=mine.id, overrides=numbers, now=asking.now)
    _record(asking, "swap.taken", found, overrides=numbers)
    outbox.cancel_messages(asking.tx, f"swap:{number}:offered:", reason="taken")
    _tell(asking, found.offered_by, found, "taken", f"{mine.name} took your shift: {{given}}", "")
    back = (
        f", and {asking.name(found.offered_by)} has {held_text(asking, found.wanted)}" if found.wanted else ""
    )
    return ReplyView(
        text=f"It is yours: {held_text(asking, _rest(asking, found.given))}{back}. {_undo(numbers)}"
    )


def decline(asking: Asking, number: int) -> ReplyView:
    """Say no to an offer, and tell who made it."""
    mine = asking.me
    found = _waiting(asking, number)
    if found.offered_to is None:
        message = f"Offer {number} is for anybody: leave it to somebody else, there is nothing to decline."
        raise Refused(message)
    if found.offered_to != mine.id:
        message = f"Offer {number} is for {asking.name(found.offered_to)}: nobody can answer for them."
        raise Refused(message)
    handoffs.settle_offer(asking.tx, number, OfferState.DECLINED, by=mine.id, now=asking.now)
    _record(asking, "swap.declined", found)
    outbox.cancel_messages(asking.tx, f"swap:{number}:offered:", reason="declined")
    todo = "It stays yours. Ask everybody: oncall cover me <from> <to>"
    _tell(asking, found.offered_by, found, "declined", f"{mine.name} cannot take your shift: {{given}}", todo)
    return ReplyView(text=f"Declined; {asking.name(found.offered_by)} is told and keeps the shift.")


def withdraw(asking: Asking, number: int) -> ReplyView:
    """Take the asker's own offer back, and tell whom it was made to."""
    mine = asking.me
    found = _waiting(asking, number)
    if found.offered_by != mine.id:
        message = f"Offer {number} is {asking.name(found.offered_by)}'s: only they can take it back."
        raise Refused(message)
    handoffs.settle_offer(asking.tx, number, OfferState.WITHDRAWN, by=mine.id, now=asking.now)
    _record(asking, "swap.withdrawn", found)
    outbox.cancel_messages(asking.tx, f"swap:{number}:offered:", reason="withdrawn")
    if found.offered_to:
        _tell(asking, found.offered_to, found, "withdrawn", f"{mine.name} took an offer back: {{given}}", "")
    return ReplyView(text=f"Offer {number} is withdrawn; the shift stays yours.")


def cover(asking: Asking, rest: tuple[str, ...]) -> ReplyView:
    """Take somebody's shift, whole or what is left of it, and tell them."""
    mine = asking.me
    words = [word.casefold() for word in rest]
    giver: Person | None = None
    if "for" in words and words.index("for") + 1 < len(rest):
        at = words.index("for")
        giver, rest = asking.person(rest[at + 1]), (*rest[:at], *rest[at + 2 :])
    duty, used = asking.duty(rest, people=[giver.id] if giver else None, example=COVER_EXAMPLE)
    if duty.person == mine.id:
        message = (
            f"`{asking.label(duty)}` is your own shift; `swap {asking.label(duty)} with @name` gives it away."
        )
        raise Refused(message)
    given = Held(schedule=duty.schedule, spans=((max(duty.start, asking.now), duty.end),))
    reason = " ".join(rest[used:]) or f"covered by {mine.name}"
    numbers = give(asking, given, duty.person, mine.id, reason)
    text = f"{mine.name} covers your shift: {held_text(asking, given, person=duty.person)}"
    todo = f"Not what you want? Type: oncall override end {numbers[0]}"
    data: JsonObject = {"schedule": duty.schedule, "text": text, "lines": [], "todo": todo}
    _send(asking, duty.person, f"covered:{numbers[0]}", data)
    name = asking.name(duty.person)
    return ReplyView(text=f"You cover {name}: {held_text(asking, given)}. {name} is told. {_undo(numbers)}")


def give(asking: Asking, given: Held, giver: str, taker: str, reason: str) -> list[int]:
    """Have what is left of a time change hands, and give the numbers of the overrides that do it.

    Raises Refused where it is over, not the giver's any more, or cannot be done by overrides; the caller's
    transaction is then to be undone.
    """
    asking = asking.fresh()
    schedule = asking.revision.schedules.get(given.schedule)
    if schedule is None:
        message = f"There is no schedule {given.schedule} any more."
        raise Refused(message)
    inactive = frozenset(person.id for person in asking.revision.people.values() if not person.active)
    made: list[int] = []
    for start, end in _rest(asking, given).spans:
        if not asking.still(Held(schedule=given.schedule, spans=((start, end),)), giver):
            message = (
                f"That time is not {asking.name(giver)}'s any more: {asking.span(start, end)} on {given.schedule}. "
                f"`{given.schedule} {start.astimezone(asking.zone()):%Y-%m-%d}` shows who is on call."
            )
            raise Refused(message)
        try:
            changes = transfer(
                schedule, asking.roster.overrides(given.schedule, start), (start, end),
                giver=giver, taker=taker, reason=reason, inactive=inactive,
            )  # fmt: skip
        except ValueError as error:
            message = f"{error}; nothing has changed."
            raise Refused(message) from error
        for change in changes:
            view = roster.put_in(
                asking.context, asking.tx, given.schedule, change, actor=asking.actor, now=asking.now
            )
            made.append(view.id)
    return made


def span(
    asking: Asking, words: Sequence[str], schedule: str | None, *, example: str
) -> tuple[datetime, datetime, int]:
    """Read `<from> <to>` on the asker's clock and say how many words it took; raises Refused."""
    zone = asking.zone(schedule)
    skipped = times.joints(words)
    first = times.read(words[skipped:], zone, now=asking.now)
    if first is None:
        message = f"From when? Type for example `{example}`; times may be {times.EXAMPLES}."
        raise Refused(message)
    start, used = max(first[0].start, asking.now) if first[0].end else first[0].start, skipped + first[1]
    last = times.read_end(words[used:], zone, start=start)
    if last is None and first[0].end is not None:
        last = (first[0].end, 0)
    if last is None:
        message = f"Until when? Type for example `{example}`; the end may be a length, `8h`."
        raise Refused(message)
    if last[0] <= asking.now:
        message = "That is over already; what has passed is not edited."
        raise Refused(message)
    if last[0] - start > LONGEST:
        message = (
            f"That is longer than {LONGEST.days} days; what is to stay belongs into the schedule's file."
        )
        raise Refused(message)
    return start, last[0], used + last[1]


def _whole(asking: Asking, words: Sequence[str], mine: Person, example: str) -> Duty:
    duty, used = asking.duty(words, people=[mine.id], example=example)
    if used < len(words):
        raise asking.unknown(words[used])
    return duty


def _held(duty: Duty) -> Held:
    return Held(schedule=duty.schedule, spans=((duty.start, duty.end),))


def _rest(asking: Asking, given: Held) -> Held:
    """Give what has not passed of it; raises Refused where nothing is left."""
    left = tuple((max(start, asking.now), end) for start, end in given.spans if end > asking.now)
    if not left:
        message = "That shift is over; what has passed is not edited."
        raise Refused(message)
    return Held(schedule=given.schedule, spans=left)


def _mine(asking: Asking, schedule: str, mine: Person, start: datetime, end: datetime) -> tuple[Span, ...]:
    return held(asking.roster.shifts(schedule, max(start, asking.now), end), mine.id)


def _made(
    asking: Asking, mine: Person, other: Person | None, given: Held, wanted: Held | None, reason: str
) -> Offer:
    expires = given.end
    if wanted is not None:
        first = min(given.start, wanted.start)
        expires = first if first > asking.now else min(given.end, wanted.end)
    new = Offer(
        offered_by=mine.id,
        offered_to=other.id if other else None,
        given=given,
        wanted=wanted,
        reason=reason,
        created_at=asking.now,
        expires_at=expires,
    )
    made = handoffs.add_offer(asking.tx, new)
    _record(asking, "swap.offered", made)
    people = [other.id] if other else sorted(asking.revision.schedules[given.schedule].people - {mine.id})
    said = f"{mine.name} {'offers you a shift' if other else 'asks whether you can take'}: {{given}}"
    todo = f"Take it: oncall take {made.id}"
    if other:
        todo = f"Take it: oncall swap accept {made.id} – or say no: oncall swap decline {made.id}"
    for person in people:
        _tell(asking, person, made, "offered", said, todo)
    return made


def _waiting(asking: Asking, number: int) -> Offer:
    found = handoffs.offer(asking.tx, number, lock=True) if 0 < number < 2**63 else None
    if found is None:
        message = f"There is no offer {number}; `swap` shows those that wait."
        raise NotFound(message)
    if found.state is not OfferState.OFFERED:
        who = "you" if found.settled_by == asking.actor else asking.name(found.settled_by or "")
        message = (
            f"Offer {number} {_SETTLED[found.state].format(who=who)} already; `swap` shows those that wait."
        )
        raise Refused(message)
    if found.expires_at <= asking.now:
        message = f"Offer {number} expired {asking.clock(found.expires_at)}; `cover <shift>` takes what is left of one."
        raise Refused(message)
    return found


def _tell(asking: Asking, person: str, about: Offer, word: str, said: str, todo: str) -> None:
    """Tell a person of an offer, with its times on their own clock."""
    lines = [f"in return for {held_text(asking, about.wanted, person=person)}"] if about.wanted else []
    if about.reason:
        lines.append(about.reason)
    data: JsonObject = {
        "schedule": about.given.schedule,
        "offer": about.id,
        "text": said.format(given=held_text(asking, about.given, person=person)),
        "lines": lines,
        "todo": todo,
    }
    _send(asking, person, f"swap:{about.id}:{word}", data)


def _send(asking: Asking, person: str, key: str, data: JsonObject) -> None:
    if person in asking.revision.people:
        notices = Notices(asking.context, asking.tx, current=asking.current, now=asking.now)
        messages = notices.to_person(person, Moment.SWAP, key, data)
        outbox.add_messages(asking.tx, messages, now=asking.now)


def _record(asking: Asking, action: str, about: Offer, *, overrides: Sequence[int] = ()) -> None:
    data: JsonObject = {
        "offer": about.id,
        "by": about.offered_by,
        "to": about.offered_to,
        "given": _recorded(about.given),
        "wanted": _recorded(about.wanted) if about.wanted else None,
        "overrides": list(overrides),
    }
    interventions.record(asking.tx, asking.actor, action, data, now=asking.now)


def _recorded(one: Held) -> JsonObject:
    spans = [[rfc3339(start), rfc3339(end)] for start, end in one.spans]
    return {"schedule": one.schedule, "spans": spans}


def _undo(numbers: Sequence[int]) -> str:
    return "Undo: " + ", ".join(f"`override end {number}`" for number in numbers)
