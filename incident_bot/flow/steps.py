"""What a step needs besides its policy (whose turn it is, edits since the opening), and who hears how it went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.escalation import Policy, Told, renewed, row_of
from incident_bot.core.model import Event, Incident, Kind, Running
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.store import turns
from incident_bot.store.outbox import NewMessage
from incident_bot.store.transaction import Tx

_RESULTS: Final[Mapping[Kind, str]] = {
    Kind.STEP: "paged",
    Kind.NOBODY: "nobody",
    Kind.EXHAUSTED: "exhausted",
}


class Turns:
    """Whose turn it was in the steps of some policies: no two transactions use the same turn."""

    def __init__(self, tx: Tx, policies: Iterable[tuple[str, Policy]], *, now: datetime) -> None:
        """Lock the turns that policies of teams may move."""
        self._tx = tx
        self._now = now
        steps = [_key(team, name) for team, policy in policies for name in policy.turns]
        self._last = turns.lock(tx, steps, now=now)
        self._moved: dict[str, str] = {}

    def of(self, team: str, policy: Policy) -> Mapping[str, str]:
        """Give whom each step of a policy paged last, earlier incidents of this transaction included."""
        return _of(self._last, team, policy)

    def moved(self, team: str, moved: Mapping[str, str]) -> None:
        """Note whom steps paged; `keep` writes it."""
        fresh = {_key(team, name): person for name, person in moved.items()}
        self._last.update(fresh)
        self._moved.update(fresh)

    def keep(self) -> None:
        """Write whose turn it was, in the transaction of the pages."""
        turns.move(self._tx, self._moved, now=self._now)


def turns_so_far(tx: Tx, team: str, policy: Policy) -> Mapping[str, str]:
    """Give whom each step of a policy paged last, to look at only."""
    steps = [_key(team, name) for name in policy.turns]
    return _of(turns.read(tx, steps), team, policy) if steps else {}


def _of(last: Mapping[str, str], team: str, policy: Policy) -> dict[str, str]:
    keys = {name: _key(team, name) for name in policy.turns}
    return {name: last[key] for name, key in keys.items() if key in last}


def _key(team: str, name: str) -> str:
    return f"{team}/{name}"


def edited(current: Current, incident: Incident, policy: Policy) -> tuple[Policy, Told] | None:
    """Look whether its steps were edited since it opened (row "policy or rotation edited"); None where they were not.

    A drill has steps of its own. A revision that was in force before the incident opened is no edit: another replica
    may be behind.
    """
    if incident.drill or incident.progress.state is not Running.RUNNING:
        return None
    if current.activated_at < incident.opened_at:
        return None
    row = row_of(current.revision.matrix, policy.severity, incident.team)
    return renewed(policy, incident.progress, row, revision=current.revision.id, since=current.activated_at)


def told_of_steps(
    context: Context, incident: Incident, events: Iterable[Event], *, now: datetime
) -> Iterator[NewMessage]:
    """Count the steps among the events, and tell the first channel where nobody answered; of a drill nothing.

    Once for each time that an escalation is exhausted. Of several of a team that wait to be told the last one stays.
    """
    for event in () if incident.drill else events:
        if event.kind not in _RESULTS:
            continue
        context.metrics.steps.labels(result=_RESULTS[event.kind]).inc()
        if event.kind is Kind.EXHAUSTED and event.data.get("again") is not True:
            yield _meta_alert(context, incident, str(event.data.get("reason", "")), now=now)


def _meta_alert(context: Context, incident: Incident, reason: str, *, now: datetime) -> NewMessage:
    announce = context.live.current.revision.announce
    text = (
        f"{incident.name} ({incident.severity}, team {incident.team}) is exhausted: {reason}. "
        f"The last resort is paged again and again until somebody types `ack {incident.name}`."
    )
    return NewMessage(
        key=f"meta:exhausted:{incident.id}:{incident.seq}",
        coalesce=f"meta:exhausted:{incident.team}",
        via=context.default_channel,
        recipient=announce[0].channel if announce else "incident-bot",
        moment=Moment.META,
        data={"text": text},
        due_at=now,
        rank=0,
    )
