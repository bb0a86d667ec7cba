"""When the impact began, as the series say: a key time of its own, where nobody has set one.

An event on the timeline with its source, so that replaying the timeline gives the same; `milestone impact` corrects it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.impact import Began, walked_back
from incident_bot.core.incident import SetMilestone, decide
from incident_bot.core.model import Episode, Incident, Kind, Mark
from incident_bot.flow import keytimes
from incident_bot.flow.graphs.questions import Answer
from incident_bot.flow.ledger import Ledger
from incident_bot.render.sparklines import number
from incident_bot.store import incidents
from incident_bot.store.transaction import Tx

ACTOR: Final = "prometheus"


def note(ledger: Ledger, incident: Incident, episodes: Sequence[Episode], answers: Sequence[Answer]) -> None:
    """Take the decision where a series was in trouble before the record says so; the incident's row is locked."""
    tx = ledger.tx
    if _is_set(tx, incident.id):
        return
    found = [
        (began, answer)
        for answer in answers
        if answer.drawn.threshold is not None
        and (began := walked_back(answer.range, answer.drawn.threshold, alert=answer.question.starts_at))
        is not None
    ]
    if not found:
        return
    began, answer = min(found, key=lambda one: one[0].at)
    recorded = dict(zip(Mark, keytimes.found(tx, incident, episodes), strict=True))[Mark.IMPACT_STARTED].at
    if recorded is not None and began.at > recorded - answer.range.step:
        return
    command = SetMilestone(
        mark=Mark.IMPACT_STARTED,
        at=began.at,
        reason=_reason(began, answer),
        before=recorded,
        measured=True,
    )
    rules = ledger.current.revision.rules
    try:
        ledger.take(decide(command, incident, actor=ACTOR, source=ACTOR, rules=rules, now=ledger.now))
    except Refused:
        # Longer ago than a key time may be: the graph shows it all the same.
        return


def _is_set(tx: Tx, number: int) -> bool:
    told = incidents.of_kinds(tx, number, frozenset({Kind.MILESTONE_SET}))
    return any(event.data.get("milestone") == Mark.IMPACT_STARTED.value for event in told)


def _reason(began: Began, answer: Answer) -> str:
    limit = answer.drawn.threshold
    against = f" {limit.compare} {number(limit.value)}" if limit else ""
    earlier = ", or earlier" if began.clipped else ""
    return f"{answer.question.title}{against} since {began.at:%H:%M} UTC{earlier}"
