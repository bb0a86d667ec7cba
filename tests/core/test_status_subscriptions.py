"""What those who follow the status page are told: each thing once, nothing old, nothing they did not ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_bot.core.model import ComponentState, Event, Kind, Phase
from incident_bot.core.status import (
    NEWS_LASTS,
    Board,
    Component,
    End,
    News,
    PublicMaintenance,
    Purpose,
    StatusPage,
    board,
    concerns,
    holds,
    news,
    publication,
    sign,
)

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PAGE = StatusPage(
    name="Shop",
    url="https://status.example.com",
    components=(Component(key="checkout", name="Checkout"), Component(key="site", name="Website")),
    severities={"P1": ComponentState.MAJOR_OUTAGE},
)


def event(kind: Kind, minute: float, **data: Any) -> Event:
    return Event(
        kind=kind,
        actor="ana",
        source="test",
        happened_at=NOW + minute * MINUTE,
        data=data,
        hash="0123456789abcdef",
    )


PUBLISHED = event(
    Kind.PUBLISHED, 0, title="Payments fail", text="Some fail.", components=["checkout"], state="major_outage"
)


def shown(*events: Event, minute: float, end: End | None = None) -> Board:
    found = publication(7, NOW, [PUBLISHED, *events], end=end)
    assert found is not None
    return board(PAGE, [found], [], now=NOW + minute * MINUTE)


def said(given: Board) -> list[tuple[str, str, ComponentState]]:
    return [(one.heading, one.text, one.state) for one in news(given)]


def test_each_update_and_each_phase_is_news_in_its_order() -> None:
    given = shown(
        event(Kind.UPDATE_POSTED, 1, text="Half of them work.", public=True),
        event(Kind.PHASE_CHANGED, 2, phase="monitoring"),
        event(Kind.RESOLVED, 3, phase="resolved"),
        minute=4,
    )
    out = ComponentState.MAJOR_OUTAGE
    assert said(given) == [
        ("Investigating", "Some fail.", out),
        ("Investigating", "Half of them work.", out),
        ("Monitoring", "", out),
        ("Resolved", "", ComponentState.OPERATIONAL),
    ]
    keys = [one.key for one in news(given)]
    assert len(set(keys)) == len(keys)
    assert [one.update for one in news(given)] == [1, 2, 3, 4]


def test_what_is_older_than_a_day_is_no_news_and_what_is_to_come_neither() -> None:
    assert len(news(shown(minute=NEWS_LASTS / MINUTE - 1))) == 1
    assert news(shown(minute=NEWS_LASTS / MINUTE)) == ()
    assert news(shown(minute=-1)) == ()


def test_the_end_of_the_incident_that_took_it_up_is_told_in_the_same_place_as_other_news() -> None:
    watched = news(shown(minute=5, end=End(phase=Phase.MONITORING, resolved_at=None)))
    over = news(shown(minute=5, end=End(phase=Phase.RESOLVED, resolved_at=NOW + 2 * MINUTE)))
    assert [one.heading for one in watched] == ["Investigating", "Monitoring"]
    assert [one.heading for one in over] == ["Investigating", "Resolved"]
    assert watched[-1].update == over[-1].update
    assert watched[-1].key != over[-1].key


@pytest.mark.parametrize(
    "minute, announced, headings",
    [
        (1, 0, ["Planned"]),
        (10, 0, ["Planned", "In progress"]),
        (20, 0, ["Planned", "In progress", "Completed"]),
        (15, 12, ["In progress"]),
        (25, 12, ["In progress", "Completed"]),
    ],
)
def test_planned_work_is_told_when_it_is_announced_begins_and_is_over(
    minute: int, announced: int, headings: list[str]
) -> None:
    work = PublicMaintenance(
        id="maintenance-3",
        title="New disks",
        text="Slow.",
        components=("site",),
        start=NOW + 10 * MINUTE,
        end=NOW + 20 * MINUTE,
        announced_at=NOW + announced * MINUTE,
    )
    found = news(board(PAGE, [], [work], now=NOW + minute * MINUTE))
    assert [one.heading for one in found] == headings
    assert all(one.work == work and one.incident is None for one in found)
    assert found[0].at >= work.announced_at


@pytest.mark.parametrize("minute, headings", [(4, []), (5, ["Called off"]), (15, ["Called off"])])
def test_work_that_is_called_off_before_it_begins_is_told_so_and_nothing_else(
    minute: int, headings: list[str]
) -> None:
    work = PublicMaintenance(
        id="maintenance-3",
        title="New disks",
        text="Not now.",
        components=("site",),
        start=NOW + 10 * MINUTE,
        end=NOW + 10 * MINUTE,
        announced_at=NOW,
        called_off_at=NOW + 5 * MINUTE,
    )
    found = news(board(PAGE, [], [work], now=NOW + minute * MINUTE))
    assert [one.heading for one in found] == headings
    assert all((one.text, one.state) == ("Not now.", ComponentState.OPERATIONAL) for one in found)


@pytest.mark.parametrize(
    "components, wanted, told",
    [
        (("checkout",), frozenset(), True),
        (("checkout",), frozenset({"checkout", "site"}), True),
        (("checkout",), frozenset({"site"}), False),
        ((), frozenset({"site"}), True),
    ],
)
def test_people_are_told_of_what_they_asked_for(
    components: tuple[str, ...], wanted: frozenset[str], *, told: bool
) -> None:
    state = ComponentState.OPERATIONAL
    one = News(key="k", at=NOW, title="t", heading="h", text="x", components=components, state=state)
    assert concerns(one, wanted) is told


def test_a_link_opens_for_its_subscriber_and_its_purpose_alone() -> None:
    token = sign(b"secret", Purpose.UNSUBSCRIBE, 7)
    assert token.startswith("7-")
    assert holds(b"secret", Purpose.UNSUBSCRIBE, 7, token)
    for secret, purpose, number in (
        (b"other", Purpose.UNSUBSCRIBE, 7),
        (b"secret", Purpose.CONFIRM, 7),
        (b"secret", Purpose.UNSUBSCRIBE, 8),
    ):
        assert not holds(secret, purpose, number, token)
    assert not holds(b"secret", Purpose.UNSUBSCRIBE, 7, "7-\udc80")
