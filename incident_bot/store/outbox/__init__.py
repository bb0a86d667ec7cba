"""What waits to be sent, pages and messages, and what became of it."""

from incident_bot.store.outbox.adding import (
    add_messages,
    add_pages,
    add_pages_many,
    cancel_messages,
    cancel_pages,
)
from incident_bot.store.outbox.claiming import claim
from incident_bot.store.outbox.reading import (
    count_by_state,
    failed_rows,
    last_success,
    messages_of,
    next_due,
    oldest_due,
    pages_by,
    pages_of,
    pages_sent,
    people_told,
    row,
    sent_pages,
)
from incident_bot.store.outbox.receipts import add_receipt, lose, pages_told, receipts_of, row_of_key
from incident_bot.store.outbox.releasing import release
from incident_bot.store.outbox.settling import following, hasten, requeue, settle, settle_all
from incident_bot.store.outbox.values import (
    Again,
    Attempt,
    Claimed,
    Failed,
    GivenReceipt,
    NewMessage,
    OutboxRow,
    Outcome,
    Sent,
)
from incident_bot.store.tables.states import AttemptResult, RowKind, RowState

__all__ = [
    "Again",
    "Attempt",
    "AttemptResult",
    "Claimed",
    "Failed",
    "GivenReceipt",
    "NewMessage",
    "OutboxRow",
    "Outcome",
    "RowKind",
    "RowState",
    "Sent",
    "add_messages",
    "add_pages",
    "add_pages_many",
    "add_receipt",
    "cancel_messages",
    "cancel_pages",
    "claim",
    "count_by_state",
    "failed_rows",
    "following",
    "hasten",
    "last_success",
    "lose",
    "messages_of",
    "next_due",
    "oldest_due",
    "pages_by",
    "pages_of",
    "pages_sent",
    "pages_told",
    "people_told",
    "receipts_of",
    "release",
    "requeue",
    "row",
    "row_of_key",
    "sent_pages",
    "settle",
    "settle_all",
]
