"""What a layer's turns and windows mean, as a sentence a person reads beneath a schedule (R5, R10, R11).

Looks nothing up and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from incident_bot.core.oncall import Advance, Layer, Rotation, Turn, Unit
from incident_bot.core.walltime import EVERY_DAY, Window

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEK: Final = len(DAYS)
_UNITS: Final = {
    Unit.DAYS: "day",
    Unit.WEEKS: "week",
    Unit.MONTHS: "month",
    Unit.HOURS: "hour",
    Unit.ELAPSED_HOURS: "elapsed hour",
}


def turns(layer: Layer) -> str:
    """Say how long each has it and when it changes; a layer of bookings says where they come from."""
    rotation = layer.says
    if not isinstance(rotation, Rotation):
        return "booked in a calendar"
    turn = rotation.turn
    every = f"{turn.every} {_UNITS[turn.unit]}s" if turn.every > 1 else f"1 {_UNITS[turn.unit]}"
    text = f"{every} each, {_changes(turn)}"
    if rotation.turns_per_slot > 1:
        text += f", {rotation.turns_per_slot} turns in a row"
    if rotation.advance is Advance.ACTIVE_DAYS:
        text += ", counting only the days on which a window opens"
    return text


def windows(layer: Layer) -> tuple[str, ...]:
    """Say when the layer speaks, one sentence a window; none means always."""
    return tuple(window(one) for one in layer.windows)


def window(one: Window) -> str:
    """Say when one window is open: `Mon–Fri 09:00 to 17:00, not on holidays`."""
    days, rest = divmod(one.closes, timedelta(days=1))
    if rest == timedelta(0):
        days, rest = days - 1, timedelta(days=1)
    opens, closes = _clock(one.opens), _clock(rest)
    if days and len(one.days) == 1:
        (first,) = one.days
        text = f"{DAYS[first]} {opens} to {DAYS[(first + days) % _WEEK]} {closes}"
    else:
        later = "" if not days else " the next day" if days == 1 else f" {days} days later"
        text = f"{weekdays(one.days)} {opens} to {closes}{later}"
    if one.except_holidays:
        text += ", not on holidays"
    return text + (", on holidays only" if one.only_holidays else "")


def weekdays(days: Iterable[int]) -> str:
    """Name weekdays, Monday being 0, runs of three or more as a range; a run may go over Sunday."""
    chosen = set(days)
    if chosen == EVERY_DAY:
        return "every day"
    firsts = sorted(day for day in chosen if (day - 1) % _WEEK not in chosen)
    return ", ".join(_run(first, chosen) for first in firsts)


def _run(first: int, chosen: set[int]) -> str:
    length = next(step for step in range(1, _WEEK + 1) if (first + step) % _WEEK not in chosen)
    names = [DAYS[(first + step) % _WEEK] for step in range(length)]
    return f"{names[0]}–{names[-1]}" if length > 2 else ", ".join(names)  # noqa: PLR2004 - two are no range


def _changes(turn: Turn) -> str:
    anchor = turn.anchor
    match turn.unit:
        case Unit.WEEKS:
            return f"changes {DAYS[anchor.weekday()]} {anchor:%H:%M}"
        case Unit.DAYS:
            return f"changes at {anchor:%H:%M}"
        case Unit.MONTHS:
            return f"changes on day {anchor.day} at {anchor:%H:%M}"
        case Unit.HOURS:
            return f"counted from {anchor:%H:%M}"
        case Unit.ELAPSED_HOURS:
            return f"counted from {anchor:%Y-%m-%d %H:%M}"


def _clock(since_midnight: timedelta) -> str:
    minutes = since_midnight // timedelta(minutes=1)
    return f"{minutes // 60:02}:{minutes % 60:02}"
