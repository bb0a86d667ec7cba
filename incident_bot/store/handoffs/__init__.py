"""What is kept around hand-offs: offers of shifts, taps, and what was last known of each schedule."""

from incident_bot.store.handoffs.offers import add_offer, offer, offers, settle_offer
from incident_bot.store.handoffs.taps import (
    add_link,
    ask,
    by_digest,
    mark_missed,
    mark_tapped,
    of_person,
    taps,
    unanswered,
)
from incident_bot.store.handoffs.values import Held, Offer, Tap, Watch
from incident_bot.store.handoffs.watches import hasten, lock, save_watch, timer_key, watch
from incident_bot.store.tables.states import OfferState

__all__ = [
    "Held",
    "Offer",
    "OfferState",
    "Tap",
    "Watch",
    "add_link",
    "add_offer",
    "ask",
    "by_digest",
    "hasten",
    "lock",
    "mark_missed",
    "mark_tapped",
    "of_person",
    "offer",
    "offers",
    "save_watch",
    "settle_offer",
    "taps",
    "timer_key",
    "unanswered",
    "watch",
]
