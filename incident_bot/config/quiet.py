"""`quiet_hours` of `people.yaml` and `escalation.yaml`: when pages of low urgency wait, on each person's own clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from incident_bot.config.schedules import WindowShape
from incident_bot.core.escalation import QuietHours, never_end
from incident_bot.core.model import Person
from incident_bot.core.walltime import Window, zone


def _listed(value: object) -> object:
    if value == "off":
        return []
    if isinstance(value, Mapping):
        return [value]
    if value is None or isinstance(value, str):
        raise ValueError(
            'must be windows, such as {from: "22:00", to: "07:00"}, or off; take the key out for the usual ones'
        )
    return value


def _quiet(windows: list[Window]) -> list[Window]:
    if any(window.needs_holidays for window in windows):
        raise ValueError("quiet hours know no holidays; write days: instead")
    if never_end(windows):
        raise ValueError(
            "leave no time of the week: a page of low urgency would never go out; leave some time out"
        )
    return windows


QuietShape = Annotated[list[WindowShape], BeforeValidator(_listed), AfterValidator(_quiet)]
"""One window or a list of them, in the grammar of schedules; `off` is none."""


def build_quiet_hours(
    people: Mapping[str, Person], own: Mapping[str, list[Window] | None], usual: list[Window]
) -> dict[str, QuietHours]:
    """Give everybody's quiet hours in their own zone: their own, else the usual ones; without those who have none."""
    found: dict[str, QuietHours] = {}
    for key, person in people.items():
        mine = own.get(key)
        windows = usual if mine is None else mine
        if windows:
            found[key] = QuietHours(windows=tuple(windows), zone=zone(person.time_zone))
    return found
