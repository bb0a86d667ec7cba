"""Hand-offs: tells who comes, who goes and their channel, asks for taps, and notices when clocks move (R1, R3).

One timer a schedule, at whatever comes next. Each look compares who is on call with who was at the last look, so a
hand-off is told once, whatever caused it (a turn, an override, another configuration), and after a downtime only the
one that counts now is. Nothing here says who is on call: that is asked of the same `Roster` as for paging.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.effects import Moment, TimerKind
from incident_bot.core.model import JsonObject, rfc3339
from incident_bot.core.oncall import Shift
from incident_bot.core.oncall.handoffs import MARGIN, Change, changes, held, moved
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.flow.history import Roster
from incident_bot.flow.oncall import taps
from incident_bot.flow.oncall.brief import brief
from incident_bot.flow.oncall.notices import Notices, channels_of, name_of, teams_of
from incident_bot.outgoing import CallFailed
from incident_bot.sources import SOURCES
from incident_bot.sources.base import Silence
from incident_bot.store import handoffs, interventions, outbox, timers
from incident_bot.store.handoffs import Watch
from incident_bot.store.outbox import NewMessage
from incident_bot.store.timers import Timer
from incident_bot.store.transaction import LostRace, Tx
from incident_bot.timezones import CLOCKS

AHEAD: Final = timedelta(days=90)
"""How far the shifts are kept, to be compared when the rules of the clocks change."""
BACK: Final = timedelta(days=35)
"""How far the shift that ends is looked for."""
EVERY: Final = timedelta(days=1)
NEAR: Final = taps.SOON + EVERY
"""How far every look sees: until the next one, and what has to be asked by then."""
SOONEST: Final = timedelta(seconds=5)
SPREAD: Final = timedelta(minutes=10)
"""Over so long the counting of all schedules is spread after a reload."""
BEHIND: Final = timedelta(seconds=30)
RACES_MOST: Final = 5
MOVED_SHOWN: Final = 20

log = structlog.get_logger(__name__)


def schedule_all(context: Context, *, now: datetime) -> None:
    """Have every schedule of the configuration in force looked at now; any replica does it, one at a time."""
    with context.store.write() as tx:
        names = sorted(context.live.current.revision.schedules)
        timers.set_timers(tx, [timer(name, now) for name in names], now=now)


def timer(schedule: str, due_at: datetime, *, count: bool = False) -> Timer:
    """Make the one timer of a schedule; with `count` its shifts ahead are counted anew then."""
    key = handoffs.timer_key(schedule)
    return Timer(kind=TimerKind.HANDOFF, key=key, due_at=due_at, data={"schedule": schedule, "count": count})


def look(context: Context, schedule: str, *, count: bool = False, now: datetime) -> None:
    """Tell what changed on a schedule since the last look, ask who has to be asked, and set the timer of the next.

    The shifts ahead are counted with `count` only: it takes longer than all the rest, and after a reload pages must
    not wait until it is done for every schedule.
    """
    silences = _silences(context) if _is_handed_over(context, schedule, now=now) else ()
    for _ in range(RACES_MOST):
        try:
            with context.store.write() as tx:
                _look(context, tx, schedule, silences, count=count, now=now)
        except LostRace:
            continue
        return
    # Its timer is still set: the next firing looks again.
    log.info("lost every race for a schedule's hand-off", schedule=schedule)


def _is_handed_over(context: Context, name: str, *, now: datetime) -> bool:
    """Say whether there will be something to tell: only then the sources are asked, outside of any transaction."""
    current = context.live.current
    if not (current.revision.handoff.notices and current.revision.handoff.brief):
        return False
    with context.store.read() as tx:
        last = handoffs.watch(tx, name)
        answers = Roster(context.records, current, tx).who(name, now)
    return last is not None and set(last.people) != {answer.person for answer in answers}


def _silences(context: Context) -> tuple[Silence, ...]:
    """Ask every source that knows silences; one that does not answer costs its part of the brief alone."""
    found: list[Silence] = []
    for source in context.live.current.revision.sources:
        ask = SOURCES[source.kind].list_silences
        if ask is None or not source.api_url:
            continue
        try:
            found += ask(context.client, source.api_url)
        except CallFailed as problem:
            log.warning("a source's silences are not in the brief", source=source.name, error=str(problem))
    return tuple(found)


def _look(
    context: Context, tx: Tx, name: str, silences: Sequence[Silence], *, count: bool, now: datetime
) -> None:
    current = context.live.current
    if not handoffs.lock(tx, name):
        return
    if _is_behind(tx, current):
        # Another replica applied a newer configuration: by ours the people before it would seem to come back, and a
        # schedule that is new would not be there.
        timers.set_timers(tx, [timer(name, now + BEHIND)], now=now)
        return
    if name not in current.revision.schedules:
        timers.forget(tx, [handoffs.timer_key(name)])
        return
    last = handoffs.watch(tx, name)
    roster = Roster(context.records, current, tx)
    since = max(min(last.looked_at, now), now - BACK) if last else now
    shifts = roster.shifts(name, since, now + NEAR)
    every = list(changes(shifts, since, now + NEAR))
    people = next((one.people for one in shifts if one.start <= now < one.end), ())
    notices = Notices(context, tx, current=current, now=now)
    messages: list[NewMessage] = []
    if last is not None and set(last.people) != set(people) and current.revision.handoff.notices:
        at = next((one.at for one in reversed(every) if one.at <= now), now)
        change = Change(at=at, before=last.people, after=people)
        messages += _told(tx, notices, current, roster, name, change, silences, now=now)
    kept, stale = _counted(tx, notices, current, roster, name, last, messages, count=count, now=now)
    ahead = [one for one in every if one.at > now]
    asked, later = taps.ask(tx, notices, current, name, ahead, now=now)
    messages += asked
    messages += taps.judge(tx, notices, current, name, every, now=now)
    outbox.add_messages(tx, messages, now=now)
    handoffs.save_watch(tx, replace(kept, people=people, looked_at=now))
    due = min([now + EVERY, *(one.at for one in ahead), *(at for at in later if at > now)])
    if stale:
        due = min(due, now + SOONEST + SPREAD * context.chance())
    timers.set_timers(tx, [timer(name, due, count=stale)], now=now)


def _counted(
    tx: Tx,
    notices: Notices,
    current: Current,
    roster: Roster,
    name: str,
    last: Watch | None,
    messages: list[NewMessage],
    *,
    count: bool,
    now: datetime,
) -> tuple[Watch, bool]:
    """Give what is kept of the shifts ahead, and whether it has to be counted anew.

    Where the rules of the clocks changed, and nothing else did, it is counted at once and compared (R3).
    """
    old = last or Watch(
        schedule=name, people=(), looked_at=now, digest="", clocks=CLOCKS.version, counted_at=now, counted_until=now,
        shifts=(),
    )  # fmt: skip
    same = old.digest == _digest(current, roster, name, old.counted_at)
    clocks_changed = old.clocks != CLOCKS.version
    if clocks_changed and same:
        messages += _moved(tx, notices, current, roster, old, now=now)
    elif same and now - old.counted_at < EVERY:
        return old, False
    elif not count:
        return old, True
    kept = replace(
        old,
        digest=_digest(current, roster, name, now),
        clocks=CLOCKS.version,
        counted_at=now,
        counted_until=now + AHEAD,
        shifts=roster.shifts(name, now, now + AHEAD),
    )
    return kept, False


def _digest(current: Current, roster: Roster, name: str, since: datetime) -> str:
    """Give what stands for all that shifts from an instant on are counted from, but the rules of the clocks."""
    overrides = sorted(repr(override) for override in roster.overrides(name, since))
    return hashlib.sha256("\n".join([current.revision.digest, *overrides]).encode()).hexdigest()


def _is_behind(tx: Tx, current: Current) -> bool:
    recorded = interventions.activations(tx)
    return bool(recorded) and recorded[-1].digest != current.revision.digest


def _told(
    tx: Tx,
    notices: Notices,
    current: Current,
    roster: Roster,
    name: str,
    change: Change,
    silences: Sequence[Silence],
    *,
    now: datetime,
) -> list[NewMessage]:
    """Tell the channel, those who come and those who go."""
    shifts = roster.shifts(name, now, now + AHEAD)
    until = _until(shifts, change, now)
    common: JsonObject = {
        "schedule": name,
        "zone": current.revision.schedules[name].zone.key,
        "at": rfc3339(change.at),
        "before": [name_of(current, person) for person in change.before],
        "after": [name_of(current, person) for person in change.after],
        "until": rfc3339(until) if until else None,
        "brief": None,
    }
    if current.revision.handoff.brief:
        previous = roster.shifts(name, change.at - BACK, change.at)
        since = previous[-1].start if previous else change.at - EVERY
        teams = teams_of(current, name)
        told = brief(tx, current, teams, since=since, now=now, until=until, silences=silences)
        common = {**common, "brief": told}
    key = f"handoff:{name}:{rfc3339(change.at)}"
    messages = notices.to_channels(
        channels_of(current, name), Moment.HANDOFF, key, {**common, "role": "channel"}
    )
    for person in change.came:
        if person in current.revision.people:
            ends = next((end for start, end in held(shifts, person) if start <= now < end), None)
            own = rfc3339(ends) if ends and ends < now + AHEAD else None
            data = {**common, "role": "begins", "until": own}
            messages += notices.to_person(person, Moment.HANDOFF, f"{key}:begins", data)
    for person in change.went:
        if person in current.revision.people:
            data = {**common, "role": "ends"}
            messages += notices.to_person(person, Moment.HANDOFF, f"{key}:ends", data)
    return messages


def _until(shifts: Sequence[Shift], change: Change, now: datetime) -> datetime | None:
    """Give when the next hand-off comes; None where none comes within the time that is kept."""
    if change.after:
        end = next((one.end for one in shifts if one.start <= now < one.end), None)
        return end if end and end < now + AHEAD else None
    return next((one.start for one in shifts if one.start > now), None)


def _moved(
    tx: Tx, notices: Notices, current: Current, roster: Roster, last: Watch, *, now: datetime
) -> list[NewMessage]:
    """Tell which hand-offs moved (R3)."""
    name, until = last.schedule, last.counted_until
    was = [one for one in changes(last.shifts, last.counted_at, until) if one.at >= now]
    begin, end = now - MARGIN, until + MARGIN
    is_now = list(changes(roster.shifts(name, begin, end), begin, end))
    found = moved(was, is_now, now, until)
    data: JsonObject = {
        "schedule": name,
        "zone": current.revision.schedules[name].zone.key,
        "was_clocks": last.clocks,
        "clocks": CLOCKS.version,
        "moved": [
            {
                "was": rfc3339(one.was) if one.was else None,
                "now": rfc3339(one.now) if one.now else None,
                "people": [name_of(current, person) for person in one.people],
            }
            for one in found
        ],
    }
    log.info("the rules of the clocks changed", schedule=name, moved=len(found), clocks=CLOCKS.version)
    if not found:
        return []
    interventions.record(tx, "bot", "handoffs.moved", data, now=now)
    key = f"moved:{name}:{last.clocks}:{CLOCKS.version}:{rfc3339(now)}"
    return notices.to_channels(channels_of(current, name), Moment.MOVED, key, data)
