"""`flapping:`, `storm:` and `storm_exempt:` of `routing.yaml`, for all routes or for one (I11, I12)."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

from pydantic import BeforeValidator, Field

from incident_bot.config.documents import Length, Shape, Whole
from incident_bot.core.flapping import KEPT_MOST
from incident_bot.core.model import FlappingRule, StormRule

OPENINGS_MOST: Final = 100_000
_Rule = TypeVar("_Rule", FlappingRule, StormRule)


class FlappingShape(Shape):
    """When alerts flap; what is left out, the rule for all routes says."""

    transitions: Annotated[Whole, Field(ge=2, le=KEPT_MOST)] | None = None
    within: Length | None = None
    hold: Length | None = None
    quiet: Length | None = None


class StormShape(Shape):
    """How many incidents a route may open at once; what is left out, the rule for all routes says."""

    openings: Annotated[Whole, Field(ge=1, le=OPENINGS_MOST)] | None = None
    within: Length | None = None


_NO_FLAPPING: Final = FlappingShape()
_NO_STORM: Final = StormShape()


def _flapping(value: object) -> object:
    return _NO_FLAPPING if value == "off" else _mapping(value, "{transitions: 4, within: 30m}")


def _storm(value: object) -> object:
    return _NO_STORM if value == "off" else _mapping(value, "{openings: 20, within: 5m}")


def _mapping(value: object, example: str) -> object:
    if isinstance(value, dict | Shape) or value is None:
        return value
    raise ValueError(f"must be off, or a mapping such as {example}")


FlappingWord = Annotated[FlappingShape | None, BeforeValidator(_flapping)]
"""The rule, `off`, or None where nothing is written."""
StormWord = Annotated[StormShape | None, BeforeValidator(_storm)]
"""The rule, `off`, or None where nothing is written."""


def flapping_rule(written: FlappingShape | None, otherwise: FlappingRule | None) -> FlappingRule | None:
    """Give the rule that is written on top of the one that holds otherwise; None where it is off."""
    return _on_top(written, otherwise, FlappingRule(), off=_NO_FLAPPING)


def storm_rule(written: StormShape | None, otherwise: StormRule | None) -> StormRule | None:
    """Give the rule that is written on top of the one that holds otherwise; None where it is off."""
    return _on_top(written, otherwise, StormRule(), off=_NO_STORM)


def _on_top(written: Shape | None, otherwise: _Rule | None, usual: _Rule, *, off: Shape) -> _Rule | None:
    if written is None:
        return otherwise
    if written is off:
        return None
    base = otherwise or usual
    said = {name: value for name, value in written if value is not None}
    return type(base)(**{name: said.get(name, getattr(base, name)) for name in type(base).__slots__})
