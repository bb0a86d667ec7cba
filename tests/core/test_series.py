from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incident_bot.core.model.series import SeriesRange, agree


def test_a_value_stands_at_its_step() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    assert SeriesRange(start=start, step=timedelta(minutes=5), series=()).at(3) == start + timedelta(
        minutes=15
    )


@pytest.mark.parametrize(
    "others, expected",
    [
        pytest.param({"job": "a"}, True, id="the same"),
        pytest.param({"job": "b"}, False, id="another"),
        pytest.param({"severity": "page"}, True, id="none in common"),
        pytest.param({}, True, id="nothing asked"),
    ],
)
def test_labels_agree_unless_one_differs(others: dict[str, str], expected: bool) -> None:
    assert agree({"job": "a", "instance": "one"}, others) is expected
