"""What readers are shown: filters, paging, names instead of ids, links, and what is not there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from incident_bot.core.errors import NotFound
from incident_bot.flow import queries, roster, why
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
SERVICES = """
services:
  shop: {dashboards: ["https://grafana.example.com/d/shop?var={{ labels.instance }}&job={{ labels.job }}"]}
"""
WEEKLY = """
  - name: week
    priority: 10
    turn: {unit: weeks, every: 1, anchor: "2026-03-02T09:00"}
    people: [[ana], [ben]]
"""


@pytest.fixture
def three(story: Story) -> Story:
    """Three incidents: taken, over, and of another team."""
    story.fires(alertname="One", service="shop")
    story.says("ack")
    story.fires(alertname="Two", severity="warning")
    story.resolves(alertname="Two", severity="warning")
    story.advance(minutes=2)
    story.fires(alertname="Three", severity="high", service="lake")
    return story


@on_every_database
def test_incidents_are_filtered_by_state_severity_team_and_service(three: Story) -> None:
    def found(**wanted: str) -> list[str]:
        return [one.id for one in queries.incidents(three.context, **wanted)]  # type: ignore[arg-type] # of one type

    assert found() == ["INC-3", "INC-2", "INC-1"]
    assert found(state="open") == ["INC-3", "INC-1"]
    assert found(state="acknowledged") == ["INC-1"]
    assert found(state="resolved") == ["INC-2"]
    assert found(severity="P2") == ["INC-3"]
    assert found(team="data") == ["INC-3"]
    assert found(service="shop", state="open") == ["INC-1"]
    assert found(service="nothing") == []


def test_lists_go_on_where_they_ended(three: Story) -> None:
    first = queries.incidents(three.context, limit=2)
    rest = queries.incidents(three.context, limit=2, before=first[-1].number)
    assert [one.id for one in (*first, *rest)] == ["INC-3", "INC-2", "INC-1"]
    alerts = queries.alerts(three.context, limit=2)
    assert len(queries.alerts(three.context, limit=2, before=alerts[-1].id)) == 1


def test_alerts_are_filtered(three: Story) -> None:
    assert [one.labels["alertname"] for one in queries.alerts(three.context, status="firing")] == [
        "Three",
        "One",
    ]
    assert [one.labels["alertname"] for one in queries.alerts(three.context, status="resolved")] == ["Two"]
    assert [one.incident for one in queries.alerts(three.context, incident=3)] == ["INC-3"]
    assert queries.alerts(three.context, source="another") == []


@pytest.mark.parametrize("number", [0, -1, 4, 2**31, 10**12])
def test_what_is_not_there_is_not_found(three: Story, number: int) -> None:
    for ask in (queries.incident, queries.timeline, queries.pages):
        with pytest.raises(NotFound, match=f"There is no INC-{number}"):
            ask(three.context, number)
    with pytest.raises(NotFound):
        why.explain(three.context, number, now=three.clock.now())
    assert queries.latest_seq(three.context, 4) == 0


def test_the_timeline_goes_on_behind_an_entry_and_names_people(three: Story) -> None:
    whole = queries.timeline(three.context, 1)
    assert queries.timeline(three.context, 1, after=2) == whole[2:]
    assert queries.timeline(three.context, 1, after=1, limit=1) == whole[1:2]
    assert queries.latest_seq(three.context, 1) == whole[-1].seq
    taken = three.entry("acknowledged", 1)
    assert (taken.actor, taken.actor_name, taken.text) == ("ana", "Ana Example", "Ana Example acknowledged")


def test_an_incident_says_what_comes_next(story: Story) -> None:
    story.fires()
    incident = story.incident()
    assert (incident.next_step, incident.next_step_at) == (2, story.start + timedelta(minutes=15))
    story.says("ack")
    assert (story.incident().next_step, story.incident().next_step_at) == (None, None)


def test_links_lead_to_dashboards_runbooks_and_graphs_with_labels_quoted(tell: Tell) -> None:
    story = tell(more=SERVICES)
    story.fires(
        service="shop",
        instance="a b&c=d",
        annotations={"runbook_url": "https://wiki.example.com/shop"},
    )
    links = {link.title: link.url for link in story.incident().links}
    assert links["Dashboard of shop"] == "https://grafana.example.com/d/shop?var=a%20b%26c%3Dd&job="
    assert links["Runbook"] == "https://wiki.example.com/shop"
    assert links["Graph"].startswith("http://prometheus.example.com/")
    assert links["Incident"].endswith("/incidents/INC-1")


def test_links_that_could_run_are_no_links(story: Story) -> None:
    story.fires(annotations={"runbook_url": "javascript:alert(1)"})
    assert [link.title for link in story.incident().links] == ["Incident", "Graph"]


def test_pages_say_their_step_and_every_attempt(story: Story) -> None:
    story.fires()
    story.advance(minutes=15)
    first, second = story.pages()
    assert (first.person, first.name, first.step, first.loop, first.epoch) == ("ana", "Ana Example", 1, 0, 1)
    assert (second.step, second.state, second.sent_at) == (2, "sent", story.clock.now())
    assert [attempt.provider_id for attempt in second.attempts] == ["slack-2"]


def test_who_is_on_call_and_for_how_long(tell: Tell) -> None:
    story = tell(layers=WEEKLY)
    found = roster.on_call(story.context, at=story.start)
    assert [(one.schedule, one.person, one.name) for one in found] == [
        ("data", "dan", "Dan Example"),
        ("web", "ana", "Ana Example"),
    ]
    (ana,) = roster.on_call(story.context, schedule="web", at=story.start)
    assert (ana.since, ana.until) == (
        datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        datetime(2026, 3, 9, 9, 0, tzinfo=UTC),
    )
    assert "week" in ana.why
    (ben,) = roster.on_call(story.context, schedule="web", at=datetime(2026, 3, 9, 9, 0, tzinfo=UTC))
    assert ben.person == "ben"
    assert roster.on_call(story.context, schedule="web", at=datetime(2026, 3, 1, tzinfo=UTC)) == []
    with pytest.raises(NotFound, match="There is no schedule 'wep'; did you mean \"web\""):
        roster.on_call(story.context, schedule="wep", at=story.start)


def test_shifts_are_cut_to_the_span(tell: Tell) -> None:
    story = tell(layers=WEEKLY)
    start, end = datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 17, tzinfo=UTC)
    shifts = roster.shifts(story.context, "web", start=start, end=end)
    assert [(shift.people, shift.start) for shift in shifts] == [
        (("ana",), start),
        (("ben",), datetime(2026, 3, 9, 9, 0, tzinfo=UTC)),
        (("ana",), datetime(2026, 3, 16, 9, 0, tzinfo=UTC)),
    ]
    assert shifts[-1].end == end
    with pytest.raises(NotFound):
        roster.shifts(story.context, "nothing", start=start, end=end)


def test_why_is_a_chain_from_delivery_to_page(story: Story) -> None:
    story.fires(service="shop")
    story.advance(minutes=15)
    found = why.explain(story.context, 1, now=story.clock.now())
    alerts, pages = found["alerts"], found["pages"]
    assert isinstance(alerts, list)
    assert isinstance(pages, list)
    assert [page["person"] for page in pages if isinstance(page, dict)] == ["ana", "ben"]
    text = str(found["text"])
    assert "runbook: high-error-rate.md" in text
    assert "page to Ben Example by slack (step 2): sent" in text


def test_why_nobody_was_paged(tell: Tell) -> None:
    story = tell(matrix={"P1": "[{page: [person/gus]}]"}, fallback="[]", last_resort="[]")
    story.fires()
    assert story.paged() == []
    found = why.explain(story.context, 1, now=story.clock.now())
    said = found["not_paged"]
    assert isinstance(said, list)
    assert said[0] == "Nobody was paged for this incident."
    assert any("exhausted" in str(reason) for reason in said)


def test_secrets_in_labels_are_not_shown_on_the_timeline(story: Story) -> None:
    story.fires()
    story.says("note the password=hunter2hunter2 was in the log")
    assert "hunter2" not in story.entry("note").text
