"""Stage 8: the sections 11 to 18: who answered, who was told, what is left to do, the whole record."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from incident_bot.core.model import Item, ItemKind, Kind, incident_name
from incident_bot.core.postmortem.draft import (
    Block,
    Measures,
    PageFact,
    Row,
    Story,
    episode_source,
    event_source,
    page_source,
)
from incident_bot.core.postmortem.questions import Kept, Promise, promises
from incident_bot.core.postmortem.sections import entry_row, listed
from incident_bot.core.postmortem.words import clock, duration
from incident_bot.core.timeline import REVISIONS, ROUTINE, Entry, redact

ROWS_MOST: Final = 500


def response(story: Story, measures: Measures) -> tuple[Block, ...]:
    """Section 11: who was in command, roles over time, what the escalation did, every page, steps of the runbook."""
    asked = (Kind.HANDOFF_OFFERED, Kind.HANDOFF_DECLINED, Kind.HANDOFF_EXPIRED)
    roles = listed("roles", story, Kind.LEAD_ASSIGNED, Kind.ROLE_ASSIGNED, *asked)
    kinds = (
        Kind.STEP,
        Kind.NOBODY,
        Kind.FELL_BACK,
        Kind.EXHAUSTED,
        Kind.PAUSED,
        Kind.RESUMED,
        Kind.ESCALATED,
    )
    more = (Kind.REPAGED, Kind.PAGED, Kind.SNOOZED, Kind.WOKEN)
    escalation = listed("escalation", story, *kinds, *more, *_ANSWERS)
    pages = sorted(story.pages, key=lambda page: (page.due_at, page.id))
    paging = Block(
        name="paging",
        columns=("Person", "By", "Why", "Due", "Result"),
        rows=tuple(_page_row(page, story.zone) for page in pages[:ROWS_MOST]),
        nothing="Nobody was paged.",
    )
    return _command(story, measures), roles, escalation, paging, _steps(story)


_ANSWERS: Final = (
    Kind.ACKNOWLEDGED,
    Kind.ALSO_ACKNOWLEDGED,
    Kind.PART_ACKNOWLEDGED,
    Kind.PART_GIVEN_BACK,
    Kind.UNACKNOWLEDGED,
    Kind.CANNOT,
    Kind.STILL_ON_IT,
    Kind.CONFIRMED,
    Kind.ACK_EXPIRED,
)
"""What people said to their pages, and their silence: without it nobody sees why paging stopped and went on."""


def _steps(story: Story) -> Block:
    """Say which steps of the runbook were done, when and by whom; what was taken back is not there."""
    ticked = {entry.data.get("number"): entry for entry in story.entries if entry.kind is Kind.STEP_TICKED}
    rows = tuple(
        Row(
            cells=(f"{tick.number}. {redact(tick.text)}", clock(tick.at, story.zone), story.name_of(tick.by)),
            source=event_source(*filter(None, [ticked.get(tick.number)])),
        )
        for tick in story.incident.ticks
    )
    columns = ("Step of the runbook", "Done", "By")
    return Block(name="steps", columns=columns, rows=rows, nothing="No step of a runbook was ticked.")


def _command(story: Story, measures: Measures) -> Block:
    """Say who led from when to when; while it is open the last one still does."""
    led = story.leads
    # The next one ends the time of the one before; the last one's ends with the incident.
    ends = (*(entry.happened_at for entry in led[1:]), measures.at("Resolved"))
    rows = tuple(
        Row(
            cells=(
                story.name_of(str(entry.data.get("person", ""))),
                clock(entry.happened_at, story.zone),
                duration(max((end or story.now) - entry.happened_at, timedelta(0)))
                + ("" if end else ", still in command"),
            ),
            source=event_source(entry),
        )
        for entry, end in zip(led, ends, strict=False)
    )
    return Block(name="command", columns=("Led by", "From", "For"), rows=rows, nothing="Nobody led it.")


def communications(story: Story, measures: Measures) -> tuple[Block, Block, Block]:
    """Section 12: every update, whether the next one came when it was promised, and how often it did."""
    made = tuple(promises(story, measures))
    return (
        listed("updates", story, Kind.UPDATE_POSTED, Kind.PUBLISHED, Kind.UNPUBLISHED),
        Block(
            name="promises",
            columns=("Next update promised for", "Result"),
            rows=tuple(_promise_row(promise, story.zone) for promise in made),
            nothing="No promises recorded.",
        ),
        Block(name="promises-kept", rows=_promises_kept(made), nothing="No promise was due."),
    )


def _promise_row(promise: Promise, zone: str) -> Row:
    met, result = promise.met, promise.kept.value
    if met is not None and promise.kept is Kept.IN_TIME:
        result = f"kept, {clock(met.happened_at)}"
    elif met is not None and promise.kept is Kept.LATE:
        result = f"{duration(promise.late)} late, {clock(met.happened_at)}"
    source = event_source(promise.made, met) if met else event_source(promise.made)
    return Row(cells=(clock(promise.due, zone) + promise.where, result), source=source)


def _promises_kept(made: tuple[Promise, ...]) -> tuple[Row, ...]:
    """Count those that fell due, in one sentence."""
    due = [one for one in made if one.kept in (Kept.IN_TIME, Kept.LATE, Kept.MISSED)]
    if not due:
        return ()
    late = [one.late for one in due if one.kept is Kept.LATE]
    kept, missed = (sum(one.kept is kind for one in due) for kind in (Kept.IN_TIME, Kept.MISSED))
    words = [f"{kept} of {len(due)} promised update{'s' if len(due) > 1 else ''} came in time"]
    if late:
        words.append(f"{len(late)} late, by {duration(max(late))} at most")
    if missed:
        words.append(f"{missed} did not come")
    return (Row(cells=(f"{'; '.join(words)}.",), source=event_source(*(one.made for one in due))),)


def follow_ups(story: Story) -> Block:
    """Section 15: tasks and follow-ups."""
    added = {entry.data.get("number"): entry for entry in story.entries if entry.kind is Kind.ITEM_ADDED}
    rows = tuple(
        Row(
            cells=(
                str(item.number),
                item.text,
                _type(item),
                story.name_of(item.owner) or "nobody yet",
                clock(item.due, story.zone) if item.due else "no date",
                _state(item, story.zone),
            ),
            source=event_source(*filter(None, [added.get(item.number)])),
        )
        for item in story.incident.items
        if item.kind in (ItemKind.TASK, ItemKind.FOLLOWUP)
    )
    return Block(name="follow-ups", columns=("No.", "What", "Type", "Owner", "Due", "State"), rows=rows)


def _type(item: Item) -> str:
    kind = "follow-up" if item.kind is ItemKind.FOLLOWUP else "task"
    return f"{kind}: {item.type.value}" if item.type else kind


def _state(item: Item, zone: str) -> str:
    state = f"done {clock(item.done_at, zone)}" if item.done_at else "open"
    if item.done_when is None:
        return state
    proven = ", which holds" if item.proven_at else ""
    return f"{state}; done when {item.done_when}{proven}"


def recurrence(story: Story) -> Block:
    """Section 16: the earlier incident of the same key, those that are like it, and what is still owed after them."""
    earlier = story.incident.previous
    rows = [] if earlier is None else [
        Row(cells=(f"The same alerts made {incident_name(earlier)}.",), source=event_source(*story.opening))
    ]  # fmt: skip
    for one in story.similar:
        name = incident_name(one.incident.number)
        source = f"[{name}]"
        rows.append(
            Row(cells=(f"Like {name}, {redact(one.incident.title)}: {redact(one.why)}.",), source=source)
        )
        for promise in one.promises:
            owner = f" ({story.name_of(promise.owner)})" if promise.owner else ""
            said = f"After {name} we said we would: {redact(promise.text)}{owner}. It is not done."
            rows.append(Row(cells=(said,), source=source))
    nothing = "No earlier incident of the same alerts is recorded."
    return Block(name="recurrence", rows=tuple(rows), nothing=nothing)


def timeline(story: Story) -> Block:
    """Section 17: what happened, without the routine."""
    return _record("timeline", story, routine=False)


def appendix(story: Story) -> tuple[Block, Block, Block]:
    """Section 18: who took part, every alert, and the rest of the record."""
    return _participants(story), _alerts(story), _record("rest-of-record", story, routine=True)


def _page_row(page: PageFact, zone: str) -> Row:
    why = f"step {page.step + 1}" if page.kind == "step" else page.kind.replace("_", " ")
    if page.loop:
        why += f", round {page.loop + 1}"
    result = page.state
    if page.sent_at is not None:
        result += f" {clock(page.sent_at)}"
    if page.attempts > 1:
        result += f", {page.attempts} attempts"
    if page.reason:
        result += f" ({redact(page.reason)})"
    return Row(cells=(page.name, page.via, why, clock(page.due_at, zone), result), source=page_source(page))


def _record(name: str, story: Story, *, routine: bool) -> Block:
    gone = story.taken_back
    chosen = [entry for entry in story.entries if _is_aside(entry, gone) is routine]
    rows = [entry_row(entry, story.zone) for entry in chosen[:ROWS_MOST]]
    if len(chosen) > ROWS_MOST:
        rest = chosen[ROWS_MOST:]
        rows.append(
            Row(cells=(f"{len(rest)} more entries, on the incident's page.",), source=event_source(*rest))
        )
    return Block(name=name, rows=tuple(rows))


def _is_aside(entry: Entry, gone: frozenset[object]) -> bool:
    """Say whether an entry is kept for the appendix: routine, or what somebody put right or took back."""
    is_revision = entry.kind in REVISIONS or entry.kind is Kind.TAKEN_BACK
    return entry.kind in ROUTINE or is_revision or entry.seq in gone or entry.data.get("retracted") is True


def _participants(story: Story) -> Block:
    took_part = [entry for entry in story.entries if entry.actor in story.people]
    by_person: dict[str, list[Entry]] = {}
    for entry in took_part:
        by_person.setdefault(entry.actor, []).append(entry)
    roles = _roles(story)
    rows = tuple(
        Row(
            cells=(story.name_of(person), ", ".join(roles.get(person, ("responder",))), str(len(acts))),
            source=event_source(*acts),
        )
        for person, acts in by_person.items()
    )
    return Block(name="participants", columns=("Person", "Role", "Entries"), rows=rows)


def _roles(story: Story) -> dict[str, list[str]]:
    """Give every role that somebody had, also the ones that another person has by now."""
    had: dict[str, dict[str, None]] = {}
    gone = story.taken_back
    given = [one for one in story.entries if one.kind is Kind.ROLE_ASSIGNED and one.seq not in gone]
    for entry in (*story.leads, *given):
        role = "lead" if entry.kind is Kind.LEAD_ASSIGNED else str(entry.data.get("role") or "responder")
        had.setdefault(str(entry.data.get("person") or ""), {})[role] = None
    return {person: list(roles) for person, roles in had.items()}


def _alerts(story: Story) -> Block:
    episodes = sorted(story.episodes, key=lambda episode: (episode.starts_at, episode.id))
    rows = tuple(
        Row(
            cells=(
                episode.labels.get("alertname", episode.fingerprint),
                episode.severity or "",
                clock(episode.starts_at, story.zone),
                clock(episode.ends_at, story.zone) if episode.ends_at else STILL_FIRING,
                redact(
                    " ".join(
                        f"{key}={value}"
                        for key, value in sorted(episode.labels.items())
                        if key != "alertname"
                    )
                ),
            ),
            source=episode_source(episode),
        )
        for episode in episodes[:ROWS_MOST]
    )
    return Block(name="alerts", columns=("Alert", "Severity", "Started", "Ended", "Labels"), rows=rows)


STILL_FIRING: Final = "no end recorded"
