"""What people do at run time, and what is kept of it for the record."""

from incident_bot.store.interventions.access import (
    add_token,
    find_token,
    forget_answers,
    recall,
    remember,
    revoke_token,
    tokens,
)
from incident_bot.store.interventions.records import (
    audit,
    postmortem,
    record,
    revision_at,
    revisions,
    save_postmortem,
    save_revision,
)
from incident_bot.store.interventions.values import AuditEntry, Maintenance, Revision, SavedPostmortem, Token
from incident_bot.store.interventions.windows import add_maintenance, end_maintenance, maintenance

__all__ = [
    "AuditEntry",
    "Maintenance",
    "Revision",
    "SavedPostmortem",
    "Token",
    "add_maintenance",
    "add_token",
    "audit",
    "end_maintenance",
    "find_token",
    "forget_answers",
    "maintenance",
    "postmortem",
    "recall",
    "record",
    "remember",
    "revision_at",
    "revisions",
    "revoke_token",
    "save_postmortem",
    "save_revision",
    "tokens",
]
