"""What people think of alerts and runbooks, read from the timelines: the last word counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import Event, Incident, Judged, Kind, Phase, Verdict, incident_name
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.sight import hidden, visible
from incident_bot.flow.slack.names import called
from incident_bot.store import incidents, insights
from incident_bot.store.transaction import Tx

SHORT: Final = timedelta(minutes=10)
"""What came and went by itself within this time is probably noise."""
RECORDS_MOST: Final = 2000
"""Of so many of the newest opinions a runbook's record is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionView:
    """One alert of an incident, and what it was worth."""

    alert: str
    verdict: str | None
    label: str | None
    reason: str | None
    by: str | None
    hint: str | None
    """What it looks like, while nobody has said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionsView:
    """What was said of an incident's alerts and of its runbook."""

    alerts: tuple[OpinionView, ...]
    runbook: str | None
    """How the runbook did: worked, failed or outdated."""
    runbook_label: str | None
    words: tuple[tuple[str, str], ...] = tuple((one.value, one.label) for one in Verdict)
    judged: tuple[tuple[str, str], ...] = tuple((one.value, one.label) for one in Judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """How one runbook did in the incidents in which somebody said so."""

    path: str
    title: str
    worked: int = 0
    failed: int = 0
    outdated: int = 0
    last: str | None = None
    """What was said last, in words."""
    last_by: str | None = None
    last_at: datetime | None = None
    last_reason: str | None = None
    last_incident: str | None = None

    @property
    def said(self) -> int:
        """Give in how many incidents somebody said something."""
        return self.worked + self.failed + self.outdated


def verdicts(tx: Tx, number: int) -> dict[str, Verdict]:
    """Give the last verdict on each alert of an incident."""
    return {alert: Verdict(str(event.data["verdict"])) for alert, event in _given(tx, number).items()}


def judged(tx: Tx, incident: Incident) -> Judged | None:
    """Give what was last said of the runbook that an incident has now."""
    event = _said(tx, incident)
    return None if event is None else Judged(str(event.data["judged"]))


def of_incident(context: Context, number: int) -> OpinionsView:
    """Give what was said of an incident's alerts and runbook; raises NotFound."""
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        given = _given(tx, number)
        names = insights.names_of(tx, number)
        said = _said(tx, incident)
    looks = hint(incident)
    word = Judged(str(said.data["judged"])) if said else None
    return OpinionsView(
        alerts=tuple(_view(context, name, given.get(name), looks) for name in names),
        runbook=word.value if word else None,
        runbook_label=word.label if word else None,
    )


def hint(incident: Incident) -> str | None:
    """Say what an incident's alerts look like by what happened; None where that says nothing."""
    if incident.resolved_at is None or incident.acknowledged_at is not None or incident.updated_by_people:
        return None
    if incident.phase is Phase.CANCELLED:
        return "probably noise: the incident was cancelled"
    if incident.resolved_at - incident.opened_at < SHORT:
        return f"probably noise: over by itself within {SHORT.seconds // 60} minutes, before anybody took it"
    return None


def record(context: Context, path: str) -> RecordView | None:
    """Give how one runbook did; None where nobody has said."""
    return next((one for one in records(context) if one.path == path), None)


def records(context: Context) -> tuple[RecordView, ...]:
    """Give how each runbook did, the one that failed most first, without what the seer may not see."""
    with context.store.read() as tx:
        newest = insights.newest_judged(tx, Kind.RUNBOOK_JUDGED, limit=RECORDS_MOST)
        unseen = hidden(tx, context.seer, {number for number, _ in newest})
    last: dict[tuple[str, int], Event] = {}
    for number, event in newest:
        if number not in unseen:
            last.setdefault((str(event.data.get("path")), number), event)
    by_path: dict[str, list[tuple[int, Event]]] = {}
    for (path, number), event in last.items():
        by_path.setdefault(path, []).append((number, event))
    titles = {one.path: one.title for one in context.live.current.revision.runbooks}
    found = [_record(context, path, titles.get(path, path), said) for path, said in by_path.items()]
    return tuple(sorted(found, key=lambda one: (-one.failed - one.outdated, -one.said, one.path)))


def owner_to_tell(ledger: Ledger, path: str) -> str | None:
    """Give who is to be told that a runbook is out of date: its owner or their team's lead, once until it is said anew.

    None where it has none, or where they were told: it was called out of date before, and not "worked" since.
    """
    revision = ledger.current.revision
    book = next((one for one in revision.runbooks if one.path == path), None)
    owner = book.owner if book else None
    team = revision.teams.get(owner or "")
    person = (team.lead or team.manager) if team else owner
    if person not in revision.people:
        return None
    newest = insights.newest_judged(ledger.tx, Kind.RUNBOOK_JUDGED, limit=RECORDS_MOST)
    said = sorted(
        (event for _, event in reversed(newest) if event.data.get("path") == path),
        key=lambda event: event.happened_at,
    )
    told = bool(said) and said[-1].data.get("judged") == Judged.OUTDATED.value
    return None if told else person


def _given(tx: Tx, number: int) -> dict[str, Event]:
    return {
        str(event.data.get("alert")): event for event in incidents.of_kinds(tx, number, [Kind.VERDICT_GIVEN])
    }


def _said(tx: Tx, incident: Incident) -> Event | None:
    events = incidents.of_kinds(tx, incident.id, [Kind.RUNBOOK_JUDGED])
    return next((one for one in reversed(events) if one.data.get("path") == incident.runbook), None)


def _view(context: Context, name: str, event: Event | None, looks: str | None) -> OpinionView:
    if event is None:
        return OpinionView(alert=name, verdict=None, label=None, reason=None, by=None, hint=looks)
    verdict = Verdict(str(event.data["verdict"]))
    return OpinionView(
        alert=name, verdict=verdict.value, label=verdict.label, reason=_text(event, "reason"),
        by=called(context, event.actor), hint=None,
    )  # fmt: skip


def _record(context: Context, path: str, title: str, said: Sequence[tuple[int, Event]]) -> RecordView:
    number, newest = max(said, key=lambda one: one[1].happened_at)
    return RecordView(
        path=path,
        title=title,
        worked=_count(said, Judged.WORKED),
        failed=_count(said, Judged.FAILED),
        outdated=_count(said, Judged.OUTDATED),
        last=Judged(str(newest.data["judged"])).label,
        last_by=called(context, newest.actor),
        last_at=newest.happened_at,
        last_reason=_text(newest, "reason"),
        last_incident=incident_name(number),
    )


def _count(said: Iterable[tuple[int, Event]], word: Judged) -> int:
    return sum(event.data.get("judged") == word.value for _, event in said)


def _text(event: Event, key: str) -> str | None:
    value = event.data.get(key)
    return value if isinstance(value, str) else None
