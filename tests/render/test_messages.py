"""What a woken person reads on a phone, and what a channel is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.effects import Moment
from incident_bot.core.enrich import Runbook, sections
from incident_bot.core.model import JsonObject, Phase
from incident_bot.render.folding import told_of
from incident_bot.render.handoffs import MOMENTS
from incident_bot.render.messages import Message, alert_line, channel_message, first_step, page_message
from incident_bot.render.templates import Templates
from tests.render.stories import LADDER, PEOPLE, RUNBOOK, START, Tale, episode, first_page, whole_tale

URL = "https://incidents.example.com/"
NOW = START + timedelta(minutes=4)
TEMPLATES = Templates()


def page(
    title: str = "High error rate on checkout", *, templates: Templates = TEMPLATES, drill: bool = False
) -> Message:
    incident = replace(Tale(title=title).incident, drill=drill, impact="Nobody can pay")
    return page_message(
        templates,
        incident,
        first_page(incident),
        person=PEOPLE["alice"],
        episodes=(episode(minutes=None), episode(4, None)),
        runbook=RUNBOOK,
        public_url=URL,
        now=NOW,
    )


def told(
    moment: Moment, data: JsonObject | None = None, *, title: str = "Errors", minutes: float | None = None
) -> Message:
    incident = replace(whole_tale().incident, title=title)
    return channel_message(
        TEMPLATES,
        moment,
        incident,
        data or {},
        episodes=(episode(minutes=minutes),),
        people=PEOPLE,
        severity=LADDER.rungs[0],
        runbook=RUNBOOK,
        public_url=URL,
        now=NOW,
    )


class TestPage:
    def test_one_screen_in_the_right_order(self) -> None:
        text = page().text
        parts = [
            "P2: High error rate on checkout",
            "Take it: ack INC-42",
            "https://incidents.example.com/incidents/INC-42",
            "Since 03:05 CET (02:05 UTC), 4 min ago on checkout",
            "First: Look at the last deployment",
            "Runbook: High error rate https://wiki.example.com/high-error-rate",
            "Firing: HighErrorRate on checkout-1: 12 % of requests fail and 1 more",
            "Impact: Nobody can pay",
            "You: on call for payments-primary",
        ]
        places = [text.index(part) for part in parts]
        assert places == sorted(places)
        assert len(text.splitlines()) <= 9
        assert max(map(len, text.splitlines())) <= 200

    @given(st.text(max_size=400), st.booleans())
    def test_the_first_160_signs_are_enough_to_take_it(self, title: str, drill: bool) -> None:
        message = page(title, drill=drill)
        assert message.fell_back is None
        start = message.text[:160]
        assert "P2: " in start
        assert "ack INC-42" in start
        assert len(message.subject) <= 80
        assert "\n" not in message.subject

    def test_a_drill_says_so_first(self) -> None:
        assert page(drill=True).text.startswith("DRILL P2: ")
        assert page(drill=True).subject.startswith("DRILL P2: ")

    def test_secrets_and_templates_in_alerts_are_neither_shown_nor_run(self) -> None:
        text = page("{{ 7 * 7 }} {% for %} <b> token=abcdef").text
        assert text.startswith("P2: {{ 7 * 7 }} {% for %} <b> token=[redacted]")

    def test_a_broken_template_costs_no_page(self) -> None:
        message = page(templates=Templates({"page/text.j2": "{{ nope }}"}))
        assert message.fell_back is not None
        assert message.fell_back.startswith("templates/page/text.j2: ")
        assert "ack INC-42" in message.text

    def test_without_runbook_alerts_or_impact(self) -> None:
        incident = Tale().incident
        message = page_message(
            TEMPLATES,
            incident,
            first_page(incident, "token=abc"),
            person=PEOPLE["bob"],
            public_url=URL,
            now=NOW,
        )
        assert message.text.splitlines()[3:] == [
            "Since 02:07 UTC, 2 min ago on checkout",
            "You: token=[redacted]",
        ]
        assert message.facts["person"] == "bob"
        assert message.url == "https://incidents.example.com/incidents/INC-42"

    def test_the_first_step_is_the_first_thing_to_find_out(self) -> None:
        assert first_step(None) is None
        assert first_step(Runbook(path="x", title="x")) is None
        only = Runbook(path="x", title="x", sections=sections("## Mitigation\n1. Restart it\n"))
        assert first_step(only) == "Restart it"
        assert (
            first_step(RUNBOOK)
            == "Look at the last deployment: `kubectl rollout history deployment/checkout`"
        )


class TestChannel:
    def test_the_initial_message_has_the_seeds_words(self) -> None:
        incident = replace(Tale().incident, phase=Phase.TRIAGE)
        text = channel_message(
            TEMPLATES, Moment.OPENED, incident, {}, severity=LADDER.rungs[0], public_url=URL, now=NOW
        ).text
        assert text.startswith("*INCIDENT [P2]*: High error rate on checkout (<https://")
        for line in (
            "*Impact*: Not known yet",
            "*Services Affected*: checkout",
            "*Started*: 2026-11-21 02:07 UTC",
            "*Status*: Investigating",
            "Next update in 15 minutes (02:24 UTC).",
        ):
            assert line in text.splitlines()

    @pytest.mark.parametrize(
        "minutes, said",
        [
            (15, "Next update by 02:24 UTC."),
            (0, "The update due by 02:09 UTC has not come yet."),
            (None, "*Runbook*: "),
        ],
    )
    def test_what_is_edited_later_promises_a_time_and_says_when_it_has_passed(
        self, minutes: int | None, said: str
    ) -> None:
        at = (NOW + timedelta(minutes=minutes)).isoformat() if minutes is not None else None
        data: JsonObject = {"next_update_at": at, "edited": True}
        assert told(Moment.OPENED, data).text.splitlines()[-1].startswith(said)

    def test_an_update(self) -> None:
        promise = (NOW + timedelta(minutes=15)).isoformat()
        data: JsonObject = {"text": "Rolled back <!here>", "next_steps": "Watch", "next_update_at": promise}
        text = told(Moment.UPDATE, data).text
        assert text.startswith("*INCIDENT UPDATE [P1]*: Errors")
        assert "*Actions Taken*: Rolled back &lt;!here&gt;" in text
        assert "*Next Steps*: Watch" in text
        assert text.endswith("Next update in 15 minutes (02:24 UTC).")
        late = told(Moment.UPDATE, {**data, "next_update_at": NOW.isoformat()}).text
        assert late.endswith("The next update was promised for 02:09 UTC.")
        for promised in (None, "nonsense"):
            assert "ext update" not in told(Moment.UPDATE, {"next_update_at": promised}).text

    def test_a_resolution(self) -> None:
        message = told(Moment.RESOLVED, {"how": "resolved", "reason": "Rolled back", "firing": 1})
        assert message.text.startswith("*INCIDENT RESOLVED [P1]*: Errors")
        for line in (
            "*Root Cause*: Not known yet",
            "*Resolution*: Rolled back",
            "*Duration*: 42 min",
            "*Still firing*: 1 alert",
            "*Post-mortem*: Will be published within 48 hours",
            "Thank you for your patience.",
        ):
            assert line in message.text.splitlines()
        assert message.subject == "INC-42 P1: Errors"
        assert message.facts["moment"] == "resolved"

    def test_a_cancelled_one_is_not_called_resolved(self) -> None:
        text = told(Moment.RESOLVED, {"how": "cancelled", "reason": "a test"}).text
        assert text.startswith("*INCIDENT CANCELLED [P1]*")
        assert "*Why*: a test" in text
        assert "Root Cause" not in text

    def test_a_reopening_and_a_post_mortem(self) -> None:
        assert "*Why*: it fires again" in told(Moment.REOPENED, {"reason": "it fires again"}).text
        data: JsonObject = {"done": 7, "total": 23, "missing": ["the summary (1)"], "due_at": NOW.isoformat()}
        text = told(Moment.POSTMORTEM, data).text
        assert "7 of 23 parts filled." in text
        assert "*Most useful next*: the summary (1)" in text
        assert "*Due*: 2026-11-21 02:09 UTC" in text
        assert "The post-mortem is published." in told(Moment.POSTMORTEM, {"missing": "x", "done": None}).text

    def test_an_alert_without_an_incident(self) -> None:
        data: JsonObject = {
            "title": "DiskFilling on db-1",
            "severity": "P4",
            "labels": {"alertname": "DiskFilling", "instance": "db-1"},
            "annotations": {"description": "full in 20 h", "runbook_url": "https://wiki.example.com/disk"},
            "starts_at": START.isoformat(),
            "status": "firing",
        }
        message = channel_message(TEMPLATES, Moment.NOTIFY, None, data, public_url=URL, now=NOW)
        assert message.text.splitlines() == [
            "*P4*: DiskFilling on db-1, since 02:05 UTC. Nobody is paged for this.",
            "DiskFilling on db-1: full in 20 h",
            "<https://wiki.example.com/disk|Runbook>",
        ]
        assert message.subject == "P4: DiskFilling on db-1"
        over = channel_message(
            TEMPLATES, Moment.NOTIFY, None, {**data, "status": "resolved"}, public_url=URL, now=NOW
        )
        assert "It is over." in over.text

    def test_an_alert_from_its_episodes_or_from_nothing(self) -> None:
        one = episode(minutes=None, team="payments")
        text = channel_message(
            TEMPLATES, Moment.NOTIFY, None, {}, episodes=(one,), public_url="", now=NOW
        ).text
        assert text.startswith("*P2*: HighErrorRate on checkout, since 02:05 UTC.")
        bare = channel_message(TEMPLATES, Moment.NOTIFY, None, {}, public_url="", now=NOW)
        assert bare.text == "*Notice*: Alert, since 02:09 UTC. Nobody is paged for this."
        assert (bare.url, bare.fell_back) == (None, None)

    def test_the_bot_about_itself(self) -> None:
        message = channel_message(
            TEMPLATES, Moment.META, None, {"text": "No delivery"}, public_url=URL, now=NOW
        )
        assert message.text.startswith("*About the incident bot itself*: No delivery")

    @pytest.mark.parametrize(
        "moment",
        sorted(set(Moment) - MOMENTS - {Moment.PAGER, Moment.CHANGE, Moment.EDIT, Moment.REMINDER}),
    )
    def test_every_moment_has_words_and_nobody_can_inject_any(self, moment: Moment) -> None:
        nasty = "<!channel> <https://evil|x> {{ 7*7 }} password=hunter2"
        data: JsonObject = dict.fromkeys(("text", "title", "reason", "next_steps", "root_cause"), nasty)
        message = told(moment, data, title=nasty)
        assert message.fell_back is None
        assert "<!channel" not in message.text
        assert "<https://evil" not in message.text
        assert "hunter2" not in message.text + message.subject
        assert "{{ 7*7 }}" in message.text
        assert "49" not in message.text
        assert len(message.subject) <= 80

    def test_only_web_addresses_become_links(self) -> None:
        odd = episode(minutes=None, annotations={"runbook_url": "javascript:alert(1)"})
        incident = Tale().incident
        message = channel_message(
            TEMPLATES, Moment.OPENED, incident, {}, episodes=(odd,), public_url=URL, now=NOW
        )
        assert "javascript" not in message.text
        assert "*Runbook*" not in message.text
        with_book = channel_message(
            TEMPLATES, Moment.OPENED, incident, {}, runbook=RUNBOOK, public_url=URL, now=NOW
        )
        assert "<https://incidents.example.com/incidents/INC-42#runbook|High error rate>" in with_book.text


def test_an_alert_in_one_line() -> None:
    assert alert_line(episode()) == "HighErrorRate on checkout-1: 12 % of requests fail"
    bare = episode(labels={}, annotations={"message": "a\nb"}, service=None)
    assert alert_line(bare) == "Alert: a b"


@pytest.mark.parametrize(
    "address, counted",
    [("https://wiki.example.com/x", 1), ("", 0), ("javascript:alert(1)", 0), ("see the wiki", 0)],
)
def test_a_list_counts_only_runbooks_that_lead_somewhere(address: str, counted: int) -> None:
    fires = episode(minutes=None, annotations={"runbook_url": address})
    line = told_of(replace(Tale().incident, runbook=None), [fires], public_url="https://bot.example.com")
    assert line.runbooks == counted
