"""A schedule that PagerDuty keeps: who answers at an instant, by which level, and how old the word is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incident_bot.core.oncall.mirrored import Mirror, Stretch, unknown_users

NOW = datetime(2026, 3, 3, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stretch(user: str, start: int | None, end: int | None, level: int = 1) -> Stretch:
    return Stretch(
        user=user,
        name=user.title(),
        level=level,
        start=None if start is None else NOW + start * HOUR,
        end=None if end is None else NOW + end * HOUR,
    )


@pytest.mark.parametrize(
    "hours,users",
    [(-3, []), (-2, ["ana"]), (0, ["ana"]), (1, ["ben", "cleo"]), (2, ["cleo"]), (900, ["cleo"])],
)
def test_who_answers(hours: int, users: list[str]) -> None:
    mirror = Mirror(
        schedule="PS",
        asked_at=NOW,
        stretches=(
            stretch("cleo", 1, None, 2), stretch("ana", -2, 1), stretch("ana", -2, 1, 3), stretch("ben", 1, 2)
        ),
    )  # fmt: skip
    assert [one.user for one in mirror.who(NOW + hours * HOUR)] == users


def test_an_open_beginning_has_none() -> None:
    assert stretch("ana", None, 1).holds(NOW - 900 * HOUR)
    assert not stretch("ana", None, 1).holds(NOW + HOUR)


@pytest.mark.parametrize(
    "age,said",
    [
        (timedelta(minutes=60), "escalation level 2"),
        (timedelta(minutes=61), "escalation level 2, as PagerDuty said at 01:59"),
        (timedelta(hours=5), "escalation level 2, as PagerDuty said at 22:00 on 2026-03-02"),
    ],
)
def test_an_old_word_says_so(age: timedelta, said: str) -> None:
    mirror = Mirror(schedule="PS", asked_at=NOW - age)
    assert mirror.why(stretch("ana", 0, 1, 2), now=NOW) == f"on call, PagerDuty schedule PS, {said}"


def test_what_was_never_told_is_old() -> None:
    never = Mirror(schedule="PS")
    assert never.is_old(now=NOW)
    assert never.why(stretch("ana", 0, 1), now=NOW).endswith("level 1")


def test_users_who_stand_for_nobody_here() -> None:
    mirror = Mirror(
        schedule="PS",
        asked_at=NOW,
        stretches=(
            stretch("ana", 0, 1),
            stretch("old", -2, -1),
            stretch("lex", 5, None),
            stretch("lex", 1, 2),
        ),
    )
    assert unknown_users([mirror], frozenset({"ana"}), now=NOW) == (("lex", "Lex"),)
