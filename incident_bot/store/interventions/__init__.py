"""What people do at run time, and what is kept of it for the record."""

from incident_bot.store.interventions.access import (
    add_token,
    find_token,
    recall,
    remember,
    revoke_token,
    token_of,
    tokens,
)
from incident_bot.store.interventions.audits import Sought, audit, audited_actions, record
from incident_bot.store.interventions.calendars import (
    USE_NOTED_EVERY,
    add_calendar_link,
    calendar_links,
    find_calendar_link,
    note_calendar_use,
    revoke_calendar_link,
)
from incident_bot.store.interventions.overrides import add_override, end_override, override, overrides
from incident_bot.store.interventions.records import (
    activations,
    documents_of,
    revision_at,
    revisions,
    save_revision,
)
from incident_bot.store.interventions.values import (
    Activation,
    AuditEntry,
    CalendarLink,
    Maintenance,
    Revision,
    StoredOverride,
    Token,
)
from incident_bot.store.interventions.windows import (
    add_maintenance,
    end_maintenance,
    maintenance,
    public_maintenance,
)
from incident_bot.store.tables.states import FeedKind

__all__ = [
    "USE_NOTED_EVERY",
    "Activation",
    "AuditEntry",
    "CalendarLink",
    "FeedKind",
    "Maintenance",
    "Revision",
    "Sought",
    "StoredOverride",
    "Token",
    "activations",
    "add_calendar_link",
    "add_maintenance",
    "add_override",
    "add_token",
    "audit",
    "audited_actions",
    "calendar_links",
    "documents_of",
    "end_maintenance",
    "end_override",
    "find_calendar_link",
    "find_token",
    "maintenance",
    "note_calendar_use",
    "override",
    "overrides",
    "public_maintenance",
    "recall",
    "record",
    "remember",
    "revision_at",
    "revisions",
    "revoke_calendar_link",
    "revoke_token",
    "save_revision",
    "token_of",
    "tokens",
]
