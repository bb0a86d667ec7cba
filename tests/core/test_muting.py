"""Muting: what makes an alert wait, until when, and that nothing waits for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.matchers import InhibitRule, parse_matchers
from incident_bot.core.muting import (
    Hours,
    Inhibitors,
    Maintenance,
    Muted,
    Muting,
    in_maintenance,
    maintenance_reason,
    muted_by,
)
from incident_bot.core.walltime import Window

MONDAY = datetime(2026, 1, 5, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(
    zone=BERLIN,
    windows=(Window.parse({"days": "mon-fri", "from": "09:00", "to": "18:00", "except_holidays": True}),),
    holidays=frozenset({date(2026, 1, 6)}),
)
NEVER = Hours(zone=BERLIN, windows=())
HOURS = {"business": OFFICE, "never": NEVER}
QUIET = Inhibitors()


@dataclass(frozen=True, kw_only=True)
class Route:
    delay: timedelta | None = None
    hours: str | None = None
    place: str = "routing.yaml:12"


def mute(
    route: Route,
    *,
    labels: dict[str, str] | None = None,
    inhibitors: Inhibitors = QUIET,
    since: datetime = MONDAY,
    now: datetime = MONDAY,
) -> Muted | None:
    return muted_by(
        labels or {"alertname": "A"},
        route,
        hours=HOURS,
        inhibitors=inhibitors,
        firing_since=since,
        now=now,
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


LATER = timedelta(minutes=15)
WAITS = {
    "nothing": (Route(), "2026-01-05T10:00Z", None, None),
    "delay, at once": (Route(delay=LATER), "2026-01-05T10:00Z", "2026-01-05T10:15Z", Muting.DELAY),
    "delay, the last second": (Route(delay=LATER), "2026-01-05T10:14:59Z", "2026-01-05T10:15Z", Muting.DELAY),
    "delay, over": (Route(delay=LATER), "2026-01-05T10:15Z", None, None),
    "hours, within": (Route(hours="business"), "2026-01-05T16:59:59Z", None, None),
    "hours, over the holiday": (
        Route(hours="business"),
        "2026-01-05T17:00Z",
        "2026-01-07T08:00Z",
        Muting.HOURS,
    ),
    "hours, as they open": (Route(hours="business"), "2026-01-07T08:00Z", None, None),
    "hours, over the week-end": (
        Route(hours="business"),
        "2026-01-10T08:00Z",
        "2026-01-12T08:00Z",
        Muting.HOURS,
    ),
    "hours nobody knows": (Route(hours="ghosts"), "2026-01-10T08:00Z", None, None),
    "hours that never open": (Route(hours="never"), "2026-01-10T08:00Z", None, None),
    "delay before hours": (
        Route(delay=LATER, hours="business"),
        "2026-01-05T10:00Z",
        "2026-01-05T10:15Z",
        Muting.DELAY,
    ),
    "hours after the delay": (
        Route(delay=LATER, hours="business"),
        "2026-01-05T17:00Z",
        "2026-01-07T08:00Z",
        Muting.HOURS,
    ),
}


@pytest.mark.parametrize("route, now, until, kind", WAITS.values(), ids=WAITS)
def test_waiting(route: Route, now: str, until: str | None, kind: Muting | None) -> None:
    found = mute(route, now=at(now))
    assert (found.kind if found else None) is kind
    assert (found.until if found else None) == (at(until) if until else None)


OPENS_ONLY = "its route opens it only when it still fires"
REASONS = {
    "delay": (
        Route(delay=LATER),
        MONDAY,
        f"waits until 10:15 UTC: {OPENS_ONLY} 15 min after it was first heard of (routing.yaml:12)",
    ),
    "delay in seconds": (
        Route(delay=timedelta(seconds=90)),
        MONDAY,
        f"waits until 10:01 UTC: {OPENS_ONLY} 90 s after it was first heard of (routing.yaml:12)",
    ),
    "hours": (
        Route(hours="business"),
        at("2026-01-05T17:00Z"),
        "waits until 2026-01-07 08:00 UTC: its route holds it to the hours business (routing.yaml:12)",
    ),
}


@pytest.mark.parametrize("route, now, reason", REASONS.values(), ids=REASONS)
def test_reasons(route: Route, now: datetime, reason: str) -> None:
    found = mute(route, now=now)
    assert found is not None
    assert found.reason == reason


def rule(source: str, target: str, *equal: str) -> InhibitRule:
    return InhibitRule(
        source=parse_matchers(source), target=parse_matchers(target), equal=equal, place="routing.yaml:40"
    )


NODE = rule("alertname=NodeDown", "alertname=~ServiceDown|InstanceDown", "instance")
WORSE = rule("severity=critical", "severity=~critical|warning", "alertname")
SAME = rule("alertname=~A|B", "alertname=~A|B")
DOWN = {"alertname": "NodeDown", "instance": "i"}

INHIBITS: dict[str, tuple[InhibitRule, list[dict[str, str]], dict[str, str], bool]] = {
    "source fires": (NODE, [DOWN], {"alertname": "ServiceDown", "instance": "i"}, True),
    "no source": (NODE, [], {"alertname": "ServiceDown", "instance": "i"}, False),
    "another fires": (NODE, [{"alertname": "X"}], {"alertname": "ServiceDown", "instance": "i"}, False),
    "not the target": (NODE, [DOWN], {"alertname": "Other", "instance": "i"}, False),
    "other instance": (NODE, [DOWN], {"alertname": "ServiceDown", "instance": "j"}, False),
    "both lack the equal label": (NODE, [{"alertname": "NodeDown"}], {"alertname": "ServiceDown"}, True),
    "one lacks the equal label": (NODE, [DOWN], {"alertname": "ServiceDown"}, False),
    "no equal labels": (rule("a=1", "b=1"), [{"a": "1", "x": "y"}], {"b": "1"}, True),
    "never itself": (SAME, [{"alertname": "A"}], {"alertname": "A"}, False),
    "never each other": (SAME, [{"alertname": "A"}, {"alertname": "B"}], {"alertname": "B"}, False),
    "both sides, by a source of one side": (
        rule("a=1", "b=1"),
        [{"a": "1", "b": "1"}, {"a": "1"}],
        {"a": "1", "b": "1"},
        True,
    ),
    "target alone, by a source of both sides": (
        WORSE,
        [{"alertname": "A", "severity": "critical"}],
        {"alertname": "A", "severity": "warning"},
        True,
    ),
}


@pytest.mark.parametrize("one, firing, labels, expected", INHIBITS.values(), ids=INHIBITS)
def test_inhibition(
    one: InhibitRule, firing: list[dict[str, str]], labels: dict[str, str], expected: bool
) -> None:
    found = mute(Route(), labels=labels, inhibitors=Inhibitors.of([one], firing))
    assert (found is not None) is expected
    assert found is None or (found.kind, found.until) == (Muting.INHIBITED, None)


def test_an_inhibition_names_its_source_and_rule() -> None:
    inhibitors = Inhibitors.of([SAME, NODE, rule("x=1", "x=2")], [{"x": "1"}, DOWN])
    found = mute(
        Route(delay=LATER), labels={"alertname": "ServiceDown", "instance": "i"}, inhibitors=inhibitors
    )
    assert found is not None
    assert (
        found.reason == "inhibited at 10:00 UTC by NodeDown (instance=i), which fires too (routing.yaml:40)"
    )
    found = mute(Route(), labels={"x": "2"}, inhibitors=inhibitors)
    assert found is not None
    assert found.reason == "inhibited at 10:00 UTC by an alert, which fires too (routing.yaml:40)"


def planned(name: str, matchers: str, start: int, end: int) -> Maintenance:
    return Maintenance(
        id=name,
        matchers=parse_matchers(matchers),
        start=MONDAY + timedelta(hours=start),
        end=MONDAY + timedelta(hours=end),
        reason="new disks",
        by="mia",
    )


def test_maintenance_is_half_open_and_the_last_to_end_counts() -> None:
    short, long, other = planned("m1", "", 0, 1), planned("m2", "a=b", 0, 2), planned("m3", "a=c", 0, 9)
    ended, ahead = planned("m4", "", -2, 0), planned("m5", "", 1, 9)
    every = (short, long, other, ended, ahead)
    assert in_maintenance({"a": "b"}, every, MONDAY) == long
    assert in_maintenance({}, every, MONDAY) == short
    assert in_maintenance({}, every, MONDAY - SECOND) == ended
    assert in_maintenance({}, (short,), MONDAY + timedelta(hours=1)) is None


def test_maintenance_says_why_and_until_when() -> None:
    assert maintenance_reason(planned("m", "", 0, 1), now=MONDAY) == (
        "in maintenance until 11:00 UTC: new disks (by mia); nobody is paged before"
    )


@given(
    hours=st.sampled_from([None, "business", "never", "ghosts"]),
    delay=st.one_of(st.none(), st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=2))),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_nothing_waits_for_ever(hours: str | None, delay: timedelta | None, now: datetime) -> None:
    since = now
    for _ in range(3):
        found = mute(Route(hours=hours, delay=delay), since=since, now=now)
        if found is None:
            return
        assert found.until is not None
        assert found.until > now
        now = found.until
    pytest.fail("a delay and hours are waited for once each")
