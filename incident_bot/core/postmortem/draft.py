"""Stage 8: the values that a draft is made of. Texts are plain; whoever writes them down escapes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Protocol

from incident_bot.core.milestones import Milestone
from incident_bot.core.model import Episode, Incident, Kind, Ladder, Person, Severity
from incident_bot.core.nearby import Nearby
from incident_bot.core.similar import Similar
from incident_bot.core.timeline import Entry

REACHED: Final = frozenset({"sent", "delivered", "read"})
"""The states of a page that somebody may have seen."""


class RunbookLike(Protocol):
    """What a draft wants to know of a runbook."""

    @property
    def path(self) -> str:
        """The file below `runbooks/`."""
        ...

    @property
    def title(self) -> str:
        """What people call it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFact:
    """One page as the record has it; without an `id` it is counted from one."""

    id: int = 0
    person: str
    name: str
    via: str
    kind: str = "step"
    step: int = 0
    loop: int = 0
    due_at: datetime
    state: str
    sent_at: datetime | None = None
    attempts: int = 0
    reason: str | None = None

    @property
    def was_sent(self) -> bool:
        """Say whether a provider took it."""
        return self.sent_at is not None or self.state in REACHED


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One generated line; `source` names the records that it was made from: `[event 12]`."""

    cells: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One generated part of a section: a table, or a list when it has no columns."""

    name: str
    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()
    nothing: str = "Nothing recorded."
    """What to say when there are no rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One numbered section: what was generated, and what people are asked to write."""

    number: int
    title: str
    blocks: tuple[Block, ...] = ()
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The longest time between two neighbouring key times."""

    start: str
    end: str
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What can be counted; a duration is None until both of its ends are recorded."""

    milestones: tuple[Milestone, ...]
    time_to_detect: timedelta | None
    time_to_acknowledge: timedelta | None
    time_to_mitigate: timedelta | None
    time_to_resolve: timedelta | None
    duration: timedelta | None
    """From the start of the impact to the resolution."""
    severity_time: tuple[tuple[str, timedelta], ...]
    """How long it had each severity, the worst first; up to now while it is open."""
    pages_sent: int
    pages_failed: int
    people_paged: int
    widest_gap: Gap | None
    still_open: bool
    excluded: str | None = None
    """Why it is in no figure: then it has no times to detect, acknowledge, mitigate and resolve."""

    def at(self, name: str) -> datetime | None:
        """Give when a key time was reached, or None."""
        return next((milestone.at for milestone in self.milestones if milestone.name == name), None)

    def source(self, *names: str) -> str:
        """Give the records that key times come from."""
        known = {milestone.name: milestone.source for milestone in self.milestones}
        return " ".join(filter(None, map(known.get, names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """How much of the document is there, and the blanks that are worth filling first."""

    done: int
    total: int
    missing: tuple[str, ...]

    @property
    def percent(self) -> int:
        """Give it in whole percent; only what is whole has a hundred."""
        return self.done * 100 // self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Section 0: what the document is about."""

    name: str
    title: str
    severity: str
    peak: str
    phase: str
    team: str
    service: str | None
    lead: str | None
    opened_at: datetime
    resolved_at: datetime | None
    due_at: datetime | None
    """When the post-mortem is due, where the severity asks for one."""
    drill: bool
    private: bool
    zone: str
    """The zone in which local times are shown beside UTC."""
    generated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question that the record raises."""

    text: str
    source: str
    """The records that raise it: `[event 12]`."""
    section: int
    """The section in which it is to be answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A whole post-mortem as far as the records can tell it."""

    header: Header
    sections: tuple[Section, ...]
    measures: Measures
    questions: tuple[str, ...]
    asked: tuple[Question, ...]
    """The questions with the sections that they ask about."""
    completeness: Completeness


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that is known of one incident, in the order in which it happened."""

    incident: Incident
    entries: tuple[Entry, ...]
    episodes: tuple[Episode, ...]
    pages: tuple[PageFact, ...]
    people: Mapping[str, Person]
    ladder: Ladder
    runbook: RunbookLike | None
    written: str
    now: datetime
    changes: tuple[Nearby, ...] = ()
    similar: tuple[Similar, ...] = ()
    """Past incidents that are like it; none that is private."""

    @property
    def rung(self) -> Severity | None:
        """The worst severity it had, as the ladder has it."""
        return self.ladder.named(self.incident.peak)

    @property
    def zone(self) -> str:
        """The lead's zone, else UTC."""
        lead = self.people.get(self.incident.lead or "")
        return lead.time_zone if lead else "UTC"

    @property
    def opening(self) -> tuple[Entry, ...]:
        """The entry with which it began; people may have noted what happened before it."""
        begun = (entry for entry in self.entries if entry.kind in (Kind.OPENED, Kind.DECLARED))
        return tuple(islice(begun, 1)) or self.entries[:1]

    @property
    def leads(self) -> tuple[Entry, ...]:
        """The entries by which somebody became the lead, without what was taken back."""
        gone = self.taken_back
        return tuple(
            entry for entry in self.entries if entry.kind is Kind.LEAD_ASSIGNED and entry.seq not in gone
        )

    @property
    def taken_back(self) -> frozenset[object]:
        """The numbers of the entries that somebody has taken back."""
        return frozenset(entry.data.get("of") for entry in self.entries if entry.kind is Kind.TAKEN_BACK)

    def name_of(self, person: str | None) -> str:
        """Give the name of a person, or the id where there is none."""
        known = self.people.get(person or "")
        return known.name if known else person or ""


def event_source(*entries: Entry) -> str:
    """Name the events that a line was made from, the first three of them."""
    return _source("event", [entry.seq for entry in entries])


def episode_source(*episodes: Episode) -> str:
    """Name the episodes that a line was made from, the first three of them."""
    return _source("episode", [episode.id for episode in episodes])


def page_source(*pages: PageFact) -> str:
    """Name the pages that a line was made from, the first three of them."""
    return _source("page", [page.id for page in pages])


_NAMED_MOST: Final = 3


def _source(kind: str, numbers: list[int]) -> str:
    if not numbers:
        return ""
    shown = ", ".join(str(number) for number in numbers[:_NAMED_MOST])
    more = f" and {len(numbers) - _NAMED_MOST} more" if len(numbers) > _NAMED_MOST else ""
    return f"[{kind}{'' if len(numbers) == 1 else 's'} {shown}{more}]"
