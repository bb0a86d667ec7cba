"""The only SQL: what is remembered, in one transaction with the decision that caused it.

Functions take a `Tx` first and the time (`now`) last; values in and out are `core`'s. Nothing here decides what happens
to an incident, reads a clock, or calls another system.
"""

from incident_bot.store.engine import Store
from incident_bot.store.transaction import LostRace, Tx, Unavailable

__all__ = ["LostRace", "Store", "Tx", "Unavailable"]
