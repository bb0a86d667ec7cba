"""When a way out is left alone, for how long, and when it is taken up again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.circuit import FAILURES, REST_FIRST, REST_MOST, WITHIN, Answer, Circuit, after

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def fails(
    times: int, *, every: timedelta = SECOND, start: datetime = NOON, circuit: Circuit | None = None
) -> tuple[Circuit, datetime]:
    """What is known after so many failures, and the instant of the last one."""
    known, now = circuit or Circuit(), start
    for number in range(times):
        now = start + number * every
        known = after(known, Answer.FAILED, reason="503", chance=0.0, now=now)
    return known, now


def test_five_failures_within_a_minute_open_it_and_four_do_not() -> None:
    known, _ = fails(FAILURES - 1)
    assert not known.is_open
    assert not known.rests(NOON)
    known, now = fails(FAILURES, every=WITHIN / (FAILURES - 1))
    assert known.is_open
    assert (known.opened_at, known.opens, known.reason) == (now, 1, "503")
    assert known.rests(now)
    assert known.retry_at is not None
    assert not known.rests(known.retry_at)


def test_failures_far_apart_do_not_open_it() -> None:
    known, _ = fails(100, every=WITHIN / (FAILURES - 1) + SECOND)
    assert not known.is_open
    assert len(known.failed_at) == FAILURES


def test_a_success_in_between_begins_the_count_anew() -> None:
    known, now = fails(FAILURES - 1)
    known = after(known, Answer.WORKED, chance=0.0, now=now)
    assert known == Circuit()
    assert not fails(FAILURES - 1, start=now, circuit=known)[0].is_open


def test_refused_credentials_open_it_at_once() -> None:
    known = after(Circuit(), Answer.DENIED, reason="auth: 401", chance=0.5, now=NOON)
    assert (known.is_open, known.reason) == (True, "auth: 401")


@pytest.mark.parametrize("answer", [Answer.FAILED, Answer.DENIED])
def test_a_late_word_while_it_rests_changes_nothing(answer: Answer) -> None:
    known, now = fails(FAILURES)
    assert after(known, answer, reason="late", chance=0.0, now=now + SECOND) == known


def test_each_failed_try_leaves_it_alone_for_longer() -> None:
    known, now = fails(FAILURES)
    opened, rests = known.opened_at, []
    for _ in range(6):
        assert known.retry_at is not None
        rests.append((known.retry_at - now).total_seconds())
        now = known.retry_at
        known = after(known, Answer.FAILED, reason="503", chance=0.0, now=now)
    assert rests == [22.5, 45, 90, 180, 225, 225]
    assert known.opened_at == opened


STEPS = st.lists(st.tuples(st.sampled_from(Answer), st.floats(0, 400), st.floats(0, 1, exclude_max=True)))


@given(STEPS)
def test_whatever_comes_it_rests_for_a_bounded_time_and_a_success_closes_it(
    steps: list[tuple[Answer, float, float]],
) -> None:
    known, now = Circuit(), NOON
    for answer, wait, chance in steps:
        now += wait * SECOND
        before, known = known, after(known, answer, reason="x", chance=chance, now=now)
        assert known.is_open == (known.retry_at is not None)
        assert len(known.failed_at) <= FAILURES
        if answer is Answer.WORKED:
            assert known == Circuit()
        if before.is_open and answer is not Answer.WORKED:
            assert known.is_open
            assert known.opened_at == before.opened_at
        if known.retry_at is not None and known != before:
            assert 0.75 * REST_FIRST <= known.retry_at - now <= REST_MOST
    assert after(known, Answer.WORKED, chance=0.0, now=now) == Circuit()
