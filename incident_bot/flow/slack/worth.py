"""What the alerts of an incident that is over were worth: asked of whoever was paged, until somebody has said it."""

from __future__ import annotations

from incident_bot.core.model import Incident, Kind, Paging, Phase, Verdict
from incident_bot.flow.context import Context
from incident_bot.flow.slack.facts import who
from incident_bot.render.slack.page import Given, Worth
from incident_bot.store import incidents, insights
from incident_bot.store.transaction import Tx


def worth_of(context: Context, tx: Tx, incident: Incident) -> Worth | None:
    """Give what was said of its alerts, the last word on each; None where nothing is to be asked.

    That is before it is resolved, of a drill, and of what a person declared without any alert.
    """
    if incident.paging is not Paging.RESOLVED or incident.phase is Phase.CANCELLED or incident.drill:
        return None
    said = incidents.of_kinds(tx, incident.id, [Kind.VERDICT_GIVEN])
    last = {str(event.data.get("alert")): event for event in said}
    if not last and not insights.names_of(tx, incident.id):
        return None
    return Worth(
        given=tuple(
            Given(alert=alert, label=Verdict(str(event.data["verdict"])).label, who=who(context, event.actor))
            for alert, event in last.items()
        )
    )
