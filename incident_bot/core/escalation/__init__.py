"""Stage 5: whom next, when next. A matrix is frozen into a policy at opening; `advance` takes one look.

`preview` is `advance` in a loop, so a simulation cannot disagree with what will happen.
"""

from incident_bot.core.escalation.ahead import Planned, preview
from incident_bot.core.escalation.editing import renewed
from incident_bot.core.escalation.policy import DEFAULT_RULES, Matrix, Policy, Step, freeze, row_of
from incident_bot.core.escalation.quiet import QuietHours, never_end
from incident_bot.core.escalation.stepping import (
    Advance,
    Directory,
    Reached,
    Told,
    advance,
)

__all__ = [
    "DEFAULT_RULES",
    "Advance",
    "Directory",
    "Matrix",
    "Planned",
    "Policy",
    "QuietHours",
    "Reached",
    "Step",
    "Told",
    "advance",
    "freeze",
    "never_end",
    "preview",
    "renewed",
    "row_of",
]
