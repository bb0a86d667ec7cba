"""Lists over all incidents: post-mortems with where they stand, follow-ups with what became of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.model import Incident, Item, ItemKind, Json, Phase, rfc3339
from incident_bot.core.timeline import redact
from incident_bot.flow.context import Context
from incident_bot.flow.sight import seen
from incident_bot.render.timelines import cell
from incident_bot.store import papers
from incident_bot.store.papers import Proof, SavedPostmortem

STATES: Final = ("open", "draft", "in_review", "approved", "published", "waived", "all")
FOLLOWUP_STATES: Final = ("open", "overdue", "done", "proven", "all")
_BATCH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemRow:
    """One post-mortem in the list."""

    number: int
    incident: str
    title: str
    severity: str
    team: str
    state: str
    owner: str | None
    reviewers: tuple[str, ...]
    due: datetime | None
    overdue: bool
    resolved_at: datetime | None
    percent: int | None
    """How full the newest saved version is; None where none was counted."""
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRow:
    """One follow-up in the list."""

    incident_number: int
    incident: str
    title: str
    team: str
    number: int
    text: str
    type: str | None
    owner: str | None
    due: datetime | None
    state: str
    """open, overdue, done or proven."""
    done_at: datetime | None
    done_when: str | None
    proven_at: datetime | None
    checked_at: datetime | None
    checked: str | None
    """What came of asking for its condition last."""


def postmortems(
    context: Context,
    *,
    state: str = "all",
    owner: str | None = None,
    team: str | None = None,
    overdue: bool = False,
    before: int | None = None,
    limit: int,
    now: datetime,
) -> list[PostmortemRow]:
    """List the post-mortems that are wanted, those of the newest incidents first."""
    found: list[Incident] = []
    with context.store.read() as tx:
        while len(found) < limit:
            batch = papers.list_reviews(
                tx,
                state=None if state == "all" else state,
                owner=owner,
                team=team,
                overdue_at=now if overdue else None,
                before_id=before,
                limit=limit - len(found),
            )
            wanted = limit - len(found)
            found += seen(tx, context.seer, batch)
            if len(batch) < wanted:
                break
            before = batch[-1].id
        counted = papers.counted(tx, [one.id for one in found])
    return [_postmortem(one, counted.get(one.id), now) for one in found]


def followups(
    context: Context,
    *,
    state: str = "open",
    owner: str | None = None,
    team: str | None = None,
    before: int | None = None,
    limit: int,
    now: datetime,
) -> list[FollowUpRow]:
    """List follow-ups, those of the newest incidents first; all of one incident stand on one page."""
    rows: list[FollowUpRow] = []
    with context.store.read() as tx:
        while len(rows) < limit:
            batch = papers.list_with_followups(tx, team=team, before_id=before, limit=_BATCH)
            proofs = papers.proofs_of(tx, [one.id for one in batch])
            for incident in seen(tx, context.seer, batch):
                rows += _of_incident(incident, proofs, state, owner, now)
                if len(rows) >= limit:
                    break
            if len(batch) < _BATCH:
                break
            before = batch[-1].id
    return rows


def _of_incident(
    incident: Incident, proofs: dict[tuple[int, int], Proof], state: str, owner: str | None, now: datetime
) -> Iterable[FollowUpRow]:
    if incident.phase is Phase.CANCELLED:
        return
    for item in incident.items:
        if item.kind is not ItemKind.FOLLOWUP or (owner is not None and item.owner != owner):
            continue
        row = _followup(incident, item, proofs.get((incident.id, item.number)), now)
        if (
            state in ("all", row.state)
            or (state == "open" and row.state == "overdue")
            or _is_done(state, row)
        ):
            yield row


def _is_done(state: str, row: FollowUpRow) -> bool:
    return state == "done" and row.state == "proven"


def _postmortem(incident: Incident, counted: SavedPostmortem | None, now: datetime) -> PostmortemRow:
    review = incident.review
    late = review is not None and review.due is not None and review.due < now and not review.state.is_over
    percent = (
        counted.done * 100 // counted.total
        if counted and counted.done is not None and counted.total
        else None
    )
    return PostmortemRow(
        number=incident.id,
        incident=incident.name,
        title=redact(incident.title),
        severity=incident.peak,
        team=incident.team,
        state=review.state.value if review else "draft",
        owner=review.owner if review else None,
        reviewers=review.reviewers if review else (),
        due=review.due if review else None,
        overdue=late,
        resolved_at=incident.resolved_at,
        percent=percent,
        missing=counted.missing if counted else (),
    )


def _followup(incident: Incident, item: Item, proof: Proof | None, now: datetime) -> FollowUpRow:
    done = "proven" if item.proven_at else "done"
    late = item.due is not None and item.due < now
    return FollowUpRow(
        incident_number=incident.id,
        incident=incident.name,
        title=redact(incident.title),
        team=incident.team,
        number=item.number,
        text=redact(item.text),
        type=item.type.value if item.type else None,
        owner=item.owner,
        due=item.due,
        state=done if item.done_at else "overdue" if late else "open",
        done_at=item.done_at,
        done_when=item.done_when,
        proven_at=item.proven_at,
        checked_at=proof.asked_at if proof else None,
        checked=proof.said if proof else None,
    )


POSTMORTEM_COLUMNS: Final = (
    "incident", "title", "severity", "team", "state", "owner", "reviewers", "due", "overdue", "resolved_at", "percent",
)  # fmt: skip
FOLLOWUP_COLUMNS: Final = (
    "incident", "number", "text", "type", "owner", "due", "state", "done_at", "done_when", "proven_at", "checked_at",
    "checked", "team", "title",
)  # fmt: skip


def as_csv(rows: Sequence[object], columns: Sequence[str], *, names: Callable[[str], str]) -> str:
    """Give a list as CSV with a header; people by their names, and no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(getattr(row, column), column, names) for column in columns])
    return out.getvalue()


def _cell(value: object, column: str, names: Callable[[str], str]) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, tuple):
        return cell(", ".join(names(str(one)) for one in value))
    if value is None:
        return ""
    written: Json = (
        names(str(value)) if column == "owner" else value if isinstance(value, bool | int) else str(value)
    )
    return cell(written)
