"""Texts and calls from both sides: what goes out, what people answer, what Twilio says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from httpx2 import Response

from incident_bot.core.model import Person
from incident_bot.notifiers import NOTIFIERS
from incident_bot.notifiers.base import GiveUp, GiveUpReason, Message, RetryLater
from incident_bot.outgoing import Client
from incident_bot.render.sms import segments
from tests.fakes.twilio import NUMBER, SID, TOKEN, Twilio, answers, loses_the_answer, signature
from tests.plugins.outside import PUBLIC_URL, OutsideStory
from tests.plugins.story import on_every_database
from tests.plugins.story_files import SEVERITIES

ANA = "+4915100000001"
ENVIRON = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": NUMBER}
BY_TEXT = "{high: [{by: sms}, {by: voice, after: 2m}], low: [{by: slack}]}"


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with Twilio() as server:
        yield server


Begin = Callable[..., OutsideStory]


@pytest.fixture
def begin(twilio: Twilio, story_url: str, tmp_path: Path, plain_logs: None) -> Iterator[Begin]:
    begun: list[OutsideStory] = []

    def start(**changes: Any) -> OutsideStory:
        environ = {**ENVIRON, "INCIDENT_BOT_TWILIO_API_URL": twilio.url}
        changes = {"notify": BY_TEXT, **changes}
        begun.append(OutsideStory(tmp_path, story_url, environ, ("sms", "voice"), **changes))
        return begun[-1]

    yield start
    for story in begun:
        story.close()


@pytest.fixture
def story(begin: Begin) -> OutsideStory:
    return begin()


def posts(story: OutsideStory, address: str, fields: Mapping[str, str], *, token: str = TOKEN) -> Response:
    """Twilio makes a request of us at an address that it was given."""
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    answer: Response = story.client().post(path, data=dict(fields), headers=signature(address, fields, token))
    story.pump()
    return answer


def replies(story: OutsideStory, text: str, *, by: str = ANA, sid: str = "SM1", **more: str) -> str | None:
    """Somebody sends a text; gives the answer's."""
    fields = {"From": by, "To": NUMBER, "Body": text, "MessageSid": sid, **more}
    answer = posts(story, f"{PUBLIC_URL}/webhooks/twilio/sms", fields)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/xml")
    return parsed(answer).findtext("Message")


def parsed(answer: Response) -> ET.Element:
    """Read the TwiML of an answer."""
    return ET.fromstring(answer.text)  # noqa: S314 -- it is our own


def heard(answer: Response) -> str:
    """Everything that a call says."""
    return " ".join(" ".join(parsed(answer).itertext()).split())


def test_a_text_has_what_matters_in_two_segments(story: OutsideStory, twilio: Twilio) -> None:
    story.fires(annotations={"summary": "12 % of requests fail – “checkout”"}, service="shop")
    (text,) = twilio.texts
    lines = text.body.splitlines()
    assert text.to == ANA
    assert lines[0] == 'P1 INC-1 04:00: 12 % of requests fail - "checkout"'
    assert lines[1] == "Reply 1 or ACK to take it, 2 or RESOLVE to close it"
    assert lines[2] == "https://bot.example.com/incidents/INC-1"
    assert segments(text.body) <= 2


@on_every_database
def test_a_reply_acknowledges_and_nobody_else_is_paged(story: OutsideStory, twilio: Twilio) -> None:
    story.fires()
    assert "You have INC-1" in (replies(story, "ACK") or "")
    assert story.incident().acknowledged_by == "ana"
    assert story.entry("acknowledged").source == "sms"
    story.advance(hours=3)
    assert (len(twilio.texts), twilio.calls, story.paged()) == (1, [], [])


@pytest.mark.parametrize("word", ["1", "ack", "Ack!", " ACK ", "ack inc-1", "ACK 1"])
def test_many_ways_to_say_it(story: OutsideStory, twilio: Twilio, word: str) -> None:
    story.fires()
    replies(story, word)
    assert story.incident().acknowledged_by == "ana"


def test_a_reply_resolves(story: OutsideStory, twilio: Twilio) -> None:
    story.fires()
    assert "INC-1 is resolved" in (replies(story, "2") or "")
    assert story.entry("resolved").data["reason"] == "by text message"


def test_a_reply_is_for_what_was_paged_last_and_is_open(story: OutsideStory, twilio: Twilio) -> None:
    story.fires(alertname="One")
    story.advance(minutes=1)
    story.fires(alertname="Two")
    replies(story, "1", sid="SM1")
    assert [one.acknowledged_by for one in story.incidents()] == [None, "ana"]
    replies(story, "2", sid="SM2")
    assert [one.phase for one in story.incidents()] == ["triage", "resolved"]
    replies(story, "1", sid="SM3")
    assert story.incidents()[0].acknowledged_by == "ana"


def test_a_text_that_comes_twice_counts_once(story: OutsideStory, twilio: Twilio) -> None:
    story.fires()
    first = replies(story, "ack", sid="SM7")
    story.says("unack", by="ben")
    assert replies(story, "ack", sid="SM7") == first
    assert story.incident().acknowledged_by is None


def test_a_text_that_is_sent_again_later_takes_nothing_new(story: OutsideStory, twilio: Twilio) -> None:
    story.fires(alertname="One")
    first = replies(story, "ack", sid="SM7")
    story.advance(minutes=1)
    story.fires(alertname="Two")
    assert replies(story, "ack", sid="SM7") == first
    assert [one.acknowledged_by for one in story.incidents()] == ["ana", None]


def test_strange_words_and_numbers_are_answered_once(story: OutsideStory, twilio: Twilio) -> None:
    story.fires()
    assert "Reply ACK" in (replies(story, "what?", sid="SM1") or "")
    assert replies(story, "hello?", sid="SM2") is None
    assert "on-call bot" in (replies(story, "ack", by="+15005550006", sid="SM3") or "")
    assert replies(story, "ack", by="+15005550006", sid="SM4") is None
    assert replies(story, "STOP", sid="SM5") is None
    assert story.incident().acknowledged_by is None


def test_who_was_paged_for_nothing_is_told_so(story: OutsideStory, twilio: Twilio) -> None:
    assert "not paged for anything" in (replies(story, "ack") or "")
    assert "INC-42" in (replies(story, "ack INC-42", sid="SM2") or "")


def test_a_wrong_signature_changes_nothing(story: OutsideStory, twilio: Twilio) -> None:
    story.fires()
    fields = {"From": ANA, "Body": "ack"}
    address = f"{PUBLIC_URL}/webhooks/twilio/sms"
    assert posts(story, address, fields, token="wrong").status_code == 401
    signed = signature(address, fields)
    changed = story.client().post("/webhooks/twilio/sms", data={**fields, "Body": "2"}, headers=signed)
    assert changed.status_code == 401
    assert story.client().post("/webhooks/twilio/sms?x=1", data=fields, headers=signed).status_code == 401
    assert story.client().post("/webhooks/twilio/sms", data=fields).status_code == 401
    assert story.incident().acknowledged_by is None


@pytest.mark.parametrize("origin", ["https://bot.example.com:443", "https://bot.example.com"])
def test_the_port_may_be_signed_or_not(story: OutsideStory, origin: str) -> None:
    fields = {"From": ANA, "Body": "ack"}
    headers = signature(f"{origin}/webhooks/twilio/sms", fields)
    assert story.client().post("/webhooks/twilio/sms", data=fields, headers=headers).status_code == 200


def test_what_arrived_is_kept_with_the_page(story: OutsideStory, twilio: Twilio) -> None:
    story.fires()
    address = twilio.texts[0].fields["StatusCallback"]
    for status in ("sent", "delivered", "delivered"):
        fields = {"MessageSid": twilio.texts[0].sid, "MessageStatus": status}
        assert posts(story, address, fields).status_code == 204
    page = story.pages()[0]
    assert (page.channel, page.state) == ("sms", "sent")
    assert [receipt.status for receipt in page.receipts] == ["delivered", "sent"]
    assert twilio.calls == []


@on_every_database
def test_what_does_not_arrive_goes_to_the_next_channel_at_once(story: OutsideStory, twilio: Twilio) -> None:
    story.fires()
    fields = {"MessageStatus": "undelivered", "ErrorCode": "30003"}
    posts(story, twilio.texts[0].fields["StatusCallback"], fields)
    assert len(twilio.calls) == 1, "two minutes early"
    page = story.pages()[0]
    assert (page.state, [(one.status, one.detail) for one in page.receipts]) == (
        "sent",
        [("undelivered", "30003")],
    )
    assert story.entry("page_failed").data["reason"] == "Twilio: undelivered (30003)"


def test_a_call_that_nobody_takes_and_a_text_that_is_lost_lead_to_the_next_step(
    story: OutsideStory, twilio: Twilio
) -> None:
    story.fires()
    posts(story, twilio.texts[0].fields["StatusCallback"], {"MessageStatus": "failed"})
    posts(story, twilio.calls[0].fields["StatusCallback"], {"CallStatus": "no-answer"})
    assert story.paged() == [("ben", 0)]


def test_a_receipt_of_nothing_is_passed_over(story: OutsideStory) -> None:
    for query in ("", "?page=x", "?page=%C3%BC"):
        address = f"{PUBLIC_URL}/webhooks/twilio/status{query}"
        assert posts(story, address, {"MessageStatus": "delivered"}).status_code == 204


def test_a_call_reads_the_incident_twice_and_takes_a_key(story: OutsideStory, twilio: Twilio) -> None:
    story.fires(annotations={"summary": "12 % <fail>"})
    story.advance(minutes=2)
    (call,) = twilio.calls
    answer = posts(story, call.fields["Url"], {"CallSid": call.sid})
    said = heard(answer)
    assert said.count("P 1, incident 1. 12 percent <fail>.") == 2
    assert "Press 1 to acknowledge" in said
    gather = parsed(answer).find("Gather")
    assert gather is not None
    assert gather.get("action") == call.fields["Url"]
    assert parsed(answer).find("Gather/Say[@language='en-GB']/prosody[@rate='85%']") is not None
    assert "You have incident 1" in heard(
        posts(story, call.fields["Url"], {"CallSid": call.sid, "Digits": "1"})
    )
    assert story.incident().acknowledged_by == "ana"
    assert "acknowledged already by Ana Example" in heard(
        posts(story, call.fields["Url"], {"CallSid": call.sid})
    )


def test_a_call_escalates(story: OutsideStory, twilio: Twilio) -> None:
    story.fires()
    story.advance(minutes=2)
    posts(story, twilio.calls[0].fields["Url"], {"CallSid": "CA1", "Digits": "2"})
    assert story.paged() == [("ben", 2)]


def test_a_call_about_nothing_known_ends(story: OutsideStory) -> None:
    assert "out of date" in heard(
        posts(story, f"{PUBLIC_URL}/webhooks/twilio/voice/AAAA", {"CallSid": "CA1"})
    )


def test_a_lost_answer_is_looked_up_and_not_sent_again(story: OutsideStory, twilio: Twilio) -> None:
    twilio.plan.append(loses_the_answer)
    story.fires()
    story.advance(minutes=1)
    assert len(twilio.texts) == 1
    assert len(twilio.asked) == 1
    assert story.pages()[0].state == "sent"
    assert story.pages()[0].attempts[-1].provider_id == twilio.texts[0].sid


@pytest.mark.parametrize("said, taken", [("initiated", True), ("completed", True), ("no-answer", False)])
def test_a_call_whose_answer_was_lost_is_known_by_its_report_and_nobody_is_rung_again(
    begin: Begin, twilio: Twilio, said: str, taken: bool
) -> None:
    story = begin(notify="{high: [{by: voice}, {by: sms, after: 2m}], low: [{by: slack}]}")
    twilio.plan.append(loses_the_answer)
    story.fires()
    (call,) = twilio.calls
    assert call.fields["StatusCallbackEvent"] == "initiated completed"
    posts(story, call.fields["StatusCallback"], {"CallSid": call.sid, "CallStatus": said})
    story.advance(minutes=1)
    assert len(twilio.calls) == 1
    page = next(one for one in story.pages() if one.channel == "voice")
    assert (page.state, page.attempts[-1].error) == (
        ("sent", None) if taken else ("failed", "address: Twilio: no-answer")
    )
    assert len(twilio.texts) == (0 if taken else 1), "where nobody took it, the next channel follows at once"


def test_a_call_of_which_nothing_is_heard_is_made_again(begin: Begin, twilio: Twilio) -> None:
    story = begin(notify="{high: [{by: voice}], low: [{by: slack}]}")
    twilio.plan.append(loses_the_answer)
    story.fires()
    story.advance(minutes=1)
    assert len(twilio.calls) == 2
    assert "repeated" in heard(posts(story, twilio.calls[1].fields["Url"], {"CallSid": "CA2"}))


def test_where_nobody_knows_it_is_sent_again_and_says_so(story: OutsideStory, twilio: Twilio) -> None:
    twilio.plan.append(loses_the_answer)
    twilio.mute = True
    story.fires()
    story.advance(minutes=1)
    assert [body.startswith("Repeat: P1 INC-1") for body in twilio.bodies()] == [False, True]


def test_an_attempt_that_did_nothing_is_made_again_unmarked(story: OutsideStory, twilio: Twilio) -> None:
    twilio.plan.append(answers(503))
    story.fires()
    story.advance(minutes=1)
    assert [body[:8] for body in twilio.bodies()] == ["P1 INC-1"]


def test_a_rate_limit_is_waited_out(story: OutsideStory, twilio: Twilio) -> None:
    twilio.plan.append(answers(429, 20429, after=60))
    story.fires()
    story.advance(seconds=59)
    assert twilio.texts == []
    story.advance(seconds=10)
    assert len(twilio.texts) == 1


@pytest.mark.parametrize("kind, said", [("opted_out", "START allows"), ("landlines", "not a mobile")])
def test_a_number_that_takes_no_texts_is_called_at_once(
    story: OutsideStory, twilio: Twilio, kind: str, said: str
) -> None:
    getattr(twilio, kind).add(ANA)
    story.fires()
    assert len(twilio.calls) == 1
    assert said in str(story.entry("page_failed").data["reason"])
    assert ANA not in str(story.entry("page_failed").data["reason"])


def test_whoever_is_asked_again_answers_by_text(begin: Begin, twilio: Twilio) -> None:
    story = begin(ack_timeout="{high: 30m}")
    story.fires()
    replies(story, "1", sid="SM1")
    story.advance(minutes=30)
    asked = twilio.bodies()[-1]
    assert len(twilio.texts) == 2
    assert segments(asked) <= 2
    assert "INC-1" in asked
    replies(story, "1", sid="SM2")
    story.advance(minutes=10)
    assert story.incident().acknowledged_by == "ana"
    assert story.incident().epoch == 1


def test_whoever_is_asked_again_answers_by_key(begin: Begin, twilio: Twilio) -> None:
    story = begin(ack_timeout="{high: 30m}", notify="{high: [{by: voice}], low: [{by: slack}]}")
    story.fires()
    posts(story, twilio.calls[0].fields["Url"], {"CallSid": "CA1", "Digits": "1"})
    story.advance(minutes=30)
    address = twilio.calls[-1].fields["Url"]
    assert len(twilio.calls) == 2
    assert "are you still on it" in heard(posts(story, address, {"CallSid": "CA2"}))
    posts(story, address, {"CallSid": "CA2", "Digits": "1"})
    story.advance(minutes=10)
    assert story.incident().acknowledged_by == "ana"


def test_without_a_public_address_texts_go_out_alone() -> None:
    client = Client()
    values = {**ENVIRON, "INCIDENT_BOT_PUBLIC_URL": "http://127.0.0.1:8080"}
    assert NOTIFIERS["sms"].build(values, client, print) is not None
    assert NOTIFIERS["voice"].build(values, client, print) is None
    client.close()


@pytest.mark.parametrize(
    "status, code, reason",
    [
        (400, 21211, GiveUpReason.ADDRESS),
        (400, 21610, GiveUpReason.ADDRESS),
        (400, 21408, GiveUpReason.ADDRESS),
        (401, 20003, GiveUpReason.AUTH),
        (400, 21606, GiveUpReason.REFUSED),
        (400, 20429, None),
        (500, 20500, None),
    ],
)
def test_what_errors_mean(twilio: Twilio, status: int, code: int, reason: GiveUpReason | None) -> None:
    client = Client()
    values = {**ENVIRON, "INCIDENT_BOT_TWILIO_API_URL": twilio.url}
    notifier = NOTIFIERS["sms"].build(values, client, print)
    ana = Person(id="ana", name="Ana", contacts={"sms": ANA})
    message = Message(key="k", kind="page", recipient="ana", person=ana, subject="P1", text="P1")
    twilio.plan.append(answers(status, code))
    assert notifier is not None
    with pytest.raises(GiveUp if reason else RetryLater) as problem:
        notifier.send(message)
    assert getattr(problem.value, "reason", None) == reason
    assert ANA not in str(problem.value)
    client.close()


def test_where_each_is_to_answer_a_text_and_a_key_are_their_senders_own(begin: Begin, twilio: Twilio) -> None:
    each = SEVERITIES.replace("respond_within: 5m", "acks: each, respond_within: 5m")
    matrix = {"P1": "[{page: [on_call, lead]}, {after: 15m, page: [manager]}]"}
    story = begin(severities=each, matrix=matrix)
    story.fires(alertname="One")
    assert "You have your part of INC-1; it waits for ben" in (replies(story, "ACK") or "")
    assert story.incident().taken_by == ("ana",)
    story.advance(minutes=2)
    assert twilio.calls == [], "the call to the one who answered is taken back"
    story.fires(alertname="Two")
    story.advance(minutes=2)
    (call,) = twilio.calls
    posts(story, call.fields["Url"], {"CallSid": call.sid, "Digits": "1"})
    assert story.incident().taken_by == ("ana",)
