"""The On-call pages: who answers now, and each schedule by week and by month, with a command line beneath.

Every action is a plain form and works without script. Reads through `flow.oncall_page`, speaks through
`flow.oncall`; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from incident_bot.core.errors import Refused
from incident_bot.core.model import Person
from incident_bot.core.walltime import zone as zone_of
from incident_bot.entrypoints.desk import AtDesk, Desk
from incident_bot.entrypoints.oncall_looks import Wall, clocks, length, marks, picture
from incident_bot.entrypoints.oncall_sight import (
    Field,
    Name,
    Number,
    Since,
    Word,
    chosen_wall,
    sight_of,
    theirs,
    title,
    zones,
)
from incident_bot.entrypoints.sheet import Visitor, draw
from incident_bot.flow import oncall_board, oncall_page
from incident_bot.flow.access import Caller
from incident_bot.flow.oncall.grammar import USAGES
from incident_bot.flow.oncall.run import run
from incident_bot.flow.views import ReplyView

router = APIRouter(include_in_schema=False)

TURNS_SHOWN: Final = 100
"""Beneath a week; more shifts than this are no week that anybody reads."""

Line = Annotated[str, Form(max_length=4000)]


@dataclass(frozen=True, slots=True)
class Said:
    """What was typed into the command line, and what came of it."""

    text: str = ""
    reply: ReplyView | None = None

    @property
    def status(self) -> int:
        """200, or 409 for what was refused."""
        return HTTPStatus.OK if self.reply is None or self.reply.ok else HTTPStatus.CONFLICT

    def shown(self) -> dict[str, object]:
        """Give what the command line shows; what was refused can be mended."""
        refused = self.reply is not None and not self.reply.ok
        return {
            "reply": self.reply,
            "said": self.text if refused else "",
            "verbs": [usage for usage, _ in USAGES.values()],
        }


@router.get("/oncall")
def board_page(request: Request, at: AtDesk, caller: Visitor) -> Response:
    """Show who is on call on each schedule, until when, who comes next, and what the visitor has ahead."""
    return _board(request, at, caller, Said())


@router.post("/oncall/commands")
def board_command(
    request: Request, at: AtDesk, caller: Visitor, text: Line = "", key: Field = ""
) -> Response:
    """Run one line of `/oncall` and show what it answers."""
    return _board(request, at, caller, _ran(at, caller, text, key))


@router.get("/oncall/commands")
def after_board_command(_caller: Visitor) -> Response:
    """Lead whoever reloads or shares the address of a reply back to the page."""
    return RedirectResponse("/oncall", HTTPStatus.SEE_OTHER)


@router.get("/oncall/{schedule}/commands")
def after_command(_caller: Visitor, schedule: Name) -> Response:
    """Lead whoever reloads or shares the address of a reply back to the schedule."""
    return RedirectResponse(f"/oncall/{quote(schedule, safe='')}", HTTPStatus.SEE_OTHER)


@router.get("/oncall/{schedule}")
def schedule_page(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    schedule: Name,
    view: Word = "week",
    since: Since = "",
    zone: Word = "",
    done: Number = 0,
) -> Response:
    """Show one schedule by week or by month, and beneath it its layers, overrides and absences."""
    return _schedule(request, at, caller, schedule, asked=(view, since, zone), done=done)


@router.post("/oncall/{schedule}/commands")
def schedule_command(
    request: Request,
    at: AtDesk,
    caller: Visitor,
    schedule: Name,
    view: Field = "week",
    since: Annotated[str, Form(alias="from", max_length=32)] = "",
    zone: Field = "",
    text: Line = "",
    key: Field = "",
) -> Response:
    """Run one line of `/oncall`, and show the schedule with what it answers."""
    said = _ran(at, caller, text, key, here=schedule)
    return _schedule(request, at, caller, schedule, asked=(view, since, zone), said=said)


def _ran(at: Desk, caller: Caller, text: str, key: str, *, here: str | None = None) -> Said:
    try:
        reply = run(at.seen_by(caller), text, caller.actor, key=key or None, here=here, now=at.now())
    except Refused as refused:
        reply = ReplyView(text=str(refused), ok=False)
    return Said(text, reply)


def _board(request: Request, at: Desk, caller: Caller, said: Said) -> Response:
    now = at.now()
    board = oncall_board.board(at.context, caller.actor, now=now)
    people = at.context.live.current.revision.people
    person = people.get(caller.actor)
    named = {one.person for schedule in board.schedules for one in schedule.answering}
    named |= {one for schedule in board.schedules for one in schedule.after}
    return draw(
        request, at, caller, "oncall.html",
        status=said.status,
        board=board,
        wall=Wall(zone_of(person.time_zone) if person else ZoneInfo("UTC"), now),
        marks=marks(named, people),
        length=length,
        asking=_who(at, person, "/oncall"),
        line="/oncall/commands", line_fields={}, **said.shown(),
    )  # fmt: skip


def _schedule(
    request: Request,
    at: Desk,
    caller: Caller,
    schedule: str,
    *,
    asked: tuple[str, str, str],
    done: int = 0,
    said: Said = Said(),
) -> Response:
    now = at.now()
    view, since, zone = asked
    people = at.context.live.current.revision.people
    person = people.get(caller.actor)
    word, wall = chosen_wall(at, schedule, person, zone, now)
    sight = sight_of(schedule, view, since, word, wall)
    first, days = sight.shown
    seen = oncall_page.seen(at.context, schedule, first=first, days=days, zone=wall.zone, now=now)
    known = marks(seen.people, people)
    return draw(
        request, at, caller, "oncall_schedule.html",
        status=said.status,
        seen=seen, sight=sight, wall=wall, marks=known, viewer=person,
        title=title(sight, wall),
        today=wall.local(now).date(),
        picture=picture(seen, known, now=now) if sight.view == "week" else None,
        turns=seen.turns[:TURNS_SHOWN], more=max(0, len(seen.turns) - TURNS_SHOWN),
        theirs={turn.start: theirs(turn, people, wall) for turn in seen.turns[:TURNS_SHOWN]},
        zones=zones(seen.time_zone, person),
        done=next((one for one in seen.overrides if one.id == done), None) if done else None,
        clocks=clocks, length=length, quote=quote,
        asking=_who(at, person, sight.address()),
        line=f"/oncall/{quote(schedule, safe='')}/commands",
        line_fields={"view": sight.view, "from": sight.first.isoformat(), "zone": sight.zone},
        **said.shown(),
    )  # fmt: skip


def _who(at: Desk, person: Person | None, back: str) -> dict[str, object]:
    """Give what the question `Who are you?` needs; whoever is known is not asked."""
    people = at.context.live.current.revision.people.values() if person is None else ()
    active = sorted((one for one in people if one.active), key=lambda one: one.name.casefold())
    return {"candidates": active, "back": back}
