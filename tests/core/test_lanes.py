from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.effects import Moment, PageKind
from incident_bot.core.lanes import (
    FOLD_FROM,
    Lane,
    Lanes,
    LaneState,
    Pace,
    Pacing,
    Priority,
    Waiting,
    choose,
    folds_with,
    passes,
    priority_of,
)

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
ONE_A_SECOND = Pace(every=SECOND)


@pytest.mark.parametrize(
    "page, moment, priority",
    [
        (PageKind.STEP, None, Priority.PAGE),
        (PageKind.ASK, None, Priority.PAGE),
        (PageKind.NOTE, None, Priority.RESULT),
        (None, Moment.PAGER, Priority.RESULT),
        (None, Moment.META, Priority.RESULT),
        (None, Moment.REMINDER, Priority.RESULT),
        (None, Moment.OPENED, Priority.UPDATE),
        (None, None, Priority.UPDATE),
        (None, Moment.POSTMORTEM, Priority.REST),
    ],
)
def test_pages_go_first_then_results_then_updates(
    page: PageKind | None, moment: Moment | None, priority: Priority
) -> None:
    assert priority_of(page=page, moment=moment) is priority


def test_what_asks_to_take_an_incident_folds_a_note_with_notes_and_a_question_with_nothing() -> None:
    asking = {PageKind.STEP, PageKind.FALLBACK, PageKind.LAST_RESORT, PageKind.DIRECT}
    assert folds_with(PageKind.STEP) == folds_with(PageKind.DIRECT) == asking
    assert folds_with(PageKind.NOTE) == {PageKind.NOTE}
    assert folds_with(PageKind.ASK) == set()


@given(count=st.integers(1, 600), wishes=st.lists(st.integers(0, 10_000), min_size=1, max_size=400))
def test_no_minute_has_more_than_a_pace_allows_and_none_waits_for_nothing(
    count: int, wishes: list[int]
) -> None:
    pace = Pace.per_minute(count)
    state = LaneState(name="mail")
    sent: list[datetime] = []
    now = NOW
    for wish in wishes:
        now += timedelta(milliseconds=wish)
        room = state.room(pace, now=now, most=1)
        assert room in (0, 1)
        if room:
            state = state.used(1, pace, now=now)
            sent.append(now)
        else:
            assert state.opens_at is not None
            assert state.opens_at > now
            assert state.room(pace, now=state.opens_at, most=1) == 1, "it opens when it says so"
    for first in sent:
        assert sum(first <= other < first + MINUTE for other in sent) <= count


def test_a_burst_goes_at_once_and_the_rest_at_the_pace() -> None:
    pace = Pace(every=SECOND, burst=3)
    state = LaneState(name="x")
    assert state.room(pace, now=NOW, most=9) == 3
    assert state.room(pace, now=NOW, most=2) == 2
    state = state.used(3, pace, now=NOW)
    assert state.room(pace, now=NOW, most=9) == 0
    assert state.opens_at == NOW + SECOND
    assert state.room(pace, now=NOW + SECOND, most=9) == 1
    assert state.room(pace, now=NOW + MINUTE, most=9) == 3, "what was not used is not saved up"


def test_a_closed_lane_lets_nothing_through_and_opens_slowly() -> None:
    pace = Pace(every=SECOND, burst=3)
    closed = LaneState(name="x").closed(NOW + MINUTE, pace)
    assert closed.room(pace, now=NOW + MINUTE - SECOND, most=9) == 0
    assert closed.room(pace, now=NOW + MINUTE, most=9) == 1
    assert closed.closed(NOW, pace).opens_at == NOW + MINUTE, "a shorter wish does not open it"
    free = LaneState(name="y").closed(NOW + MINUTE, None)
    assert (free.room(None, now=NOW, most=9), free.room(None, now=NOW + MINUTE, most=9)) == (0, 9)
    assert LaneState(name="z").room(None, now=NOW, most=9) == 9


def test_a_way_has_a_lane_for_each_thing_that_its_provider_counts() -> None:
    creating = Pace.per_minute(20)
    lanes = Lanes({
        "slack": Pacing(each=ONE_A_SECOND, total=Pace.per_minute(600), acts={Moment.OPENED: creating}),
        "pagerduty": Pacing(each=ONE_A_SECOND, lane=lambda recipient: recipient.upper(), folds=False),
        "sms": Pacing(total=ONE_A_SECOND),
    })  # fmt: skip
    assert lanes.lane("slack", "#web", Moment.UPDATE) == Lane("slack/#web", ONE_A_SECOND)
    assert lanes.lane("slack", "#web", Moment.OPENED) == Lane("slack#opened", creating)
    assert lanes.total("slack") == Lane("slack", Pace.per_minute(600))
    assert lanes.lane("pagerduty", "ana", None) == Lane("pagerduty/ANA", ONE_A_SECOND)
    assert lanes.total("pagerduty") == Lane("pagerduty", None)
    assert lanes.lane("sms", "ana", None) == lanes.total("sms") == Lane("sms", ONE_A_SECOND)
    assert lanes.lane("stdout", "ana", None) == Lane("stdout", None)


@pytest.mark.parametrize(
    "pacing, fold_from",
    [
        (Pacing(each=ONE_A_SECOND), 2),
        (Pacing(total=ONE_A_SECOND), 2),
        (Pacing(), FOLD_FROM),
        (Pacing(each=ONE_A_SECOND, folds=False), None),
    ],
)
def test_what_a_pace_holds_back_folds_sooner(pacing: Pacing, fold_from: int | None) -> None:
    assert Lanes({"sms": pacing}).fold_from("sms") == fold_from
    assert Lanes({"sms": pacing}, folding=False).fold_from("sms") is None
    assert Lanes().fold_from("sms") == FOLD_FROM


ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 60), st.sampled_from("abc")), max_size=40
)


def as_rows(rows: list[tuple[int, int, int, str]]) -> list[Waiting]:
    return [
        Waiting(priority, rank, NOW + SECOND * due, number, f"slack/{lane}", "slack")
        for number, (priority, rank, due, lane) in enumerate(rows)
    ]


@given(
    rows=ROWS,
    rooms=st.fixed_dictionaries({name: st.integers(0, 5) for name in ("slack/a", "slack/b", "slack")}),
    most=st.integers(0, 20),
)
def test_whoever_is_passed_over_is_less_important_or_its_lane_is_full(
    rows: list[tuple[int, int, int, str]], rooms: dict[str, int], most: int
) -> None:
    waiting = as_rows(rows)
    chosen = choose(waiting, rooms, most=most)
    assert chosen == sorted(chosen)
    assert len(chosen) <= most
    used = passes(chosen)
    assert all(count <= rooms.get(name, 0) for name, count in used.items())
    for row in set(waiting) - set(chosen):
        full = any(
            sum(1 for other in chosen if name in (other.lane, other.via) and other < row)
            == rooms.get(name, 0)
            for name in (row.lane, row.via)
        )
        assert full or (len(chosen) == most and all(other < row for other in chosen))


def test_equals_go_in_the_order_of_their_due_times_whoever_comes_later() -> None:
    waiting = as_rows([(0, 1, 5, "a")])
    served = []
    for turn in range(6, 20):
        waiting += as_rows([(0, 1, turn, "a")] * 2)
        (first,) = choose(waiting, {"slack/a": 1, "slack": 1}, most=1)
        waiting.remove(first)
        served.append(first.due_at)
    assert served == sorted(served), "nobody starves behind newer equals"


@given(owed=st.integers(0, 40), burst=st.integers(1, 8), spare=st.integers(0, 10), shut=st.integers(0, 9))
def test_a_place_with_some_to_spare_is_free_when_it_is_said_to_be(
    owed: int, burst: int, spare: int, shut: int
) -> None:
    pace = Pace(every=SECOND, burst=burst)
    state = LaneState(name="slack", free_at=NOW + owed * SECOND, opens_at=NOW + shut * SECOND)
    kept = min(spare, burst - 1)
    at = state.wait(pace, spare=spare, now=NOW)
    free = state.room(pace, now=NOW, most=burst)
    assert (at is None) == (free > kept)
    if at is not None:
        assert at > NOW
        assert state.room(pace, now=at, most=burst) > kept


def test_what_was_never_used_or_has_no_pace_waits_only_where_it_is_closed() -> None:
    assert LaneState(name="slack").wait(ONE_A_SECOND, now=NOW) is None
    assert LaneState(name="slack").wait(None, now=NOW) is None
    assert LaneState(name="slack", opens_at=NOW + SECOND).wait(None, now=NOW) == NOW + SECOND
