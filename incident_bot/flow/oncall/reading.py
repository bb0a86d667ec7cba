"""The words of `/oncall` that only look: who, me, the overrides, the offers, help."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.oncall import Add, Cover, Override, Remove, Replace
from incident_bot.core.oncall.handoffs import held
from incident_bot.flow.mirror import PREFIX, by_user
from incident_bot.flow.oncall import times
from incident_bot.flow.oncall.asking import BACK, Asking, Duty
from incident_bot.flow.oncall.grammar import USAGES
from incident_bot.flow.oncall.times import When
from incident_bot.flow.views import ReplyView
from incident_bot.store import handoffs, interventions
from incident_bot.store.handoffs import Held, Offer

MINE: Final = timedelta(weeks=4)
MINE_MOST: Final = timedelta(days=400)
SHOWN: Final = 30


def who(asking: Asking, rest: tuple[str, ...]) -> ReplyView:
    """Answer who is on call, at an instant or through a day, on one schedule or on all."""
    if rest and rest[0] in _at_pagerduty(asking):
        return _mirrored(asking, rest[0], rest[1:])
    schedule = asking.schedule(rest)
    words = rest if schedule is None else rest[1:]
    skipped = 1 if words and words[0].casefold() in ("at", "on") else 0
    found = times.read(words[skipped:], asking.zone(schedule), now=asking.now)
    when, used = (found[0], found[1] + skipped) if found else (When(asking.now), 0)
    words = words[used:]
    if schedule is None and words:
        schedule = asking.schedule(words)
        words = words if schedule is None else words[1:]
    if words:
        raise asking.unknown(words[0])
    names = [schedule] if schedule else asking.roster.names(when.start)
    lines: list[str] = []
    for name in names:
        lines += _through(asking, name, when) if when.end else _at(asking, name, when.start)
    title = (
        "On call"
        if when.end is None
        else f"On call on {asking.clock(when.start, schedule)[:-4].rsplit(' ', 1)[0]}"
    )
    if when.end is None and when.start != asking.now:
        title = f"On call at {asking.clock(when.start, schedule)}"
    text = "\n".join(lines) or "There is no schedule yet; add one under rotations/schedules/."
    return ReplyView(text=text, title=title, lines=tuple(lines), actions=("me", "swap", "override list"))


def _at_pagerduty(asking: Asking) -> dict[str, str]:
    """Give PagerDuty's schedules by the targets that name them."""
    return {f"{PREFIX}{name}": key for name, key in asking.revision.pagerduty_schedules.items()}


def _mirrored(asking: Asking, name: str, words: tuple[str, ...]) -> ReplyView:
    """Say who is on call by a schedule of PagerDuty's, as it said itself last."""
    found = times.read(words, asking.zone(None), now=asking.now)
    at = found[0].start if found else asking.now
    if len(words) > (found[1] if found else 0):
        raise asking.unknown(words[found[1] if found else 0])
    known = asking.roster.mirror(_at_pagerduty(asking)[name])
    people = by_user(tuple(asking.revision.people.values()))
    lines = tuple(
        f"{name}: {asking.name(people[one.user])} ({people[one.user]}) – {known.why(one, now=asking.now)}"
        if one.user in people
        else f"{name}: {one.name} at PagerDuty, in no entry of people.yaml; write pagerduty: {one.user}"
        for one in known.who(at)
    )
    nobody = "nobody" if known.asked_at else f"not read yet ({known.error or 'PagerDuty was not asked'})"
    lines = lines or (f"{name}: {nobody}",)
    return ReplyView(text="\n".join(lines), title="On call", lines=lines, actions=("me",))


def _at(asking: Asking, name: str, at: datetime) -> list[str]:
    answers = asking.roster.who(name, at)
    shifts = asking.roster.shifts(name, at - BACK, at + BACK)
    if not answers:
        following = next((one.start for one in shifts if one.start > at), None)
        until = f" until {asking.clock(following, name)}" if following else ""
        return [f"{name}: nobody{until}"]
    taps = handoffs.taps(asking.tx, name, at - BACK, at)
    lines = []
    for answer in answers:
        start, end = next(
            ((first, last) for first, last in held(shifts, answer.person) if first <= at < last), (at, at)
        )
        until = f" until {asking.clock(end, name)}" if at < end < at + BACK else ""
        tapped = next(
            (one.tapped_at for one in taps if one.person == answer.person and one.starts_at == start), None
        )
        confirmed = f", confirmed {tapped.astimezone(asking.zone(name)):%H:%M}" if tapped else ""
        lines.append(
            f"{name}: {asking.name(answer.person)} ({answer.person}){until}{confirmed} – {answer.why}"
        )
    return lines


def _through(asking: Asking, name: str, when: When) -> list[str]:
    end = when.end or when.start
    found = asking.roster.shifts(name, when.start, end)
    lines = [
        f"{name}: {asking.span(one.start, one.end, schedule=name)}  {', '.join(map(asking.name, one.people))}"
        for one in found
    ]
    return lines or [f"{name}: nobody all day"]


def me(asking: Asking, rest: tuple[str, ...]) -> ReplyView:
    """Answer the asker's own shifts, on their own clock, each with the name by which other words take it."""
    person = asking.me
    ahead = times.length(rest[0]) if rest else MINE
    if len(rest) > 1:
        raise asking.unknown(rest[1])
    if ahead > MINE_MOST:
        message = f"I look {MINE_MOST.days} days ahead at most; type for example `me 8w`."
        raise Refused(message)
    end = asking.now + ahead
    mine = [
        duty
        for name in asking.schedules_of(person.id)
        for duty in asking.duties(name, asking.now, end, people=[person.id])
    ]
    mine.sort(key=lambda one: (one.start, one.schedule))
    if not mine:
        text = f"You have no shift before {asking.clock(end)}. Look further with `me 12w`."
        return ReplyView(text=text, title="Your shifts")
    lines = tuple(_mine(asking, duty, mine) for duty in mine[:SHOWN])
    title = f"Your shifts ({person.time_zone})"
    example = next((asking.label(duty) for duty in mine if duty.start > asking.now), None)
    hint = (f"Give one away: `swap {example} with @name`",) if example else ()
    return ReplyView(text="\n".join([f"{title}:", *lines, *hint]), title=title, lines=(*lines, *hint))


def _mine(asking: Asking, duty: Duty, every: list[Duty]) -> str:
    same = [one for one in every if asking.label(one) == asking.label(duty)]
    label = asking.label(duty, exact=len(same) > 1)
    if duty.endless:
        return f"{duty.schedule}  {'now, ' if duty.start <= asking.now else ''}with no end in sight"
    now = "  (now)" if duty.start <= asking.now else ""
    tap = next(
        (
            one
            for one in handoffs.taps(asking.tx, duty.schedule, duty.start, duty.start)
            if one.person == duty.person
        ),
        None,
    )
    asked = "" if tap is None else "  confirmed" if tap.tapped_at else "  not confirmed yet: type `here`"
    return f"{label}  {asking.span(duty.start, duty.end)}{now}{asked}"


def overrides(asking: Asking, rest: tuple[str, ...]) -> ReplyView:
    """Answer the overrides made at run time that run or are to come, each with its number."""
    names = [asking.needed_schedule(rest)] if rest else sorted(asking.revision.schedules)
    lines = tuple(
        f"{one.id}. {name}: {what(asking, one.change)}, {asking.span(one.change.start, one.change.end, schedule=name)}"
        f"{f' – {one.change.reason}' if one.change.reason else ''} (by {asking.name(one.created_by)})"
        for name in names
        for one in interventions.overrides(asking.tx, name, asking.now)
    )
    if not lines:
        text = "No override runs or is to come. Make one: `override @dan fri 18:00 mon 09:00`."
        return ReplyView(text=text, title="Overrides")
    hint = f"End one: `override end {lines[0].partition('.')[0]}`"
    return ReplyView(text="\n".join([*lines, hint]), title="Overrides", lines=(*lines, hint))


def what(asking: Asking, change: Override) -> str:
    """Say what an override does."""
    match change:
        case Cover(people=people):
            return f"{' and '.join(map(asking.name, people)) or 'nobody'} instead of everybody"
        case Replace(person=person, by=by):
            return f"{asking.name(by)} instead of {asking.name(person)}"
        case Remove(person=person):
            return f"without {asking.name(person)}"
        case Add(people=people):
            return f"with {' and '.join(map(asking.name, people))} as well"


def offers(asking: Asking) -> ReplyView:
    """Answer the offers that wait: those for the asker, those for anybody, and the asker's own."""
    found = handoffs.offers(asking.tx, now=asking.now)
    lines = tuple(offer_line(asking, one) for one in found if _concerns(asking, one))
    if not lines:
        text = "No offer waits for you. Offer a shift of yours: `swap <shift> with @name`; `me` lists your shifts."
        return ReplyView(text=text, title="Offers")
    return ReplyView(text="\n".join(lines), title="Offers", lines=lines)


def _concerns(asking: Asking, one: Offer) -> bool:
    if not asking.still(one.given, one.offered_by):
        return False
    if asking.actor not in asking.revision.people:
        return True
    return one.offered_to in (None, asking.actor) or one.offered_by == asking.actor


def offer_line(asking: Asking, one: Offer) -> str:
    """Write one offer in one line, with what to type."""
    to = asking.name(one.offered_to) if one.offered_to else "anybody"
    back = f" for {held_text(asking, one.wanted)}" if one.wanted else ""
    if one.offered_by == asking.actor:
        todo = f"withdraw: `swap withdraw {one.id}`"
    elif one.offered_to:
        todo = f"`swap accept {one.id}` or `swap decline {one.id}`"
    else:
        todo = f"`take {one.id}`"
    reason = f" – {one.reason}" if one.reason else ""
    return f"{one.id}. {asking.name(one.offered_by)} to {to}: {held_text(asking, one.given)}{back}{reason}; {todo}"


def held_text(asking: Asking, one: Held, *, person: str | None = None) -> str:
    """Write what somebody has on a schedule, on a person's clock."""
    spans = " and ".join(
        asking.span(start, end, schedule=one.schedule, person=person) for start, end in one.spans
    )
    return f"{one.schedule} {spans}"


def help_(rest: tuple[str, ...]) -> ReplyView:
    """Answer every word there is."""
    del rest
    lines = tuple(f"{usage} – {does}" for usage, does in USAGES.values())
    more = (
        f"<when>, <from>, <to>: {times.EXAMPLES}; <to> may be a length, `8h`. Times are on your own clock.",
        "<shift>: its schedule and the day it begins, `NAME 2026-12-24`, or `now` or `next`; `me` lists yours.",
    )
    return ReplyView(text="\n".join([*lines, *more]), title="The words there are", lines=(*lines, *more))
