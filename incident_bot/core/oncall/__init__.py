"""Who is on call: schedules of layers and turns, covers over them, the answer at any instant (R1 to R14).

Pure: no clock, no pointer kept between questions. Not in this release, and refused where files are read with
the texts of `LATER`: turns in months and hours, slots with dates, `turns_per_slot`, `active_days`,
`mode: add`, absences, and overrides other than covers.
"""

from incident_bot.core.oncall.answers import Answer, Gap, Shift, gaps, ignored, shifts, stretch, who
from incident_bot.core.oncall.schedule import LATER, Cover, Empty, Layer, Schedule, Turn, Unit

__all__ = [
    "LATER",
    "Answer",
    "Cover",
    "Empty",
    "Gap",
    "Layer",
    "Schedule",
    "Shift",
    "Turn",
    "Unit",
    "gaps",
    "ignored",
    "shifts",
    "stretch",
    "who",
]
