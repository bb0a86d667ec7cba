"""A schedule of PagerDuty's as a target: whom it pages, also while PagerDuty is away, and who stands for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incident_bot import bootstrap
from incident_bot.bootstrap import Application
from incident_bot.config.settings import Settings
from incident_bot.core.errors import BadConfiguration
from incident_bot.flow import health, reconcile, why
from incident_bot.flow.oncall.run import run
from incident_bot.flow.simulate import simulate
from incident_bot.outgoing import CallFailed, Client
from incident_bot.sources.pagerduty_oncall import ENDLESS, read_on_call
from tests.fakes.pagerduty_rest import PagerDutyRest, Plan, answers
from tests.plugins.story import START, Story, on_every_database
from tests.plugins.story_files import PEOPLE, documents

KEY = "u+s3cr3t-of-the-api"
MAPPED = PEOPLE.replace("slack: U0DAN", "slack: U0DAN, pagerduty: PUDAN").replace(
    "slack: U0BEN", "slack: U0BEN, pagerduty: PUBEN"
)
RULES = "pagerduty: {schedules: {payments: PSCHED1}}"
ROW = {"P1": "[{page: [pagerduty/payments]}, {after: 15m, page: [lead]}]"}


@pytest.fixture
def rest() -> Iterator[PagerDutyRest]:
    with PagerDutyRest(KEY) as server:
        server.on_call(
            "PSCHED1", "PUDAN", "2026-03-01T09:00:00Z", "2026-03-03T09:00:00Z", name="Dan", level=2
        )
        server.on_call("PSCHED1", "PUDAN", "2026-03-01T09:00:00Z", "2026-03-03T09:00:00Z", name="Dan")
        server.on_call("PSCHED1", "PUBEN", "2026-03-03T09:00:00Z", "2026-03-05T09:00:00Z", name="Ben")
        server.on_call("PSCHED1", "PULEX", "2026-03-05T09:00:00Z", None, name="Lex")
        yield server


@pytest.fixture
def begin(
    story_url: str, tmp_path: Path, rest: PagerDutyRest, plain_logs: None
) -> Iterator[Callable[..., Story]]:
    begun: list[Story] = []

    class Told(Story):
        def replica(self, *, exclusive: bool = False) -> Application:
            environ = {
                "INCIDENT_BOT_DATABASE_URL": self.url,
                "INCIDENT_BOT_CONFIG_DIR": str(self.directory),
                "INCIDENT_BOT_DEFAULT_CHANNEL": "slack",
                "PAGERDUTY_API_KEY": KEY,
                "INCIDENT_BOT_PAGERDUTY_API_URL": rest.url,
            }
            application = bootstrap.build(
                Settings.load(environ), clock=self.clock, notifiers=self.channels, exclusive=exclusive
            )
            application.context.live.record(now=self.clock.now())
            application.intake.start()
            self._running.append(application)
            return application

    def made(**changes: Any) -> Story:
        files = documents(**{"people": MAPPED, "rules": RULES, "matrix": ROW, **changes})
        begun.append(Told(tmp_path, story_url, files))
        return begun[-1]

    yield made
    for one in begun:
        one.close()


def checks(story: Story) -> dict[str, tuple[bool, str]]:
    found = health.health(story.context, now=story.clock.now())
    return {one.name: (one.ok, one.detail) for one in found.checks}


@on_every_database
def test_who_is_on_call_there_is_paged_here(begin: Callable[..., Story], rest: PagerDutyRest) -> None:
    story = begin()
    story.reconciles()
    story.advance(minutes=1)
    story.fires()
    assert story.paged() == [("dan", 1)]
    (page,) = story.pages()
    assert page.reason == ("on call, PagerDuty schedule PSCHED1, escalation level 1, step 1 of 2 of P1")
    explained = why.explain(story.context, story.incident().number, now=story.clock.now())
    assert "PagerDuty schedule PSCHED1, escalation level 1" in str(explained["text"])
    assert rest.refused == []


@on_every_database
def test_the_hand_off_there_counts_without_asking_again(
    begin: Callable[..., Story], rest: PagerDutyRest
) -> None:
    story = begin()
    story.reconciles()
    story.advance(minutes=1)
    rest.always = answers(503)
    story.advance(hours=6, minutes=10)
    story.fires()
    assert [person for person, _ in story.paged()] == ["ben"]
    assert "escalation level 1, as PagerDuty said at 03:0" in story.pages()[0].reason
    ok, detail = checks(story)["pagerduty schedule PSCHED1"]
    assert not ok
    assert detail.startswith("read 2026-03-03 03:0")
    assert detail.endswith("; PagerDuty answered 503")


def test_it_is_asked_every_five_minutes_and_heals(begin: Callable[..., Story], rest: PagerDutyRest) -> None:
    story = begin()
    story.reconciles()
    rest.plan.append(answers(429))
    story.advance(minutes=2)
    assert checks(story)["pagerduty schedule PSCHED1"] == (False, "never read; PagerDuty is asked too often")
    story.advance(minutes=60)
    assert 10 <= len(rest.requests) <= 14
    ok, detail = checks(story)["pagerduty schedule PSCHED1"]
    assert ok
    assert detail.startswith("read 2026-03-03 0")
    asked = rest.requests[-1]
    assert asked["schedule_ids[]"] == ["PSCHED1"]
    span = [datetime.fromisoformat(asked[name][0]) for name in ("since", "until")]
    assert span[1] - span[0] == timedelta(days=14)


@on_every_database
def test_before_the_first_answer_the_fallback_is_paged(begin: Callable[..., Story]) -> None:
    story = begin()
    story.fires()
    assert story.paged() == [("ben", 0), ("fay", 0)]
    assert "nobody stands behind pagerduty/payments" in story.entry("nobody").text


def test_a_user_who_stands_for_nobody_here_is_named(begin: Callable[..., Story], rest: PagerDutyRest) -> None:
    ben, lex = rest.entries["PSCHED1"][-2:]
    ben["end"] = lex["start"] = "2026-03-03T10:00:00Z"
    story = begin()
    story.reconciles()
    story.advance(minutes=1)
    assert checks(story)["pagerduty users"] == (
        False,
        "on call there and in no entry of people.yaml: PULEX (Lex); write pagerduty: PULEX",
    )
    story.until(datetime(2026, 3, 3, 11, tzinfo=UTC))
    story.fires()
    assert [person for person, _ in story.paged()] == ["ben", "fay"]


def test_the_command_and_simulate_say_who_it_is(begin: Callable[..., Story]) -> None:
    story = begin()

    def says(text: str) -> str:
        return run(story.context, text, "ana", now=story.clock.now()).text

    assert says("pagerduty/payments") == "pagerduty/payments: not read yet (PagerDuty was not asked)"
    story.reconciles()
    story.advance(minutes=1)
    assert says("pagerduty/payments") == (
        "pagerduty/payments: Dan Example (dan) – on call, PagerDuty schedule PSCHED1, escalation level 1"
    )
    assert "Ben Example (ben)" in says("pagerduty/payments 2026-03-04 12:00")
    assert "write pagerduty: PULEX" in says("pagerduty/payments 2026-03-06 12:00")
    found = simulate(
        story.context, labels={"alertname": "A", "severity": "critical"}, annotations={}, at=story.clock.now()
    )
    assert found.pages[0].person == "dan"


def test_a_schedule_that_is_named_no_more_is_not_asked_for(
    begin: Callable[..., Story], rest: PagerDutyRest
) -> None:
    story = begin()
    story.reconciles()
    story.advance(minutes=1)
    story.configure()
    story.advance(minutes=20)
    assert len(rest.requests) == 1
    assert not any(name.startswith("pagerduty") for name in checks(story))


def test_two_replicas_ask_once(begin: Callable[..., Story], rest: PagerDutyRest) -> None:
    story = begin()
    other = story.replica()
    story.reconciles()
    reconcile.schedule(other.context, now=story.clock.now())
    story.advance(minutes=1)
    assert len(rest.requests) == 1


@pytest.mark.parametrize(
    "plan,said",
    [
        (answers(401), "PagerDuty refuses PAGERDUTY_API_KEY"),
        (answers(404), "PagerDuty has no such schedule"),
        (answers(500), "PagerDuty answered 500"),
        (answers(302), "PagerDuty answered 302"),
        (answers(200, b"<html>"), "PagerDuty's answer is not one"),
        (answers(200, b"[]"), "PagerDuty's answer is not one"),
        (answers(200, b"[" * 100_000), "PagerDuty's answer is not one"),
        (answers(200, b'{"oncalls": []}'), "PagerDuty's answer is not one"),
        (answers(200, b'{"oncalls": [7], "more": false}'), "PagerDuty's answer is not one"),
        (answers(200, b'{"people": [], "more": false}'), "PagerDuty's answer is not one"),
        (
            answers(200, b'{"oncalls": [{"user": {"id": "P"}}], "more": false}'),
            "PagerDuty's answer is not one",
        ),
        (answers(200, b'{"oncalls": [], "more": true}'), ENDLESS),
    ],
)
def test_an_answer_that_is_none_changes_nothing(plan: Plan, said: str, rest: PagerDutyRest) -> None:
    rest.always = plan
    client = Client()
    try:
        with pytest.raises(CallFailed, match=said) as failed:
            read_on_call(
                client, "PSCHED1", url=rest.url, key=KEY, since=START, until=START + timedelta(days=1)
            )
    finally:
        client.close()
    assert KEY not in str(failed.value)


@pytest.mark.parametrize("start", ['"yesterday"', '"2026-03-03T09:00:00"', "7"])
def test_an_instant_that_is_none_is_refused(start: str, rest: PagerDutyRest) -> None:
    entry = f'{{"user": {{"id": "P"}}, "escalation_level": 1, "start": {start}, "end": null}}'
    rest.always = answers(200, f'{{"oncalls": [{entry}], "more": false}}'.encode())
    client = Client()
    try:
        with pytest.raises(CallFailed, match="PagerDuty's answer is not one"):
            read_on_call(
                client, "PSCHED1", url=rest.url, key=KEY, since=START, until=START + timedelta(days=1)
            )
    finally:
        client.close()


def test_pages_are_turned_to_the_last(rest: PagerDutyRest) -> None:
    rest.page_most = 2
    for number in range(5):
        rest.on_call("PMANY", f"PU{number}", None, None)
    client = Client()
    try:
        found = read_on_call(
            client, "PMANY", url=rest.url, key=KEY, since=START, until=START + timedelta(days=1)
        )
    finally:
        client.close()
    assert [one.user for one in found] == [f"PU{number}" for number in range(5)]
    assert [request["offset"] for request in rest.requests] == [["0"], ["2"], ["4"]]


@pytest.mark.parametrize(
    "rules,says",
    [
        ("pagerduty: {schedules: {payments: payments}}", "is not the id of a schedule"),
        ("pagerduty: {schedules: {Pay ments: PSCHED1}}", "cannot be a name here"),
        ("pagerduty: {schedule: {payments: PSCHED1}}", 'did you mean "schedules"?'),
    ],
)
def test_what_is_wrong_is_named(rules: str, says: str, tmp_path: Path, begin: Callable[..., Story]) -> None:
    with pytest.raises(BadConfiguration, match=r"rotations/escalation\.yaml:") as refused:
        begin(rules=rules)
    assert says in str(refused.value)
