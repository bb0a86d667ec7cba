"""What a page looks like in Slack, now and once it is answered: facts read anew each time it is written (S7).

When somebody takes an incident, or it is over, or paging goes on, every page that was sent about it is
brought up to date in its place: that is owed like a word to a paging service (`flow.followups`), a row of the
outbox with a key of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from incident_bot.core.effects import Moment, PageKind
from incident_bot.core.model import Episode, Event, Incident, JsonObject, Kind, Paging, Phase, Status, Tally
from incident_bot.core.timeline import redact
from incident_bot.flow.context import Context
from incident_bot.flow.further import links_of
from incident_bot.flow.slack.facts import SLACK, who
from incident_bot.notifiers.base import Message
from incident_bot.render.messages import alert_line, first_step, incident_url
from incident_bot.render.slack.card import Link
from incident_bot.render.slack.page import (
    Became,
    Listed,
    Outcome,
    Page,
    Pages,
    Worth,
    page_blocks,
    page_text,
    pages_blocks,
    pages_text,
)
from incident_bot.store import outbox
from incident_bot.store.outbox import NewMessage, OutboxRow, RowState
from incident_bot.store.transaction import Tx

LISTED_MOST: Final = 25
_TELLING: Final = frozenset({
    Kind.ACKNOWLEDGED, Kind.ALSO_ACKNOWLEDGED, Kind.PART_ACKNOWLEDGED, Kind.UNACKNOWLEDGED, Kind.CONFIRMED,
    Kind.ACK_EXPIRED, Kind.SNOOZED, Kind.WOKEN, Kind.ESCALATED, Kind.REPAGED, Kind.RESUMED, Kind.RESOLVED,
    Kind.REOPENED, Kind.CANCELLED, Kind.MERGED,
})  # fmt: skip

_REVISION: Final = re.compile(r" \(revision [^)]*\)")
"""Which revision said so is for the timeline and `why`, and not for who was just woken."""

Known: TypeAlias = Callable[[int | None], tuple[Incident | None, list[Episode]]]
"""Gives an incident with its newest episodes."""


def page_facts(
    context: Context,
    row: OutboxRow,
    incident: Incident,
    episodes: Sequence[Episode],
    *,
    storm: Sequence[Tally] = (),
    call: str = "",
    worth: Worth | None = None,
) -> JsonObject:
    """Give text and blocks of a page about one incident; nothing where it does not go to Slack."""
    if row.via != SLACK or context.slack is None:
        return {}
    revision = context.live.current.revision
    severity = revision.ladder.named(incident.severity)
    firing = [episode for episode in episodes if episode.status is Status.FIRING]
    runbook = next((book for book in revision.runbooks if book.path == incident.runbook), None)
    url = incident_url(context.settings.public_url, incident)
    links = [
        Link(one.title, one.url) for one in links_of(context, incident, list(episodes)) if one.url != url
    ]
    if runbook:
        links.insert(0, Link(f"Runbook: {runbook.title}", f"{url}#runbook"))
    taken = incident.progress.taken if incident.paging is Paging.TRIGGERED else ()
    page = Page(
        number=incident.id,
        name=incident.name,
        title=redact(incident.title),
        severity=incident.severity,
        rank=severity.rank if severity else 0,
        epoch=row.epoch or 0,
        row=row.id,
        kind=row.page_kind or PageKind.STEP,
        since=_since(incident, episodes),
        url=url,
        team=incident.team,
        why=redact(_REVISION.sub("", row.reason)),
        service=incident.service,
        impact=redact(incident.impact) if incident.impact else None,
        firing=tuple(alert_line(episode) for episode in firing),
        firing_count=sum(tally.firing for tally in storm) if storm else len(firing),
        first_step=redact(first_step(runbook) or ""),
        shared=f"{', '.join(taken)} took it; your answer is wanted too" if taken else None,
        waiting_for=redact(incident.waiting_for) if incident.waiting_for else None,
        call=call,
        links=tuple(links),
        drill=incident.drill,
        outcome=outcome_of(context, row, incident),
        worth=worth,
    )
    return {"text": page_text(page), "blocks": page_blocks(page)}


def pages_facts(context: Context, row: OutboxRow, rows: Sequence[OutboxRow], known: Known) -> JsonObject:
    """Give text and blocks of a page about several incidents; nothing where it does not go to Slack."""
    if row.via != SLACK or context.slack is None:
        return {}
    ladder = context.live.current.revision.ladder
    listed: list[Listed] = []
    of: dict[int, OutboxRow] = {}
    for one in rows:
        of.setdefault(one.incident_id or 0, one)
    waiting = 0
    for number, one in of.items():
        incident, episodes = known(number)
        if incident is None:
            continue
        outcome = outcome_of(context, one, incident)
        waiting += outcome is None
        severity = ladder.named(incident.severity)
        if len(listed) < LISTED_MOST:
            listed.append(
                Listed(
                    name=incident.name,
                    title=redact(incident.title),
                    severity=incident.severity,
                    rank=severity.rank if severity else 0,
                    since=_since(incident, episodes),
                    url=incident_url(context.settings.public_url, incident),
                    service=incident.service,
                    drill=incident.drill,
                    outcome=outcome,
                )
            )
    pages = Pages(
        row=row.group,
        kind=row.page_kind or PageKind.STEP,
        listed=listed,
        count=len(of),
        waiting=waiting,
        url=f"{context.settings.public_url.rstrip('/')}/incidents",
    )
    return {"text": pages_text(pages), "blocks": pages_blocks(pages)}


def key_of(tx: Tx, row: OutboxRow) -> str:
    """Give the key that the message of a page carries: that of the page which carries the others (S2)."""
    leader = outbox.row(tx, row.carried_by) if row.carried_by else None
    return leader.key if leader else row.key


def outcome_of(context: Context, row: OutboxRow, incident: Incident) -> Outcome | None:
    """Say what became of what a page asked for; None while it still asks."""
    has = who(context, incident.acknowledged_by)
    if (row.epoch or 0) < incident.epoch:
        return Outcome(became=Became.AGAIN)
    match incident.paging:
        case Paging.MERGED:
            into = f"INC-{incident.merged_into}" if incident.merged_into else None
            return Outcome(became=Became.MERGED, into=into)
        case Paging.RESOLVED:
            cancelled = incident.phase is Phase.CANCELLED
            return Outcome(became=Became.CANCELLED if cancelled else Became.RESOLVED, at=incident.resolved_at)
        case _ if row.page_kind is PageKind.NOTE:
            return None
        case Paging.SNOOZED:
            return Outcome(became=Became.SNOOZED, at=incident.snoozed_until)
        case Paging.ACKNOWLEDGED if row.page_kind is PageKind.ASK:
            asked = incident.asked_at is not None and row.created_at >= incident.asked_at
            return None if asked else Outcome(became=Became.ANSWERED, who=has)
        case Paging.ACKNOWLEDGED if row.page_kind is PageKind.DIRECT and _asked_since(row, incident):
            return None
        case Paging.ACKNOWLEDGED:
            return Outcome(became=Became.TAKEN, who=has, at=incident.acknowledged_at)
        case _:
            return Outcome(became=Became.PART) if row.person in incident.progress.taken else None


def owed(
    context: Context, tx: Tx, incident: Incident, events: Iterable[Event], *, now: datetime
) -> list[NewMessage]:
    """Give the pages in Slack that these events bring out of date; some may have been brought up to date before."""
    telling = {event.kind for event in events if _telling(event, incident)}
    if context.slack is None or not telling:
        return []
    # Each verdict is told, also one that was given before and taken back since.
    spoken = f" {incident.seq}" if Kind.VERDICT_GIVEN in telling else ""
    found: dict[str, NewMessage] = {}
    for row in outbox.pages_by(tx, incident.id, SLACK):
        if row.page_kind is PageKind.NOTE or not _may_stand(row):
            continue
        place = row.provider_id or key_of(tx, row)
        outcome = outcome_of(context, row, incident)
        if outcome is None:
            continue
        digest = hashlib.sha256(f"{outcome.said()}{spoken}".encode()).hexdigest()[:16]
        message = NewMessage(
            key=f"edit:{place}:{incident.id}:{row.epoch}:{digest}",
            coalesce=f"edit:{place}",
            incident_id=incident.id,
            via=SLACK,
            recipient=row.person or "",
            person=row.person,
            moment=Moment.EDIT,
            data={"page": row.group, "edit" if row.provider_id else "seek": place},
            due_at=now,
            rank=row.rank,
        )
        found.setdefault(message.key, message)
    return list(found.values())


def edit(
    context: Context,
    row: OutboxRow,
    rows: Sequence[OutboxRow],
    known: Known,
    worth: Callable[[Incident], Worth | None],
) -> Message | None:
    """Give the message of a row that `owed` made, of these pages as they are now; None where they are gone."""
    leader = next((one for one in rows if one.id == one.group), None)
    incident, episodes = known(leader.incident_id) if leader else (None, [])
    if leader is None or incident is None:
        return None
    several = len({one.incident_id for one in rows}) > 1
    looks = (
        pages_facts(context, leader, rows, known)
        if several
        else page_facts(context, leader, incident, episodes, worth=worth(incident))
    )
    return Message(
        key=row.key,
        kind=Moment.EDIT.value,
        recipient=row.person or "",
        person=context.live.current.revision.people.get(row.person or ""),
        subject=incident.name,
        text=incident.name,
        facts={**looks, "edit": row.data.get("edit"), "seek": row.data.get("seek"), "or_nothing": True},
        attempt=row.attempts,
    )


def _may_stand(row: OutboxRow) -> bool:
    """Say whether its message is there, or may be: the answer to an attempt can have been lost."""
    if row.state is RowState.SENT:
        return row.provider_id is not None and "/" in row.provider_id
    return row.state in (RowState.CANCELLED, RowState.FAILED) and row.attempts > 0


def _since(incident: Incident, episodes: Sequence[Episode]) -> datetime:
    return min([incident.opened_at, *(episode.starts_at for episode in episodes)])


def _asked_since(row: OutboxRow, incident: Incident) -> bool:
    """Say whether somebody was asked for in particular after the incident was taken, and has not answered."""
    taken_at = incident.acknowledged_at
    return row.person not in incident.responders and taken_at is not None and taken_at < row.created_at


def _telling(event: Event, incident: Incident) -> bool:
    if event.kind is Kind.PAGE_SENT and event.data.get("via") == SLACK:
        # A call that was under way when somebody took it: what it posted is out of date already.
        return incident.paging is not Paging.TRIGGERED or event.data.get("epoch") != incident.epoch
    if event.kind is Kind.VERDICT_GIVEN:
        return incident.paging is Paging.RESOLVED
    return event.kind in _TELLING
