"""`replay`: recorded deliveries, run through the real pipeline on a clock that jumps from one due time to the next.

What comes out is counted from a database of its own, as the report on real pages counts from the real one. Nothing of
a replay reaches anybody.
"""

from incident_bot.flow.replay.comparing import compared
from incident_bot.flow.replay.counting import replayed
from incident_bot.flow.replay.recordings import Recorded, Skipped, read, stored
from incident_bot.flow.replay.running import AFTER_THE_LAST, MovedClock, bring, run
from incident_bot.flow.replay.silent import Heard, SilentNotifier, silent_notifiers

__all__ = [
    "AFTER_THE_LAST",
    "Heard",
    "MovedClock",
    "Recorded",
    "SilentNotifier",
    "Skipped",
    "bring",
    "compared",
    "read",
    "replayed",
    "run",
    "silent_notifiers",
    "stored",
]
