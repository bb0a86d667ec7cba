"""`simulate` answers with the code that decides: what it says is what then happens, minute by minute."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_bot.flow import interventions
from incident_bot.flow.simulate import simulate, simulate_body
from incident_bot.flow.views import SimulatedView
from tests.fakes.alertmanager import Alertmanager
from tests.plugins.story import Story
from tests.plugins.story_files import documents

HOURS_AHEAD = 8
WINTER = datetime(2026, 2, 27, tzinfo=UTC)
"""A month that holds weekends, a hand-over each day, and Europe's change to summer time."""
ROUTES = """
  - {match: ['alertname="Watchdog"'], action: record}
  - {match: ['severity="info"'], action: notify}
  - {match: ['severity="warning"', 'service="shop"'], hours: business, delay: 15m}
  - {match: ['severity="warning"'], delay: 15m}
  - {match: ['severity="high"', 'service="lake"'], hours: business}
"""
MORE = """
hours:
  business: {time_zone: Europe/Berlin, windows: [{days: mon-fri, from: "09:00", to: "18:00"}]}
"""
LAYERS = """
  - name: day
    priority: 10
    turn: {unit: days, every: 1, anchor: "2026-02-01T09:00"}
    time_zone: Europe/Berlin
    people: [[ana], [ben], [], [cleo]]
"""
NOTIFY = "{high: [{by: slack}, {by: sms, after: 2m}, {by: voice, after: 20m}], low: [{by: slack, after: 3m}]}"

Page = tuple[str, str, float]


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return documents(
        routes=ROUTES,
        more=MORE,
        layers=LAYERS,
        notify=NOTIFY,
        repeat="{P1: 1}",
        default="{team: web, action: incident, severity: P1, group_by: [alertname, number]}",
        matrix={
            "P1": "[{page: [on_call]}, {after: 15m, page: [on_call, lead]}, {after: 30m, page: [manager]}]"
        },
    )


def planned(view: SimulatedView) -> list[Page]:
    """Everything that the simulation pages within the hours that are looked at."""
    pages = [
        (page.person or "", page.channel or "", page.minute) for page in view.pages if page.kind == "page"
    ]
    return sorted(page for page in pages if page[2] < until(view))


def happened(story: Story, view: SimulatedView, incident: str | None) -> list[Page]:
    pages = [
        (heard.message.recipient, heard.via, round(story.minute(heard.at), 2))
        for heard in story.taken("page")
        if heard.message.facts["incident"] == incident
    ]
    return sorted(page for page in pages if page[2] < until(view))


def until(view: SimulatedView) -> float:
    """The minute up to which both are compared: a simulation ends when the last resort begins to be repeated."""
    over = [page.minute for page in view.pages if page.kind == "exhausted"]
    return min([HOURS_AHEAD * 60, *(minute + 25 for minute in over)])


LABELS = st.fixed_dictionaries(
    {
        "alertname": st.sampled_from(["HighErrorRate", "DiskFull", "Watchdog"]),
        "severity": st.sampled_from(["critical", "high", "warning", "info", "unheard-of"]),
    },
    optional={
        "service": st.sampled_from(["shop", "lake", "unknown"]),
        "team": st.sampled_from(["web", "data", "nobody"]),
    },
)
INSTANTS = st.integers(0, 31 * 24 * 60).map(lambda minutes: WINTER + timedelta(minutes=minutes))


@given(several=st.lists(LABELS, min_size=4, max_size=4), at=INSTANTS)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_simulated_is_what_then_happens(
    files: dict[str, str], several: list[dict[str, str]], at: datetime
) -> None:
    with told(files, at) as story:
        views = []
        for number, labels in enumerate(several):
            named = {**labels, "number": str(number)}
            views.append(
                simulate(story.context, labels=named, annotations={}, at=at, minutes=HOURS_AHEAD * 60)
            )
            story.deliver(Alertmanager().fire(named, {}, since=at))
        story.advance(hours=HOURS_AHEAD)
        for view in views:
            alert = story.alert(**view.labels)
            assert planned(view) == happened(story, view, alert.incident)
            if view.muted_until is None or view.muted_until <= story.clock.now():
                assert alert.disposition == view.action
            assert (alert.severity, alert.team, alert.runbook) == (view.severity, view.team, view.runbook)


class told:  # noqa: N801 -- reads as a verb
    """A story in memory that begins at an instant; for as many examples as are wanted."""

    def __init__(self, files: dict[str, str], at: datetime) -> None:
        self._files, self._at = files, at

    def __enter__(self) -> Story:
        self._folder = TemporaryDirectory()
        self._story = Story(Path(self._folder.name), "sqlite://", self._files, start=self._at)
        return self._story

    def __exit__(self, *_: object) -> None:
        self._story.close()
        self._folder.cleanup()


@pytest.fixture
def monday_night(files: dict[str, str]) -> Iterator[Story]:
    with told(files, datetime(2026, 3, 2, 22, 0, tzinfo=UTC)) as story:
        yield story


def test_a_delay_that_ends_outside_the_hours_waits_for_them_too(monday_night: Story) -> None:
    view = simulate(
        monday_night.context,
        labels={"alertname": "DiskFull", "severity": "warning", "service": "shop"},
        annotations={},
        at=monday_night.start,
    )
    assert view.muted_until == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    assert [(page.person, page.minute) for page in view.pages][:1] == [("ben", 603)]
    assert any("only if it still fires then" in note for note in view.notes)


def test_a_simulation_changes_nothing(monday_night: Story) -> None:
    simulate(monday_night.context, labels={"alertname": "X"}, annotations={}, at=monday_night.start)
    assert monday_night.calls == []
    assert monday_night.incidents() == []
    assert monday_night.next_due() is None


def test_a_body_is_simulated_alert_by_alert_with_the_others_beside_it(monday_night: Story) -> None:
    monday_night.configure(
        more="inhibit:\n  - {source: ['severity=\"critical\"'], target: ['severity=\"high\"'], equal: [alertname]}"
    )
    alertmanager = Alertmanager()
    alertmanager.fire({"alertname": "DiskFull", "severity": "critical"}, {}, since=monday_night.start)
    body = alertmanager.fire({"alertname": "DiskFull", "severity": "high"}, {}, since=monday_night.start)
    views = simulate_body(monday_night.context, json.loads(body), at=monday_night.start)
    assert [(view.severity, view.muted is not None, bool(view.pages)) for view in views] == [
        ("P1", False, True),
        ("P2", True, False),
    ]


def test_the_whole_decision_is_shown(monday_night: Story) -> None:
    view = simulate(
        monday_night.context,
        labels={"alertname": "HighErrorRate", "severity": "critical"},
        annotations={"summary": "5xx above 5 %", "runbook_url": "https://wiki.example.com/5xx"},
        at=monday_night.start,
    )
    assert (view.action, view.route, view.team, view.severity) == ("incident", "default", "web", "P1")
    assert view.title == "5xx above 5 %"
    assert view.runbook == "high-error-rate.md"
    assert view.runbook_url == "https://wiki.example.com/5xx"
    assert [tried["matched"] for tried in view.tried][:2] == [False, False]
    assert view.exhausted
    assert view.pages[-1].person == "theo"


def test_it_is_followed_until_it_is_exhausted_however_long_that_takes(tell: Callable[..., Story]) -> None:
    story = tell(matrix={"P1": "[{page: [on_call]}, {after: 9h, page: [lead]}]"}, repeat="{P1: 3}")
    view = simulate(
        story.context, labels={"alertname": "A", "severity": "P1"}, annotations={}, at=story.start
    )
    assert view.exhausted
    assert [page.person for page in view.pages if page.kind == "page"] == ["ana", "ben"] * 4 + ["theo"]
    assert view.pages[-1].minute == 4 * 2 * 9 * 60
    cut = simulate(
        story.context, labels={"alertname": "A", "severity": "P1"}, annotations={}, at=story.start, minutes=60
    )
    assert (cut.exhausted, cut.notes) == (
        False,
        ("Followed for 60 minutes; the escalation is not exhausted then.",),
    )
    assert any("Nobody answers" in one for one in cut.assumed)


def test_a_maintenance_window_made_at_run_time_counts(tell: Callable[..., Story]) -> None:
    story = tell()
    for begin, end in ((0, 20), (20, 40), (90, 100)):
        interventions.add_maintenance(
            story.context, matchers=['alertname="A"'], start=story.start + timedelta(minutes=begin),
            end=story.start + timedelta(minutes=end), reason="works", actor="ana", now=story.start,
        )  # fmt: skip
    named = {"alertname": "A", "severity": "critical"}
    view = simulate(story.context, labels=named, annotations={}, at=story.start)
    assert view.pages[0].minute == 40
    assert "in maintenance until 03:20 UTC: works" in view.notes[0]
    story.fires(alertname="A", severity="critical")
    story.advance(minutes=41)
    assert story.paged() == [("ana", 40)]
