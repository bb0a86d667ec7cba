"""The verb `graph`: has the graphs of an incident taken now."""

from __future__ import annotations

from incident_bot.core.errors import Refused
from incident_bot.core.model import incident_name
from incident_bot.flow.commands.merging import Joining
from incident_bot.flow.graphs.asking import is_set_up
from incident_bot.flow.sight import visible
from incident_bot.store import graphs
from incident_bot.store.graphs import NewCapture


def graph(joining: Joining) -> tuple[str, int]:
    """Have them taken, unless they are being taken already; says where they will stand. Raises Refused."""
    ledger, number, name = joining.ledger, joining.number, incident_name(joining.number)
    if not is_set_up(ledger.current):
        message = "No Prometheus is named: write prometheus_url: at a source in rotations/routing.yaml."
        raise Refused(message)
    visible(ledger.tx, ledger.context.seer, number, lock=True)
    if any(capture.waiting for capture in graphs.captures(ledger.tx, number)):
        return f"The graphs of {name} are being taken already; they stand on its page in a moment.", number
    wanted = NewCapture(incident_id=number, moment="asked", what="asked for", by=joining.actor)
    graphs.ask(ledger.tx, [wanted], now=joining.now)
    return f"The graphs of {name} are being taken; they stand on its page in a moment.", number
