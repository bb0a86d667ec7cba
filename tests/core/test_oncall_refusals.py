"""What a schedule cannot say, and what the refusal tells to write instead (R5, R12, R13, R17)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incident_bot.core.oncall import LATER, Cover, Layer, Schedule, Turn, Unit

SECOND = timedelta(seconds=1)
NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)
WEEKLY = Turn(unit=Unit.WEEKS, anchor=datetime.fromisoformat("2026-01-05T09:00"))


@pytest.mark.parametrize(
    "case, people, end, reason, nobody, says",
    [
        ("empty span", ("dan",), NOON, "", False, "a cover ends after it starts"),
        ("empty by accident", (), NOON + SECOND, "x", False, "names people, or says nobody: true"),
        ("nobody and somebody", ("dan",), NOON + SECOND, "x", True, "names people, or says nobody: true"),
        ("nobody without a reason", (), NOON + SECOND, " ", True, "needs a reason"),
    ],
)
def test_refused_covers(
    case: str, people: tuple[str, ...], end: datetime, reason: str, nobody: bool, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Cover(people=people, start=NOON, end=end, reason=reason, nobody=nobody)


@pytest.mark.parametrize(
    "every, anchor, says",
    [
        (0, "2026-01-05T09:00", "every: 0 cannot be counted; write 1 to 5217 weeks"),
        (6000, "2026-01-05T09:00", "write 1 to 5217 weeks"),
        (1, "2026-01-05T09:00+00:00", "is not a local time"),
        (1, "1969-01-05T09:00", "is not a local time"),
    ],
)
def test_refused_turns(every: int, anchor: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Turn(unit=Unit.WEEKS, every=every, anchor=datetime.fromisoformat(anchor))


def test_refused_layers_and_schedules() -> None:
    with pytest.raises(ValueError, match="layer l10 has no slot"):
        Layer(name="l10", priority=10, zone=ZoneInfo("UTC"), turn=WEEKLY, people=())
    layers = tuple(
        Layer(name=name, priority=10, zone=ZoneInfo("UTC"), turn=WEEKLY, people=((),))
        for name in ("l1", "l2")
    )
    with pytest.raises(ValueError, match="layers l1 and l2 have the same priority 10; give each its own"):
        Schedule(name="p", zone=ZoneInfo("UTC"), layers=layers)


def test_what_is_not_available_yet_says_what_to_write_instead() -> None:
    units = {f"unit.{unit}" for unit in ("months", "hours", "elapsed_hours")}
    overrides = {f"override.{kind}" for kind in ("replace", "remove", "add")}
    others = {"turns_per_slot", "slot.from", "slot.until", "advance.active_days", "mode.add", "absences"}
    assert set(LATER) == units | overrides | others
    for text in LATER.values():
        assert "not available yet; " in text
        assert "write " in text or "list " in text or "name " in text
