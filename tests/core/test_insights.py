"""What the past says: medians, groups, weeks, nights, what an alert was worth, what another rule would have done."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from incident_bot.core.insights import (
    Case,
    Effect,
    Fired,
    Firing,
    Paged,
    Sampled,
    Spread,
    burdens,
    noisiest,
    proposed,
    rule_patch,
    simulated,
    spread,
    times_by,
    told,
    was_acted,
    weeks,
)
from incident_bot.core.milestones import Measured
from incident_bot.core.model import Verdict

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def a_case(number: int = 1, **changes: object) -> Case:
    values: dict[str, object] = {
        "number": number, "opened_at": START, "severity": "P1", "team": "web", "service": "checkout",
        "alerts": frozenset({"Down"}), "measured": Measured(to_acknowledge=number * MINUTE), "acted": True,
    }  # fmt: skip
    return Case(**(values | changes))  # type: ignore[arg-type]


def firing(minutes: int | None, *, pages: int = 1, actionable: bool = False, alone: bool = True) -> Firing:
    length = None if minutes is None else minutes * MINUTE
    return Firing(pages=pages, length=length, actionable=actionable, alone=alone)


# Medians.


@pytest.mark.parametrize(
    "minutes, expected",
    [
        ([], None),
        ([None], None),
        ([3], (1, 3, None)),
        ([1, 2], (2, 1.5, None)),
        ([9, None, 1, 2], (3, 2, None)),
        (range(1, 10), (9, 5, None)),
        (range(1, 11), (10, 5.5, 9)),
        (range(1, 12), (11, 6, 10)),
        (range(1, 101), (100, 50.5, 90)),
    ],
)
def test_a_spread(minutes: list[int | None], expected: tuple[int, float, int | None] | None) -> None:
    found = spread(None if one is None else one * MINUTE for one in minutes)
    if expected is None:
        assert found is None
        return
    n, middle, p90 = expected
    assert found == Spread(n=n, median=middle * MINUTE, p90=None if p90 is None else p90 * MINUTE)


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=60))
def test_a_spread_says_what_the_library_says_whatever_the_order(seconds: list[int]) -> None:
    found = spread(timedelta(seconds=one) for one in seconds)
    assert found is not None
    assert found.median.total_seconds() == median(seconds)
    assert found == spread(timedelta(seconds=one) for one in sorted(seconds))
    if found.p90 is not None:
        below = sum(timedelta(seconds=one) <= found.p90 for one in seconds)
        assert below >= 0.9 * len(seconds)


# Groups and weeks.


def test_groups_are_by_size_and_one_incident_may_be_in_several() -> None:
    cases = [
        a_case(1), a_case(2, alerts=frozenset({"Down", "Slow"})), a_case(3, severity="P2", alerts=frozenset()),
        a_case(4, measured=Measured(excluded="it was a drill")),
    ]  # fmt: skip
    by_alert = times_by(cases, lambda case: case.alerts)
    assert [(one.key, one.incidents) for one in by_alert] == [("Down", 3), ("Slow", 1)]
    down = by_alert[0].acknowledge
    assert down is not None
    assert (down.n, down.median) == (2, 1.5 * MINUTE)
    assert [one.key for one in times_by(cases, lambda case: (case.severity,))] == ["P1", "P2"]
    assert (by_alert[0].detect, by_alert[0].mitigate, by_alert[0].resolve) == (None, None, None)


def test_weeks_are_iso_weeks_of_the_zone_and_empty_ones_stand_there() -> None:
    # Sunday 23:30 in UTC is Monday in Berlin, and the clock goes forward in this span.
    sunday = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
    cases = [a_case(1, opened_at=sunday), a_case(2, opened_at=START + DAY, severity="P2"), a_case(3)]
    found = weeks(cases, start=START, end=sunday + DAY, zone=BERLIN)
    assert [(one.name, one.incidents) for one in found] == [
        ("2026-W10", 2), ("2026-W11", 0), ("2026-W12", 0), ("2026-W13", 0), ("2026-W14", 1),
    ]  # fmt: skip
    assert found[0].severities == {"P2": 1, "P1": 1}
    assert found[3].end - found[3].start == 7 * DAY - timedelta(hours=1)
    assert found[4].monday == date(2026, 3, 30)
    in_utc = weeks(cases, start=START, end=sunday + DAY, zone=ZoneInfo("UTC"))
    assert [one.incidents for one in in_utc] == [2, 0, 0, 1, 0]


@given(st.lists(st.integers(0, 400), max_size=30), st.sampled_from([BERLIN, NEW_YORK]))
def test_every_incident_of_the_span_is_in_one_week(days: list[int], zone: ZoneInfo) -> None:
    cases = [a_case(at, opened_at=START + day * DAY) for at, day in enumerate(days)]
    found = weeks(cases, start=START, end=START + 401 * DAY, zone=zone)
    assert sum(one.incidents for one in found) == len(cases)
    assert all(one.end == after.start for one, after in pairwise(found))


def test_the_last_days_of_a_year_belong_to_the_week_that_they_are_in() -> None:
    (week,) = weeks(
        [], start=datetime(2026, 12, 31, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC), zone=BERLIN
    )
    assert week.name == "2026-W53"


# Whether somebody had to act.


@pytest.mark.parametrize(
    "taken, cancelled, over, expected",
    [
        (True, False, False, True),
        (True, False, True, True),
        (False, False, True, False),
        (False, False, False, None),
        (True, True, True, False),
        (False, True, False, False),
    ],
)
def test_whether_somebody_had_to_act(taken: bool, cancelled: bool, over: bool, expected: bool | None) -> None:
    assert was_acted(taken=taken, cancelled=cancelled, over=over) is expected


# Who was paged, and for what.


def test_nights_are_the_persons_own() -> None:
    at = datetime(2026, 3, 3, 4, 30, tzinfo=UTC)  # 05:30 in Berlin, 23:30 in New York
    pages = [
        Paged("ana", 1, at),
        Paged("ana", 1, at + 2 * timedelta(hours=1)),
        Paged("ben", 1, at),
        Paged("zoe", 2, at),
    ]
    found = burdens(pages, {"ana": BERLIN, "ben": NEW_YORK})
    assert [(one.person, one.pages, one.night) for one in found] == [
        ("ana", 2, 1),
        ("ben", 1, 1),
        ("zoe", 1, 1),
    ]
    assert found[0].hours[5] == found[0].hours[7] == 1
    assert found[1].hours[23] == 1
    assert sum(found[2].hours) == 1


def test_what_an_alert_cost_and_was_worth() -> None:
    night = datetime(2026, 3, 3, 2, tzinfo=UTC)
    cases = [
        a_case(1), a_case(2, acted=False), a_case(3, acted=None), a_case(4, acted=True),
        a_case(5, alerts=frozenset({"Slow"}), acted=False),
    ]  # fmt: skip
    pages = [Paged("ana", 1, night), Paged("ana", 2, night + 12 * timedelta(hours=1)), Paged("ben", 5, night)]
    sample = (Sampled(4 * MINUTE, flapping=True), Sampled(None, flapping=False))
    fired = [
        Fired(name="Quiet", episodes=90),
        Fired(name="Slow", episodes=5),
        Fired(name="Down", episodes=9, sample=sample),
    ]
    verdicts = {(4, "Down"): Verdict.NOISE, (5, "Slow"): Verdict.RUNBOOK, (4, "Slow"): Verdict.NOISE}
    down, slow, quiet = noisiest(fired, cases, pages, verdicts, {"ana": BERLIN})
    assert (down.name, down.episodes, down.incidents, down.pages, down.night) == ("Down", 9, 4, 2, 1)
    assert (down.judged, down.actionable, down.verdicts) == (3, 1, {Verdict.NOISE: 1})
    assert down.share == pytest.approx(1 / 3)
    assert down.length == Spread(n=1, median=4 * MINUTE, p90=None)
    assert down.flapping == 1
    assert (slow.share, slow.pages, slow.night) == (1.0, 1, 1)
    assert (quiet.name, quiet.share, quiet.pages) == ("Quiet", None, 0)


# Another rule.


def test_what_a_longer_for_would_have_kept_back() -> None:
    firings = [
        firing(4), firing(4, alone=False), firing(10), firing(None), firing(3, pages=2, actionable=True),
        firing(3, pages=0, actionable=True),
    ]  # fmt: skip
    assert simulated(firings, 10 * MINUTE) == Effect(longer=10 * MINUTE, pages=6, avoided=3, missed=1)
    assert simulated(firings, None) == Effect(longer=None, pages=6, avoided=5, missed=1)


@pytest.mark.parametrize(
    "firings, longer",
    [
        ([firing(1), firing(1)], "nothing"),
        ([firing(3), firing(3), firing(40, actionable=True)], 5),
        ([firing(3), firing(12), firing(40, actionable=True)], 15),
        ([firing(3, pages=9), firing(1, actionable=True)], "nothing"),
        ([*[firing(90, actionable=True)] * 9, firing(1)], "nothing"),
        ([firing(90)] * 3, None),
        ([firing(90)] * 3 + [firing(90, alone=False)], "nothing"),
    ],
    ids=["too few", "smallest", "most", "one would be missed", "not worth it", "never acted", "not alone"],
)
def test_what_is_proposed(firings: list[Firing], longer: object) -> None:
    found = proposed(firings)
    said = "nothing" if found is None else found.longer and found.longer // MINUTE
    assert said == longer


@given(
    st.lists(
        st.builds(
            firing, st.one_of(st.none(), st.integers(0, 90)), pages=st.integers(0, 4), actionable=st.booleans(),
            alone=st.booleans(),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_what_is_proposed_misses_nothing_that_somebody_had_to_act_on(firings: list[Firing]) -> None:
    found = proposed(firings)
    if found is not None:
        assert found.missed == 0
        assert 0 < found.avoided <= found.pages
        assert found == simulated(firings, found.longer)


@pytest.mark.parametrize(
    "name", ["HighErrorRate", "job:up_total", "true story\n", 'say "no"', "123", "Ünïcode", "x:"]
)
def test_the_change_of_a_rule_is_yaml_with_the_alerts_own_name(name: str) -> None:
    for longer in (None, 10 * MINUTE, 60 * MINUTE):
        (rule,) = YAML(typ="safe").load(rule_patch(name, Effect(longer=longer, pages=9, avoided=9, missed=0)))
        assert rule.pop("alert") == name
        assert rule in ({"for": "10m"}, {"for": "1h"}, {"labels": {"severity": "info"}})


def test_what_it_would_have_done_in_words() -> None:
    assert told(Effect(longer=10 * MINUTE, pages=23, avoided=17, missed=0), days=28) == (
        "With `for:` 10m longer, 17 of 23 pages of the last 28 days would not have happened; none of those that "
        "somebody had to act on would have been missed."
    )
    assert told(Effect(longer=None, pages=3, avoided=3, missed=1), days=7).startswith(
        "As a message instead of a page, 3 of 3"
    )
    assert "1 of those" in told(Effect(longer=None, pages=3, avoided=3, missed=1), days=7)
