"""The tables. Their classes only define them: all work is done with Core statements over the tables named here."""

from incident_bot.store.tables.alerts import DeliveryTable, EpisodeTable, GroupTable
from incident_bot.store.tables.base import Base, table_of
from incident_bot.store.tables.incidents import EventTable, IncidentTable, PostmortemTable
from incident_bot.store.tables.interventions import (
    AnswerTable,
    AuditTable,
    MaintenanceTable,
    RevisionTable,
    TokenTable,
)
from incident_bot.store.tables.queue import AttemptTable, OutboxTable, TimerTable

METADATA = Base.metadata

answer = table_of(AnswerTable)
attempt = table_of(AttemptTable)
audit = table_of(AuditTable)
delivery = table_of(DeliveryTable)
episode = table_of(EpisodeTable)
event = table_of(EventTable)
group = table_of(GroupTable)
incident = table_of(IncidentTable)
maintenance = table_of(MaintenanceTable)
outbox = table_of(OutboxTable)
postmortem = table_of(PostmortemTable)
revision = table_of(RevisionTable)
timer = table_of(TimerTable)
token = table_of(TokenTable)

__all__ = [
    "METADATA",
    "answer",
    "attempt",
    "audit",
    "delivery",
    "episode",
    "event",
    "group",
    "incident",
    "maintenance",
    "outbox",
    "postmortem",
    "revision",
    "timer",
    "token",
]
