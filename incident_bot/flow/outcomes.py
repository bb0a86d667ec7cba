"""What attempts to send brought: for each page of a message, in the counters, and in the timeline of its incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from incident_bot.core.circuit import Answer, Circuit
from incident_bot.core.effects import PageKind
from incident_bot.core.incident import MessageFailed, PageDiverted, PageFailed, PageSent, PageWaits, observe
from incident_bot.core.model import Incident
from incident_bot.flow import circuits, quiet
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.postponed import facts_of, put_off
from incident_bot.store import outbox
from incident_bot.store.outbox import Again, Failed, OutboxRow, Outcome, RowKind, Sent
from incident_bot.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class Result:
    """What one attempt brought."""

    row: OutboxRow
    outcome: Outcome
    answer: Answer | None = None
    """What the provider's answer says of the way out, where it was asked."""
    beside: tuple[int, int] | None = None
    """Of a page that shared its message: another incident in it, and how many more there were (S7)."""


def spread(result: Result) -> list[Result]:
    """Give what one message brought for every page that stood in it (S7)."""
    rows = (result.row, *result.row.carries)
    if len(rows) == 1:
        return [result]
    numbers = list(dict.fromkeys(row.incident_id or 0 for row in rows))[:2]
    more = len({row.incident_id for row in rows}) - 2
    found: list[Result] = []
    for row in rows:
        other = next((number for number in numbers if number != row.incident_id), None)
        # One call was made: the way out is judged by it once.
        answer = result.answer if row is result.row else None
        beside = None if other is None else (other, more)
        found.append(Result(row, result.outcome, answer=answer, beside=beside))
    return found


def tell_timeline(
    context: Context,
    ledger: Ledger,
    incident: Incident,
    result: Result,
    *,
    down: Mapping[str, Circuit] = MappingProxyType({}),
    now: datetime,
) -> None:
    """Have an incident's timeline say what became of a page, or of a message that failed; `down` are ways out."""
    row, outcome = result.row, result.outcome
    rules = context.live.current.revision.rules
    decided: PageSent | PageFailed | PageDiverted | PageWaits | MessageFailed | None
    if row.kind is RowKind.MESSAGE:
        if not isinstance(outcome, Failed):
            return
        moment = row.moment.value if row.moment else "message"
        decided = MessageFailed(channel=row.recipient or row.via, moment=moment, reason=outcome.error)
    elif isinstance(outcome, Sent):
        decided = PageSent(**facts_of(row), provider_id=outcome.provider_id, beside=result.beside)
    elif isinstance(outcome, Failed):
        outbox.hasten(ledger.tx, row, now=quiet.earliest(ledger, incident, row, now=now))
        decided = PageFailed(**facts_of(row), reason=outcome.error, step_dead=_step_dead(ledger.tx, row))
    else:
        circuit = down.get(circuits.name_of(row))
        decided = put_off(ledger, incident, row, outcome, circuit=circuit, now=now)
        if decided is None:
            return
    ledger.take(observe(decided, incident, rules=rules, now=now, source="worker"))


def _step_dead(tx: Tx, row: OutboxRow) -> bool:
    if row.page_kind is not PageKind.STEP:
        return False
    same = [
        page
        for page, _ in outbox.pages_of(tx, row.incident_id or 0)
        if (page.page_kind, page.epoch, page.loop, page.step)
        == (row.page_kind, row.epoch, row.loop, row.step)
    ]
    return all(page.lost for page in same)


def count(context: Context, row: OutboxRow, result: str) -> None:
    """Count one page or message by what became of it."""
    counter = context.metrics.pages if row.kind is RowKind.PAGE else context.metrics.messages
    counter.labels(channel=row.via, result=result).inc()


def word(outcome: Outcome) -> str:
    """Give the word by which an outcome is counted."""
    match outcome:
        case Sent():
            return "sent"
        case Again():
            return "retry"
        case Failed():
            return "failed"


def reason(outcome: Outcome) -> str:
    """Give why it did not go out; empty where it did."""
    return "" if isinstance(outcome, Sent) else outcome.error
