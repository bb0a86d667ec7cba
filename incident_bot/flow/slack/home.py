"""What an App Home shows of one member: on call, pages, incidents, shifts. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import Incident, Paging
from incident_bot.core.timeline import redact
from incident_bot.flow.context import Context
from incident_bot.flow.oncall.taps import LATE
from incident_bot.flow.oncall_board import Board, board
from incident_bot.flow.slack.facts import who
from incident_bot.flow.slack.people import person_of
from incident_bot.flow.slack.sight import seen_open
from incident_bot.flow.slack.undoing import Undoable
from incident_bot.flow.views import ReplyView
from incident_bot.render.messages import incident_url
from incident_bot.render.slack.blocks import Block
from incident_bot.render.slack.home import Duty, Home, Standing, home_view
from incident_bot.store import handoffs, outbox, rooms
from incident_bot.store.rooms import Room
from incident_bot.store.transaction import Tx

AHEAD: Final = timedelta(days=14)


def home_of(context: Context, user: str, *, now: datetime, notice: ReplyView | None = None) -> Block:
    """Give a member's App Home; whoever people.yaml does not know sees what is open, and who can add them.

    `notice` is what came of the button that they pressed here, with its Undo where it has one.
    """
    person = person_of(context, user)
    me = person.id if person else ""
    shown = board(context, me, now=now)
    with context.store.read() as tx:
        found = seen_open(context, tx, user)
        places = rooms.of(tx, [one.id for one in found])
        waiting = _waiting(tx, me, found) if me else []
        taps = [
            Duty(schedule=one.schedule, start=one.starts_at, until=None)
            for one in (handoffs.of_person(tx, me, since=now - LATE) if me else ())
            if one.tapped_at is None
        ]
    standing = [_standing(context, one, places) for one in _worst_first(context, found)]
    ids = {one.id for one in waiting}
    return home_view(
        Home(
            user=user,
            known=person is not None,
            on_call=_on_call(shown, me),
            pages=[one for one in standing if one.number in ids],
            open=standing,
            shifts=[
                Duty(schedule=one.schedule, start=one.shift.start, until=one.shift.end)
                for one in shown.mine
                if now < one.shift.start <= now + AHEAD
            ],
            taps=taps,
            teams=_teams(context, shown),
            url=context.settings.public_url.rstrip("/"),
            notice=notice.text if notice else None,
            undo=notice.undo if isinstance(notice, Undoable) else None,
        )
    )


def _on_call(shown: Board, me: str) -> list[Duty]:
    duties = []
    for schedule in shown.schedules:
        mine = next((one for one in schedule.answering if one.person == me), None)
        if mine is not None:
            until = mine.until or (None if me in schedule.after else schedule.until)
            duties.append(Duty(schedule=schedule.name, start=mine.since, until=until))
    return duties


def _waiting(tx: Tx, person: str, found: Sequence[Incident]) -> list[Incident]:
    """Give what paged this person since its paging last began, and nobody has."""
    told = {(row.incident_id, row.epoch) for row in outbox.pages_told(tx, person)}
    return [one for one in found if one.paging is Paging.TRIGGERED and (one.id, one.epoch) in told]


def _worst_first(context: Context, found: Sequence[Incident]) -> list[Incident]:
    ladder = context.live.current.revision.ladder
    last = len(ladder.rungs)

    def place(incident: Incident) -> tuple[int, int]:
        severity = ladder.named(incident.severity)
        return (severity.rank if severity else last, -incident.id)

    return sorted(found, key=place)


def _standing(context: Context, incident: Incident, places: Mapping[int, Room]) -> Standing:
    severity = context.live.current.revision.ladder.named(incident.severity)
    place = places.get(incident.id)
    return Standing(
        number=incident.id,
        name=incident.name,
        title=redact(incident.title),
        severity=incident.severity,
        rank=severity.rank if severity else 0,
        phase=incident.phase.value,
        opened_at=incident.opened_at,
        url=incident_url(context.settings.public_url, incident),
        epoch=incident.epoch,
        lead=who(context, incident.lead),
        room=place.shown.channel if place else None,
        private=incident.private,
        drill=incident.drill,
    )


def _teams(context: Context, shown: Board) -> list[tuple[str, str]]:
    answering = {
        one.name: ", ".join(dict.fromkeys(each.name for each in one.answering)) for one in shown.schedules
    }
    return [
        (team.name, answering.get(team.schedule, "") or "nobody")
        for team in sorted(context.live.current.revision.teams.values(), key=lambda one: one.name)
        if team.schedule
    ]
