"""Graphs of an incident: taken as it opens, changes its phase and ends; drawn, kept, and never in the way of a page."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import export, health
from incident_bot.flow.bundle import bundle
from incident_bot.flow.graphs import reading
from incident_bot.flow.graphs.taking import AGAIN, LEASE, LOOK_MOST
from incident_bot.flow.graphs.wellbeing import FAILING_FOR
from incident_bot.flow.sight import known_as
from incident_bot.store import change_events
from incident_bot.store import graphs as rows
from tests.fakes.alertmanager import body_of
from tests.fakes.prometheus import FakePrometheus
from tests.fakes.webhook import answers
from tests.plugins.story import (  # noqa: F401 - fixtures are found by their names here
    START,
    Story,
    _sqlite_template,
    empty_postgres_url,
    on_every_database,
    plain_logs,
    postgres_url,
    sqlite_url,
    story,
    story_url,
    tell,
)

EXPRESSION = 'sum by (job) (rate(errors_total{path="/a"}[5m]))'
SLI = "sum(rate(ok[5m])) / sum(rate(all[5m]))"
SERVICES = "services:\n  shop: {sli: 'sum(rate(ok[5m])) / sum(rate(all[5m]))', sli_objective: 0.99}\n"


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with FakePrometheus() as fake:
        began = (START - timedelta(minutes=7)).timestamp()
        ended = (START + timedelta(minutes=20)).timestamp()
        fake.rule("HighErrorRate", f"{EXPRESSION} > 0.05", severity="critical")
        fake.teach(EXPRESSION, {"job": "shop"}, lambda at: 0.2 if began <= at < ended else 0.01)
        fake.teach(EXPRESSION, {"job": "lake"}, 0.9)
        fake.teach(SLI, {}, lambda at: 0.8 if began <= at < ended else 0.999)
        yield fake
        assert fake.complaints == []


def source(prometheus: FakePrometheus, more: str = "") -> str:
    return f'  - {{name: alertmanager, kind: alertmanager, prometheus_url: "{prometheus.url}"{more}}}'


@pytest.fixture
def told(tell: Callable[..., Story], prometheus: FakePrometheus) -> Story:  # noqa: F811
    return tell(sources=source(prometheus), more=SERVICES)


def fire(told: Story) -> None:
    told.fires(alertname="HighErrorRate", severity="critical", job="shop", service="shop")


def graphs(told: Story) -> Any:
    return reading.listed(told.context, 1)


def pictures_of(page: str) -> list[str]:
    """The pictures in a page that needs nothing else."""
    return [
        base64.b64decode(one).decode() for one in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page)
    ]


@on_every_database
def test_the_alert_and_the_sli_are_drawn_from_before_the_start_to_the_end(
    told: Story, prometheus: FakePrometheus
) -> None:
    fire(told)
    assert [(one.title, one.moment) for one in graphs(told).items] == [
        ("SLI of shop", "opened"),
        ("HighErrorRate", "opened"),
    ]
    told.advance(minutes=10)
    told.says("ack")
    told.says("status mitigating")
    told.advance(minutes=15)
    told.says("status monitoring")
    told.resolves(alertname="HighErrorRate", severity="critical", job="shop", service="shop")
    told.says("resolve rolled back")
    newest = [one for one in graphs(told).items if one.newest]
    assert [(one.number, one.title, one.moment) for one in newest] == [
        (8, "SLI of shop", "resolved"),
        (7, "HighErrorRate", "resolved"),
    ]
    sli, alert = newest
    assert (sli.compare, sli.threshold, alert.compare, alert.threshold) == ("<", 0.99, ">", 0.05)
    assert alert.start <= START - timedelta(hours=1)
    assert alert.end == START + timedelta(minutes=25)
    (line,) = alert.lines
    assert (line.name, line.low, line.high, line.last) == ("job=shop", 0.01, 0.2, 0.01)
    assert "mitigating at 03:10" in alert.text

    svg = reading.file(told.context, 1, 7, "svg")
    ET.fromstring(svg)  # noqa: S314 -- our own
    assert "&gt; 0.05" in svg
    assert "monitoring" in svg
    assert svg == reading.file(told.context, 1, 7, "svg")
    value = json.loads(reading.file(told.context, 1, 7, "json"))
    assert value["expression"] == EXPRESSION
    rows = list(csv.reader(io.StringIO(reading.file(told.context, 1, 7, "csv"))))
    assert rows[0] == ["time", "job=shop"]
    assert len(rows) == len(value["series"][0]["values"]) + 1
    for verb in ("info", "catchup"):
        assert "0.01 to 0.2, threshold > 0.05" in told.says(verb)
    draft, _ = export.postmortem(told.context, 1, now=told.clock.now())
    assert re.search(r"SLI of shop &lt; 0.99 \| 27 min, worst 0.8.*graph 8", draft)
    assert re.search(r"HighErrorRate ▁.*0.01 to 0.2.* \[graph 7\] \|", draft)
    page, _ = export.postmortem(told.context, 1, format="html", now=told.clock.now())
    drawn = pictures_of(page)
    assert len(drawn) == 2
    assert any("monitoring" in one for one in drawn)
    assert export.pdf(told.context, 1, now=told.clock.now()).startswith(b"%PDF-")
    with pytest.raises(NotFound, match="INC-1 has no graph 99"):
        reading.file(told.context, 1, 99, "svg")
    sealed = bundle(told.context, 1, actor="ana", now=told.clock.now())
    with zipfile.ZipFile(io.BytesIO(sealed.content)) as packed:
        assert {"graphs/0007.svg", "graphs/0008.json"} <= set(packed.namelist())
        inside = pictures_of(packed.read("postmortem.html").decode())
        assert inside == [packed.read(f"graphs/{number:04}.svg").decode() for number in (7, 8)]
        assert json.loads(packed.read("manifest.json"))["hidden"] == []


def test_a_secret_in_a_picture_of_the_bundle_is_hidden(told: Story, prometheus: FakePrometheus) -> None:
    prometheus.series[EXPRESSION] = []
    prometheus.teach(EXPRESSION, {"job": "shopkeeper"}, 0.2)
    told.fires(alertname="HighErrorRate", severity="critical", service="shop")
    secret = told.context.settings.model_copy(update={"ingest_token": SecretStr("shopkeeper")})
    sealed = bundle(replace(told.context, settings=secret), 1, actor="ana", now=told.clock.now())
    with zipfile.ZipFile(io.BytesIO(sealed.content)) as packed:
        page = packed.read("postmortem.html").decode()
        hidden = json.loads(packed.read("manifest.json"))["hidden"]
    assert "shopkeeper" not in page
    assert any("[redacted]" in one for one in pictures_of(page))
    assert "shopkeeper" not in "".join(pictures_of(page))
    assert "postmortem.html" in hidden


@on_every_database
def test_the_impact_began_before_the_alert(told: Story) -> None:
    def began() -> Any:
        return told.incident().milestones[0]

    fire(told)
    assert (began().at, began().measured, began().corrected) == (START - timedelta(minutes=7), True, False)
    assert began().recorded == START
    assert "HighErrorRate > 0.05 since 02:53 UTC" in told.entry("milestone_set").text
    assert told.entry("milestone_set").text.startswith("Prometheus set the time of “impact started”")
    assert "measured: HighErrorRate > 0.05 since 02:53 UTC" in told.says("milestone")
    told.says("graph")
    told.advance(minutes=30)
    told.says("graph")
    assert told.kinds().count("milestone_set") == 1, "it is said once"
    told.says("milestone impact 03:40 the first complaint came then")
    assert (began().at, began().measured, began().author) == (START - timedelta(minutes=20), False, "ana")
    told.says("milestone impact reset")
    told.says("graph")
    assert (began().at, began().measured) == (START, False), "what a person said stays"


@on_every_database
def test_what_changed_is_read_from_prometheus(told: Story, prometheus: FakePrometheus) -> None:
    began = (START - timedelta(minutes=12)).timestamp()
    version = '{__name__=~".+_build_info|build_info|app_info",job="shop"}'
    shop = {"__name__": "shop_build_info", "job": "shop", "instance": "one"}
    prometheus.teach(version, {**shop, "version": "1.4"}, lambda at: 1 if at < began else None)
    prometheus.teach(version, {**shop, "version": "1.5"}, lambda at: None if at < began else 1)
    started = 'process_start_time_seconds{job="shop"}'
    prometheus.teach(
        started, {"job": "shop", "instance": "one"}, lambda at: began + 20 if at > began + 20 else 5
    )
    fire(told)
    assert [(one.what, one.why, one.minutes_before, one.version) for one in told.incident().changes] == [
        ("process restarted (one)", "the same job=shop", 11.7, None),
        ("build of shop: 1.4 → 1.5 (one)", "the same job=shop", 12.0, "1.5"),
    ]
    asked = len(prometheus.asked)
    told.says("graph")
    assert len(prometheus.asked) - asked == 3, "it is read once, when the incident opens"
    told.fires(alertname="Down", severity="critical", job="shop")
    assert told.incident().changes[0].what == "process restarted (one)", "one change, not two"
    with told.context.store.read() as tx:
        assert len(change_events.between(tx, START - timedelta(days=1), START, limit=10)) == 2


def test_graphs_on_demand(told: Story) -> None:
    fire(told)
    assert told.says("graph") == "The graphs of INC-1 are being taken; they stand on its page in a moment."
    assert [one.moment for one in graphs(told).items] == ["asked", "asked", "opened", "opened"]
    assert [one.newest for one in graphs(told).items] == [True, True, False, False]
    for _ in range(20):
        told.advance(minutes=1)
        told.says("graph")
    assert len(graphs(told).items) == 24, "a dozen looks are kept"
    assert graphs(told).items[-1].moment == "opened", "and the first of them"
    assert "HighErrorRate " in told.says("firing")


def test_without_a_prometheus_nothing_is_asked(tell: Callable[..., Story]) -> None:  # noqa: F811
    told = tell()
    fire(told)
    with pytest.raises(Refused, match="write prometheus_url: at a source"):
        told.says("graph")
    assert (graphs(told).items, graphs(told).set_up, graphs(told).waiting) == ((), False, False)


def test_an_unwell_prometheus_is_left_after_one_question(told: Story, prometheus: FakePrometheus) -> None:
    # Each attempt to take the graphs ends in nothing; who is paged when is as without graphs.
    prometheus.usual = answers(503, b"{}")
    fire(told)
    told.advance(minutes=20)
    assert told.paged() == [("ana", 0), ("ben", 15)]
    found = graphs(told)
    assert found.items == ()
    assert not found.waiting
    assert found.error == "HighErrorRate: Prometheus answered rules with 503"
    assert len(prometheus.asked) == 1 + len(AGAIN), "one question for each attempt"
    metric = told.context.metrics.graphs
    assert [metric.labels(result=one)._value.get() for one in ("again", "failed")] == [3, 1]


def test_in_a_storm_one_look_finds_out_that_it_is_unwell(told: Story, prometheus: FakePrometheus) -> None:
    prometheus.usual = answers(503, b"{}")
    for name in "abcdef":
        told.alertmanager.fire({"alertname": name, "severity": "critical"}, {}, since=told.clock.now())
    bodies = [body_of(name, firing) for name, firing in told.alertmanager.held.items()]
    waiting = [told.application.intake.submit("alertmanager", body) for body in bodies]
    assert {one.result(timeout=30).status for one in waiting} == {200}
    told.pump()
    assert len(prometheus.asked) == 1
    assert (len(told.incidents()), told.paged()) == (6, [("ana", 0)]), "all in one message"
    prometheus.usual = None
    told.advance(minutes=6)
    assert "rules" in {path for path, _ in prometheus.asked}, "it is asked again, once it may be well"


def test_it_is_tried_again_and_then_it_is_there(told: Story, prometheus: FakePrometheus) -> None:
    prometheus.plan.append(answers(503, b"{}"))
    fire(told)
    assert graphs(told).waiting
    told.advance(minutes=1)
    assert len(graphs(told).items) == 2
    assert graphs(told).error is None


def opened(told: Story) -> None:
    """An incident opens, and nothing is done about it yet."""
    body = told.alertmanager.fire(
        {"alertname": "HighErrorRate", "severity": "critical", "job": "shop", "service": "shop"},
        {},
        since=told.clock.now(),
    )
    assert told.application.intake.submit("alertmanager", body).result(timeout=30).status == 200


@on_every_database
def test_what_a_killed_process_was_taking_is_taken_when_its_lease_ends(told: Story) -> None:
    opened(told)
    with told.context.store.write() as tx:
        assert rows.claim(tx, owner="gone", lease=LEASE, now=told.clock.now()) is not None
    told.pump()
    assert graphs(told).items == ()
    told.advance(seconds=LEASE.total_seconds() + 1)
    assert len(graphs(told).items) == 2


def test_a_process_that_is_alone_takes_at_once_what_a_killed_one_was_taking(told: Story) -> None:
    opened(told)
    with told.context.store.write() as tx:
        assert rows.claim(tx, owner="gone", lease=LEASE, now=told.clock.now()) is not None
    told.killed(alone=True)
    told.pump()
    assert len(graphs(told).items) == 2


@pytest.mark.parametrize("lost", [False, True])
def test_a_look_ends_before_its_lease_and_is_kept_once(
    told: Story, prometheus: FakePrometheus, lost: bool
) -> None:
    """The first answer takes a minute; with `lost` it takes so long that another process has begun anew."""
    slept: list[float] = []

    def slow(at: float) -> float:
        if not slept:
            slept.append(at)
            told.clock.advance(LEASE if lost else LOOK_MOST)
            with told.context.store.write() as tx:
                taken = rows.claim(tx, owner="other", lease=LEASE, now=told.clock.now())
            assert (taken is not None) == lost
        return 0.2

    prometheus.series[EXPRESSION] = []
    prometheus.teach(EXPRESSION, {"job": "shop"}, slow)
    opened(told)
    told.pump()
    asked = [form["query"] for path, form in prometheus.asked if path == "query_range"]
    assert asked == [EXPRESSION], "after a minute nothing more is asked"
    assert graphs(told).waiting
    told.advance(minutes=3)
    assert [(one.number, one.title) for one in graphs(told).items] == [
        (2, "SLI of shop"),
        (1, "HighErrorRate"),
    ]


def line_of(told: Story) -> tuple[bool, str]:
    """What the health page says of the Prometheus, which asks it nothing."""
    found = health.health(told.context, now=told.clock.now()).checks
    (line,) = [one for one in found if one.name == "prometheus alertmanager"]
    return line.ok, line.detail


def test_the_health_page_says_how_it_answered_last(told: Story, prometheus: FakePrometheus) -> None:
    assert line_of(told) == (True, "not asked since this process began; no graph yet")
    prometheus.plan.append(answers(503, b"{}"))
    fire(told)
    error = "last error 2026-03-03 03:00 UTC: Prometheus answered rules with 503"
    assert line_of(told) == (False, f"{error}; no graph yet")
    told.advance(minutes=1)
    at = "2026-03-03 03:00 UTC"
    assert line_of(told) == (True, f"last answer {at}; {error}; last graph {at}")
    # A question that it does not understand is an answer; what it refuses us is none.
    prometheus.plan.append(answers(400, b"{}"))
    told.says("graph")
    assert line_of(told)[0]
    prometheus.authorization = "Bearer x"
    told.says("graph")
    assert not line_of(told)[0]
    assert "set the variable named by prometheus_token_env" in line_of(told)[1]
    asked = len(prometheus.asked)
    told.clock.advance(FAILING_FOR + timedelta(minutes=1))
    assert line_of(told)[0], "nobody has asked for an hour"
    assert len(prometheus.asked) == asked
    told.restart()
    assert line_of(told) == (True, "not asked since this process began; last graph 2026-03-03 03:01 UTC")


def test_what_cannot_be_drawn_is_said_beside_what_can(told: Story, prometheus: FakePrometheus) -> None:
    prometheus.rules.clear()
    fire(told)
    found = graphs(told)
    # The alert's own address says what it is: its text is asked at the Prometheus of the configuration alone.
    assert [one.title for one in found.items] == ["SLI of shop", "HighErrorRate"]
    assert found.items[1].expression == "up"
    assert prometheus.asked[1][1]["query"] == "up"


def test_a_declared_incident_without_alerts_says_why_there_is_nothing(told: Story) -> None:
    told.says("new Something is odd", incident=0)
    assert graphs(told).error is not None
    assert graphs(told).error.startswith("no alert comes from a source with prometheus_url")


def test_graphs_of_a_private_incident_are_private(told: Story) -> None:
    fire(told)
    told.says("private")
    stranger = told.context.seen_by(known_as("dan"))
    with pytest.raises(NotFound):
        reading.listed(stranger, 1)
    with pytest.raises(NotFound):
        reading.file(stranger, 1, 1, "svg")


def test_hostile_labels_stay_text(told: Story, prometheus: FakePrometheus) -> None:
    prometheus.series[EXPRESSION] = []
    hostile = "</svg><script>alert(1)</script>\"'&\x01"
    prometheus.teach(EXPRESSION, {"path": hostile, "token": "xoxb-123456789012-abcdefghijkl"}, 5)
    fire(told)
    svg = reading.file(told.context, 1, 1, "svg")
    root = ET.fromstring(svg)  # noqa: S314 -- our own
    assert not [one for one in root.iter() if one.tag.endswith("script")]
    assert "xoxb" not in svg
    assert reading.file(told.context, 1, 1, "csv").startswith("time,")
