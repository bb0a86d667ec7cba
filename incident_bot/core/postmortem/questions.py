"""Stage 8: the questions that the record raises and cannot answer, each found by one rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final, TypeAlias

from incident_bot.core.model import ItemKind, Kind, Phase, incident_name
from incident_bot.core.postmortem.answers import answers
from incident_bot.core.postmortem.draft import Measures, Question, Row, Story, event_source, page_source
from incident_bot.core.postmortem.measures import stretches
from incident_bot.core.postmortem.words import clock, duration
from incident_bot.core.timeline import Entry

QUIET_LEAST: Final = timedelta(minutes=30)
GRACE: Final = timedelta(minutes=2)
"""An update that comes so little after its time is in time."""
DETECTED_LATE: Final = timedelta(minutes=5)
ANSWER_LATE: Final = timedelta(minutes=15)
"""How long an answer may take where the ladder does not say."""

CHANGED_LATELY: Final = timedelta(hours=1)
"""A change that came so shortly before is asked about."""


_ABOUT: Final[dict[tuple[str, ...], int]] = {("change",): 10, ("theory",): 8}
"""Where what is open is asked about in another section than its rule says."""

Rule: TypeAlias = Callable[[Story, Measures], Iterator[Row]]


def questions(story: Story, measures: Measures) -> tuple[Question, ...]:
    """Ask everything that the rules find and nobody has answered, in the order in which people would.

    A question is answered by a text of people in the section that it asks about, or where it is quoted.
    """
    found = (
        Question(text=row.cells[0], source=row.source, section=_ABOUT.get(row.cells[1:], section))
        for rule, section in RULES
        for row in rule(story, measures)
    )
    said = answers(story.written)
    return tuple(one for one in found if not said.has(one.section) and not said.quotes(one.text))


class Kept(StrEnum):
    """What became of a promised update."""

    IN_TIME = "kept"
    LATE = "late"
    MISSED = "missed"
    """It is over, or the promise has passed, and nothing more was told."""
    OPEN = "not due yet"
    SETTLED = "settled by the end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promised update, and what became of it."""

    made: Entry
    due: datetime
    met: Entry | None
    """What was told next, in time or not."""
    kept: Kept

    @property
    def where(self) -> str:
        """Say where it was promised, unless that is the channels."""
        return " on the status page" if self.made.kind is Kind.PUBLISHED else ""

    @property
    def late(self) -> timedelta:
        """Give by how much it was late; nothing for what was not."""
        return self.met.happened_at - self.due if self.met and self.kept is Kept.LATE else timedelta(0)


def promises(story: Story, measures: Measures) -> Iterator[Promise]:
    """Give each promised update in the order in which they were made; one within `GRACE` came in time."""
    found = (one for kind, keeps in _KEPT_BY.items() for one in _promised(kind, keeps, story, measures))
    yield from sorted(found, key=lambda one: (one.made.happened_at, one.made.seq))


def _promised(kind: Kind, keeps: frozenset[Kind], story: Story, measures: Measures) -> Iterator[Promise]:
    """Give what was promised to one audience; what `keeps` it is what that audience gets to read, or the end."""
    told = [entry for entry in story.entries if entry.kind in keeps]
    for place, entry in enumerate(told):
        due = instant(entry, "next_update_at") if entry.kind is kind else None
        if due is not None:
            met = told[place + 1] if place + 1 < len(told) else None
            yield Promise(
                made=entry, due=due, met=met, kept=_kept(due, met, story.now, measures.at("Resolved"))
            )


def _kept(due: datetime, met: Entry | None, now: datetime, ended: datetime | None) -> Kept:
    if met is not None and met.happened_at <= due + GRACE:
        return Kept.IN_TIME
    if met is not None:
        # The end of an incident makes up for no update that was due before it.
        return Kept.LATE if met.kind in _TELLING else Kept.MISSED
    if ended is not None and ended <= due:
        return Kept.SETTLED
    return Kept.OPEN if now <= due + GRACE else Kept.MISSED


def instant(entry: Entry, key: str) -> datetime | None:
    """Give an instant of an entry's data; None where there is none that can be read."""
    value = entry.data.get(key)
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read if read is None or read.tzinfo else None


_TELLING: Final = (Kind.UPDATE_POSTED, Kind.PUBLISHED)
"""What tells the people who wait: the channels, and the public."""
_KEPT_BY: Final = {
    Kind.UPDATE_POSTED: frozenset({*_TELLING, Kind.RESOLVED, Kind.CANCELLED}),
    Kind.PUBLISHED: frozenset({Kind.PUBLISHED, Kind.UNPUBLISHED, Kind.RESOLVED, Kind.CANCELLED}),
}
"""What a promise is made with, and what keeps it: the public reads nothing of an update in a channel."""


def _ask(text: str, *entries: Entry) -> Row:
    return Row(cells=(text,), source=event_source(*entries))


def _of(story: Story, *kinds: Kind) -> list[Entry]:
    return [entry for entry in story.entries if entry.kind in kinds]


def _detected_late(_story: Story, measures: Measures) -> Iterator[Row]:
    if measures.time_to_detect and measures.time_to_detect > DETECTED_LATE:
        text = f"The trouble began {duration(measures.time_to_detect)} before we heard of it. What hid it?"
        yield Row(cells=(text,), source=measures.source("Impact started", "Detected"))


def _answered_late(story: Story, measures: Measures) -> Iterator[Row]:
    limit = (story.rung.respond_within if story.rung else None) or ANSWER_LATE
    detected = measures.at("Detected") or story.incident.opened_at
    taken = measures.at("Acknowledged")
    waited = (taken or measures.at("Resolved") or story.now) - detected
    if waited <= limit:
        return
    said = (
        f"Nobody acknowledged for {duration(waited)}"
        if taken
        else f"Nobody acknowledged at all in {duration(waited)}"
    )
    yield _ask(
        f"{said}; {duration(limit)} were allowed. What held it up?", *_of(story, Kind.ACKNOWLEDGED)[:1]
    )


def _pages_failed(story: Story, _measures: Measures) -> Iterator[Row]:
    failed = [page for page in story.pages if page.state == "failed"]
    if failed:
        whom = sorted({f"{page.name} by {page.via}" for page in failed})
        noun = "page" if len(failed) == 1 else "pages"
        text = (
            f"{len(failed)} {noun} failed ({', '.join(whom)}). Are the addresses right, and what did it cost?"
        )
        yield Row(cells=(text,), source=page_source(*failed))


def _nobody_there(story: Story, _measures: Measures) -> Iterator[Row]:
    if gaps := _of(story, Kind.NOBODY, Kind.FELL_BACK):
        yield _ask("A step of the escalation had nobody to page. Which gap in the schedule was it?", *gaps)
    if ends := _of(story, Kind.EXHAUSTED):
        yield _ask("The escalation ran out without an answer. Who should have heard it?", *ends)


def _still_fired(story: Story, _measures: Measures) -> Iterator[Row]:
    forced = [
        entry for entry in _of(story, Kind.RESOLVED) if entry.data.get("forced") or entry.data.get("firing")
    ]
    if forced:
        yield _ask("It was resolved while alerts still fired. How do we know that it was over?", *forced)


def _came_back(story: Story, _measures: Measures) -> Iterator[Row]:
    if again := _of(story, Kind.REOPENED):
        yield _ask("It came back after it was resolved. What did the first repair miss?", *again)


def _no_runbook(story: Story, _measures: Measures) -> Iterator[Row]:
    if story.runbook is None and not story.incident.runbook:
        yield _ask("No runbook matched. What should it say for the next person?")


def _promises_missed(story: Story, measures: Measures) -> Iterator[Row]:
    for promise in promises(story, measures):
        if promise.kept in (Kept.LATE, Kept.MISSED):
            text = f"The update promised{promise.where} for {clock(promise.due)} did not come in time. Why?"
            yield _ask(text, promise.made)


def _never_told(story: Story, measures: Measures) -> Iterator[Row]:
    every = story.rung.update_every if story.rung else None
    detected = measures.at("Detected") or story.incident.opened_at
    if every is None or _of(story, *_TELLING):
        return
    if (measures.at("Resolved") or story.now) - detected > every:
        yield _ask(f"No update was posted; one every {duration(every)} was due. Who was left waiting?")


def _items_open(story: Story, _measures: Measures) -> Iterator[Row]:
    added = {entry.data.get("number"): entry for entry in _of(story, Kind.ITEM_ADDED)}
    for item in story.incident.items:
        if not item.is_open:
            continue
        source = event_source(*filter(None, [added.get(item.number)]))
        if item.kind is ItemKind.CHANGE:
            how = f" (to undo: {item.undo})" if item.undo else ""
            text = f"The temporary change “{item.text}” is not undone{how}. Should it be?"
            yield Row(cells=(text, "change"), source=source)
        elif item.kind is ItemKind.TASK:
            yield Row(
                cells=(f"Task {item.number}, “{item.text}”, is still open. Does it matter?",), source=source
            )
        elif item.kind is ItemKind.THEORY:
            text = f"Theory {item.number}, “{item.text}”, was neither confirmed nor ruled out. Which was it?"
            yield Row(cells=(text, "theory"), source=source)
        elif item.owner is None:
            yield Row(
                cells=(f"Follow-up {item.number}, “{item.text}”, has no owner. Whose is it?",), source=source
            )


def _no_lead(story: Story, measures: Measures) -> Iterator[Row]:
    if story.incident.lead is None and not measures.at("Led"):
        yield _ask("Nobody led it. Who took the decisions?")


def _severity_changed(story: Story, _measures: Measures) -> Iterator[Row]:
    if changes := _of(story, Kind.SEVERITY_CHANGED):
        yield _ask(
            "The severity changed. What was known at first, and what would have told sooner?", *changes
        )


def _not_mitigated(story: Story, measures: Measures) -> Iterator[Row]:
    if _is_over(story, measures) and not measures.at("Mitigated"):
        yield _ask("No time of mitigation is recorded. When did people stop feeling it, and what did that?")


def _is_over(story: Story, measures: Measures) -> bool:
    """Say whether it is over and was one: nobody felt what was cancelled, and nothing is to follow."""
    return measures.at("Resolved") is not None and story.incident.phase is not Phase.CANCELLED


def _quiet(story: Story, measures: Measures) -> Iterator[Row]:
    """Ask about the longest time in which nothing was written down while it was open."""
    pairs = (
        pair
        for start, end in stretches(story, measures.at("Resolved"))
        for pair in pairwise(entry for entry in story.entries if start <= entry.happened_at <= end)
    )
    longest = max(pairs, key=lambda pair: pair[1].happened_at - pair[0].happened_at, default=None)
    if longest and (length := longest[1].happened_at - longest[0].happened_at) >= QUIET_LEAST:
        since = clock(longest[0].happened_at)
        text = f"Nothing was recorded for {duration(length)} from {since}. What happened then?"
        yield _ask(text, *longest)


def _changed_before(story: Story, _measures: Measures) -> Iterator[Row]:
    """Ask about the newest change that came shortly before."""
    before = [one for one in story.changes if timedelta(0) <= one.before <= CHANGED_LATELY]
    if before:
        last = min(before, key=lambda one: one.before)
        text = f"“{last.change.what}” came {duration(last.before)} before it began. Did it play a part?"
        yield Row(cells=(text,), source=f"[change {last.change.id}]")


def _nothing_to_do(story: Story, measures: Measures) -> Iterator[Row]:
    wanted = story.rung is not None and story.rung.postmortem_within is not None
    if (
        wanted
        and _is_over(story, measures)
        and not any(one.kind is ItemKind.FOLLOWUP for one in story.incident.items)
    ):
        yield _ask("Nothing is to be done afterwards. What keeps it from happening again?")


def _no_impact(story: Story, measures: Measures) -> Iterator[Row]:
    if _is_over(story, measures) and not story.incident.impact:
        yield _ask("Nobody said what users noticed. Who was affected, and how many were they?")


def _came_before(story: Story, _measures: Measures) -> Iterator[Row]:
    if story.incident.previous:
        name = incident_name(story.incident.previous)
        yield _ask(
            f"The same alert was {name} before. What did we say then that we would do?", *story.opening
        )


RULES: Final[tuple[tuple[Rule, int], ...]] = (
    (_no_impact, 2),
    (_detected_late, 4),
    (_changed_before, 6),
    (_answered_late, 11),
    (_pages_failed, 11),
    (_nobody_there, 11),
    (_no_lead, 11),
    (_no_runbook, 15),
    (_severity_changed, 8),
    (_promises_missed, 12),
    (_never_told, 12),
    (_quiet, 7),
    (_not_mitigated, 10),
    (_still_fired, 10),
    (_came_back, 9),
    (_items_open, 15),
    (_nothing_to_do, 15),
    (_came_before, 16),
)
"""Every rule once, with the section that it asks about; a rule yields nothing when the record is clear."""
