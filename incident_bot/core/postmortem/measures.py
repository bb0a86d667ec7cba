"""Stage 8: key times, durations and counts, from what was recorded and never from "last modified"."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from incident_bot.core.milestones import Milestone, between, measured, milestones
from incident_bot.core.model import Kind
from incident_bot.core.postmortem.draft import Gap, Measures, Story
from incident_bot.core.timeline import Entry


def measure(story: Story) -> Measures:
    """Give everything that can be counted; what is still open has no end."""
    found = milestones(story.incident, story.entries, story.episodes)
    times = {milestone.name: milestone.at for milestone in found}
    counted = measured(story.incident, found)
    return Measures(
        milestones=found,
        time_to_detect=counted.to_detect,
        time_to_acknowledge=counted.to_acknowledge,
        time_to_mitigate=counted.to_mitigate,
        time_to_resolve=counted.to_resolve,
        duration=between(times["Impact started"], times["Resolved"]),
        severity_time=_severity_time(story, times["Resolved"]),
        pages_sent=sum(page.was_sent for page in story.pages),
        pages_failed=sum(page.state == "failed" for page in story.pages),
        people_paged=len({page.person for page in story.pages if page.was_sent}),
        widest_gap=_widest(found[:-1]),
        still_open=times["Resolved"] is None and story.incident.paging.is_open,
        excluded=counted.excluded,
    )


def phase_of(entry: Entry) -> str:
    """Give the phase that an entry brought about, or nothing."""
    for key in ("to", "phase"):
        value = entry.data.get(key)
        if isinstance(value, str) and (key == "phase" or entry.kind is Kind.PHASE_CHANGED):
            return value
    return ""


def stretches(story: Story, end: datetime | None) -> tuple[tuple[datetime, datetime], ...]:
    """Give when it was open, up to its end or to now; a reopening begins another stretch."""
    found: list[tuple[datetime, datetime]] = []
    began: datetime | None = story.incident.opened_at
    for entry in story.entries:
        if entry.kind is Kind.REOPENED:
            began = began or entry.happened_at
        elif began is not None and entry.kind in (Kind.RESOLVED, Kind.CANCELLED):
            found.append((began, entry.happened_at))
            began = None
    # The end may have been corrected, and a merge is one that has no word of its own.
    last = began or found.pop()[0]
    return (*found, (last, max(last, end or story.now)))


def _severity_time(story: Story, end: datetime | None) -> tuple[tuple[str, timedelta], ...]:
    """Add up how long each severity held while the incident was open."""
    until = end or story.now
    times = stretches(story, end)

    def held(start: datetime, stop: datetime) -> timedelta:
        shared = (min(stop, last) - max(start, first) for first, last in times)
        return sum((max(timedelta(0), length) for length in shared), timedelta(0))

    changes = [
        (entry.happened_at, entry.data) for entry in story.entries if entry.kind is Kind.SEVERITY_CHANGED
    ]
    first = changes[0][1] if changes else {}
    current = str(first.get("was") or first.get("from") or story.incident.severity)
    since = story.incident.opened_at
    spent: dict[str, timedelta] = {}
    for at, data in changes:
        spent[current] = spent.get(current, timedelta(0)) + held(since, at)
        current, since = str(data.get("severity") or data.get("to") or current), at
    spent[current] = spent.get(current, timedelta(0)) + held(since, until)

    def rank(item: tuple[str, timedelta]) -> int:
        rung = story.ladder.named(item[0])
        return rung.rank if rung else len(story.ladder.rungs)

    return tuple(sorted(spent.items(), key=rank))


def _widest(found: tuple[Milestone, ...]) -> Gap | None:
    """Find the longest wait between neighbouring key times, in the order in which they came."""
    reached = sorted(
        ((milestone.at, milestone.name) for milestone in found if milestone.at), key=lambda pair: pair[0]
    )
    gaps = [
        Gap(start=first, end=second, length=later - earlier)
        for (earlier, first), (later, second) in pairwise(reached)
    ]
    return max(gaps, key=lambda gap: gap.length, default=None)
