"""Which window is looked at, and when the trouble began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.expressions import Threshold
from incident_bot.core.impact import TOLERATED, Began, bad_time, walked_back, window_of
from incident_bot.core.model.series import Series, SeriesRange

START = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HIGH = Threshold(compare=">", value=5)
NONE: None = None


def series(*lines: list[float | None]) -> SeriesRange:
    made = tuple(Series(labels={}, values=tuple(values)) for values in lines)
    return SeriesRange(start=START, step=MINUTE, series=made)


@pytest.mark.parametrize(
    "length, before, step",
    [
        pytest.param(timedelta(0), timedelta(hours=1), timedelta(seconds=15), id="it opens"),
        pytest.param(timedelta(hours=3), timedelta(hours=1), MINUTE, id="a few hours"),
        pytest.param(
            timedelta(hours=16), timedelta(hours=4), 5 * MINUTE, id="a long one has a quarter before it"
        ),
        pytest.param(
            timedelta(hours=-1), timedelta(hours=1), timedelta(seconds=15), id="an end before the start"
        ),
    ],
)
def test_the_window_begins_before_the_trouble(length: timedelta, before: timedelta, step: timedelta) -> None:
    window = window_of(START, START + length)
    assert (window.start, window.step) == (START - before, step)
    assert window.end == max(START, START + length)


@pytest.mark.parametrize(
    "values, alert, expected",
    [
        pytest.param([0, 0, 9, 9, 9, 9], 5, 2, id="it rose before the alert"),
        pytest.param([0, 9, NONE, NONE, 9, 9], 5, 1, id="a short gap"),
        pytest.param([0, 9, NONE, NONE, NONE, 9], 5, 5, id="a long gap"),
        pytest.param([0, 9, 0, 9, 9, 9], 5, 1, id="a dip"),
        pytest.param([9, 9, 0, 0, 0, 9], 5, 5, id="an earlier trouble is another one"),
        pytest.param([0, 0, 0, 9], 2, 3, id="the alert is a little younger than its point"),
        pytest.param([0, 0, 9, 0, 0, 0], 5, None, id="over before the alert"),
        pytest.param([0] * 6, 5, None, id="never"),
        pytest.param([], 5, None, id="no points"),
        pytest.param([0, 0, 9], 30, 2, id="the alert is after the window"),
    ],
)
def test_walking_back(values: list[float | None], alert: int, expected: int | None) -> None:
    began = walked_back(series(values), HIGH, alert=START + alert * MINUTE)
    assert began == (None if expected is None else Began(at=START + expected * MINUTE, clipped=False))


def test_what_was_so_from_the_beginning_may_be_older() -> None:
    assert walked_back(series([9, 9, 9]), HIGH, alert=START + 2 * MINUTE) == Began(at=START, clipped=True)


def test_an_alert_before_the_window_says_nothing() -> None:
    assert walked_back(series([9, 9]), HIGH, alert=START - 5 * MINUTE) is None


def test_the_earliest_series_counts() -> None:
    found = walked_back(series([0, 0, 9, 9], [0, 9, 9, 9], [0, 0, 0, 0]), HIGH, alert=START + 3 * MINUTE)
    assert found == Began(at=START + MINUTE, clipped=False)


@given(
    before=st.lists(st.sampled_from([0.0, 1.0, 5.0]), min_size=TOLERATED + 1, max_size=30),
    trouble=st.lists(st.one_of(st.floats(min_value=5.5, max_value=1e9), st.none()), max_size=30),
    after=st.integers(0, 5),
)
def test_it_never_walks_out_of_the_trouble(
    before: list[float | None], trouble: list[float | None], after: int
) -> None:
    values = [*before, 9.0, *trouble, 9.0, *[0.0] * after]
    alert = START + (len(values) - 1 - after) * MINUTE
    found = walked_back(series(values), HIGH, alert=alert)
    assert found is not None
    assert found.at >= START + len(before) * MINUTE
    place = (found.at - START) // MINUTE
    assert (values[place] or 0) > 5, "it began at a point that met the condition"
    assert not found.clipped


@pytest.mark.parametrize(
    "found, bad, expected",
    [
        pytest.param(series([1, 9, 9, NONE]), HIGH, (2 * MINUTE, 9), id="two points"),
        pytest.param(series([1, 9], [9, 9, 7]), HIGH, (3 * MINUTE, 9), id="any of the series"),
        pytest.param(
            series([0.9, 0.5, 1]), Threshold(compare="<", value=0.95), (2 * MINUTE, 0.5), id="below"
        ),
        pytest.param(series(), HIGH, (timedelta(0), None), id="none"),
    ],
)
def test_how_long_it_was_bad(
    found: SeriesRange, bad: Threshold, expected: tuple[timedelta, float | None]
) -> None:
    assert bad_time(found, bad) == expected
