"""The bucket of a route, as a table and by properties (I12, P12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.matchers import parse_matchers
from incident_bot.core.model import Bucket, Ladder, Severity, Status, StormRule, Tally, Team
from incident_bot.core.routing import KEY_MOST, Default, Route, Routing, route, storm_key
from incident_bot.core.storm import Drawn, draw, refilled, tallied, told

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = StormRule(openings=10, within=5 * MINUTE)


def bucket(tokens: float, minutes: float = 0, *, storming: bool = False) -> Bucket:
    since = NOW - 9 * MINUTE if storming else None
    return Bucket(tokens=tokens, at=NOW - minutes * MINUTE, since=since)


@pytest.mark.parametrize(
    "before,wanted,alone,adopted,left",
    [
        pytest.param(None, 3, 3, 0, 7, id="new"),
        pytest.param(None, 10, 10, 0, 0, id="the last token"),
        pytest.param(None, 11, 10, 1, 0, id="one too many"),
        pytest.param(bucket(0), 1, 0, 1, 0, id="empty"),
        pytest.param(bucket(0, 1), 3, 2, 1, 0, id="two came back"),
        pytest.param(bucket(0.9), 1, 0, 1, 0.9, id="a part of a token is none"),
        pytest.param(bucket(0, 4, storming=True), 3, 0, 3, 5, id="a storm adopts all, and takes tokens"),
        pytest.param(bucket(0, 1, storming=True), 9, 0, 9, 0, id="a storm takes no more than there are"),
        pytest.param(bucket(0, 5, storming=True), 3, 3, 0, 7, id="a full bucket ends the storm"),
        pytest.param(bucket(3, -60), 2, 2, 0, 1, id="a clock that went back fills nothing"),
        pytest.param(bucket(50), 12, 10, 2, 0, id="a rule that became smaller"),
    ],
)
def test_draw(before: Bucket | None, wanted: int, alone: int, adopted: int, left: float) -> None:
    drawn = draw(before, RULE, wanted, now=NOW)
    assert (drawn.alone, drawn.adopted) == (alone, adopted)
    assert drawn.bucket.tokens == pytest.approx(left)
    assert drawn.bucket.at == NOW
    assert (drawn.bucket.since is not None) is (adopted > 0)


def test_a_storm_remembers_when_it_began() -> None:
    first = draw(None, RULE, 12, now=NOW)
    assert first.bucket.since == NOW
    assert draw(first.bucket, RULE, 1, now=NOW + MINUTE).bucket.since == NOW
    assert refilled(first.bucket, RULE, now=NOW + 5 * MINUTE).since is None


waves = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 40)), max_size=30)


@given(waves, st.integers(1, 30), st.integers(1, 600))
def test_nothing_is_dropped_and_no_more_open_alone_than_the_rule_lets(
    asked: list[tuple[int, int]], openings: int, seconds: int
) -> None:
    rule = StormRule(openings=openings, within=timedelta(seconds=seconds))
    now, before = NOW, None
    found: list[tuple[datetime, Drawn]] = []
    for wait, wanted in asked:
        now += timedelta(seconds=wait)
        drawn = draw(before, rule, wanted, now=now)
        assert drawn.alone + drawn.adopted == wanted
        assert 0 <= drawn.bucket.tokens <= openings
        before = drawn.bucket
        found.append((now, drawn))
    for start, _ in found:
        within = [one.alone for at, one in found if start <= at < start + rule.within]
        # A full bucket, and what came back meanwhile.
        assert sum(within) <= 2 * openings


members = st.lists(
    st.tuples(
        st.sampled_from([None, "Down", "Slow", ""]),
        st.sampled_from([None, "shop", "lake"]),
        st.sampled_from(Status),
        st.integers(1, 3),
    ),
    max_size=40,
)


@given(members)
def test_every_member_is_counted_once(came: list[tuple[str | None, str | None, Status, int]]) -> None:
    found = tallied(came)
    assert sum(one.total for one in found) == sum(alike for *_, alike in came)
    assert sum(one.firing for one in found) == sum(
        alike for _, _, status, alike in came if status is Status.FIRING
    )
    assert [one.firing for one in found] == sorted((one.firing for one in found), reverse=True)
    assert len({(one.name, one.service) for one in found}) == len(found)
    assert found == tallied(reversed(came))


@pytest.mark.parametrize(
    "tally,line",
    [
        (Tally(name="Down", service="shop", firing=3, total=3), "Down on shop: 3 firing"),
        (Tally(name="Down", service=None, firing=3, total=5), "Down: 3 firing, 2 over"),
        (Tally(name="Down", service=None, firing=0, total=5), "Down: 5 over"),
        (Tally(name="Down", service=None, firing=0, total=0), "Down: 0 firing"),
    ],
)
def test_told(tally: Tally, line: str) -> None:
    assert told(tally) == line


TEAMS = {name: Team(id=name, name=name) for name in ("web", "data")}
LADDER = Ladder((Severity(name="P1", rank=0),))
DISK = Route(
    match=tuple(parse_matchers('kind="disk"')),
    storm=RULE,
    storm_exempt=(tuple(parse_matchers('host="a", tier="0"')),),
    place="routing.yaml:1",
)
ALL = Route(place="routing.yaml:2", storm=None)
ROUTING = Routing(
    routes=(DISK,), default=Default(team="web"), storm_exempt=(tuple(parse_matchers('alertname="Fire"')),)
)


@pytest.mark.parametrize(
    "labels,name,rule",
    [
        ({}, "default", StormRule()),
        ({"kind": "disk"}, 'kind="disk"', RULE),
        ({"kind": "disk", "host": "a"}, 'kind="disk"', RULE),
        ({"kind": "disk", "host": "a", "tier": "0"}, 'kind="disk"', None),
        ({"host": "a", "tier": "0"}, "default", StormRule()),
        ({"alertname": "Fire"}, "default", None),
        ({"alertname": "Fire", "kind": "disk"}, 'kind="disk"', None),
    ],
)
def test_the_route_says_which_storm(labels: dict[str, str], name: str, rule: StormRule | None) -> None:
    routed = route(labels, ROUTING, LADDER, TEAMS)
    assert (routed.name, routed.storm) == (name, rule)


def test_a_storm_is_named_by_team_and_matchers_and_not_by_line() -> None:
    here = route({"kind": "disk"}, ROUTING, LADDER, TEAMS)
    there = route({"kind": "disk", "team": "data"}, ROUTING, LADDER, TEAMS)
    assert storm_key(here) == 'storm/web/"kind=\\"disk\\""'
    assert storm_key(there).startswith("storm/data/")
    everything = route({}, Routing(routes=(ALL,), default=Default(team="web")), LADDER, TEAMS)
    assert (everything.name, everything.storm) == ("{}", None)
    long = Route(match=tuple(parse_matchers(f'kind="{"x" * 600}"')), place="routing.yaml:1")
    far = route({"kind": "x" * 600}, Routing(routes=(long,), default=Default(team="web")), LADDER, TEAMS)
    assert len(storm_key(far)) == KEY_MOST
