"""What the editor puts into a post-mortem for people: entries of the timeline, answers to open questions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from incident_bot.core.postmortem import Draft, clock, escape
from incident_bot.core.postmortem.answers import insert
from incident_bot.core.timeline import Entry, curated
from incident_bot.core.timeline import entries as told
from incident_bot.flow import export
from incident_bot.flow.context import Context
from incident_bot.flow.sight import visible
from incident_bot.flow.slack.names import named
from incident_bot.store import incidents


def choices(context: Context, number: int, *, limit: int) -> tuple[Entry, ...]:
    """Give the entries that tell the story, the newest `limit` of them in order; raises NotFound."""
    return curated(_told(context, number))[-limit:]


def entries(context: Context, number: int, text: str, section: int, wanted: Collection[int]) -> str:
    """Put the entries of these numbers into a section as a list, each with its time and source; raises NotFound."""
    chosen = [entry for entry in _told(context, number) if entry.seq in set(wanted)]
    if not chosen:
        return text
    lines = (f"- {clock(entry.happened_at)}: {escape(entry.text)} [event {entry.seq}]" for entry in chosen)
    return insert(text, section, "\n".join(lines))


def answer(context: Context, number: int, text: str, question: str, words: str, *, now: datetime) -> str:
    """Put the answer to an open question where it is asked about; a question that is not asked changes nothing."""
    found = next((one for one in export.draft(context, number, now=now).asked if one.text == question), None)
    said = words.replace("\r\n", "\n").strip()
    if found is None or not said:
        return text
    return insert(text, found.section, f"**{escape(found.text)}** {said}")


def sections(draft: Draft) -> list[tuple[int, str]]:
    """Give the sections into which something can be put."""
    return [(section.number, section.title) for section in draft.sections]


def _told(context: Context, number: int) -> tuple[Entry, ...]:
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        events = incidents.events(tx, number)
        names = named(context, tx, [incident, *events])
    return told(events, names)
