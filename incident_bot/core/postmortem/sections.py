"""Stage 8: the sections 0 to 10 of a draft, each line with the records that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from incident_bot.core.milestones import Milestone, between
from incident_bot.core.model import Item, ItemKind, Kind, Mark, Phase, SilenceState, incident_name
from incident_bot.core.nearby import ChangeEvent
from incident_bot.core.postmortem.draft import (
    Block,
    Header,
    Measures,
    Row,
    Story,
    episode_source,
    event_source,
    page_source,
)
from incident_bot.core.postmortem.measures import phase_of, stretches
from incident_bot.core.postmortem.telling import STILL_OPEN, time_spent
from incident_bot.core.postmortem.words import clock, duration
from incident_bot.core.timeline import Entry, redact


def header(story: Story, measures: Measures) -> Header:
    """Say what the document is about."""
    incident = story.incident
    ended = measures.at("Resolved")
    within = story.rung.postmortem_within if story.rung else None
    return Header(
        name=incident_name(incident.id),
        title=incident.title,
        severity=incident.severity,
        peak=incident.peak,
        phase=incident.phase.value,
        team=incident.team,
        service=incident.service,
        lead=story.name_of(incident.lead) or None,
        opened_at=incident.opened_at,
        resolved_at=ended,
        due_at=ended + within if ended and within else None,
        drill=incident.drill,
        private=incident.private,
        zone=story.zone,
        generated_at=story.now,
    )


def header_block(story: Story, head: Header, measures: Measures) -> Block:
    """Section 0."""
    opened = story.opening
    changed = [entry for entry in story.entries if entry.kind is Kind.SEVERITY_CHANGED][-1:]
    moved = [entry for entry in story.entries if phase_of(entry)][-1:]
    led = story.leads
    # Whoever led first made the first decisions: they stand before whoever leads now.
    one_after_the_other = (str(entry.data.get("person") or "") for entry in led)
    leads = [story.name_of(person) for person, _ in groupby(one_after_the_other)]
    ends = next((milestone for milestone in measures.milestones if milestone.name == "Resolved"), None)
    peak = f" (at worst {head.peak})" if head.peak != head.severity else ""
    rows = [
        Row(cells=("Severity", head.severity + peak), source=event_source(*(changed or opened))),
        Row(cells=("Phase", head.phase), source=event_source(*(moved or opened))),
        Row(cells=("Team", head.team), source=event_source(*opened)),
        Row(cells=("Service", head.service or "not known"), source=event_source(*opened)),
        Row(cells=("Led by", ", then ".join(leads) or head.lead or "nobody"), source=event_source(*led)),
        Row(cells=("Opened", clock(head.opened_at, head.zone)), source=event_source(*opened)),
        Row(
            cells=(_end_of(story), _ended(head.resolved_at, measures, head.zone)),
            source=ends.source if ends else "",
        ),
    ]
    if head.due_at:
        rows.append(Row(cells=("Post-mortem due", clock(head.due_at, head.zone))))
    rows.extend(_merges(story))
    if head.drill:
        rows.append(Row(cells=("Drill", "yes: this was an exercise"), source=event_source(*opened)))
    return Block(name="header", columns=("Fact", "Value"), rows=tuple(rows))


def _end_of(story: Story) -> str:
    """Name the end: what was cancelled never was one, so it was not resolved either."""
    return "Cancelled" if story.incident.phase is Phase.CANCELLED else Mark.RESOLVED.label


def _merges(story: Story) -> list[Row]:
    """Say which incidents are a part of this one, or which one it is a part of."""
    came = {entry.data.get("incident"): entry for entry in story.entries if entry.kind is Kind.MERGED_HERE}
    for entry in story.entries:
        if entry.kind is Kind.UNMERGED_HERE:
            came.pop(entry.data.get("incident"), None)
    rows = []
    if came:
        parts = (" ".join(filter(None, _name_and_title(entry))) for entry in came.values())
        rows.append(Row(cells=("Merged incidents", ", ".join(parts)), source=event_source(*came.values())))
    went = [entry for entry in story.entries if entry.kind in (Kind.MERGED, Kind.UNMERGED)][-1:]
    if went and story.incident.merged_into:
        rows.append(
            Row(cells=("Merged into", incident_name(story.incident.merged_into)), source=event_source(*went))
        )
    return rows


def _name_and_title(entry: Entry) -> tuple[str, str]:
    title = entry.data.get("title")
    return str(entry.data.get("name") or ""), f"“{title}”" if title else ""


def impact(story: Story, measures: Measures) -> Block:
    """Section 2: the window, the time per severity, who was disturbed, what people said of it."""
    start, end = measures.at("Impact started") or measures.at("Detected"), measures.at("Resolved")
    window = clock(start, story.zone) if start else "not known"
    window += f" to {clock(end, story.zone)}" if end else f", {_ended(end, measures, story.zone)}"
    lasted = between(start, end)
    window += f", {duration(lasted)}" if lasted is not None else ""
    times = stretches(story, end)
    if len(times) > 1:
        window += f", open for {duration(sum((until - since for since, until in times), timedelta(0)))} of it"
    changes = [entry for entry in story.entries if entry.kind is Kind.SEVERITY_CHANGED]
    services = sorted({episode.service for episode in story.episodes if episode.service})
    sent = [page for page in story.pages if page.was_sent]
    rows = [
        Row(
            cells=("Window", window),
            source=measures.source("Impact started" if measures.at("Impact started") else "Detected"),
        ),
        *(
            Row(
                cells=(f"Time at {name}", duration(spent)),
                source=event_source(*(changes or story.opening)),
            )
            for name, spent in measures.severity_time
        ),
        Row(cells=("Services", ", ".join(services) or "not known"), source=episode_source(*story.episodes)),
        Row(cells=("Alerts", str(len(story.episodes))), source=episode_source(*story.episodes)),
        Row(cells=("Pages sent", str(measures.pages_sent)), source=page_source(*sent)),
        Row(cells=("People paged", str(measures.people_paged)), source=page_source(*sent)),
    ]
    rows.extend(filter(None, [time_spent(story, measures)]))
    told = [entry for entry in story.entries if entry.kind is Kind.IMPACT_CHANGED]
    said = story.incident.impact
    rows.extend([Row(cells=("As described", said), source=event_source(*told[-1:]))] if said else [])
    return Block(name="impact", columns=("Fact", "Value"), rows=tuple(rows))


def key_times(story: Story, measures: Measures) -> tuple[Block, Block]:
    """Section 3: every key time, and the durations between them."""
    detected = measures.at("Detected")
    rows = tuple(
        Row(
            cells=(
                _end_of(story) if milestone.name == Mark.RESOLVED.label else milestone.name,
                _reached(milestone, measures, story.zone) + _correction(milestone, story),
                _since(detected, milestone.at),
            ),
            source=milestone.source,
        )
        for milestone in measures.milestones
        # Closing is about the paper; while it is not done nothing is missing.
        if milestone.at or milestone.name != Mark.CLOSED.label
    )
    lengths = (
        ("Time to detect", measures.time_to_detect, ("Impact started", "Detected")),
        ("Time to acknowledge", measures.time_to_acknowledge, ("Detected", "Acknowledged")),
        ("Time to mitigate", measures.time_to_mitigate, ("Detected", "Mitigated")),
        ("Time to resolve", measures.time_to_resolve, ("Detected", "Resolved")),
    )
    counted = [
        Row(cells=(name, duration(length)), source=measures.source(*ends))
        for name, length, ends in lengths
        if length is not None
    ]
    if measures.excluded:
        counted.append(
            Row(cells=("In no figure", measures.excluded), source=event_source(*story.entries[-1:]))
        )
    if (gap := measures.widest_gap) and gap.length:
        text = f"{duration(gap.length)}, from {gap.start.lower()} to {gap.end.lower()}"
        counted.append(Row(cells=("Widest gap", text), source=measures.source(gap.start, gap.end)))
    if measures.still_open:
        counted.append(Row(cells=("End", STILL_OPEN), source=event_source(*story.entries[-1:])))
    return (
        Block(name="key-times", columns=("Key time", "When", "After detection"), rows=rows),
        Block(name="durations", columns=("Fact", "Value"), rows=tuple(counted)),
    )


def detection(story: Story, _measures: Measures) -> Block:
    """Section 4: what told us first."""
    opened = [entry for entry in story.entries if entry.kind in (Kind.OPENED, Kind.DECLARED)][:1]
    rows = [Row(cells=(entry.text,), source=event_source(entry)) for entry in opened]
    first = min(story.episodes, key=lambda episode: (episode.opened_at, episode.id), default=None)
    if first is not None:
        name = first.labels.get("alertname", first.fingerprint)
        heard = clock(first.opened_at, story.zone)
        began = clock(first.starts_at, story.zone)
        text = f"{name} from {first.source} fired at {began}; we heard of it at {heard}."
        rows.append(Row(cells=(text,), source=episode_source(first)))
    return Block(name="detection", rows=tuple(rows))


def lead_up(story: Story) -> Block:
    """Section 6: what changed shortly before, and why it is named; nobody says that it was the cause."""
    rows = tuple(
        Row(
            cells=(
                _change(one.change),
                story.name_of(one.change.who or one.change.told_by),
                clock(one.change.at, story.zone),
                f"{duration(abs(one.before))} {'before' if one.before >= timedelta(0) else 'after'}",
                one.why,
            ),
            source=f"[change {one.change.id}]",
        )
        for one in story.changes
    )
    return Block(
        name="changes-before",
        columns=("Change", "By", "Done", "Against the beginning", "It fits by"),
        rows=rows,
        nothing="No change is on record for the two hours before.",
    )


def _change(change: ChangeEvent) -> str:
    """Say what was changed; a version that stands there already is not said twice."""
    version = change.version if change.version and change.version not in change.what else None
    return " ".join(filter(None, (change.what, version, change.url)))


def phases(story: Story, _measures: Measures) -> Block:
    """Section 7: where the work stood, and since when."""
    begun = [(entry, Phase.TRIAGE.value) for entry in story.opening if not phase_of(entry)]
    moves = [*begun, *((entry, phase) for entry in story.entries if (phase := phase_of(entry)))]
    # Saying where the work stands again moves nothing.
    moves = [*moves[:1], *(move for before, move in pairwise(moves) if move[1] != before[1])]
    rows = tuple(
        Row(cells=(phase, clock(entry.happened_at, story.zone), entry.text), source=event_source(entry))
        for entry, phase in moves
    )
    return Block(name="phases", columns=("Phase", "Since", "By"), rows=rows)


def beliefs(story: Story) -> tuple[Block, Block, Block]:
    """Section 8: what was believed from when on, what was decided, and what people noted as they went."""
    told: dict[object, list[Entry]] = {}
    for entry in story.entries:
        if entry.kind in (Kind.ITEM_ADDED, Kind.THEORY_CONFIRMED, Kind.THEORY_RULED_OUT):
            told.setdefault(entry.data.get("number"), []).append(entry)

    def row(item: Item, *more: str) -> Row:
        said = (item.text, clock(item.added_at, story.zone), story.name_of(item.added_by))
        return Row(cells=(*said, *more), source=event_source(*told.get(item.number, ())))

    theories = tuple(
        row(item, _became(item, story)) for item in story.incident.items if item.kind is ItemKind.THEORY
    )
    decisions = tuple(row(item) for item in story.incident.items if item.kind is ItemKind.DECISION)
    return (
        Block(
            name="theories",
            columns=("Theory", "Since", "By", "What became of it"),
            rows=theories,
            nothing="No theories recorded.",
        ),
        Block(
            name="decisions",
            columns=("Decision", "When", "By"),
            rows=decisions,
            nothing="No decisions recorded.",
        ),
        listed("notes", story, Kind.NOTE, Kind.SEVERITY_CHANGED, Kind.TITLE_CHANGED),
    )


def _became(item: Item, story: Story) -> str:
    if item.outcome is None or item.done_at is None:
        return "neither confirmed nor ruled out"
    why = f": {item.why}" if item.why else ""
    return f"{item.outcome.value.replace('_', ' ')} {clock(item.done_at, story.zone)}{why}"


def mitigation(story: Story, _measures: Measures) -> Block:
    """Section 10: the changes that were made, and whether they still stand."""
    added = {entry.data.get("number"): entry for entry in story.entries if entry.kind is Kind.ITEM_ADDED}
    rows = tuple(
        Row(
            cells=(
                item.text,
                clock(item.added_at, story.zone),
                f"undone {clock(item.done_at, story.zone)}" if item.done_at else "still in force",
                item.undo or "",
            ),
            source=event_source(*filter(None, [added.get(item.number)])),
        )
        for item in story.incident.items
        if item.kind is ItemKind.CHANGE
    )
    columns = ("Temporary change", "Made", "Now", "To undo")
    return Block(name="changes", columns=columns, rows=rows, nothing="No temporary changes recorded.")


_OF_SILENCES = (
    Kind.SILENCE_ASKED,
    Kind.SILENCED,
    Kind.SILENCE_FAILED,
    Kind.SILENCE_LIFTED,
    Kind.SILENCE_GONE,
    Kind.SILENCE_ENDED,
)


def silences(story: Story) -> Block:
    """Section 10, too: what was silenced, from when to when, by whom and why."""
    told: dict[object, list[Entry]] = {}
    for entry in story.entries:
        if entry.kind in _OF_SILENCES:
            of = entry.data.get("silences")
            asked = of if isinstance(of, list | tuple) else ()
            numbers = [one.get("number") for one in asked if isinstance(one, Mapping)]
            for number in numbers or [entry.data.get("number")]:
                told.setdefault(number, []).append(entry)
    rows = tuple(
        Row(
            cells=(
                redact(one.what),
                clock(one.asked_at, story.zone),
                clock(one.ends_at, story.zone),
                story.name_of(one.asked_by),
                redact(one.reason or ""),
                redact(one.outcome or "in force" if one.state is not SilenceState.ASKED else "not confirmed"),
            ),
            source=event_source(*told.get(one.number, ())),
        )
        for one in story.incident.silences
    )
    columns = ("Silence", "From", "Until", "By", "Why", "What became of it")
    return Block(name="silences", columns=columns, rows=rows, nothing="No silences used.")


def listed(name: str, story: Story, *kinds: Kind) -> Block:
    """Give the entries of some kinds as a list with their times, without what was taken back."""
    gone = story.taken_back
    chosen = (
        entry
        for entry in story.entries
        if entry.kind in kinds and entry.seq not in gone and entry.data.get("retracted") is not True
    )
    rows = tuple(entry_row(entry, story.zone) for entry in chosen)
    return Block(name=name, rows=rows)


def entry_row(entry: Entry, zone: str) -> Row:
    """Give one entry with its time, and when it was noted where that was later."""
    late = entry.recorded_at is not None and entry.recorded_at - entry.happened_at >= NOTED_LATE
    noted = f" (noted {clock(entry.recorded_at)})" if late and entry.recorded_at else ""
    return Row(cells=(f"{clock(entry.happened_at, zone)}: {entry.text}{noted}",), source=event_source(entry))


NOTED_LATE = timedelta(minutes=1)


def _ended(at: datetime | None, measures: Measures, zone: str) -> str:
    if at is not None:
        return clock(at, zone)
    return STILL_OPEN if measures.still_open else "not recorded"


def _reached(milestone: Milestone, measures: Measures, zone: str) -> str:
    if milestone.at is not None:
        return clock(milestone.at, zone)
    # What lies behind cannot be "not yet": it began, and nobody knows when.
    is_to_come = measures.still_open and milestone.name != Mark.IMPACT_STARTED.label
    return "not yet" if is_to_come else "not recorded"


def _correction(milestone: Milestone, story: Story) -> str:
    """Say who corrected a key time, or how it was measured, why, and what the record has."""
    if not milestone.corrected and not milestone.measured:
        return ""
    why = f": {milestone.reason}" if milestone.reason else ""
    had = clock(milestone.recorded, story.zone) if milestone.recorded else "nothing"
    by = "measured" if milestone.measured else f"corrected by {story.name_of(milestone.author)}"
    return f" ({by}{why}; the record has {had})"


def _since(start: datetime | None, at: datetime | None) -> str:
    if start is None or at is None:
        return ""
    return f"−{duration(start - at)}" if at < start else duration(at - start)
