"""Hand-offs, taps and offers of shifts to what a person or a channel is told. Nothing is sent here.

What is told stands in the row's data as JSON: it was true at the hand-off, and is not looked up again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

from incident_bot.core.effects import Moment
from incident_bot.core.model import Json, JsonObject, Person
from incident_bot.core.timeline import one_line, redact
from incident_bot.render.messages import SUBJECT_MOST, Message
from incident_bot.render.templates import Templates

MOMENTS: Final = frozenset(
    {Moment.HANDOFF, Moment.TAP, Moment.UNTAPPED, Moment.SWAP, Moment.MOVED, Moment.NUDGE, Moment.DIGEST}
)
"""What is written here, and nowhere else."""
TITLE_MOST: Final = 100
_INSTANTS: Final = frozenset({"at", "until", "since", "due", "asked", "was", "now"})


def handoff_message(
    templates: Templates,
    moment: Moment,
    data: JsonObject,
    *,
    person: Person | None,
    public_url: str,
    link: str | None = None,
    now: datetime,
) -> Message:
    """Say to a person, on their own clock, or to a channel, on the schedule's, what one of `MOMENTS` is about.

    `link` is the secret address of a tap.
    """
    name = _template(moment, data)
    read = _read(data)
    facts = {
        **_blank(),
        **(read if isinstance(read, dict) else {}),
        "now": now,
        "url": link or f"{public_url.rstrip('/')}/{_page(data)}",
        "base": public_url.rstrip("/"),
        "person": person.name if person else "",
        "zone": person.time_zone if person else str(data.get("zone") or "UTC"),
    }
    text = templates.render(name, facts)
    return Message(
        subject=one_line(redact(_subject(moment, data)), SUBJECT_MOST),
        text=text.text.rstrip(),
        url=str(facts["url"]),
        facts={key: data[key] for key in ("schedule", "at", "role", "offer", "missing_id") if key in data},
        fell_back=text.fell_back,
    )


def _page(data: JsonObject) -> str:
    """Give the page that a message is about: the one that it names, an incident's, else that of those on call."""
    if "page" in data:
        return str(data["page"])
    incident = data.get("incident")
    return f"incidents/{quote(str(incident))}" if incident else "oncall"


def _template(moment: Moment, data: JsonObject) -> str:
    if moment is Moment.HANDOFF:
        return {"begins": "page/handoff_begins.j2", "ends": "page/handoff_ends.j2"}.get(
            str(data.get("role")), "slack/handoff.j2"
        )
    return {
        Moment.TAP: "page/tap.j2",
        Moment.UNTAPPED: "page/untapped.j2",
        Moment.MOVED: "slack/moved.j2",
        Moment.DIGEST: "slack/digest.j2",
    }.get(moment, "page/swap.j2")


def _subject(moment: Moment, data: JsonObject) -> str:
    schedule = str(data.get("schedule", ""))
    if moment is Moment.HANDOFF:
        said = {"begins": f"You are on call for {schedule}", "ends": f"Your shift on {schedule} is over"}
        return said.get(str(data.get("role")), f"On call for {schedule}")
    if moment is Moment.TAP:
        return f"Are you reachable? Your shift on {schedule} begins soon"
    if moment is Moment.UNTAPPED:
        return f"{data.get('missing')} has not confirmed for {schedule}"
    if moment is Moment.MOVED:
        return f"Hand-offs of {schedule} moved"
    return str(data.get("text") or f"A shift on {schedule}")


def _blank() -> dict[str, object]:
    """Give what only some messages have, empty."""
    return {
        "schedule": "", "text": "", "todo": "", "lines": [], "before": [], "after": [], "moved": [], "brief": None,
        "at": None, "until": None, "due": None, "asked": None, "missing": "", "missing_id": "", "on_call": False,
        "clocks": "", "was_clocks": "",
    }  # fmt: skip


def _read(value: Json) -> object:
    """Give data with its instants as such, and its words without what only secrets look like."""
    if isinstance(value, Mapping):
        return {key: _instant(one) if key in _INSTANTS else _read(one) for key, one in value.items()}
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Sequence):
        return [_read(one) for one in value]
    return value


def _instant(value: Json) -> object:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
