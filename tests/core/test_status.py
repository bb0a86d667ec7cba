"""The status page: what is derived from published incidents, the history, and what a text may not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.model import ComponentState, Event, Kind, Phase
from incident_bot.core.status import (
    DAYS,
    Board,
    Component,
    ComponentStatus,
    Draft,
    End,
    Fault,
    Indicator,
    Known,
    PublicIncident,
    PublicMaintenance,
    PublicPhase,
    StatusPage,
    Stretch,
    board,
    lint,
    publication,
    worst,
)

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DEGRADED, PARTIAL, MAJOR = (
    ComponentState.DEGRADED_PERFORMANCE,
    ComponentState.PARTIAL_OUTAGE,
    ComponentState.MAJOR_OUTAGE,
)
GOOD, WORKS = ComponentState.OPERATIONAL, ComponentState.UNDER_MAINTENANCE
PAGE = StatusPage(
    name="Shop",
    url="https://status.example.com",
    components=(
        Component(key="checkout", name="Checkout", services=frozenset({"checkout"})),
        Component(key="site", name="Website", teams=frozenset({"platform"}), since=date(2026, 3, 1)),
    ),
    severities={"P1": MAJOR, "P2": PARTIAL},
)


def event(kind: Kind, minute: float = 0, **data: Any) -> Event:
    return Event(
        kind=kind,
        actor="ana",
        source="test",
        happened_at=NOW + minute * MINUTE,
        data=data,
        hash=f"{kind}{minute}",
    )


def published(minute: float = 0, **data: Any) -> Event:
    told = {
        "title": "Payments fail",
        "text": "Some cards fail.",
        "components": ["checkout"],
        "state": MAJOR.value,
    }
    return event(Kind.PUBLISHED, minute, **{**told, **data})


def read(*events: Event, end: End | None = None) -> PublicIncident:
    found = publication(7, NOW - 5 * MINUTE, events, end=end)
    assert found is not None
    return found


# What the public reads of an incident.


def test_nothing_is_public_until_somebody_publishes() -> None:
    told = [
        event(Kind.OPENED),
        event(Kind.UPDATE_POSTED, 1, text="db-3 is on fire", public=True),
        event(Kind.NOTE, 2),
    ]
    assert publication(7, NOW, told) is None


def test_what_was_said_before_and_inside_is_not_shown() -> None:
    found = read(
        event(Kind.UPDATE_POSTED, 0, text="before", public=True),
        published(1, next_update_at="2026-03-03T13:00:00+00:00"),
        event(Kind.UPDATE_POSTED, 2, text="inside"),
        event(Kind.NOTE, 3, text="db-3"),
    )
    assert [one.text for one in found.updates] == ["Some cards fail."]
    assert found.next_update_at == NOW + HOUR
    assert [found.is_overdue(NOW + at * MINUTE) for at in (59, 60)] == [False, True]
    assert not replace(found, next_update_at=None).is_overdue(NOW + DAY)
    assert (found.number, found.title, found.is_open) == (7, "Payments fail", True)
    assert found.id == "published1"


def test_phases_are_shown_in_the_words_of_the_public_and_only_when_they_change() -> None:
    found = read(
        published(),
        event(Kind.ACKNOWLEDGED, 1, phase="investigating"),
        event(Kind.PHASE_CHANGED, 2, phase="mitigating"),
        event(Kind.UPDATE_POSTED, 3, text="A fix is on its way.", public=True, next_update_at=None),
        event(Kind.RESOLVE_OFFERED, 4, phase="monitoring"),
        event(Kind.RESOLVED, 5, phase="resolved"),
        event(Kind.PHASE_CHANGED, 6, phase="closed"),
    )
    assert [(one.phase.value, one.text) for one in found.updates] == [
        ("investigating", "Some cards fail."),
        ("identified", ""),
        ("identified", "A fix is on its way."),
        ("monitoring", ""),
        ("resolved", ""),
    ]
    assert found.resolved_at == NOW + 5 * MINUTE
    assert not found.is_open
    assert found.stretches == (
        Stretch(components=("checkout",), state=MAJOR, start=NOW - 5 * MINUTE, end=NOW + 5 * MINUTE),
    )
    assert found.updated_at == NOW + 5 * MINUTE


def test_what_is_reopened_is_out_again_and_a_word_after_the_end_opens_nothing() -> None:
    told = (published(), event(Kind.RESOLVED, 5, phase="resolved"))
    after = read(*told, published(6, state=PARTIAL.value, text="All is well."))
    assert len(after.stretches) == 1
    assert after.updates[-1].text == "All is well."
    again = read(*told, event(Kind.REOPENED, 9, phase="triage"))
    assert again.is_open
    assert [(one.start, one.end) for one in again.stretches] == [
        (NOW - 5 * MINUTE, NOW + 5 * MINUTE),
        (NOW + 9 * MINUTE, None),
    ]


def test_another_state_or_another_component_holds_from_its_publication_on() -> None:
    found = read(
        published(), published(4), published(10, state=PARTIAL.value, components=["checkout", "site"])
    )
    assert [(one.components, one.state, one.end) for one in found.stretches] == [
        (("checkout",), MAJOR, NOW + 10 * MINUTE),
        (("checkout", "site"), PARTIAL, None),
    ]
    assert found.stretches[1].start == NOW + 10 * MINUTE


def test_what_is_taken_off_is_gone_and_begins_anew() -> None:
    assert publication(7, NOW, [published(), event(Kind.UNPUBLISHED, 1)]) is None
    found = read(published(), event(Kind.UNPUBLISHED, 1), published(5, text="Cards fail."))
    assert [one.text for one in found.updates] == ["Cards fail."]
    assert found.published_at == NOW + 5 * MINUTE


def test_an_incident_published_when_it_was_over_is_over() -> None:
    found = publication(9, NOW, [event(Kind.RESOLVED, 1, phase="resolved"), replace(published(2), hash="")])
    assert found is not None
    assert (found.resolved_at, found.stretches, found.id) == (NOW + 2 * MINUTE, (), "000000000009")


def test_a_merged_incident_goes_on_and_ends_with_the_other_one() -> None:
    goes_on = read(published(), end=End(phase=Phase.MITIGATING, resolved_at=None))
    assert (goes_on.is_open, goes_on.phase) == (True, PublicPhase.IDENTIFIED)
    over = read(published(), end=End(phase=Phase.RESOLVED, resolved_at=NOW + HOUR))
    assert over.resolved_at == NOW + HOUR
    assert publication(7, NOW, [], end=End(phase=Phase.RESOLVED, resolved_at=NOW)) is None


# The page.


def incident(
    start: datetime, end: datetime | None, state: ComponentState = MAJOR, number: int = 1
) -> PublicIncident:
    begun = read(published(state=state.value))
    stretch = Stretch(components=("checkout",), state=state, start=start, end=end)
    return replace(begun, number=number, started_at=start, resolved_at=end, stretches=(stretch,), state=state)


def maintained(start: datetime, end: datetime) -> PublicMaintenance:
    return PublicMaintenance(
        id="m1",
        title="New disks",
        text="",
        components=("checkout",),
        start=start,
        end=end,
        announced_at=NOW - DAY,
    )


def test_maintenance_runs_from_its_start_to_before_its_end() -> None:
    work = maintained(NOW, NOW + HOUR)
    assert [work.runs(NOW + at * MINUTE) for at in (-1, 0, 59, 60)] == [False, True, True, False]


def checkout(shown: Board) -> ComponentStatus:
    return shown.components[0]


WHOLES: Mapping[str, tuple[list[PublicIncident], list[PublicMaintenance], ComponentState, Indicator, str]] = {
    "nothing": ([], [], GOOD, Indicator.NONE, "All systems operational"),
    "maintenance": ([], [maintained(NOW, NOW + HOUR)], WORKS, Indicator.NONE, "Maintenance in progress"),
    "to come": ([], [maintained(NOW + HOUR, NOW + DAY)], GOOD, Indicator.NONE, "All systems operational"),
    "degraded": ([incident(NOW, None, DEGRADED)], [], DEGRADED, Indicator.MINOR, "Degraded performance"),
    "partial": ([incident(NOW, None, PARTIAL)], [], PARTIAL, Indicator.MAJOR, "Partial outage"),
    "major": ([incident(NOW, None)], [], MAJOR, Indicator.CRITICAL, "Major outage"),
    "both": ([incident(NOW, None, DEGRADED)], [maintained(NOW, NOW + HOUR)], DEGRADED, Indicator.MINOR,
             "Degraded performance"),
    "over": ([incident(NOW - HOUR, NOW)], [], GOOD, Indicator.NONE, "All systems operational"),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLES)
def test_the_worst_says_how_the_whole_is(case: str) -> None:
    incidents, works, state, indicator, words = WHOLES[case]
    shown = board(PAGE, incidents, works, now=NOW)
    assert (shown.state, checkout(shown).state) == (state, state)
    assert (shown.indicator, shown.description) == (indicator, words)
    assert shown.components[1].state is GOOD


def test_an_incident_without_a_component_still_shows() -> None:
    stray = replace(incident(NOW, None, PARTIAL), components=(), stretches=())
    shown = board(PAGE, [stray], [], now=NOW)
    assert (shown.state, checkout(shown).state, shown.open) == (PARTIAL, GOOD, (stray,))


def test_what_is_open_what_is_past_and_what_is_too_old() -> None:
    old = incident(NOW - 200 * DAY, NOW - 100 * DAY, number=1)
    past = incident(NOW - 2 * DAY, NOW - DAY, number=2)
    first, second = incident(NOW - HOUR, None, number=3), incident(NOW, None, number=4)
    works = [maintained(NOW + HOUR, NOW + DAY), maintained(NOW - DAY, NOW)]
    shown = board(PAGE, [old, past, first, second], works, now=NOW)
    assert (shown.open, shown.past) == ((second, first), (past,))
    assert shown.maintenance == (works[0],)
    assert shown.updated_at == NOW
    assert board(PAGE, [], [], now=NOW).updated_at is None


def test_what_is_called_off_is_shown_for_a_day_and_is_no_maintenance() -> None:
    off = replace(maintained(NOW + HOUR, NOW + HOUR), called_off_at=NOW)
    shown = board(PAGE, [], [off], now=NOW + 2 * HOUR)
    assert (shown.maintenance, shown.announced, shown.called_off) == ((), (off,), (off,))
    assert (shown.state, shown.updated_at) == (GOOD, NOW)
    assert board(PAGE, [], [off], now=NOW + DAY).called_off == ()


def test_the_history_has_ninety_days_of_utc_and_days_without_data() -> None:
    shown = board(PAGE, [incident(NOW - 12 * HOUR - HOUR, NOW - 11 * HOUR)], [], now=NOW)
    days = checkout(shown).days
    assert (len(days), days[0].date, days[-1].date) == (DAYS, date(2025, 12, 4), date(2026, 3, 3))
    assert [(day.state, day.out) for day in days[-2:]] == [(MAJOR, HOUR), (MAJOR, HOUR)]
    young = shown.components[1].days
    assert [day.state for day in young] == [None] * (DAYS - 3) + [GOOD] * 3


UPTIMES: Mapping[str, tuple[list[PublicIncident], str]] = {
    "none": ([], "100.00"),
    "a second": ([incident(NOW - HOUR, NOW - HOUR + timedelta(seconds=1))], "99.99"),
    "a day": ([incident(NOW - 2 * DAY, NOW - DAY)], "98.88"),
    "degraded": ([incident(NOW - 2 * DAY, None, DEGRADED)], "100.00"),
    "partial": ([incident(NOW - 2 * DAY, NOW - DAY, PARTIAL)], "99.66"),
    "one over the other": (
        [incident(NOW - 2 * DAY, NOW - DAY), incident(NOW - 2 * DAY, NOW - DAY, PARTIAL, number=2)],
        "98.88",
    ),
    "always": ([incident(NOW - 200 * DAY, None)], "0.00"),
}


@pytest.mark.parametrize("case", UPTIMES)
def test_uptime_counts_the_worst_and_is_never_rounded_up(case: str) -> None:
    incidents, uptime = UPTIMES[case]
    assert checkout(board(PAGE, incidents, [], now=NOW)).uptime == uptime


def test_a_component_of_tomorrow_has_lost_nothing() -> None:
    young = replace(PAGE, components=(Component(key="new", name="New", since=date(2027, 1, 1)),))
    assert board(young, [], [], now=NOW).components[0].uptime == "100.00"


@given(
    st.lists(
        st.tuples(
            st.integers(-200 * 24, 0),
            st.integers(0, 100 * 24) | st.none(),
            st.sampled_from([DEGRADED, PARTIAL, MAJOR]),
        ),
        max_size=6,
    )
)
def test_whatever_happened_the_numbers_hold_together(
    told: list[tuple[int, int | None, ComponentState]],
) -> None:
    incidents = [
        incident(start, None if length is None else min(start + length * HOUR, NOW), state, number)
        for number, (at, length, state) in enumerate(told)
        for start in (NOW + at * HOUR,)
    ]
    shown = board(PAGE, incidents, [], now=NOW)
    status = checkout(shown)
    assert len(status.days) == DAYS
    assert all(timedelta(0) <= day.out <= DAY for day in status.days)
    assert 0 <= float(status.uptime) <= 100
    assert status.state is worst(one.state for one in incidents if one.is_open)
    if any(day.out for day in status.days):
        assert status.uptime != "100.00"
    more = board(PAGE, [*incidents, incident(NOW - HOUR, None, number=99)], [], now=NOW)
    assert float(checkout(more).uptime) <= float(status.uptime)
    assert more.state.badness >= shown.state.badness


def test_components_are_found_by_service_then_by_team_and_by_any_name() -> None:
    assert PAGE.standing_for("checkout", "platform") == ("checkout",)
    assert PAGE.standing_for("ledger", "platform") == ("site",)
    assert PAGE.standing_for(None, "payments") == ()
    assert [one and one.key for one in map(PAGE.named, ("CHECKOUT", "website", "x"))] == [
        "checkout",
        "site",
        None,
    ]
    assert PAGE.names(("site", "gone", "checkout")) == ("Checkout", "Website")


# What a text may not say.

FINE = Draft(
    title="Checkout: some payments fail",
    text="About one payment in ten fails. Others are not affected.",
    components=("checkout",),
    state=MAJOR,
    phase=PublicPhase.INVESTIGATING,
    next_update_at=NOW + HOUR,
    first=True,
)
KNOWN = Known(
    people=frozenset({"Dora Example", "dora", "Al"}),
    hosts=frozenset({"kestrel", "db"}),
    allow=frozenset({"example.com", "covid-19", "x-1"}),
)


def faults(known: Known = KNOWN, **changes: Any) -> list[str]:
    return [one.fault.value for one in lint(replace(FINE, **changes), known)]


def test_a_good_message_has_no_findings() -> None:
    assert lint(FINE, KNOWN) == ()


TEXTS: Mapping[str, list[str]] = {
    "Payments fail on kestrel.": ["host"],
    "Payments fail on db.": [],
    "KESTREL fails.": ["host"],
    "kestrels fail.": [],
    "Payments fail: pg-eu-3 is full.": ["host"],
    "web01 fails.": ["host"],
    "ip-10-0-0-1 fails.": ["host"],
    "prod-db01 fails.": ["host"],
    "checkout-prod-eu1-a fails.": ["host"],
    "Pods web-7f9c6d5b4-x2x4z fail.": ["host"],
    "Orders of the mid-90s and mid-2010s fail, post-9am and end-to-end.": [],
    "Errors in orders.svc.cluster.local today.": ["host"],
    "Payments at https://shop.example.com/pay fail.": [],
    "Payments at https://grafana.internal/d/1 fail.": ["link", "host"],
    "See example.com: it fails.": [],
    "See evil-example.com: it fails.": ["host"],
    "Payments fail since covid-19 came.": [],
    "Errors from 10.1.2.3 only.": ["address"],
    "Errors from 2001:db8:0:1::1 and fe80::1.": ["address", "address"],
    "Version 1.2.3 fails.": [],
    "From 14:30:05 on payments fail: all of them.": [],
    "Errors from 02:42:ac:11:00:02.": ["address"],
    "At 14:30 payments fail.": [],
    "It fails, dora looks at it.": ["person"],
    "It fails, Dora Example looks at it.": ["person", "person", "person"],
    "Also Alabama fails.": [],
    "It fails; write to help@acme.org.": ["person"],
    "It fails; call +49 151 0000 0000.": ["person"],
    "It fails, ask @oncall or <@U0123>.": ["person", "person"],
    "INC-42 fails.": ["internal", "host"],
    "It fails with token=abc123def.": ["token"],
    "It probably fails.": ["guess"],
    "We think that it fails.": ["guess"],
    "The root cause is known, payments fail.": ["guess"],
    "We are looking into it.": ["impact"],
    "It fails" + "!" * 2000: ["length"],
}


@pytest.mark.parametrize("text", TEXTS)
def test_what_leaks_and_what_is_a_guess_is_found(text: str) -> None:
    title = "Checkout" if TEXTS[text] == ["impact"] else FINE.title
    assert sorted(faults(text=text, title=title)) == sorted(TEXTS[text])


def test_the_title_is_looked_at_as_well() -> None:
    assert faults(title="kestrel is down") == ["host"]
    assert faults(title="x" * 121) == ["length"]


def test_scope_and_next_update_are_asked_for_until_it_is_over() -> None:
    assert faults(components=()) == ["scope"]
    assert faults(next_update_at=None) == ["next_update"]
    assert faults(next_update_at=None, phase=PublicPhase.RESOLVED, first=False) == []
    assert faults(title="Checkout", text="We go on.", first=False) == []


def test_what_leaks_stands_first_and_is_said_once() -> None:
    found = lint(replace(FINE, text="Maybe kestrel fails; kestrel, yes.", components=()), KNOWN)
    assert [one.fault for one in found] == [Fault.HOST, Fault.SCOPE, Fault.GUESS]
    assert [one.fault.leaks for one in found] == [True, False, False]


@given(st.text(max_size=300))
def test_any_text_is_looked_at(text: str) -> None:
    found = lint(replace(FINE, text=text, title=text[:50]), KNOWN)
    assert all(one.said for one in found)
