"""The reachability tap: who comes on call says in time that they are reachable, or others are told.

Asked so long before a shift as `handoff.tap` says, over the person's channels for high urgency. A tap counts until
the shift is an hour old. Nobody is taken off call for want of one: that is for people to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.model import JsonObject, Urgency, rfc3339
from incident_bot.core.oncall.handoffs import Change
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.flow.oncall.links import digest
from incident_bot.flow.oncall.notices import Notices, name_of, teams_of
from incident_bot.store import handoffs, interventions, outbox
from incident_bot.store.handoffs import Tap
from incident_bot.store.outbox import NewMessage
from incident_bot.store.transaction import Tx

GRACE: Final = timedelta(minutes=5)
"""So long before the shift the others are told: time enough to stay, or to find somebody else."""
LATE: Final = timedelta(hours=1)
"""How long after the beginning of a shift a tap still counts."""
SOON: Final = timedelta(days=2)
"""No lead is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapView:
    """One question, as its page shows it."""

    schedule: str
    person: str
    name: str
    time_zone: str
    starts_at: datetime
    tapped_at: datetime | None
    over: bool
    """The shift is more than an hour old: a tap counts no more."""


def grace(lead: timedelta) -> timedelta:
    """Say how long before the shift the others are told, where nobody tapped."""
    return min(GRACE, lead / 2)


def ask(
    tx: Tx, notices: Notices, current: Current, schedule: str, changes: Sequence[Change], *, now: datetime
) -> tuple[list[NewMessage], list[datetime]]:
    """Ask those who come on call soon, once, and give the messages and when to look again.

    Whoever simply goes on is not asked, nor who comes on call too soon to be told and answer.
    """
    lead = current.revision.handoff.tap
    messages: list[NewMessage] = []
    later: list[datetime] = []
    if not lead:
        return messages, later
    for change in changes:
        due_at = change.at - grace(lead)
        if due_at <= now:
            continue
        if change.at - lead > now:
            later.append(change.at - lead)
            continue
        for person in change.came:
            if person not in current.revision.people:
                continue
            tap = handoffs.ask(tx, schedule, change.at, person, due_at=due_at, now=now)
            if tap is None:
                continue
            data: JsonObject = {
                "tap": tap.id,
                "schedule": schedule,
                "at": rfc3339(change.at),
                "due": rfc3339(due_at),
            }
            messages += notices.to_person(
                person, Moment.TAP, _key(tap), data, urgency=Urgency.HIGH, until=due_at
            )
        later.append(due_at)
    return messages, later


def judge(
    tx: Tx, notices: Notices, current: Current, schedule: str, changes: Sequence[Change], *, now: datetime
) -> list[NewMessage]:
    """Tell those who are on call and the leads of whoever did not tap in time, once.

    A question whose shift was moved or given away meanwhile is put aside, and nobody is told.
    """
    messages: list[NewMessage] = []
    for tap in handoffs.unanswered(tx, schedule, since=now - LATE):
        change = next((one for one in changes if one.at == tap.starts_at and tap.person in one.came), None)
        if change is not None and tap.due_at > now:
            continue
        outbox.cancel_messages(tx, _key(tap), reason="its time is over")
        handoffs.mark_missed(tx, [tap.id], now=now)
        if change is None:
            continue
        told = dict.fromkeys(change.before, Urgency.HIGH)
        for team in teams_of(current, schedule):
            if team.lead:
                told.setdefault(team.lead, Urgency.LOW)
        told.pop(tap.person, None)
        data: JsonObject = {
            "schedule": schedule,
            "at": rfc3339(tap.starts_at),
            "asked": rfc3339(tap.asked_at),
            "missing": name_of(current, tap.person),
            "missing_id": tap.person,
        }
        for person, urgency in told.items():
            on_call = person in change.before
            messages += notices.to_person(
                person, Moment.UNTAPPED, f"untapped:{tap.id}", {**data, "on_call": on_call}, urgency=urgency
            )
        interventions.record(tx, "bot", "tap.missed", {**data, "told": sorted(told)}, now=now)
    return messages


def shown(context: Context, token: str, *, now: datetime) -> TapView:
    """Give what a link asks; raises NotFound for one that never was. Looking at it changes nothing."""
    with context.store.read() as tx:
        return _view(context, _linked(tx, token), now=now)


def tap(context: Context, token: str, *, now: datetime) -> TapView:
    """Take a link's answer, once; raises NotFound, and Refused where the shift is more than an hour old."""
    with context.store.write() as tx:
        found = _linked(tx, token, lock=True)
        view = _view(context, found, now=now)
        if found.tapped_at is None:
            if view.over:
                message = (
                    f"The shift began more than an hour ago; `oncall {found.schedule}` shows who is on call."
                )
                raise Refused(message)
            notices = Notices(context, tx, current=context.live.current, now=now)
            note(tx, notices, context.live.current, [found], by=found.person, now=now)
            found = _linked(tx, token)
    return _view(context, found, now=now)


def note(tx: Tx, notices: Notices, current: Current, found: Sequence[Tap], *, by: str, now: datetime) -> None:
    """Take an answer to these, stop asking, and tell those who were told that there was none."""
    handoffs.mark_tapped(tx, [one.id for one in found], now=now)
    for one in found:
        outbox.cancel_messages(tx, _key(one), reason="answered")
        data: JsonObject = {"schedule": one.schedule, "at": rfc3339(one.starts_at), "person": one.person}
        interventions.record(tx, by, "tap.confirmed", data, now=now)
        if one.missed_at is not None:
            text = f"{name_of(current, one.person)} is reachable for {one.schedule} after all"
            told = outbox.people_told(tx, f"untapped:{one.id}:")
            outbox.cancel_messages(tx, f"untapped:{one.id}:", reason="answered after all")
            messages = [
                message
                for person in told
                for message in notices.to_person(
                    person, Moment.SWAP, f"tapped:{one.id}", {"schedule": one.schedule, "text": text}
                )
            ]
            outbox.add_messages(tx, messages, now=now)


def _linked(tx: Tx, token: str, *, lock: bool = False) -> Tap:
    found = handoffs.by_digest(tx, digest(token), lock=lock)
    if found is None:
        message = "This link is not one that I sent; type `oncall here` instead."
        raise NotFound(message)
    return found


def _view(context: Context, found: Tap, *, now: datetime) -> TapView:
    current = context.live.current
    person = current.revision.people.get(found.person)
    return TapView(
        schedule=found.schedule,
        person=found.person,
        name=name_of(current, found.person),
        time_zone=person.time_zone if person else "UTC",
        starts_at=found.starts_at,
        tapped_at=found.tapped_at,
        over=now >= found.starts_at + LATE,
    )


def _key(found: Tap) -> str:
    return f"tap:{found.id}:ask"
