"""Who is on call: layers of turns, absences and overrides over them, the answer at any instant (R1 to R15).

Pure: no clock, no pointer kept between questions.
"""

from incident_bot.core.oncall.answers import (
    Answer,
    Gap,
    Shift,
    gaps,
    ignored,
    pieces,
    shifts,
    stretch,
    who,
)
from incident_bot.core.oncall.pieces import Piece, Placed, Reason
from incident_bot.core.oncall.schedule import (
    Absence,
    Add,
    Advance,
    Booking,
    Cover,
    Empty,
    Layer,
    Mode,
    Override,
    Remove,
    Replace,
    Rotation,
    Schedule,
    Slot,
)
from incident_bot.core.oncall.turns import Turn, Unit

__all__ = [
    "Absence",
    "Add",
    "Advance",
    "Answer",
    "Booking",
    "Cover",
    "Empty",
    "Gap",
    "Layer",
    "Mode",
    "Override",
    "Piece",
    "Placed",
    "Reason",
    "Remove",
    "Replace",
    "Rotation",
    "Schedule",
    "Shift",
    "Slot",
    "Turn",
    "Unit",
    "gaps",
    "ignored",
    "pieces",
    "shifts",
    "stretch",
    "who",
]
