"""What changed shortly before: which changes fit an incident, by what, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.model import Incident
from incident_bot.core.nearby import LOOKED_BACK, NAMED_MOST, OWN, ChangeEvent, began, nearby
from incident_bot.core.postmortem import build
from tests.core.incident_world import LADDER, MINUTE, NOW, opened
from tests.render.stories import episode

OWNERS = {"checkout": "payments", "ledger": "payments", "search": "web"}


def change(minutes: float = 10, number: int = 1, **more: object) -> ChangeEvent:
    """A deploy so many minutes before the opening."""
    at = NOW - minutes * MINUTE
    plain = ChangeEvent(id=number, kind="deploy", what="something", at=at, told_by="ci", told_at=at)
    return replace(plain, **more)  # type: ignore[arg-type]  # real fields


INCIDENT: Incident = replace(opened(), team="payments", service="checkout", opened_at=NOW)
ALERT = replace(
    episode(1),
    starts_at=NOW - 3 * MINUTE,
    labels={"cluster": "eu-1", "pod": "a"},
    service="checkout",
)
OTHER = replace(ALERT, id=2, labels={"cluster": "us-1"}, service="ledger")


def fits(*changes: ChangeEvent, alerts: tuple[object, ...] = (ALERT,)) -> list[str]:
    return [one.why for one in nearby(changes, INCIDENT, alerts, OWNERS)]  # type: ignore[arg-type]  # episodes


CASES: Mapping[str, tuple[dict[str, object], str | None]] = {
    "its service": ({"service": "checkout"}, "the same service, checkout"),
    "a service of its team": ({"service": "ledger"}, "the same team, payments"),
    "its team": ({"team": "payments"}, "the same team, payments"),
    "another team's service": ({"service": "search"}, None),
    "a service that nobody knows": ({"service": "unheard"}, None),
    "another team": ({"team": "web"}, None),
    "a label": ({"labels": {"cluster": "eu-1"}}, "the same cluster=eu-1"),
    "two labels": ({"labels": {"pod": "a", "cluster": "eu-1"}}, "the same cluster=eu-1, pod=a"),
    "a label of another value": ({"labels": {"cluster": "us-1"}}, None),
    "its service in another cluster": ({"service": "checkout", "labels": {"cluster": "us-1"}}, None),
    "a label that no alert has": ({"labels": {"region": "eu"}}, None),
    "its service, with such a label": (
        {"service": "checkout", "labels": {"region": "eu"}},
        "the same service, checkout",
    ),
    "nothing named": ({}, "it names no service"),
    "our own configuration": ({"told_by": OWN, "kind": "config"}, "the bot's own configuration"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_fits_and_by_what(name: str) -> None:
    more, why = CASES[name]
    assert fits(replace(change(), **more)) == (  # type: ignore[arg-type]  # real fields
        [why] if why else []
    )


def test_the_services_and_labels_of_every_alert_count() -> None:
    both = (ALERT, OTHER)
    assert fits(change(service="ledger"), alerts=both) == ["the same service, ledger"]
    assert fits(change(labels={"cluster": "us-1"}), alerts=both) == ["the same cluster=us-1"]
    assert fits(change(labels={"cluster": "ap-1"}), alerts=both) == []


@pytest.mark.parametrize(
    "minutes, there",
    [(-1, False), (0, True), (3, True), (123, True), (124, False)],
    ids=["after it opened", "as it opened", "as it began", "two hours before", "earlier"],
)
def test_only_the_two_hours_before_it_began_until_it_opened(minutes: float, *, there: bool) -> None:
    assert bool(fits(change(minutes, service="checkout"))) is there


def test_without_alerts_it_began_when_it_opened() -> None:
    assert began(INCIDENT, []) == NOW
    late = replace(ALERT, starts_at=NOW + MINUTE)
    assert began(INCIDENT, [late]) == NOW
    assert began(INCIDENT, [ALERT, late]) == NOW - 3 * MINUTE


def test_how_long_before_it_began_and_after() -> None:
    (before,) = nearby([change(13)], INCIDENT, [ALERT], OWNERS)
    (after,) = nearby([change(1)], INCIDENT, [ALERT], OWNERS)
    assert (before.before, after.before) == (10 * MINUTE, -2 * MINUTE)


def test_the_closest_fit_comes_first_then_the_latest() -> None:
    changes = [
        change(5, 1),
        change(90, 2, service="checkout"),
        change(20, 3, service="checkout"),
        change(4, 4, told_by=OWN),
        change(60, 5, team="payments"),
        change(30, 6, labels={"cluster": "eu-1"}),
        change(20, 7, service="checkout"),
    ]
    found = nearby(changes, INCIDENT, [ALERT], OWNERS)
    assert [one.change.id for one in found] == [7, 3, 2, 5, 6, 1, 4]


@given(st.lists(st.integers(-200, 200), max_size=30))
def test_whatever_is_told_there_are_ten_at_most_and_none_from_elsewhere(minutes: list[int]) -> None:
    changes = [change(minute, number, service="checkout") for number, minute in enumerate(minutes, 1)]
    found = nearby(changes, INCIDENT, [ALERT], OWNERS)
    start = began(INCIDENT, [ALERT])
    inside = [one for one in changes if start - LOOKED_BACK <= one.at <= NOW]
    assert len(found) == min(NAMED_MOST, len(inside))
    assert all(one.change in inside for one in found)
    assert [one.before for one in found] == sorted(one.before for one in found)


def test_section_six_names_them_with_their_source() -> None:
    told = change(13, 5, service="checkout", version="41", url="https://ci.example/41", who="dana")
    found = nearby([told, change(1, 6, service="checkout", version="thing")], INCIDENT, [ALERT], OWNERS)
    later: datetime = NOW + timedelta(hours=1)
    draft = build(INCIDENT, (), [ALERT], people={}, ladder=LADDER, changes=found, now=later)
    (block,) = draft.sections[6].blocks
    assert [row.source for row in block.rows] == ["[change 6]", "[change 5]"]
    assert block.rows[1].cells == (
        "something 41 https://ci.example/41", "dana", "2026-11-20 02:47 UTC", "10 min before",
        "the same service, checkout",
    )  # fmt: skip
    assert block.rows[0].cells[:4] == ("something", "ci", "2026-11-20 02:59 UTC", "2 min after")
    none = build(INCIDENT, (), [ALERT], people={}, ladder=LADDER, now=later).sections[6].blocks[0]
    assert (none.rows, none.nothing) == ((), "No change is on record for the two hours before.")
