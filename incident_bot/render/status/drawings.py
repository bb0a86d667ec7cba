"""The bars of a component's last 90 days and the badges, as SVG that needs no script, font or style from elsewhere.

A worse day is a shorter bar of another colour, and the label says in words what the bars show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from markupsafe import Markup

from incident_bot.core.model import ComponentState
from incident_bot.core.status import STATE_WORDS, ComponentStatus, Day
from incident_bot.render.status.words import SHAPES, plain

_STEP: Final = 6
_WIDTH: Final = 4
_HEIGHT: Final = 30
_HEIGHTS: Final = {
    None: 4,
    ComponentState.OPERATIONAL: 30,
    ComponentState.UNDER_MAINTENANCE: 26,
    ComponentState.DEGRADED_PERFORMANCE: 22,
    ComponentState.PARTIAL_OUTAGE: 16,
    ComponentState.MAJOR_OUTAGE: 10,
}
_PLAIN: Final = (None, ComponentState.OPERATIONAL)
_CLASSES: Final = {
    None: "none",
    ComponentState.OPERATIONAL: "good",
    ComponentState.UNDER_MAINTENANCE: "works",
    ComponentState.DEGRADED_PERFORMANCE: "slow",
    ComponentState.PARTIAL_OUTAGE: "part",
    ComponentState.MAJOR_OUTAGE: "major",
}
_GROUNDS: Final = {
    ComponentState.OPERATIONAL: "#1a7f37",
    ComponentState.UNDER_MAINTENANCE: "#0969da",
    ComponentState.DEGRADED_PERFORMANCE: "#8a6100",
    ComponentState.PARTIAL_OUTAGE: "#b35900",
    ComponentState.MAJOR_OUTAGE: "#b42318",
}
"""Each has a contrast of more than 4.5:1 to the white words on it."""
_CHARACTER: Final = 7
_NAME_MOST: Final = 60


def style_class(state: ComponentState | None) -> str:
    """Give the class under which the style sheet has the colour of a state."""
    return _CLASSES[state]


def bars(status: ComponentStatus) -> Markup:
    """Draw the days of one component."""
    days = status.days
    width = len(days) * _STEP - (_STEP - _WIDTH)
    # Days of which there is nothing to say share a shape: a page of many components stays small.
    drawn = "".join([_plain(days, state) for state in _PLAIN])
    drawn += "".join(_bar(at, day) for at, day in enumerate(days) if day.state not in _PLAIN)
    label = quoteattr(f"{plain(status.component.name)}: {summary_of(status)}")
    return Markup(  # noqa: S704 -- every text in it is escaped above
        f'<svg class="bars" role="img" aria-label={label} viewBox="0 0 {width} {_HEIGHT}" '
        f'preserveAspectRatio="none">{drawn}</svg>'
    )


def _plain(days: Sequence[Day], state: ComponentState | None) -> str:
    height = _HEIGHTS[state]
    shapes = "".join(
        f"M{at * _STEP} {_HEIGHT - height}h{_WIDTH}v{height}h-{_WIDTH}z"
        for at, day in enumerate(days)
        if day.state is state
    )
    return f'<path class="{_CLASSES[state]}" d="{shapes}"/>' if shapes else ""


def summary_of(status: ComponentStatus) -> str:
    """Say what the bars show."""
    bad = sum(1 for day in status.days if day.out)
    days = "no day" if not bad else "1 day" if bad == 1 else f"{bad} days"
    return f"{status.uptime} % uptime in {len(status.days)} days, {days} with an outage"


def _bar(at: int, day: Day) -> str:
    height = _HEIGHTS[day.state]
    return (
        f'<rect class="{_CLASSES[day.state]}" x="{at * _STEP}" y="{_HEIGHT - height}" width="{_WIDTH}" '
        f'height="{height}"><title>{escape(day_words(day))}</title></rect>'
    )


def day_words(day: Day) -> str:
    """Say how a day was: `3 March 2026: Major outage, 1 h 5 min`."""
    words = "no data" if day.state is None else STATE_WORDS[day.state]
    minutes = -(-int(day.out.total_seconds()) // 60)
    hours, rest = divmod(minutes, 60)
    lasted = " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)
    return f"{day.date:%-d %B %Y}: {words}" + (f", {lasted}" if lasted else "")


def badge(name: str, state: ComponentState, words: str) -> str:
    """Draw a badge: a name, and how it is by word, shape and colour."""
    left = plain(name)
    left = left if len(left) <= _NAME_MOST else f"{left[: _NAME_MOST - 1]}…"
    right = f"{SHAPES[state]} {words}"
    first, second = (len(text) * _CHARACTER + 14 for text in (left, right))
    text = 'font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" fill="#ffffff"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" height="20" role="img" '
        f"aria-label={quoteattr(f'{left}: {words}')}>"
        f"<title>{escape(f'{left}: {words}')}</title>"
        f'<rect width="{first}" height="20" fill="#424a53"/>'
        f'<rect x="{first}" width="{second}" height="20" fill="{_GROUNDS[state]}"/>'
        f'<text x="7" y="14" {text} textLength="{first - 14}">{escape(left)}</text>'
        f'<text x="{first + 7}" y="14" {text} textLength="{second - 14}">{escape(right)}</text></svg>\n'
    )
