"""Stage 8: what the record suggests to say: a summary for a director, and what to begin the causes and lessons with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.milestones import between
from incident_bot.core.model import Item, ItemKind, Kind, Outcome
from incident_bot.core.postmortem.draft import Block, Measures, Row, Story, event_source, page_source
from incident_bot.core.postmortem.measures import stretches
from incident_bot.core.postmortem.questions import ANSWER_LATE, Kept, promises
from incident_bot.core.postmortem.words import clock, duration
from incident_bot.core.timeline import Entry

STILL_OPEN: Final = "still open"


def summary(story: Story, measures: Measures) -> Block:
    """Section 1: what broke for how long, who felt it, what ended it; for a person to confirm."""
    incident = story.incident
    start, ended = measures.at("Impact started") or measures.at("Detected"), measures.at("Resolved")
    where = f" on {incident.service}" if incident.service else ""
    since = clock(start or incident.opened_at)
    until = f" until {clock(ended)}" if ended else f" and is {STILL_OPEN}" if measures.still_open else ""
    length = between(start, ended)
    lasted = f" ({duration(length)})" if length is not None else ""
    what = (
        f"“{incident.title}”{where}, at worst {incident.peak}, began at {since}{until if not ended else ''}."
    )
    if ended:
        what = f"“{incident.title}”{where}, at worst {incident.peak}, from {since}{until}{lasted}."
    rows = [Row(cells=(what,), source=event_source(*story.opening))]
    if incident.impact:
        told = _of(story, Kind.IMPACT_CHANGED)[-1:]
        rows.append(Row(cells=(f"What users noticed: {incident.impact}",), source=event_source(*told)))
    rows.append(_course(story, measures))
    rows += [Row(cells=(f"Confirmed: {theory}.",), source=_settled(story)) for theory in _confirmed(story)]
    return Block(name="summary", rows=tuple(rows))


def _course(story: Story, measures: Measures) -> Row:
    """Say in one sentence how long each step took, and what ended it."""
    detected = measures.at("Detected") or story.incident.opened_at
    steps = []
    for name, word in (("Acknowledged", "acknowledged"), ("Mitigated", "mitigated"), ("Resolved", "over")):
        length = between(detected, measures.at(name))
        if length is not None:
            steps.append(f"{word} after {duration(length)}" if length > timedelta(0) else f"{word} at once")
        elif name == "Acknowledged":
            steps.append("never acknowledged")
    over = _of(story, Kind.RESOLVED, Kind.CANCELLED)[-1:]
    reason = over[0].data.get("reason") if over else None
    how = f": {reason}" if isinstance(reason, str) and reason and measures.at("Resolved") else ""
    said = f"{', '.join(steps)}{how}"
    text = f"{said[0].upper()}{said[1:].rstrip('.')}."
    return Row(cells=(text,), source=event_source(*_of(story, Kind.ACKNOWLEDGED)[:1], *over))


def time_spent(story: Story, measures: Measures) -> Row | None:
    """Say how long people worked on it at least: each from their first entry to their last, while it was open.

    By when the entries were made: a note of what happened the evening before does not make a night of work.
    """
    spans: dict[tuple[str, datetime], list[Entry]] = {}
    for start, end in stretches(story, measures.at("Resolved")):
        for entry in story.entries:
            if entry.actor in story.people and start <= _acted(entry) <= end:
                spans.setdefault((entry.actor, start), []).append(entry)
    for told in spans.values():
        told.sort(key=_acted)
    length = sum((_acted(told[-1]) - _acted(told[0]) for told in spans.values()), timedelta(0))
    if not length:
        return None
    ends = [entry for told in spans.values() for entry in (told[0], told[-1])]
    return Row(cells=("Time that people spent, at least", duration(length)), source=event_source(*ends))


def _acted(entry: Entry) -> datetime:
    """Give when somebody did this: what is noted of an earlier time was done when it was noted."""
    return max(entry.happened_at, entry.recorded_at or entry.happened_at)


def conditions(story: Story, measures: Measures) -> Block:
    """Section 9: what was confirmed, what came before, and what people changed; why it was possible only they know."""
    rows = [
        Row(
            cells=(f"Confirmed: {theory}. What made it possible, and why did nothing stop it?",),
            source=_settled(story),
        )
        for theory in _confirmed(story)
    ]
    rows += [
        Row(
            cells=(
                f"{one.change.what} came {duration(one.before)} before it began. What part did it play, if any?",
            ),
            source=f"[change {one.change.id}]",
        )
        for one in story.changes[:1]
        if one.before >= timedelta(0)
    ]
    detected = measures.at("Detected") or story.incident.opened_at
    added = {entry.data.get("number"): entry for entry in _of(story, Kind.ITEM_ADDED)}
    rows += [
        Row(
            cells=(
                f"{item.text}, {duration(item.added_at - detected)} after detection, may have limited the damage.",
            ),
            source=event_source(*filter(None, [added.get(item.number)])),
        )
        for item in story.incident.items
        if item.kind is ItemKind.CHANGE and item.added_at >= detected and not _undone(item, measures)
    ]
    return Block(name="conditions", rows=tuple(rows), nothing="The record suggests none.")


def _undone(item: Item, measures: Measures) -> bool:
    """Say whether a change was undone while people still felt it: then it was not what helped."""
    helped = measures.at("Mitigated") or measures.at("Resolved")
    return item.done_at is not None and (helped is None or item.done_at < helped)


def lessons(story: Story, measures: Measures) -> Block:
    """Section 13: what the figures say for it and against it; whether that was luck only people know."""
    limit = (story.rung.respond_within if story.rung else None) or ANSWER_LATE
    taken, rows = measures.time_to_acknowledge, []
    if taken is not None:
        how = "Well" if taken <= limit else "Poorly"
        text = f"{how}: acknowledged after {duration(taken)}; {duration(limit)} were allowed."
        rows.append(Row(cells=(text,), source=event_source(*_of(story, Kind.ACKNOWLEDGED)[:1])))
    made = [one for one in promises(story, measures) if one.kept in (Kept.IN_TIME, Kept.LATE, Kept.MISSED)]
    if made:
        kept = sum(one.kept is Kept.IN_TIME for one in made)
        how = "Well" if kept == len(made) else "Poorly"
        text = f"{how}: {kept} of {len(made)} promised update{'s' if len(made) > 1 else ''} came in time."
        rows.append(Row(cells=(text,), source=event_source(*(one.made for one in made))))
    if failed := [page for page in story.pages if page.state == "failed"]:
        text = f"Poorly: {len(failed)} page{'s' if len(failed) > 1 else ''} reached nobody."
        rows.append(Row(cells=(text,), source=page_source(*failed)))
    if again := _of(story, Kind.REOPENED):
        rows.append(Row(cells=("Poorly: it came back after it was resolved.",), source=event_source(*again)))
    return Block(name="lessons", rows=tuple(rows), nothing="The figures say nothing for it or against it.")


def _confirmed(story: Story) -> list[str]:
    return [
        item.text + (f" ({item.why})" if item.why else "")
        for item in story.incident.items
        if item.kind is ItemKind.THEORY and item.outcome is Outcome.CONFIRMED
    ]


def _settled(story: Story) -> str:
    return event_source(*_of(story, Kind.THEORY_CONFIRMED))


def _of(story: Story, *kinds: Kind) -> list[Entry]:
    return [entry for entry in story.entries if entry.kind in kinds]
