"""`oncall.yaml`: what is looked for in the time ahead (R16), and what happens around a hand-off."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from incident_bot.config.documents import Duration, Flag, Shape, Whole, nearest
from incident_bot.config.people import ChannelName
from incident_bot.config.revision import WEIGHTS, Handoff, Lint, Weight
from incident_bot.core.oncall.lint import NIGHTS_MOST
from incident_bot.core.walltime import HORIZON

DAYS_MOST: Final = 1100
"""Three years: nobody plans further, and looking has its price."""
TAP_MOST: Final = timedelta(days=2)


def _weight(value: object) -> Weight:
    words = [weight.value for weight in Weight]
    if isinstance(value, str) and value in words:
        return Weight(value)
    raise ValueError(f'"{value}" is not one of {", ".join(words)}{nearest(str(value), words)}')


def _tap(value: object) -> object:
    return timedelta(0) if value == "off" or (value == 0 and not isinstance(value, bool)) else value


def _soon(value: timedelta) -> timedelta:
    if value > TAP_MOST:
        raise ValueError("is too early to ask; write 2d or less, or off")
    return value


WeightWord = Annotated[Weight, BeforeValidator(_weight)]


class LintShape(Shape):
    """What each kind of finding does, and how far to look."""

    gaps: WeightWord = WEIGHTS["gaps"]
    overlaps: WeightWord = WEIGHTS["overlaps"]
    clock_changes: WeightWord = WEIGHTS["clock_changes"]
    clock_weeks: WeightWord = WEIGHTS["clock_weeks"]
    unreachable: WeightWord = WEIGHTS["unreachable"]
    inactive: WeightWord = WEIGHTS["inactive"]
    consecutive: WeightWord = WEIGHTS["consecutive"]
    nights: WeightWord = WEIGHTS["nights"]
    holidays: WeightWord = WEIGHTS["holidays"]
    leave: WeightWord = WEIGHTS["leave"]
    nights_most: Annotated[Whole, Field(ge=1, le=366)] = NIGHTS_MOST
    days: Annotated[Whole, Field(ge=1, le=DAYS_MOST)] = HORIZON.days

    def lint(self) -> Lint:
        """Give it as the loader takes it."""
        weights = {kind: Weight(getattr(self, kind)) for kind in WEIGHTS}
        return Lint(weights=weights, nights_most=self.nights_most, days=self.days)


class HandoffShape(Shape):
    """What happens around the beginning of a shift."""

    notices: Flag = True
    brief: Flag = True
    tap: Annotated[Duration, AfterValidator(_soon), BeforeValidator(_tap)] = Handoff().tap
    channel: ChannelName = ""

    def handoff(self) -> Handoff:
        """Give it as the flow takes it."""
        return Handoff(notices=self.notices, brief=self.brief, tap=self.tap, channel=self.channel or None)


class OnCallShape(Shape):
    """`rotations/oncall.yaml`."""

    lint: LintShape = LintShape()
    handoff: HandoffShape = HandoffShape()
