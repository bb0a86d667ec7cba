"""Which past incidents are like one: by alerts, service, labels, title and age, each with a reason in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.model import Ladder
from incident_bot.core.postmortem import build
from incident_bot.core.similar import Known, Promise, Similar, shared_labels, similar
from tests.core.incident_world import opened

NOW = datetime(2026, 3, 3, 3, tzinfo=UTC)
DAY = timedelta(days=1)


def known(number: int = 1, *, days: float = 12, alerts: str = "Down", **changes: object) -> Known:
    values: dict[str, object] = {
        "number": number, "title": "Checkout is slow", "service": "checkout", "alerts": frozenset(alerts.split()),
        "opened_at": NOW - days * DAY,
    }  # fmt: skip
    return Known(**(values | changes))  # type: ignore[arg-type]


THIS = known(100, days=0)


@pytest.mark.parametrize(
    "other, why",
    [
        (known(), "same alert Down on checkout, 12 days ago"),
        (known(service="search"), "same alert Down, 12 days ago"),
        (known(service=None), "same alert Down, 12 days ago"),
        (known(alerts="Other"), "a title like this one on checkout, 12 days ago"),
        (known(alerts="", title="Checkout was slow"), "a title like this one on checkout, 12 days ago"),
        (known(days=1), "same alert Down on checkout, a day ago"),
        (known(days=0.5), "same alert Down on checkout, 12 h ago"),
        (known(days=0), "same alert Down on checkout, just before"),
    ],
)
def test_why_it_is_like_it(other: Known, why: str) -> None:
    (found,) = similar(THIS, [other])
    assert (found.why, found.incident) == (why, other)


@pytest.mark.parametrize(
    "other",
    [
        known(alerts="Other", service="search"),
        known(alerts="Other", title="Search returns nothing"),
        known(alerts="", title="", service=None),
        known(100),
        known(days=-1),
    ],
    ids=["another service", "another title", "nothing", "itself", "later"],
)
def test_what_is_not_like_it(other: Known) -> None:
    assert similar(THIS, [other]) == ()


def test_the_most_alike_come_first_and_only_a_few() -> None:
    labels = frozenset({("cluster", "eu")})
    this = known(100, days=0, alerts="Down Slow", labels=labels)
    past = [
        known(1, days=700, alerts="Down Slow"), known(2, alerts="Down"), known(3, alerts="Down Slow"),
        known(4, alerts="Down Slow", labels=labels), known(5, alerts="Down", service="search", title="x"),
    ]  # fmt: skip
    assert [one.incident.number for one in similar(this, past)] == [4, 3, 2]
    assert [one.incident.number for one in similar(this, past, most=9)] == [4, 3, 2, 5, 1]


def test_many_alerts_are_counted_and_what_was_promised_stands_there() -> None:
    promise = Promise(number=1, text="raise the limit", owner="ana")
    both = "A B C D E"
    (found,) = similar(known(9, days=0, alerts=both), [known(alerts=both, promises=(promise,))])
    assert found.why == "same alerts A, B, C and 2 more on checkout, 12 days ago"
    assert found.promises == (promise,)


def test_labels_that_all_alerts_share() -> None:
    assert shared_labels([]) == frozenset()
    assert shared_labels([{"a": "1", "b": "2"}, {"a": "1", "b": "3"}]) == {("a", "1")}


@given(
    st.lists(
        st.builds(
            known, st.integers(1, 99), days=st.floats(0, 900), alerts=st.sampled_from(["Down", "Down Slow", ""]),
            service=st.sampled_from(["checkout", "search", None]),
        ),
        max_size=20,
    )
)  # fmt: skip
def test_points_never_grow_with_age_and_order_does_not_matter(past: list[Known]) -> None:
    def points(found: tuple[Similar, ...]) -> list[float]:
        return [one.points for one in found]

    found = similar(THIS, past, most=50)
    assert points(found) == sorted(points(found), reverse=True)
    assert points(found) == points(similar(THIS, past[::-1], most=50))
    assert all(one.points > 0 for one in found)


def test_section_16_names_them_and_what_is_still_owed() -> None:
    owed = (Promise(number=1, text="raise the limit", owner="zoe"), Promise(number=2, text="write it down"))
    past = similar(THIS, [known(7, promises=owed)])
    drafted = build(opened(), [], people={}, ladder=Ladder(rungs=()), similar=past, now=NOW)
    (block,) = drafted.sections[16].blocks
    assert [(row.cells[0], row.source) for row in block.rows] == [
        ("Like INC-7, Checkout is slow: same alert Down on checkout, 12 days ago.", "[INC-7]"),
        ("After INC-7 we said we would: raise the limit (zoe). It is not done.", "[INC-7]"),
        ("After INC-7 we said we would: write it down. It is not done.", "[INC-7]"),
    ]
