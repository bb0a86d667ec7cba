"""Why somebody was not paged, read from the record: routes, verdicts, reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_bot.core.model import Disposition, Episode, Event, Flag, JsonObject, Kind, Status
from incident_bot.core.why import (
    Code,
    entry_of,
    paged_people,
    reasons,
    routes_tried,
    silenced,
    stopped,
    unplaced,
    unreachable,
    verdict,
)

AT = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
NAMES = {"ana": "Ana Example"}
EPISODE = Episode(
    id=7,
    source="alertmanager",
    key="k",
    fingerprint="f",
    labels={"alertname": "A"},
    annotations={},
    status=Status.FIRING,
    starts_at=AT,
    opened_at=AT,
    updated_at=AT,
)


def tried(place: str, matcher: str, matched: bool, value: str = "") -> JsonObject:
    return {"place": place, "matcher": matcher, "matched": matched, "value": value}


def event(kind: Kind, minutes: float = 0, **data: Any) -> Event:
    return Event(
        kind=kind, actor="escalation", source="worker", happened_at=AT + timedelta(minutes=minutes), data=data
    )


def test_routes_are_counted_and_say_which_matcher_failed_on_what() -> None:
    why: JsonObject = {
        "tried": [
            tried("routing.yaml:3", 'a="1"', True, "1"),
            tried("routing.yaml:3", 'b="2"', False, "3"),
            # Two routes on one line.
            tried("routing.yaml:4", 'a="x"', False, "1"),
            tried("routing.yaml:4", 'a="y"', False, ""),
            tried("routing.yaml:5", "{}", True),
        ]
    }
    found = routes_tried(why)
    assert [(one.number, one.place, one.matched, one.failed, one.value) for one in found] == [
        (1, "routing.yaml:3", False, 'b="2"', "3"),
        (2, "routing.yaml:4", False, 'a="x"', "1"),
        (3, "routing.yaml:4", False, 'a="y"', ""),
        (4, "routing.yaml:5", True, None, None),
    ]
    assert found[0].matchers == ('a="1"', 'b="2"')
    assert found[3].matchers == ()


@pytest.mark.parametrize("why", [None, {}, {"tried": "x"}, {"tried": [1, "x"]}])
def test_a_record_without_routes_tells_of_none(why: JsonObject | None) -> None:
    assert routes_tried(why) == ()


@pytest.mark.parametrize(
    "changes, rule, part",
    [
        ({}, "I5", "a new episode"),
        ({"refires": 1}, "I5", "fired again once"),
        ({"refires": 3}, "I5", "fired again 3 times"),
        ({"flags": frozenset({Flag.UNCONFIRMED})}, "I5", "(I8)"),
        ({"flags": frozenset({Flag.PARTIAL})}, "I5", "(I9)"),
        ({"flags": frozenset({Flag.HELD_REFIRE})}, "I6", "held"),
        ({"closed_at": AT, "status": Status.RESOLVED}, "I7", "had ended"),
        ({"closed_at": AT, "status": Status.RESOLVED, "incident_id": 1}, "I5", "a new episode"),
    ],
)
def test_the_verdict_names_its_rule(changes: dict[str, Any], rule: str, part: str) -> None:
    found = verdict(replace(EPISODE, **changes))
    assert found[0] == rule
    assert part in found[1]


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"incident_id": 1}, None),
        ({"reason": "recorded only: routing.yaml:3 says so"}, Code.RECORDED),
        ({}, Code.RECORDED),
        ({"disposition": Disposition.NOTIFY, "reason": "told to the channel"}, Code.CHANNEL_ONLY),
        ({"disposition": Disposition.HELD, "reason": "waits until"}, Code.HELD),
        ({"flags": frozenset({Flag.HELD_REFIRE})}, Code.REFIRE_HELD),
        ({"closed_at": AT}, Code.ENDED_UNSEEN),
        ({"closed_at": AT, "reason": "ended before it was seen firing"}, Code.ENDED_UNSEEN),
        (
            {"closed_at": AT + timedelta(minutes=1), "reason": "ended before it was let through (waits)"},
            Code.ENDED_BEFORE,
        ),
    ],
)
def test_an_alert_without_an_incident_has_a_reason(changes: dict[str, Any], code: Code | None) -> None:
    found = unplaced(replace(EPISODE, **changes))
    assert (found.code if found else None) == code
    assert found is None or found.text


@pytest.mark.parametrize(
    "changes, part",
    [
        ({}, None),
        ({"flags": frozenset({Flag.SILENCED})}, "silenced"),
        ({"flags": frozenset({Flag.INHIBITED})}, "inhibited"),
        ({"flags": frozenset({Flag.SILENCED}), "status": Status.RESOLVED}, None),
    ],
)
def test_what_its_source_keeps_quiet_is_said(changes: dict[str, Any], part: str | None) -> None:
    found = silenced(replace(EPISODE, **changes))
    assert (found is None) == (part is None)
    assert found is None or (part or "") in found.text


@pytest.mark.parametrize(
    "kind, data, codes",
    [
        (Kind.STEP, {"step": 0, "people": [{"person": "ana"}], "unreachable": []}, []),
        (Kind.STEP, {"step": 1, "unreachable": ["ana"]}, [Code.NO_CHANNEL]),
        (Kind.NOBODY, {"step": "?", "unreachable": ["ana", "ben"]}, [Code.NO_CHANNEL, Code.NO_CHANNEL]),
        (
            Kind.NOBODY,
            {"step": 0, "unreachable": [], "reason": "nobody stands behind on_call"},
            [Code.NOBODY],
        ),
        (Kind.PAUSED, {"reason": "maintenance: works"}, [Code.MAINTENANCE]),
        (Kind.PAUSED, {"reason": "every alert of it is silenced"}, [Code.SILENCED]),
        (Kind.PAUSED, {"reason": "something"}, [Code.PAUSED]),
        (Kind.EXHAUSTED, {"people": []}, [Code.EXHAUSTED]),
        (Kind.PAGE_FAILED, {"person": "ana", "via": "sms", "reason": "no"}, [Code.NOT_DELIVERED]),
        (Kind.PAGES_CANCELLED, {"count": 1, "people": ["ana"], "reason": "acknowledged"}, [Code.TAKEN_BACK]),
        (Kind.ACKNOWLEDGED, {"by": "ana"}, [Code.ACKNOWLEDGED]),
        (Kind.SNOOZED, {}, [Code.SNOOZED]),
        (Kind.RESOLVED, {}, [Code.RESOLVED]),
        (Kind.CANCELLED, {}, [Code.CANCELLED]),
        (Kind.MERGED, {}, [Code.MERGED]),
        (Kind.NOTE, {"text": "x"}, []),
    ],
)
def test_every_reason_on_a_timeline_has_a_code(kind: Kind, data: dict[str, Any], codes: list[Code]) -> None:
    found = reasons([event(kind, **data)], NAMES)
    assert [one.code for one in found] == codes
    assert all(one.text and one.at == AT for one in found)


def test_a_reason_about_one_person_names_them() -> None:
    (lost,) = reasons([event(Kind.PAGE_FAILED, person="ana", via="sms")], NAMES)
    (dead,) = reasons([event(Kind.STEP, step=0, unreachable=["ana"])], NAMES)
    assert (lost.person, dead.person) == ("ana", "ana")
    assert dead.text == "No channel reaches Ana Example at step 1"


def test_what_ended_paging_first() -> None:
    events = [event(Kind.SNOOZED, 1), event(Kind.NOTE, 2), event(Kind.ACKNOWLEDGED, 3, by="ana")]
    found = stopped(events, NAMES, AT + timedelta(minutes=2))
    assert found is not None
    assert (found.code, found.text) == (Code.ACKNOWLEDGED, "Ana Example acknowledged")
    assert stopped(events, NAMES, AT + timedelta(minutes=4)) is None


def test_the_event_that_brought_an_alert_is_the_newest_that_tells_of_it() -> None:
    def of(number: int, fingerprint: str = "f") -> list[JsonObject]:
        return [{"episode_id": number, "fingerprint": fingerprint}]

    opened = event(Kind.OPENED, alerts=of(0))
    merged = event(Kind.MERGED_HERE, 5, alerts=of(7))
    other = event(Kind.ALERT_ATTACHED, 6, alerts=of(8))
    ended = event(Kind.ALERT_RESOLVED, 7, alerts=of(7))
    assert entry_of([opened, other, ended], "f", 7) is opened
    assert entry_of([opened, merged, other], "f", 7) is merged
    assert entry_of([opened], "g", 7) is None
    assert entry_of([], "f", 7) is None


def test_whom_an_event_pages() -> None:
    step = event(
        Kind.STEP,
        people=[{"person": "ana", "why": "on call"}, {"person": "ben"}, {}],
        unreachable=["cleo", 1],
    )
    assert paged_people(step) == (("ana", "on call"), ("ben", ""))
    assert unreachable(step) == ("cleo",)
    assert paged_people(event(Kind.NOTE)) == ()
    assert unreachable(event(Kind.NOTE, unreachable="cleo")) == ()
