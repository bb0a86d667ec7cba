"""What a schedule cannot say, and what the refusal tells to write instead (R5, R7, R10, R12, R13, R17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incident_bot.core.oncall import (
    Absence,
    Add,
    Advance,
    Cover,
    Layer,
    Remove,
    Replace,
    Rotation,
    Schedule,
    Slot,
    Turn,
    Unit,
)

SECOND = timedelta(seconds=1)
NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)
LATER = NOON + SECOND
WEEKLY = Turn(unit=Unit.WEEKS, anchor=datetime.fromisoformat("2026-01-05T09:00"))
DAILY = Turn(unit=Unit.DAYS, anchor=datetime.fromisoformat("2026-01-05T09:00"))
NOBODY = (Slot(people=()),)


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: Cover(people=("dan",), start=NOON, end=NOON), "an override ends after it starts"),
        (lambda: Add(people=("dan",), start=NOON, end=NOON), "an override ends after it starts"),
        (lambda: Remove(person="dan", start=LATER, end=NOON), "an override ends after it starts"),
        (lambda: Replace(person="dan", by="eve", start=NOON, end=NOON), "an override ends after it starts"),
        (lambda: Absence(person="dan", start=NOON, end=NOON), "an absence ends after it starts"),
        (lambda: Cover(people=(), start=NOON, end=LATER, reason="x"), "names people, or says nobody: true"),
        (
            lambda: Cover(people=("dan",), start=NOON, end=LATER, reason="x", nobody=True),
            "names people, or says nobody: true",
        ),
        (lambda: Cover(people=(), start=NOON, end=LATER, reason=" ", nobody=True), "needs a reason"),
        (lambda: Replace(person="dan", by="dan", start=NOON, end=LATER), "cannot stand in for dan"),
        (lambda: Add(people=(), start=NOON, end=LATER), "names whom it adds"),
    ],
)
def test_refused_overrides_and_absences(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    "unit, every, anchor, says",
    [
        (Unit.WEEKS, 0, "2026-01-05T09:00", "every: 0 cannot be counted; write 1 to 5217 weeks"),
        (Unit.WEEKS, 6000, "2026-01-05T09:00", "write 1 to 5217 weeks"),
        (Unit.MONTHS, 1201, "2026-01-05T09:00", "write 1 to 1200 months"),
        (Unit.HOURS, 5, "2026-01-05T09:00", "every: 5 does not divide 24; write 1, 2, 3, 4, 6, 8, 12 or 24"),
        (Unit.HOURS, 0, "2026-01-05T09:00", "every: 0 does not divide 24"),
        (Unit.HOURS, 48, "2026-01-05T09:00", "every: 48 does not divide 24"),
        (Unit.ELAPSED_HOURS, 0, "2026-01-05T09:00", "write 1 to 876600 elapsed_hours"),
        (Unit.DAYS, 1, "2026-01-05T09:00+00:00", "is not a local time"),
        (Unit.DAYS, 1, "1969-01-05T09:00", "is not a local time"),
    ],
)
def test_refused_turns(unit: Unit, every: int, anchor: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Turn(unit=unit, every=every, anchor=datetime.fromisoformat(anchor))


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: Rotation(turn=WEEKLY, slots=()), "there is no slot"),
        (lambda: Rotation(turn=WEEKLY, slots=NOBODY, turns_per_slot=0), "turns_per_slot: 0"),
        (
            lambda: Rotation(turn=WEEKLY, slots=NOBODY, advance=Advance.ACTIVE_DAYS),
            "active_days counts daily turns only",
        ),
    ],
)
def test_refused_rotations(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def layer(name: str, rotation: Rotation) -> Layer:
    return Layer(name=name, priority=10, zone=ZoneInfo("UTC"), says=rotation)


def test_refused_layers_and_schedules() -> None:
    with pytest.raises(ValueError, match="layer l10 advances by active days and has no windows"):
        layer("l10", Rotation(turn=DAILY, slots=NOBODY, advance=Advance.ACTIVE_DAYS))
    local = datetime.fromisoformat("2026-02-01T00:00")
    for people, named in ((("dan",), "dan"), ((), "nobody")):
        with pytest.raises(ValueError, match=f"the slot of {named} is over before it starts"):
            layer("l", Rotation(turn=WEEKLY, slots=(Slot(people=people, begins=local, until=local), *NOBODY)))
    layers = tuple(layer(name, Rotation(turn=WEEKLY, slots=NOBODY)) for name in ("l1", "l2"))
    with pytest.raises(ValueError, match="layers l1 and l2 have the same priority 10; give each its own"):
        Schedule(name="p", zone=ZoneInfo("UTC"), layers=layers)
