from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.config.durations import LONGEST, format_duration, parse_duration


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5400),
        ("7d", 604_800),
        ("2w", 1_209_600),
        ("1d2h3m4s", 93_784),
        (" 5m ", 300),
        ("0s", 0),
    ],
)
def test_reads(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text, says",
    [
        ("15", "15 has no unit; write 15s, 15m or 15h"),
        ("1.5", "has no unit"),
        ("-5", "write 5s, 5m or 5h"),
        ("", "write a number and a unit"),
        ("1.5h", "not a duration"),
        ("-5m", "not a duration"),
        ("30m1h", "not a duration"),
        ("1h 30m", "not a duration"),
        ("5min", "not a duration"),
        ("5M", "not a duration"),
        ("٣m", "not a duration"),
        ("999999999d", "longer than ten years"),
        ("999999999w", "longer than ten years"),
    ],
)
def test_refuses_and_says_how_to_write_it(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_duration(text)


@given(st.timedeltas(timedelta(0), LONGEST).map(lambda length: length - length % timedelta(seconds=1)))
def test_what_is_written_is_read_back(length: timedelta) -> None:
    assert parse_duration(format_duration(length)) == length
