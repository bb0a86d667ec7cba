"""What a PagerDuty event holds, and that no message is too much for it, against a service that is strict."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from incident_bot.core.model import Person
from incident_bot.notifiers import NOTIFIERS, Notifier
from incident_bot.notifiers.base import GiveUp, GiveUpReason, Message, Receipt
from incident_bot.outgoing import Client
from tests.fakes.pagerduty import PagerDuty

KEY = "0123456789abcdef0123456789abcdef"
LAKE = "fedcba9876543210fedcba9876543210"
MESSAGE = Message(
    key="page:1:1:0:0:pagerduty/default:pagerduty",
    kind="page",
    recipient="pagerduty/default",
    person=None,
    subject="P1: 5xx above 5 %",
    text="P1: 5xx above 5 %\nTake it: ack INC-1",
    url="https://bot.example.com/incidents/INC-1",
    facts={"alert_key": "incident-bot/INC-1/20260303T030000Z/1/default", "rank": 1, "source": "web-1"},
)
LARGE = "x" * 700_000


@pytest.fixture
def server() -> Iterator[PagerDuty]:
    with PagerDuty({KEY: "web", LAKE: "lake"}) as found:
        yield found


@pytest.fixture
def wire(server: PagerDuty) -> Iterator[Callable[..., Notifier]]:
    with ExitStack() as stack:

        def build(**values: str) -> Notifier:
            client = Client()
            stack.callback(client.close)
            environ = {"INCIDENT_BOT_PAGERDUTY_EVENTS_URL": server.url, **values}
            notifier = NOTIFIERS["pagerduty"].build(environ, client, lambda _text: None)
            assert notifier is not None
            return notifier

        yield build


@pytest.fixture
def notifier(wire: Callable[..., Notifier]) -> Notifier:
    return wire(PAGERDUTY_ROUTING_KEY=KEY, PAGERDUTY_ROUTING_KEY_THE_LAKE=LAKE)


def test_the_receipt_is_the_key_of_the_alert(notifier: Notifier, server: PagerDuty) -> None:
    assert notifier.send(MESSAGE) == Receipt(provider_id=str(MESSAGE.facts["alert_key"]))
    (event,) = server.events
    assert (event["routing_key"], event["client"]) == (KEY, "incident-bot")


@pytest.mark.parametrize("recipient", ["pagerduty/the-lake", "pagerduty/the_lake"])
def test_the_name_of_a_key_is_that_of_its_variable(
    notifier: Notifier, server: PagerDuty, recipient: str
) -> None:
    notifier.send(replace(MESSAGE, recipient=recipient))
    assert server.events[0]["routing_key"] == LAKE


def test_whom_it_reaches(notifier: Notifier, wire: Callable[..., Notifier]) -> None:
    alice = Person(id="alice", name="Alice", contacts={"pagerduty": "PALICE"})
    assert notifier.reaches(alice)
    assert not notifier.reaches(replace(alice, contacts={}))
    assert notifier.reaches(Person(id="pagerduty/the-lake", name="x"))
    assert not notifier.reaches(Person(id="pagerduty/nowhere", name="x"))
    assert not wire(PAGERDUTY_ROUTING_KEY_THE_LAKE=LAKE).reaches(alice), "people are paged by the default key"


@pytest.mark.parametrize(
    "rank, kind, severity",
    [
        (0, "page", "critical"),
        (1, "page", "error"),
        (2, "page", "warning"),
        (3, "page", "info"),
        (9, "page", "info"),
        (None, "page", "critical"),
        (0, "handoff", "info"),
    ],
)
def test_severities_are_those_of_the_service(
    notifier: Notifier, server: PagerDuty, rank: int | None, kind: str, severity: str
) -> None:
    notifier.send(replace(MESSAGE, kind=kind, facts={**MESSAGE.facts, "rank": rank}))
    assert server.events[0]["payload"]["severity"] == severity


TOO_MUCH: Mapping[str, Message] = {
    "a long subject": replace(MESSAGE, subject="s" * 5000),
    "a long text": replace(MESSAGE, text=LARGE),
    "a long key": replace(MESSAGE, key="k" * 5000, facts={}),
    "one large detail": replace(MESSAGE, facts={"details": {"why": LARGE, "incident": "INC-1"}}),
    "many details": replace(MESSAGE, facts={"details": {f"d{n}": "y" * 300 for n in range(5000)}}),
    "characters of many bytes": replace(MESSAGE, facts={"details": {"why": "\U0001f525" * 100_000}}),
    "many links": replace(MESSAGE, facts={"links": [{"href": f"https://x/{'y' * 30_000}"}] * 50}),
    "links without an address": replace(MESSAGE, facts={"links": [{"text": "x"}, "y", {"href": 1}]}),
    "an image that is not served via HTTPS": replace(MESSAGE, facts={"images": [{"src": "http://x/y.png"}]}),
    "half of a surrogate pair": replace(
        MESSAGE, subject="\ud800", facts={"class": "\udfff", "alert_key": "\ud800"}
    ),
    "nothing": replace(MESSAGE, subject="", text="", facts={}, url=None),
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_whatever_is_too_much_is_cut_and_never_refused(
    notifier: Notifier, server: PagerDuty, case: str
) -> None:
    notifier.send(TOO_MUCH[case])
    assert len(server.events) == 1
    assert not server.refused


def test_what_matters_least_is_left_out_first(notifier: Notifier, server: PagerDuty) -> None:
    notifier.send(TOO_MUCH["one large detail"])
    details = server.events[0]["payload"]["custom_details"]
    assert details["why"] == "left out: the event was too large"
    assert (details["incident"], details["text"]) == ("INC-1", MESSAGE.text)


@pytest.mark.parametrize("key", ["short", "z" * 32])
def test_a_key_of_nobody_is_refused_without_being_told(
    wire: Callable[..., Notifier], server: PagerDuty, key: str
) -> None:
    with pytest.raises(GiveUp) as refusal:
        wire(PAGERDUTY_ROUTING_KEY=key).send(MESSAGE)
    assert refusal.value.reason is GiveUpReason.AUTH
    assert key not in str(refusal.value)
    assert len(server.refused) == 1


def test_an_address_may_be_the_whole_of_it(wire: Callable[..., Notifier], server: PagerDuty) -> None:
    address = f"{server.url}/v2/enqueue"
    notifier = wire(PAGERDUTY_ROUTING_KEY=KEY, INCIDENT_BOT_PAGERDUTY_EVENTS_URL=address)
    notifier.send(MESSAGE)
    assert len(server.events) == 1


@pytest.mark.parametrize(
    "kind, action",
    [("acknowledge", "acknowledge"), ("resolve", "resolve"), ("ask", "acknowledge"), ("note", "acknowledge")],
)
def test_what_became_of_it_is_three_fields(
    notifier: Notifier, server: PagerDuty, kind: str, action: str
) -> None:
    notifier.send(replace(MESSAGE, kind=kind))
    wanted: dict[str, Any] = {
        "event_action": action,
        "dedup_key": MESSAGE.facts["alert_key"],
        "routing_key": KEY,
    }
    assert json.loads(json.dumps(server.events[0])) == wanted


CHANGE = replace(
    MESSAGE,
    kind="change",
    subject="Configuration applied",
    facts={"revision": "r1", "at": "2026-03-03T03:00:00Z"},
)


def test_a_change_event_rings_for_nobody(notifier: Notifier, server: PagerDuty) -> None:
    assert notifier.send(CHANGE) == Receipt()
    (change,) = server.changes
    assert change["routing_key"] == KEY
    assert change["payload"]["summary"] == "Configuration applied"
    assert server.events == []


@pytest.mark.parametrize(
    "odd",
    [
        {"subject": "s" * 5000, "text": LARGE},
        {"subject": "", "text": "", "url": None, "facts": {}},
        {"subject": "half \ud83d", "text": "half \ud83d", "facts": {"revision": LARGE, "at": None}},
    ],
)
def test_no_change_event_is_too_much(odd: dict[str, Any], notifier: Notifier, server: PagerDuty) -> None:
    notifier.send(replace(CHANGE, **odd))
    assert server.refused == []
    assert len(server.changes) == 1


def test_a_change_event_for_no_key_is_given_up(notifier: Notifier, server: PagerDuty) -> None:
    with pytest.raises(GiveUp) as refused:
        notifier.send(replace(CHANGE, recipient="pagerduty/nothing"))
    assert refused.value.reason is GiveUpReason.ADDRESS
    assert server.changes == []
