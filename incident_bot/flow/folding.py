"""Several pages for one person in one message (S7): what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from incident_bot.core.effects import PageKind
from incident_bot.core.model import Episode, Incident, JsonObject, Person, Urgency
from incident_bot.flow import acklinks
from incident_bot.flow.context import Context
from incident_bot.notifiers.base import Line, Message
from incident_bot.render.folding import Told, folded_message, told_of
from incident_bot.render.messages import PAGES
from incident_bot.store.outbox import OutboxRow

LINES_MOST: Final = 100
"""Incidents that a program is told of one by one; people get fewer lines."""
TEXTED_MOST: Final = 6


def folded(
    context: Context, row: OutboxRow, listed: Sequence[Told], person: Person, *, key: str, now: datetime
) -> tuple[Message, str | None]:
    """Give the message of a page that carries others, and why it is the built-in text where it is."""
    count = len(numbers_of(row))
    kind = row.page_kind or PageKind.STEP
    notifier = context.kinds.get(row.via)
    to_do = kind is not PageKind.NOTE
    ack_url = acklinks.new_url(context.settings) if notifier and notifier.ack_link and to_do else None
    written = folded_message(
        context.live.current.templates,
        listed,
        count,
        kind,
        person=person,
        public_url=context.settings.public_url,
        html=bool(notifier and notifier.html),
        ack_url=ack_url,
        now=now,
    )
    facts = written.facts
    if row.via == "sms" and to_do:
        facts = {**facts, **_texted(row, listed, count, person)}
    return Message(
        key=key,
        kind=kind.value if kind in PAGES else "page",
        recipient=person.id,
        person=person,
        subject=written.subject,
        text=written.text,
        url=written.url,
        facts=facts,
        attempt=row.attempts,
        urgent=to_do and any(one.urgency in (Urgency.HIGH, None) for one in (row, *row.carries)),
        thread=f"{written.url} {key} {row.created_at.isoformat()}",
        html=written.html,
        ack_url=ack_url,
        also=tuple(map(_line, listed)),
        more=count - len(listed),
    ), written.fell_back


def _line(told: Told) -> Line:
    return Line(
        incident=told.name,
        title=told.title,
        severity=told.severity,
        since=told.since.astimezone(UTC).isoformat(),
        service=told.service,
        runbooks=told.runbooks,
        url=told.url,
    )


def _texted(row: OutboxRow, listed: Sequence[Told], count: int, person: Person) -> JsonObject:
    # The time of the page tells it apart from every other, and stays what it is (S2).
    at = row.due_at.astimezone(ZoneInfo(person.time_zone))
    worst = listed[0]
    drill = "DRILL " if worst.drill else ""
    return {
        "lines": [
            f"{count} incidents {at:%H:%M}, worst {drill}{worst.severity} {worst.name}: {worst.title}",
            f"Reply 1 or ACK to take all, ACK {worst.name.removeprefix('INC-')} for one",
        ],
        "more_lines": [
            f"{'DRILL ' if one.drill else ''}{one.severity} {one.name}: {one.title[:60]}"
            for one in listed[1:TEXTED_MOST]
        ],
    }


def listed_of(
    context: Context, known: Callable[[int], tuple[Incident | None, list[Episode]]], row: OutboxRow
) -> list[Told]:
    """Give the incidents of a page that carries others, the worst first, those that are gone left out."""
    found: list[Told] = []
    for number in numbers_of(row)[:LINES_MOST]:
        incident, episodes = known(number)
        if incident is not None:
            found.append(told_of(incident, episodes, public_url=context.settings.public_url))
    return found


def numbers_of(row: OutboxRow) -> list[int]:
    """Give the incidents that a page and those that it carries are about, each once, the worst first."""
    return list(dict.fromkeys(one.incident_id for one in (row, *row.carries) if one.incident_id))
