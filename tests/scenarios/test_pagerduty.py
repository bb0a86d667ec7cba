"""PagerDuty from both sides: what pages from here rings there, and what is done there is done here, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from incident_bot.flow import changes, commands, health
from tests.fakes.pagerduty import Alert, PagerDuty, answers, loses_the_answer, signature, webhook
from tests.plugins.outside import OutsideStory
from tests.plugins.story import on_every_database
from tests.plugins.story_files import PEOPLE, SEVERITIES

KEY = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
SECRET = "whsec-now"
OLD_SECRET = "whsec-before"
ENVIRON = {
    "PAGERDUTY_ROUTING_KEY": KEY,
    "PAGERDUTY_ROUTING_KEY_LAKE": OTHER,
    "PAGERDUTY_WEBHOOK_SECRET": f"{SECRET}, {OLD_SECRET}",
}
WITH_ID = PEOPLE.replace("slack: U0ANA,", "slack: U0ANA, pagerduty: PDANA,")
BY_SERVICE = {"P1": "[{page: [pagerduty/default]}, {after: 15m, page: [lead]}]"}


@pytest.fixture
def pagerduty() -> Iterator[PagerDuty]:
    with PagerDuty({KEY: "web", OTHER: "lake"}) as server:
        yield server
        assert not server.refused


Begin = Callable[..., OutsideStory]


@pytest.fixture
def begin(pagerduty: PagerDuty, story_url: str, tmp_path: Path, plain_logs: None) -> Iterator[Begin]:
    begun: list[OutsideStory] = []

    def start(**changes: Any) -> OutsideStory:
        environ = {**ENVIRON, "INCIDENT_BOT_PAGERDUTY_EVENTS_URL": pagerduty.url}
        changes = {"people": WITH_ID, "matrix": BY_SERVICE, **changes}
        begun.append(OutsideStory(tmp_path, story_url, environ, ("pagerduty",), **changes))
        return begun[-1]

    yield start
    for story in begun:
        story.close()


@pytest.fixture
def story(begin: Begin) -> OutsideStory:
    return begin()


def tells(
    story: OutsideStory, kind: str, alert: Alert, *, secret: str = SECRET, expect: int = 200, **more: Any
) -> dict[str, Any]:
    """PagerDuty posts a webhook."""
    body = webhook(kind, alert, at=more.pop("at", story.clock.now()), **more)
    headers = {**signature(body, secret), "Content-Type": "application/json"}
    answer = story.client().post("/webhooks/pagerduty", content=body, headers=headers)
    assert answer.status_code == expect, answer.text
    story.pump()
    said: dict[str, Any] = answer.json()
    return said


def test_a_target_opens_one_alert_that_says_everything(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires(
        instance="web-1",
        cluster="eu",
        annotations={"summary": "12 % fail", "image_url": "https://g.example.com/p.png"},
    )
    (event,) = pagerduty.events
    assert event["event_action"] == "trigger"
    assert event["dedup_key"] == "incident-bot/INC-1/20260303T030000Z/1/default"
    payload = event["payload"]
    assert (payload["severity"], payload["source"], payload["class"]) == (
        "critical",
        "web-1",
        "HighErrorRate",
    )
    assert (payload["group"], payload["timestamp"]) == ("eu", "2026-03-03T03:00:00+00:00")
    assert "ack INC-1" in payload["custom_details"]["text"]
    assert payload["custom_details"]["why"].startswith("named in the escalation policy")
    assert {"href": "https://bot.example.com/incidents/INC-1", "text": "Incident"} in event["links"]
    assert any(link["href"].endswith("#runbook") for link in event["links"])
    assert event["images"] == [{"src": "https://g.example.com/p.png", "alt": "HighErrorRate"}]
    assert event["client_url"] == "https://bot.example.com/incidents/INC-1"
    assert [(page.person, page.channel, page.state) for page in story.pages()] == [
        ("pagerduty/default", "pagerduty", "sent")
    ]


def test_who_acknowledges_here_acknowledges_there_and_nobody_else_is_paged(
    story: OutsideStory, pagerduty: PagerDuty
) -> None:
    story.fires()
    story.says("ack", by="ben")
    assert pagerduty.alert().status == "acknowledged"
    story.advance(hours=2)
    assert pagerduty.actions() == ["trigger", "acknowledge"]
    assert story.paged() == []
    story.says("resolve it is over", by="ben")
    assert pagerduty.actions() == ["trigger", "acknowledge", "resolve"]
    assert pagerduty.alert().status == "resolved"


@on_every_database
def test_who_acknowledges_there_acknowledges_here_and_nothing_is_sent_back(
    story: OutsideStory, pagerduty: PagerDuty
) -> None:
    story.fires()
    said = tells(story, "acknowledged", pagerduty.alert())
    assert (said["result"], said["incident"]) == ("done", "INC-1")
    assert story.incident().acknowledged_by == "ana"
    assert story.entry("acknowledged").source == "pagerduty/default"
    story.advance(hours=2)
    assert story.paged() == [], "no page after an acknowledgement"
    assert pagerduty.actions() == ["trigger"]
    tells(story, "resolved", pagerduty.alert(), event_id="01OTHER")
    assert story.incident().phase == "resolved"
    assert pagerduty.actions() == ["trigger"]


def test_somebody_unknown_here_keeps_their_name(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    tells(story, "acknowledged", pagerduty.alert(), by=("PDXXX", "Dana"))
    assert story.incident().acknowledged_by == "PagerDuty (Dana)"


def test_the_echo_of_our_own_word_is_no_second_responder(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    story.says("ack", by="ben")
    assert tells(story, "acknowledged", pagerduty.alert(), by=None)["result"] == "ignored"
    assert "also_acknowledged" not in story.kinds()


def test_a_webhook_counts_once(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    alert = pagerduty.alert()
    assert tells(story, "acknowledged", alert)["result"] == "done"
    story.says("unack", by="ben")
    assert tells(story, "acknowledged", alert)["result"] == "duplicate"
    assert story.incident().acknowledged_by is None


@pytest.mark.parametrize("late", [timedelta(hours=50), timedelta(days=400)])
def test_an_old_webhook_is_inert(story: OutsideStory, pagerduty: PagerDuty, late: timedelta) -> None:
    story.fires()
    said = tells(story, "acknowledged", pagerduty.alert(), at=story.clock.now() - late)
    assert said["result"] == "ignored"
    assert story.incident().acknowledged_by is None


def test_a_wrong_signature_changes_nothing(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    tells(story, "acknowledged", pagerduty.alert(), secret="wrong", expect=401)
    body = webhook("acknowledged", pagerduty.alert(), at=story.clock.now())
    for header in ({}, {"X-PagerDuty-Signature": ""}, {"X-PagerDuty-Signature": "v1=,v1=ü".encode()}):
        answer = story.client().post("/webhooks/pagerduty", content=body, headers=header)  # type: ignore[arg-type]
        assert answer.status_code == 401
    signed = signature(body, SECRET)
    changed = body.replace(b"acknowledged", b"resolved")
    assert story.client().post("/webhooks/pagerduty", content=changed, headers=signed).status_code == 401
    assert story.incident().acknowledged_by is None


def test_either_secret_and_either_signature_will_do(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    tells(story, "annotated", pagerduty.alert(), secret=OLD_SECRET, event_id="01NOTE")
    body = webhook("acknowledged", pagerduty.alert(), at=story.clock.now())
    answer = story.client().post(
        "/webhooks/pagerduty", content=body, headers=signature(body, "unknown", OLD_SECRET)
    )
    assert answer.json()["result"] == "done"


def test_without_a_secret_the_door_is_shut(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRON, "PAGERDUTY_WEBHOOK_SECRET", "")
    answer = begin().client().post("/webhooks/pagerduty", content=b"{}")
    assert answer.status_code == 403
    assert "PAGERDUTY_WEBHOOK_SECRET" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"event": []}', b'{"event": {"id": ""}}', b"\xff"])
def test_what_is_no_webhook_is_refused(story: OutsideStory, body: bytes) -> None:
    answer = story.client().post("/webhooks/pagerduty", content=body, headers=signature(body, SECRET))
    assert answer.status_code == 400


def test_alerts_of_others_are_passed_over(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    for key in (
        "",
        "abc",
        "incident-bot/INC-1/20250101T000000Z/1/default",
        "incident-bot/INC-9/20260303T030000Z/1/x",
    ):
        said = tells(story, "resolved", Alert(key, "web"), event_id=f"E{key}")
        assert said["result"] == "ignored"
    assert story.incident().phase == "triage"


@on_every_database
def test_paging_that_begins_again_is_a_new_alert(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    first = pagerduty.alert()
    story.says("ack", by="ben")
    story.says("unack", by="ben")
    assert pagerduty.actions()[2:] in (["trigger", "resolve"], ["resolve", "trigger"])
    assert [alert.status for alert in pagerduty.alerts.values()] == ["resolved", "triggered"]
    assert tells(story, "acknowledged", first)["result"] == "ignored", "its epoch is over"
    assert tells(story, "acknowledged", pagerduty.alert(), event_id="01NEW")["result"] == "done"


@pytest.mark.parametrize("acked", [False, True])
def test_a_merged_incident_is_over_there_and_the_other_rings_on(
    story: OutsideStory, pagerduty: PagerDuty, *, acked: bool
) -> None:
    story.fires()
    story.fires(alertname="DiskFull")
    if acked:
        story.says("ack", by="ben", incident=2)
    story.says("dup INC-1", by="ben", incident=2)
    story.advance(minutes=1)
    assert pagerduty.actions()[-1] == "resolve"
    assert {key.split("/")[1]: alert.status for (_, key), alert in pagerduty.alerts.items()} == {
        "INC-1": "triggered",
        "INC-2": "resolved",
    }
    assert story.taken("note") == []


def test_an_unacknowledged_alert_pages_again(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    alert = pagerduty.alert()
    tells(story, "acknowledged", alert)
    tells(story, "unacknowledged", alert, by=None, event_id="01UN")
    assert story.incident().epoch == 2
    assert story.incident().acknowledged_by is None


def test_a_reassigned_alert_names_who_leads(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    tells(story, "reassigned", pagerduty.alert(), by=("PDX", "Max"), assignees=(("PDANA", "Ana"),))
    assert story.incident().lead == "ana"
    tells(story, "reassigned", pagerduty.alert(), by=None, assignees=(("PDZ", "Zoe"),), event_id="01Z")
    assert story.entry("note").data["text"] == "In PagerDuty it was handed to Zoe"


def test_an_answer_that_is_lost_leaves_one_alert(story: OutsideStory, pagerduty: PagerDuty) -> None:
    pagerduty.plan.append(loses_the_answer)
    story.fires()
    story.advance(minutes=1)
    assert pagerduty.alert().triggers == 2
    assert [page.state for page in story.pages()] == ["sent"]


def test_an_alert_whose_answer_was_lost_is_acknowledged_as_well(
    story: OutsideStory, pagerduty: PagerDuty
) -> None:
    pagerduty.plan.append(loses_the_answer)
    story.fires()
    story.says("ack", by="ben")
    story.advance(minutes=5)
    assert pagerduty.actions() == ["trigger", "acknowledge"]


def test_an_alert_that_was_on_its_way_when_somebody_took_it_is_acknowledged_after_it(
    story: OutsideStory, pagerduty: PagerDuty
) -> None:
    def meanwhile(server: PagerDuty, request: BaseHTTPRequestHandler, body: bytes) -> None:
        now = story.clock.now()
        commands.handle(story.context, "ack", incident=1, actor="ben", source="test", now=now)
        loses_the_answer(server, request, body)

    pagerduty.plan.append(meanwhile)
    story.fires()
    story.advance(minutes=2)
    assert pagerduty.actions() == ["trigger", "acknowledge"]
    assert pagerduty.alert().status == "acknowledged"


def test_a_rate_limit_is_waited_out(story: OutsideStory, pagerduty: PagerDuty) -> None:
    pagerduty.plan.append(answers(429, after=60))
    story.fires()
    story.advance(seconds=59)
    assert pagerduty.events == []
    story.advance(seconds=10)
    assert pagerduty.actions() == ["trigger"]


def test_a_key_that_nobody_set_is_a_step_with_nobody(begin: Begin) -> None:
    story = begin(matrix={"P1": "[{page: [pagerduty/nowhere]}, {after: 15m, page: [lead]}]"})
    story.fires()
    assert story.entry("nobody").data["unreachable"] == ["pagerduty/nowhere"]
    assert story.paged() == [("ben", 0), ("fay", 0)]
    check = next(one for one in health.health(story.context, now=story.clock.now()).checks if not one.ok)
    assert (check.name, check.detail) == ("paging services", "no routing key is set for pagerduty/nowhere")


def test_two_services_are_told_separately(begin: Begin, pagerduty: PagerDuty) -> None:
    story = begin(matrix={"P1": "[{page: [pagerduty/default, pagerduty/lake]}]"})
    story.fires()
    tells(story, "acknowledged", pagerduty.alerts["web", "incident-bot/INC-1/20260303T030000Z/1/default"])
    assert [(one.service, one.status) for one in pagerduty.alerts.values()] == [
        ("web", "triggered"),
        ("lake", "acknowledged"),
    ], "the one that said so is not told"


def test_a_person_is_paged_by_the_default_service(begin: Begin, pagerduty: PagerDuty) -> None:
    story = begin(
        matrix={"P1": "[{page: [on_call]}]"}, notify="{high: [{by: pagerduty}], low: [{by: slack}]}"
    )
    story.fires()
    assert pagerduty.events[0]["payload"]["custom_details"]["paged_for"] == "Ana Example"
    assert [(page.person, page.channel) for page in story.pages()] == [("ana", "pagerduty")]


def test_page_by_hand_reaches_a_service(story: OutsideStory, pagerduty: PagerDuty) -> None:
    story.fires()
    story.says("page pagerduty/lake")
    assert [alert.service for alert in pagerduty.alerts.values()] == ["web", "lake"]


def test_where_each_is_to_answer_an_answer_there_is_that_of_the_service(
    begin: Begin, pagerduty: PagerDuty
) -> None:
    each = SEVERITIES.replace("respond_within: 5m", "acks: each, respond_within: 5m")
    story = begin(severities=each, matrix={"P1": "[{page: [pagerduty/default, lead]}]"})
    story.fires()
    tells(story, "acknowledged", pagerduty.alert(), event_id="01A")
    assert story.entry("part_acknowledged").actor == "ana"
    assert (story.incident().taken_by, story.incident().awaited) == (("pagerduty/default",), ("ben",))
    tells(story, "unacknowledged", pagerduty.alert(), event_id="01B")
    assert story.incident().taken_by == ()
    tells(story, "acknowledged", pagerduty.alert(), event_id="01C")
    story.says("ack", by="ben")
    assert (story.incident().escalation, story.incident().acknowledged_by) == (
        "acknowledged",
        "pagerduty/default",
    )


def test_a_key_that_is_refused_is_the_trouble_of_its_own_service_alone(
    story: OutsideStory, pagerduty: PagerDuty
) -> None:
    pagerduty.plan.append(answers(401))
    story.fires()
    found = {one.name: one for one in health.health(story.context, now=story.clock.now()).checks}
    assert not found["channel pagerduty/default"].ok
    assert "auth: " in found["channel pagerduty/default"].detail
    assert found["channel pagerduty"].ok
    assert story.paged() == [("ben", 0)]


TELLING = "pagerduty: {change_events: true}"


def tells_change(story: OutsideStory) -> int:
    """What a worker does when it sees another configuration."""
    found = changes.tell(story.context, now=story.clock.now())
    story.pump()
    return found


def test_an_applied_configuration_is_a_change_event_at_every_service(
    begin: Begin, pagerduty: PagerDuty
) -> None:
    both = {"P1": "[{page: [pagerduty/default, pagerduty/lake, pagerduty/gone]}]"}
    story = begin(rules=TELLING, matrix=both)
    assert tells_change(story) == 2
    story.configure(rules=TELLING, people=WITH_ID, matrix={**both, "P4": "[{page: [on_call]}]"})
    pagerduty.changes.clear()
    assert tells_change(story) == 2
    assert [pagerduty.keys[one["routing_key"]] for one in pagerduty.changes] == ["web", "lake"]
    payload = pagerduty.changes[0]["payload"]
    revision = story.context.live.current.revision.id
    assert payload["summary"] == f"incident-bot applied configuration {revision}: 1 file changed"
    assert payload["custom_details"]["text"].endswith(": rotations/escalation.yaml")
    assert payload["timestamp"] == "2026-03-03T03:00:00Z"
    assert pagerduty.changes[0]["links"] == [{"href": "https://bot.example.com", "text": "incident-bot"}]
    assert pagerduty.events == []


def test_it_is_told_once_over_replicas_and_restarts(begin: Begin, pagerduty: PagerDuty) -> None:
    story = begin(rules=TELLING)
    assert tells_change(story) == 1
    assert tells_change(story) == 0
    assert len(pagerduty.changes) == 1


def test_going_back_is_a_change_of_its_own(begin: Begin, pagerduty: PagerDuty) -> None:
    story = begin(rules=TELLING)
    tells_change(story)
    for repeat in ("{P1: 3}", "{}"):
        story.advance(seconds=1)
        story.configure(rules=TELLING, people=WITH_ID, matrix=BY_SERVICE, repeat=repeat)
        tells_change(story)
    assert len(pagerduty.changes) == 3


def test_without_the_setting_or_long_after_nothing_is_told(begin: Begin, pagerduty: PagerDuty) -> None:
    story = begin()
    assert tells_change(story) == 0
    story.configure(rules=TELLING, people=WITH_ID, matrix=BY_SERVICE)
    story.clock.advance(timedelta(hours=2))
    assert tells_change(story) == 0
    assert pagerduty.changes == []


def test_a_change_event_that_is_not_taken_is_tried_again(begin: Begin, pagerduty: PagerDuty) -> None:
    story = begin(rules=TELLING)
    pagerduty.plan.append(answers(500))
    tells_change(story)
    assert pagerduty.changes == []
    story.advance(minutes=1)
    assert len(pagerduty.changes) == 1
