"""The shared values: targets, the ladder, problems, times, and when a message is tried again (S5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.effects import (
    ATTEMPTS_LEAST,
    PAGE_BACKOFF_MOST,
    AlertKey,
    Page,
    PageKind,
    try_again_at,
)
from incident_bot.core.errors import BadConfiguration, Problem, Refused
from incident_bot.core.model import (
    Ladder,
    Severity,
    Target,
    TargetKind,
    Urgency,
    copied,
    paging_service,
    rfc3339,
)

LADDER = Ladder(
    (
        Severity(name="P1", rank=0, aliases=("critical", "page")),
        Severity(name="P2", rank=1, aliases=("high",)),
    )
)


@pytest.mark.parametrize(
    "text, kind, name",
    [
        ("on_call", TargetKind.ON_CALL, ""),
        (" lead ", TargetKind.LEAD, ""),
        ("manager", TargetKind.MANAGER, ""),
        ("team", TargetKind.TEAM_MEMBERS, ""),
        ("person/cto", TargetKind.PERSON, "cto"),
        ("schedule/platform-primary", TargetKind.SCHEDULE, "platform-primary"),
        ("team/payments", TargetKind.TEAM, "payments"),
        ("pagerduty/payments", TargetKind.PAGERDUTY, "payments"),
    ],
)
def test_a_target_is_read_and_written_back(text: str, kind: TargetKind, name: str) -> None:
    target = Target.parse(text)
    assert (target.kind, target.name, str(target)) == (kind, name, text.strip())


@pytest.mark.parametrize(
    "text, said",
    [
        ("nobody", "use on_call"),
        ("person/", "use on_call"),
        ("lead/alice", "use on_call"),
        ("", "use on_call"),
        ("pagerduty/", "or pagerduty/KEY"),
    ],
)
def test_a_wrong_target_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Target.parse(text)


@pytest.mark.parametrize(
    "word, name",
    [
        ("P1", "P1"),
        (" p1 ", "P1"),
        ("CRITICAL", "P1"),
        ("high", "P2"),
        ("bogus", None),
        ("", None),
        (None, None),
    ],
)
def test_a_severity_is_found_by_name_or_alias_whatever_its_case(word: str | None, name: str | None) -> None:
    found = LADDER.named(word)
    assert (found.name if found else None) == name


def test_the_worst_of_some_words_is_the_one_of_the_lowest_rank() -> None:
    worst = LADDER.worst(("high", "bogus", "page"))
    assert worst is not None
    assert worst.name == "P1"
    assert LADDER.worst(("bogus",)) is None


def test_a_problem_reads_as_file_line_message() -> None:
    assert str(Problem("rotations/people.yaml", 7, "no name")) == "rotations/people.yaml:7: no name"
    assert str(Problem("a.yaml", 1, "odd", severity="warning")) == "a.yaml:1: warning: odd"


def test_a_bad_set_says_its_errors_and_carries_everything() -> None:
    odd, wrong = Problem("a.yaml", 1, "odd", severity="warning"), Problem("b.yaml", 2, "wrong")
    error = BadConfiguration((odd, wrong))
    assert str(error) == "b.yaml:2: wrong"
    assert error.problems == (odd, wrong)
    assert "nothing of it was applied" in str(BadConfiguration((odd,)))


def test_the_docstring_is_the_message_where_none_is_given() -> None:
    assert str(Refused()) == "This cannot be done now."


def test_an_instant_is_written_in_utc_with_a_z() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert rfc3339(datetime(2026, 11, 21, 5, 30, tzinfo=east)) == "2026-11-21T00:00:00Z"
    assert rfc3339(datetime(2026, 11, 21, tzinfo=UTC)) == "2026-11-21T00:00:00Z"


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def again(
    attempt: int = 1, *, left: float = 300, asked: float | None = None, chance: float = 0.0
) -> float | None:
    """In how many seconds it is tried again, with so many left."""
    at = try_again_at(
        attempt,
        give_up_at=NOON + left * SECOND,
        most=PAGE_BACKOFF_MOST,
        asked=None if asked is None else asked * SECOND,
        chance=chance,
        now=NOON,
    )
    return None if at is None else (at - NOON).total_seconds()


@given(attempt=st.integers(1, 10**6), chance=st.floats(0, 1, exclude_max=True))
def test_waits_grow_stay_bounded_and_never_are_nothing(attempt: int, chance: float) -> None:
    wait = again(attempt, chance=chance)
    assert wait is not None
    assert 1 <= wait <= PAGE_BACKOFF_MOST.total_seconds()
    assert (again(attempt + 1) or 0) >= (again(attempt, chance=0.999) or 0) / 2


def test_what_a_provider_asks_for_is_a_floor() -> None:
    assert again(asked=90) == 90
    assert again(asked=300) == 300
    assert again(10, asked=1) == 15


def test_whoever_asks_for_more_than_is_left_is_given_up_at_once() -> None:
    assert again(asked=301) is None
    assert again(left=-1, asked=0) is None


@given(
    attempt=st.integers(1, 50),
    left=st.floats(0.001, 600),
    asked=st.none() | st.floats(0, 600),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_the_last_try_is_when_its_time_is_over_and_none_comes_after(
    attempt: int, left: float, asked: float | None, chance: float
) -> None:
    wait = again(attempt, left=left, asked=asked, chance=chance)
    if wait is not None:
        assert max(0.0, (asked or 0) - 0.001) <= wait <= left + 0.001
    else:
        assert asked is not None
        assert asked > left - 0.001


def test_after_its_time_it_is_given_up_unless_it_was_hardly_tried() -> None:
    assert again(ATTEMPTS_LEAST, left=0) is None
    assert again(ATTEMPTS_LEAST, left=-3600) is None
    assert again(ATTEMPTS_LEAST - 1, left=0) == 2
    assert again(1, left=-3600) == 1


def test_a_page_is_given_up_a_while_after_its_own_due_time() -> None:
    page = Page(
        person="ana", via="sms", kind=PageKind.STEP, epoch=1, loop=0, step=0, due_at=NOON, urgency=Urgency.HIGH,
        reason="on call", patience=timedelta(minutes=2),
    )  # fmt: skip
    assert page.give_up_at == NOON + timedelta(minutes=2)
    assert replace(page, due_at=NOON + SECOND).give_up_at == NOON + timedelta(minutes=2, seconds=1)


@pytest.mark.parametrize("kind", list(PageKind))
def test_the_key_of_a_page_tells_steps_from_other_pages(kind: PageKind) -> None:
    page = Page(
        person="ana", via="sms", kind=kind, epoch=2, loop=1, step=0, due_at=datetime(2026, 11, 21, tzinfo=UTC),
        urgency=Urgency.HIGH, reason="on call",
    )  # fmt: skip
    place = "0" if kind is PageKind.STEP else f"{kind.value}.0"
    assert page.key(7) == f"page:7:2:1:{place}:ana:sms"


@given(st.text(), st.text())
def test_a_copy_is_what_replace_gives_and_leaves_the_original_alone(name: str, other: str) -> None:
    severity = Severity(name=name, rank=3, aliases=("a",))
    assert copied(severity, name=other) == replace(severity, name=other)
    assert severity == Severity(name=name, rank=3, aliases=("a",))
    assert copied(severity) is not severity


ALERT = AlertKey(
    incident="INC-42", opened_at=datetime(2026, 3, 3, 3, 0, 5, tzinfo=UTC), epoch=2, service="payments"
)


def test_the_key_of_an_alert_is_written_and_read() -> None:
    assert str(ALERT) == "incident-bot/INC-42/20260303T030005Z/2/payments"
    assert AlertKey.read(str(ALERT)) == ALERT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INC-42",
        "incident-bot/INC-42/20260303T030005Z/2/",
        "incident-bot/INC-42/20261303T030005Z/2/payments",
        "incident-bot/INC-x/20260303T030005Z/2/payments",
        "x-incident-bot/INC-42/20260303T030005Z/2/payments",
    ],
)
def test_the_keys_of_others_are_none_of_ours(text: str) -> None:
    assert AlertKey.read(text) is None


def test_a_paging_service_stands_in_for_a_person_and_no_person_for_a_service() -> None:
    service = paging_service("pagerduty/payments")
    assert service is not None
    assert (service.id, service.name) == ("pagerduty/payments", "PagerDuty (payments)")
    assert service.contacts == {"pagerduty": "payments"}
    assert paging_service("alice") is None
