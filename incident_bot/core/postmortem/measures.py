"""Stage 8: key times, durations and counts, from what was recorded and never from "last modified"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from incident_bot.core.model import Kind, Phase
from incident_bot.core.postmortem.draft import Gap, Measures, Milestone, Story, episode_source, event_source
from incident_bot.core.timeline import Entry

_WORKING = frozenset({Phase.TRIAGE, Phase.INVESTIGATING, Phase.MITIGATING})
_ENDS = frozenset({Kind.RESOLVED, Kind.CANCELLED})


def measure(story: Story) -> Measures:
    """Give everything that can be counted; what is still open has no end."""
    milestones = _milestones(story)
    times = {milestone.name: milestone.at for milestone in milestones}
    detected = times["Detected"]
    return Measures(
        milestones=milestones,
        time_to_detect=_between(times["Impact started"], detected),
        time_to_acknowledge=_between(detected, times["Acknowledged"]),
        time_to_mitigate=_between(detected, times["Mitigated"]),
        time_to_resolve=_between(detected, times["Resolved"]),
        duration=_between(times["Impact started"], times["Resolved"]),
        severity_time=_severity_time(story, times["Resolved"]),
        pages_sent=sum(page.was_sent for page in story.pages),
        pages_failed=sum(page.state == "failed" for page in story.pages),
        people_paged=len({page.person for page in story.pages if page.was_sent}),
        widest_gap=_widest(milestones),
        still_open=times["Resolved"] is None and story.incident.paging.is_open,
    )


def phase_of(entry: Entry) -> str:
    """Give the phase that an entry brought about, or nothing."""
    for key in ("to", "phase"):
        value = entry.data.get(key)
        if isinstance(value, str) and (key == "phase" or entry.kind is Kind.PHASE_CHANGED):
            return value
    return ""


def _milestones(story: Story) -> tuple[Milestone, ...]:
    opened = _first(story.entries, Kind.OPENED, Kind.DECLARED)
    return (
        _impact_started(story),
        Milestone(
            name="Detected",
            at=opened.happened_at if opened else story.incident.opened_at,
            source=event_source(opened) if opened else "",
        ),
        _named("Acknowledged", _first(story.entries, Kind.ACKNOWLEDGED)),
        _named("Led", _first(story.entries, Kind.LEAD_ASSIGNED)),
        _named("First update", _first(story.entries, Kind.UPDATE_POSTED)),
        _named("Mitigated", _mitigated(story.entries)),
        _resolved(story),
    )


def _impact_started(story: Story) -> Milestone:
    """Take the earliest start of an alert, or the opening where no alert tells of one."""
    earliest = min(story.episodes, key=lambda episode: episode.starts_at, default=None)
    if earliest is None or earliest.starts_at > story.incident.opened_at:
        return Milestone(name="Impact started")
    return Milestone(name="Impact started", at=earliest.starts_at, source=episode_source(earliest))


def _resolved(story: Story) -> Milestone:
    """Take the end that held: a reopening undoes an earlier one."""
    end: Entry | None = None
    for entry in story.entries:
        if entry.kind in _ENDS:
            end = entry
        elif entry.kind is Kind.REOPENED:
            end = None
    return _named("Resolved", end) if end else Milestone(name="Resolved", at=story.incident.resolved_at)


def _mitigated(entries: Iterable[Entry]) -> Entry | None:
    """Take the change of phase that held: going back to work undoes an earlier one."""
    held: Entry | None = None
    for entry in entries:
        phase = phase_of(entry)
        if entry.kind is Kind.REOPENED or phase in _WORKING:
            held = None
        elif phase == Phase.MONITORING and held is None:
            held = entry
    return held


def _severity_time(story: Story, end: datetime | None) -> tuple[tuple[str, timedelta], ...]:
    """Add up how long each severity held."""
    until = end or story.now
    changes = [
        (entry.happened_at, entry.data) for entry in story.entries if entry.kind is Kind.SEVERITY_CHANGED
    ]
    first = changes[0][1] if changes else {}
    current = str(first.get("was") or first.get("from") or story.incident.severity)
    since = story.incident.opened_at
    spent: dict[str, timedelta] = {}
    for at, data in changes:
        spent[current] = spent.get(current, timedelta(0)) + max(timedelta(0), min(at, until) - since)
        current, since = str(data.get("severity") or data.get("to") or current), at
    spent[current] = spent.get(current, timedelta(0)) + max(timedelta(0), until - since)

    def rank(item: tuple[str, timedelta]) -> int:
        rung = story.ladder.named(item[0])
        return rung.rank if rung else len(story.ladder.rungs)

    return tuple(sorted(spent.items(), key=rank))


def _widest(milestones: tuple[Milestone, ...]) -> Gap | None:
    """Find the longest wait between neighbouring key times, in the order in which they came."""
    reached = sorted(
        ((milestone.at, milestone.name) for milestone in milestones if milestone.at), key=lambda pair: pair[0]
    )
    gaps = [
        Gap(start=first, end=second, length=later - earlier)
        for (earlier, first), (later, second) in pairwise(reached)
    ]
    return max(gaps, key=lambda gap: gap.length, default=None)


def _first(entries: Iterable[Entry], *kinds: Kind) -> Entry | None:
    return next((entry for entry in entries if entry.kind in kinds), None)


def _named(name: str, entry: Entry | None) -> Milestone:
    return (
        Milestone(name=name, at=entry.happened_at, source=event_source(entry))
        if entry
        else Milestone(name=name)
    )


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return max(timedelta(0), end - start) if start and end else None
