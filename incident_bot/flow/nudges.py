"""Tells one person about an incident that they have a part in: a message by their first way, and no page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from incident_bot.core.effects import Moment, Nudge
from incident_bot.core.model import Incident, Urgency
from incident_bot.flow.directory import TeamDirectory
from incident_bot.store.outbox import NewMessage


def nudged(
    incident: Incident, nudges: Sequence[Nudge], directory: TeamDirectory, *, now: datetime
) -> Iterable[NewMessage]:
    """Give the messages; whoever no way reaches, and whoever is only a name to us, is told nothing."""
    for number, nudge in enumerate(nudges):
        for rule in directory.rules(nudge.person, nudge.urgency)[:1]:
            yield NewMessage(
                key=f"nudge:{incident.id}:{incident.seq}:{number}:{nudge.person}",
                via=rule.by,
                recipient=nudge.person,
                person=nudge.person,
                moment=Moment.NUDGE,
                data={"text": nudge.text, "todo": nudge.todo, "incident": incident.name},
                due_at=now,
                rank=0 if nudge.urgency is Urgency.HIGH else 9,
            )
