"""App Home: what concerns one member now. Pure; within a hundred blocks whatever there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.model import JsonObject
from incident_bot.render.slack.blocks import Block, actions, button, context, divider, header, section
from incident_bot.render.slack.card import SHAPES, Who
from incident_bot.render.slack.mrkdwn import cut, escape, link, when

BLOCKS_MOST: Final = 100
PAGES_MOST: Final = 10
OPEN_MOST: Final = 25
SHIFTS_MOST: Final = 14
TEAMS_MOST: Final = 20
TAPS_MOST: Final = 5
_DAY: Final = "{date_short_pretty} {time}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One stretch on call, running or to come."""

    schedule: str
    start: datetime | None
    until: datetime | None
    """None where no end is in sight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One open incident; texts are not escaped yet."""

    number: int
    name: str
    title: str
    severity: str
    rank: int
    phase: str
    opened_at: datetime
    url: str
    epoch: int
    lead: Who | None = None
    room: str | None = None
    """The channel's id."""
    private: bool = False
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What a member's App Home shows."""

    user: str
    known: bool
    """Whether people.yaml has this member."""
    on_call: Sequence[Duty] = ()
    pages: Sequence[Standing] = ()
    """What paged them and waits for an answer."""
    open: Sequence[Standing] = ()
    shifts: Sequence[Duty] = ()
    taps: Sequence[Duty] = ()
    """The shifts for which they are asked whether they are reachable."""
    teams: Sequence[tuple[str, str]] = ()
    """Each team with who is on call for it."""
    url: str = ""
    notice: str | None = None
    undo: JsonObject | None = None
    """What takes back what the notice tells of, for a minute."""


def home_view(home: Home) -> Block:
    """Give the view."""
    blocks: list[Block] = []
    if home.notice:
        back = button("Undo", "home:undo", value=home.undo) if home.undo else None
        mark = "" if home.undo else "⚠️ "
        blocks.append(section(f"{mark}{cut(escape(home.notice), 1000)}", accessory=back))
    if not home.known:
        blocks.append(section(_unknown(home)))
    blocks += [*_on_call(home), *_taps(home), *_pages(home), *_open(home), *_shifts(home), *_teams(home)]
    blocks += [divider(), context(_links(home))]
    return {"type": "home", "callback_id": "home", "blocks": blocks[:BLOCKS_MOST]}


def _unknown(home: Home) -> str:
    return (
        f"I do not know you yet. Somebody who may change `rotations/people.yaml` adds `slack: {escape(home.user)}` to "
        "your entry; then your shifts and pages stand here."
    )


def _on_call(home: Home) -> list[Block]:
    declare = button("Declare an incident", "inc:declare", style="danger")
    again = button("Refresh", "home:refresh")
    blocks = [header("Am I on call?")]
    if home.on_call:
        blocks.append(section("\n".join(_running(duty) for duty in home.on_call[:TEAMS_MOST])))
    elif home.known:
        blocks.append(section("You are not on call now."))
    return [*blocks, actions([declare, again], name="home")]


def _running(duty: Duty) -> str:
    until = f" until {when(duty.until, form=_DAY)}" if duty.until else ", with no end in sight"
    return f"*Yes: {cut(escape(duty.schedule), 100)}*{until}"


def _taps(home: Home) -> list[Block]:
    if not home.taps:
        return []
    asked = [
        f"• {cut(escape(tap.schedule), 100)} from {when(tap.start, form=_DAY)}"
        for tap in home.taps[:TAPS_MOST]
        if tap.start
    ]
    text = "\n".join(["*Are you reachable for your shift?*", *asked])
    here = button("I am reachable", "oncall:here", style="primary")
    return [section(text), actions([here], name="reachable")]


def _pages(home: Home) -> list[Block]:
    if not home.pages:
        return []
    blocks = [header(f"Pages that wait for you ({len(home.pages)})")]
    for one in home.pages[:PAGES_MOST]:
        value: JsonObject = {"i": one.number, "e": one.epoch}
        take = button("Acknowledge", "home:ack", value=value, style="primary")
        blocks.append(section(_line(one), accessory=take, name=f"page:{one.number}"))
    return [*blocks, *_more(len(home.pages) - PAGES_MOST)]


def _open(home: Home) -> list[Block]:
    blocks = [header(f"Open incidents ({len(home.open)})")]
    if not home.open:
        return [*blocks, section("Nothing is open.")]
    blocks += [section(_line(one)) for one in home.open[:OPEN_MOST]]
    return [*blocks, *_more(len(home.open) - OPEN_MOST)]


def _line(one: Standing) -> str:
    shape = SHAPES[min(one.rank, len(SHAPES) - 1)]
    drill = "DRILL " if one.drill else ""
    private = " · private" if one.private else ""
    head = (
        f"{drill}{shape} *{escape(one.severity)}* · {link(one.url, one.name)} · {cut(escape(one.title), 300)}"
    )
    lead = f"{one.lead.said()} leads" if one.lead else "nobody leads"
    room = f" · <#{one.room}>" if one.room else ""
    return f"{head}\n{escape(one.phase)} · {lead} · since {when(one.opened_at, form=_DAY)}{room}{private}"


def _shifts(home: Home) -> list[Block]:
    if not home.known:
        return []
    if not home.shifts:
        return [header("My next shifts"), section("None in the next 14 days.")]
    lines = [
        f"• {when(one.start, form=_DAY)} – {when(one.until, form=_DAY) if one.until else 'no end in sight'}"
        f"  {cut(escape(one.schedule), 100)}"
        for one in home.shifts[:SHIFTS_MOST]
        if one.start
    ]
    return [header("My next shifts"), section("\n".join(lines)), *_more(len(home.shifts) - SHIFTS_MOST)]


def _teams(home: Home) -> list[Block]:
    if not home.teams:
        return []
    lines = [f"*{cut(escape(team), 60)}*  {cut(escape(who), 80)}" for team, who in home.teams[:TEAMS_MOST]]
    return [header("Who is on call"), section("\n".join(lines)), *_more(len(home.teams) - TEAMS_MOST)]


def _links(home: Home) -> str:
    found = [
        link(f"{home.url}{path}", text)
        for text, path in (("Console", "/"), ("On-call", "/oncall"), ("Calendar links", "/calendars"))
        if home.url.startswith("http")
    ]
    return " · ".join([*found, "`/incident help` lists the commands"])


def _more(count: int) -> list[Block]:
    return [context(f"… and {count} more")] if count > 0 else []
