"""Routing: which route decides, and whose, how bad and which incident; it always answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.matchers import parse_matchers
from incident_bot.core.model import Ladder, Service, Severity, Team
from incident_bot.core.routing import (
    GROUP_BY,
    KEY_MOST,
    SERVICE_MOST,
    TITLE_MOST,
    Action,
    Default,
    LabelNames,
    Route,
    Routed,
    Routing,
    Tried,
    incident_key,
    route,
    title,
)

LADDER = Ladder(
    (
        Severity(name="P1", rank=0, aliases=("critical", "page")),
        Severity(name="P2", rank=1, aliases=("high",)),
        Severity(name="P3", rank=2, aliases=("warning",)),
        Severity(name="P4", rank=3, aliases=("info",)),
    )
)
TEAMS = {
    "platform": Team(id="platform", name="Platform"),
    "payments": Team(id="payments", name="Payments", services=("ledger",)),
    "search": Team(id="search", name="Search"),
}
DEFAULT = Default(team="platform")
INCIDENT, NOTIFY, RECORD = Action


def to(place: str, match: str = "", **changes: object) -> Route:
    made = Route(match=parse_matchers(match), place=place)
    return replace(made, **changes)  # type: ignore[arg-type]  # a table's changes have no common type.


def send(routes: tuple[Route, ...], labels: dict[str, str], default: Default = DEFAULT) -> Routed:
    services = {"checkout": Service(name="checkout", team="payments"), "orphan": Service(name="orphan")}
    routing = Routing(routes=routes, default=default, services=services)
    return route(labels, routing, LADDER, TEAMS)


CRITICAL = {"alertname": "A", "severity": "critical"}
DECIDES: dict[str, tuple[tuple[Route, ...], str, Action]] = {
    "no routes": ((), "default", INCIDENT),
    "none matches": ((to("1", "x=y"),), "default", INCIDENT),
    "first match wins": ((to("1", "x=y"), to("2", action=NOTIFY), to("3")), "2", NOTIFY),
    "all matchers must pass": ((to("1", "severity=critical,x=y"), to("2")), "2", INCIDENT),
    "a route without action takes the default's": ((to("1"),), "1", INCIDENT),
    "continue: a stronger one decides": (
        (to("1", action=RECORD, continue_=True), to("2", action=NOTIFY)),
        "2",
        NOTIFY,
    ),
    "continue: a weaker one does not": (
        (to("1", action=NOTIFY, continue_=True), to("2", action=RECORD)),
        "1",
        NOTIFY,
    ),
    "continue: the first of equals decides": (
        (to("1", action=NOTIFY, continue_=True), to("2", action=NOTIFY)),
        "1",
        NOTIFY,
    ),
    "continue: ends at the first match without it": (
        (to("1", action=RECORD, continue_=True), to("2", action=NOTIFY), to("3", action=INCIDENT)),
        "2",
        NOTIFY,
    ),
    "continue: goes past what does not match": (
        (to("1", action=RECORD, continue_=True), to("2", "x=y"), to("3", action=INCIDENT)),
        "3",
        INCIDENT,
    ),
    "continue: nothing else matches": ((to("1", action=RECORD, continue_=True),), "1", RECORD),
}


@pytest.mark.parametrize("routes, place, action", DECIDES.values(), ids=DECIDES)
def test_which_route_decides(routes: tuple[Route, ...], place: str, action: Action) -> None:
    routed = send(routes, CRITICAL)
    assert (routed.place, routed.action) == (place, action)


SEVERITY = {
    "label by alias": ("critical", "P4", "P4", "P1"),
    "label by name, any case": ("p2", "P4", "P4", "P2"),
    "unknown label falls to the route": ("purple", "P4", "P3", "P4"),
    "unknown route falls to the default": ("", "purple", "P4", "P4"),
    "nothing says: the middle rung": ("", None, None, "P3"),
    "unknown everywhere: the middle rung": ("a", "b", "c", "P3"),
}


@pytest.mark.parametrize("label, by_route, by_default, expected", SEVERITY.values(), ids=SEVERITY)
def test_severity(label: str, by_route: str | None, by_default: str | None, expected: str) -> None:
    default = Default(team="platform", severity=by_default)
    assert send((to("1", severity=by_route),), {"severity": label}, default).severity.name == expected
    if by_route is None:
        assert send((), {"severity": label}, default).severity.name == expected


TEAM: dict[str, tuple[dict[str, str], Route, str, str | None]] = {
    "label": ({"team": "search", "service": "checkout"}, to("1", team="payments"), "search", "checkout"),
    "unknown label: route": ({"team": "ghosts"}, to("1", team="payments"), "payments", None),
    "route before the service's": ({"service": "checkout"}, to("1", team="search"), "search", "checkout"),
    "services table": ({"service": "checkout"}, to("1"), "payments", "checkout"),
    "team's own list": ({"service": "ledger"}, to("1"), "payments", "ledger"),
    "service of the route": ({}, to("1", service="checkout"), "payments", "checkout"),
    "label before the route's service": (
        {"service": "ledger"},
        to("1", service="orphan"),
        "payments",
        "ledger",
    ),
    "service in the table without team": ({"service": "orphan"}, to("1"), "platform", "orphan"),
    "unknown service": ({"service": "new"}, to("1"), "platform", "new"),
    "one line, as it is read": (
        {"service": " \u202ekcehc\u202c\nTake it:\x00  call me "},
        to("1"),
        "platform",
        "kcehc Take it: call me",
    ),
    "much too long": ({"service": "x" * 4000}, to("1"), "platform", "x" * SERVICE_MOST),
    "nothing": ({"service": ""}, to("1"), "platform", None),
    "no route": ({"service": "checkout"}, to("1", "x=y", team="search"), "payments", "checkout"),
}


@pytest.mark.parametrize("labels, one, team, service", TEAM.values(), ids=TEAM)
def test_team_and_service(labels: dict[str, str], one: Route, team: str, service: str | None) -> None:
    routed = send((one,), labels)
    assert (routed.team, routed.service) == (team, service)


@pytest.mark.parametrize(
    "labels, one, origins",
    [
        (
            {"severity": "critical", "team": "search", "service": "checkout"},
            to("1", severity="P4", team="payments"),
            ("the label severity=critical", "the label team", "the label service"),
        ),
        (
            {"severity": "purple", "team": "ghosts"},
            to("routing.yaml:3", severity="P4", team="payments", service="x"),
            ("the route routing.yaml:3", "the route routing.yaml:3", "the route routing.yaml:3"),
        ),
        (
            {"service": "checkout"},
            to("1"),
            ("nothing that is known; the middle of the ladder", "the service checkout", "the label service"),
        ),
        (
            {},
            to("1", "x=y"),
            ("nothing that is known; the middle of the ladder", "the default", "nothing says one"),
        ),
    ],
)
def test_it_says_where_the_facts_were_found(
    labels: dict[str, str], one: Route, origins: tuple[str, str, str]
) -> None:
    found = send((one,), labels).origins
    assert (found["severity"], found["team"], found["service"]) == origins
    if "severity" not in labels:
        by_default = send((one,), labels, Default(team="platform", severity="P2"))
        assert by_default.origins["severity"] == "the default"


def test_the_deciding_route_gives_the_rest() -> None:
    hour = timedelta(hours=1)
    routed = send((to("1", group_by=("a",), delay=hour, hours="business"),), {})
    assert (routed.group_by, routed.delay, routed.hours) == (("a",), hour, "business")
    routed = send((), {})
    assert (routed.group_by, routed.delay, routed.hours) == (GROUP_BY, None, None)
    assert send((to("1"),), {}, Default(team="x", group_by=("b",))).group_by == ("b",)


def test_label_names_are_configurable() -> None:
    names = LabelNames(severity="priority", service="app", team="owner")
    routing = Routing(default=DEFAULT, label_names=names)
    routed = route({"priority": "info", "app": "x", "owner": "search"}, routing, LADDER, TEAMS)
    assert (routed.severity.name, routed.service, routed.team) == ("P4", "x", "search")


def test_every_matcher_asked_is_written_down() -> None:
    routes = (to("1", "x=y,severity=critical"), to("2", continue_=True), to("3", "severity=~c.*,x!=y"))
    assert send(routes, CRITICAL).tried == (
        Tried(place="1", matcher='x="y"', matched=False, value=""),
        Tried(place="2", matcher="{}", matched=True, value=""),
        Tried(place="3", matcher='severity=~"c.*"', matched=True, value="critical"),
        Tried(place="3", matcher='x!="y"', matched=True, value=""),
    )


KEYS: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "readable": (GROUP_BY, {"alertname": "A", "cluster": "eu"}, 'alertname="A",cluster="eu",service=""'),
    "order and doubles do not count": (("b", "a", "b"), {"a": "1", "b": "2"}, 'a="1",b="2"'),
    "all labels": (("...",), {"b": "2", "a": "1"}, 'a="1",b="2"'),
    "no labels": ((), {"a": "1"}, ""),
    "quotes and backslashes": (("a",), {"a": 'x"\\'}, r'a="x\"\\"'),
    "what a database cannot store": (
        ("a",),
        {"a": "x\n\0\ud800\u2028ü\u00a0y"},
        'a="x\\u000a\\u0000\\ud800\\u2028ü\u00a0y"',
    ),
    "odd names": (("a=b",), {"a=b": "1"}, '"a=b"="1"'),
    "UTF-8 names": (("ü",), {"ü": "1"}, '"ü"="1"'),
}


@pytest.mark.parametrize("group_by, labels, inside", KEYS.values(), ids=KEYS)
def test_incident_key(group_by: tuple[str, ...], labels: dict[str, str], inside: str) -> None:
    routed = replace(send((), {}), group_by=group_by)
    assert incident_key("alertmanager", routed, labels) == f"alertmanager/platform/{{{inside}}}"


def test_long_incident_keys_end_in_a_hash() -> None:
    routed = replace(send((), {}), group_by=("a",))
    one, other = (incident_key("s", routed, {"a": "x" * 500 + end}) for end in "12")
    assert len(one) == len(other) == KEY_MOST
    assert one != other
    assert incident_key("s", routed, {"a": "x" * 500 + "1"}) == one
    assert incident_key("s/t", routed, {}) == '"s/t"/platform/{a=""}'


TITLES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "summary": ({"alertname": "A"}, {"summary": "Errors are up"}, "Errors are up"),
    "several lines": ({}, {"summary": " Errors\n\tare  up \r\n"}, "Errors are up"),
    "controls": ({}, {"summary": "a\0b\x1b[31mc\u202ed\x85e"}, "ab[31mcd e"),
    "emoji stay whole": ({}, {"summary": "\U0001f469\u200d\U0001f692 up"}, "\U0001f469\u200d\U0001f692 up"),
    "no-break space": ({}, {"summary": "a\u00a0b"}, "a b"),
    "name": ({"alertname": "A"}, {"summary": " \n"}, "A"),
    "name and instance": ({"alertname": "A", "instance": "i:1"}, {}, "A on i:1"),
    "name and service": ({"alertname": "A", "service": "s"}, {}, "A (s)"),
    "all": ({"alertname": "A", "instance": "i", "service": "s"}, {}, "A on i (s)"),
    "nothing": ({}, {}, "Unnamed alert"),
    "as long as may be": ({}, {"summary": "x" * TITLE_MOST}, "x" * TITLE_MOST),
    "too long": ({}, {"summary": "x" * 140 + " " * 1 + "y" * 50}, "x" * 140 + " " + "y" * 8 + "…"),
    "cut at a space": ({}, {"summary": "x" * 148 + " yyy"}, "x" * 148 + "…"),
}


@pytest.mark.parametrize("labels, annotations, expected", TITLES.values(), ids=TITLES)
def test_title(labels: dict[str, str], annotations: dict[str, str], expected: str) -> None:
    assert title(labels, annotations) == expected


words = st.sampled_from(["", "a", "b", "critical", "payments", "checkout", "ledger"])
label_sets = st.dictionaries(
    st.sampled_from(["alertname", "severity", "service", "team", "x"]), st.one_of(words, st.text(max_size=5))
)
route_lists = st.lists(
    st.builds(
        Route,
        match=st.lists(
            st.sampled_from(parse_matchers("x=a,x!=a,severity=~c.*,team!~p.+,service=checkout")), max_size=2
        ).map(tuple),
        team=st.sampled_from([None, "search", "payments"]),
        action=st.sampled_from([None, *Action]),
        group_by=st.sampled_from([None, (), ("x",), ("...",)]),
        severity=st.sampled_from([None, "P1", "purple"]),
        service=st.sampled_from([None, "ledger"]),
        continue_=st.booleans(),
        place=st.sampled_from(["1", "2", "3"]),
    ),
    max_size=5,
).map(tuple)


@given(labels=label_sets, routes=route_lists)
def test_every_alert_gets_one_answer(labels: dict[str, str], routes: tuple[Route, ...]) -> None:
    routed = send(routes, labels)
    assert routed == send(routes, labels)
    assert routed.team in TEAMS
    assert routed.severity in LADDER.rungs
    asked = [made for made in routes if all(matcher.matches(labels) for matcher in made.match)]
    assert (routed.place == "default") is (not asked)
    key = incident_key("alertmanager", routed, labels)
    assert len(key.encode()) <= 4 * KEY_MOST
    line = title(labels, labels)
    assert line
    assert len(line) <= TITLE_MOST
    assert line.splitlines() == [line]


@given(one=label_sets, other=label_sets)
def test_keys_are_equal_exactly_when_the_grouping_labels_are(
    one: dict[str, str], other: dict[str, str]
) -> None:
    routed = replace(send((), {}), group_by=("alertname", "x"))
    same = all(one.get(name, "") == other.get(name, "") for name in routed.group_by)
    assert (incident_key("s", routed, one) == incident_key("s", routed, other)) is same
