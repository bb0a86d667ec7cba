"""Clocks: aware, in UTC, never backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from incident_bot.clock import Clock, ManualClock, ShiftedClock, SystemClock

START = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("clock", [SystemClock(), ShiftedClock(HOUR), ManualClock(START)])
def test_every_clock_is_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC
    assert clock.now() <= clock.now()


def test_the_system_clock_stands_still_while_the_machine_is_set_back() -> None:
    clock = SystemClock()
    with time_machine.travel(START, tick=False) as traveller:
        assert clock.now() == START
        traveller.move_to(START - 2 * HOUR)
        assert clock.now() == START
        traveller.move_to(START + HOUR)
        assert clock.now() == START + HOUR


def test_a_shifted_clock_follows_and_skips_ahead() -> None:
    base = ManualClock(START)
    clock = ShiftedClock(HOUR, base=base)
    assert clock.now() == START + HOUR
    clock.advance(HOUR)
    assert (clock.now(), clock.offset) == (START + 2 * HOUR, 2 * HOUR)
    base.advance(HOUR)
    assert clock.now() == START + 3 * HOUR


def test_a_shifted_clock_stands_still_when_its_offset_shrinks() -> None:
    base = ManualClock(START)
    clock = ShiftedClock(HOUR, base=base)
    clock.now()
    clock.shift(timedelta(0))
    assert clock.now() == START + HOUR
    base.advance(2 * HOUR)
    assert clock.now() == START + 2 * HOUR


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(START.astimezone(timezone(5 * HOUR)))
    assert clock.now() == START
    assert clock.advance(HOUR) == clock.now() == START + HOUR
    assert clock.set(START + 2 * HOUR) == START + 2 * HOUR


def test_a_manual_clock_refuses_to_go_back() -> None:
    clock = ManualClock(START)
    with pytest.raises(ValueError, match="never runs backwards"):
        clock.set(START - HOUR)
    with pytest.raises(ValueError, match="never runs backwards"):
        clock.advance(-HOUR)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        ManualClock(START.replace(tzinfo=None))
