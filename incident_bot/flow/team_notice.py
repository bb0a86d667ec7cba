"""What a team's channel is told of an alert whose route says `notify`: one message, kept up to date, and no page."""

from __future__ import annotations

from incident_bot.core.effects import Moment
from incident_bot.core.model import Episode, JsonObject
from incident_bot.core.routing import title
from incident_bot.flow.ledger import Ledger
from incident_bot.store.outbox import NewMessage


def notice(ledger: Ledger, episode: Episode, about: str) -> NewMessage:
    """Give the message of one episode, which has its id; `about` is the incident key that it would have."""
    revision = ledger.current.revision
    team = revision.teams.get(episode.team or "")
    severity = revision.ladder.named(episode.severity)
    channel = (team.slack_channel if team else None) or (team.id if team else "alerts")
    data: JsonObject = {
        "title": title(episode.labels, episode.annotations),
        "severity": episode.severity,
        "labels": dict(episode.labels),
        "annotations": dict(episode.annotations),
        "runbook": episode.runbook,
        "starts_at": episode.starts_at.isoformat(),
        "status": episode.status.value,
    }
    return NewMessage(
        key=f"notify:{episode.id}:{episode.status.value}",
        coalesce=f"notify:{about}:{channel}",
        incident_id=None,
        via=ledger.context.default_channel,
        recipient=channel,
        moment=Moment.NOTIFY,
        data=data,
        due_at=ledger.now,
        rank=severity.rank if severity else 0,
    )
