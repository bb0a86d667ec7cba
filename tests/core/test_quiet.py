"""Quiet hours: when a page of low urgency waits, until when, and what the escalation makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.effects import PageKind
from incident_bot.core.escalation import (
    Advance,
    Matrix,
    Policy,
    QuietHours,
    advance,
    freeze,
    never_end,
    preview,
)
from incident_bot.core.escalation.quiet import WAIT_MOST, wait_for
from incident_bot.core.model import ContactRule, Event, Json, JsonObject, Kind, Progress, Severity, Urgency
from incident_bot.core.timeline import describe
from incident_bot.core.walltime import Window
from tests.core.incident_world import MINUTE, NOW, World, steps

HOUR = timedelta(hours=1)
P4 = Severity(name="P4", rank=3, urgency=Urgency.LOW, respond_within=4 * HOUR)
P1 = replace(P4, name="P1", rank=0, urgency=Urgency.HIGH)
NIGHT = Window.daily("22:00", "07:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(*windows: Window, zone: str = "Europe/Berlin") -> QuietHours:
    return QuietHours(windows=windows or (NIGHT,), zone=ZoneInfo(zone))


UNTIL: dict[str, tuple[QuietHours, str, str | None]] = {
    "the evening before": (hours(), "2026-03-02T20:59:59", None),
    "their first instant": (hours(), "2026-03-02T21:00:00", "2026-03-03T06:00:00"),
    "over midnight": (hours(), "2026-03-03T03:00:00", "2026-03-03T06:00:00"),
    "their last second": (hours(), "2026-03-03T05:59:59", "2026-03-03T06:00:00"),
    "their end is not theirs": (hours(), "2026-03-03T06:00:00", None),
    "the night that is an hour short": (hours(), "2026-03-28T22:30:00", "2026-03-29T05:00:00"),
    "in it, after the jump": (hours(), "2026-03-29T01:00:00", "2026-03-29T05:00:00"),
    "the night that is an hour long": (hours(), "2026-10-24T20:00:00", "2026-10-25T06:00:00"),
    "in the second 02:30 of it": (hours(), "2026-10-25T01:30:00", "2026-10-25T06:00:00"),
    "an end that does not exist": (
        hours(Window.daily("22:00", "02:30")),
        "2026-03-29T00:59:59",
        "2026-03-29T01:00:00",
    ),
    "an end that comes twice is the second": (
        hours(Window.daily("22:00", "02:30")),
        "2026-10-25T00:45:00",
        "2026-10-25T01:30:00",
    ),
    "a beginning that does not exist": (
        hours(Window.daily("02:30", "07:00")),
        "2026-03-29T01:00:00",
        "2026-03-29T05:00:00",
    ),
    "a beginning that comes twice is the first": (
        hours(Window.daily("02:30", "07:00")),
        "2026-10-25T00:30:00",
        "2026-10-25T06:00:00",
    ),
    "half an hour of clock change": (
        hours(zone="Australia/Lord_Howe"),
        "2026-04-04T14:00:00",
        "2026-04-04T20:30:00",
    ),
    "only on some days": (hours(Window.daily("22:00", "07:00", "sun-thu")), "2026-03-06T22:00:00", None),
    "the night belongs to the day on which it begins": (
        hours(Window.daily("22:00", "07:00", "sun-thu")),
        "2026-03-06T05:00:00",
        "2026-03-06T06:00:00",
    ),
    "a weekend": (
        hours(Window.weekly("fri 18:00", "mon 09:00")),
        "2026-03-06T19:00:00",
        "2026-03-09T08:00:00",
    ),
    "windows that touch are one": (
        hours(Window.daily("22:00", "24:00"), Window.daily("00:00", "07:00"), Window.daily("07:00", "08:30")),
        "2026-03-02T21:30:00",
        "2026-03-03T07:30:00",
    ),
    "another zone": (hours(zone="Asia/Kolkata"), "2026-03-03T00:00:00", "2026-03-03T01:30:00"),
    "all but a quarter of an hour of the week": (
        hours(Window.weekly("mon 00:15", "mon 00:00")),
        "2026-03-02T00:00:00",
        "2026-03-08T23:00:00",
    ),
}


@pytest.mark.parametrize("quiet,instant,expected", UNTIL.values(), ids=UNTIL.keys())
def test_until_when_they_hold(quiet: QuietHours, instant: str, expected: str | None) -> None:
    assert quiet.until(at(instant)) == (at(expected) if expected else None)


WINDOWS = st.builds(
    lambda days, start, length: Window(
        days=frozenset(days), opens=timedelta(minutes=start), closes=timedelta(minutes=start + length)
    ),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 2 * 1440),
)
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC"])
INSTANTS = st.integers(0, 2 * 366 * 1440).map(lambda minute: at("2026-01-01") + minute * MINUTE)
RULES = st.lists(st.integers(0, 3000), min_size=1, max_size=4).map(
    lambda delays: tuple(ContactRule(by=f"way{n}", after=delay * MINUTE) for n, delay in enumerate(delays))
)


@given(
    st.lists(WINDOWS, min_size=1, max_size=3).filter(lambda windows: not never_end(windows)), ZONES, INSTANTS
)
def test_they_end_and_are_over_then(windows: list[Window], zone: str, instant: datetime) -> None:
    quiet = hours(*windows, zone=zone)
    end = quiet.until(instant)
    if end is not None:
        assert instant < end <= instant + WAIT_MOST
        assert end == instant + WAIT_MOST or quiet.until(end) is None
        assert quiet.until(end - timedelta(seconds=1)) == end or end - instant < timedelta(seconds=1)


@given(st.lists(WINDOWS, max_size=3), ZONES, INSTANTS, RULES)
def test_pages_wait_in_order_and_never_go_out_in_quiet_hours(
    windows: list[Window], zone: str, now: datetime, rules: tuple[ContactRule, ...]
) -> None:
    quiet = QuietHours(windows=tuple(windows), zone=ZoneInfo(zone))
    waiting = wait_for(rules, quiet, now=now)
    pairs = sorted(zip((rule.after for rule in rules), waiting.at, strict=True))
    assert [when for _, when in pairs] == sorted(waiting.at)
    for rule, when, held in zip(rules, waiting.at, waiting.held, strict=True):
        assert when >= now + rule.after
        assert held == (when > now + rule.after)
        if not never_end(windows):
            assert quiet.until(when) is None or when - now >= WAIT_MOST
    assert waiting.begins in (now, min(waiting.at))


def test_without_quiet_hours_every_rule_has_its_own_time() -> None:
    rules = (ContactRule(by="slack"), ContactRule(by="sms", after=2 * MINUTE))
    waiting = wait_for(rules, None, now=NOW)
    assert (waiting.at, waiting.held, waiting.begins) == ((NOW, NOW + 2 * MINUTE), (False, False), NOW)


@pytest.mark.parametrize(
    "windows,expected",
    [
        ((Window.daily("00:00", "24:00"),), True),
        ((Window.daily("06:00", "22:00"), Window.daily("22:00", "06:00")), True),
        ((Window.weekly("mon 00:15", "mon 00:00"),), False),
        ((Window.daily("00:00", "24:00", "mon-sat"),), False),
        ((), False),
    ],
)
def test_windows_that_never_end(windows: tuple[Window, ...], expected: bool) -> None:
    assert never_end(windows) is expected


ASLEEP = {person: hours() for person in ("alice", "dora", "pat", "cto")}
"""All of them in Berlin, where it is 04:00 as the story begins."""
SEVEN = 180
"""The minute of 07:00 in Berlin."""


def policy(*rows: tuple[int, str], severity: Severity = P4, repeat: int = 0, fallback: str = "") -> Policy:
    matrix = Matrix(
        rows={severity.name: steps(*rows)},
        repeat={severity.name: repeat},
        fallback=steps((0, fallback))[0].targets,
        last_resort=steps((0, "person/cto"))[0].targets,
    )
    return freeze(matrix, severity, "payments")


def plan(frozen: Policy, world: World, minutes: int = 720) -> list[str]:
    looks = preview(frozen, world, NOW, until=NOW + minutes * MINUTE)
    return [
        f"{int((look.at - NOW) / MINUTE)}: {page.kind.value}.{page.loop}.{page.step}={page.person}"
        f"@{int((page.due_at - NOW) / MINUTE)}"
        for look in looks
        for page in look.pages
    ]


PLANS: dict[str, tuple[Policy, World, list[str]]] = {
    "the step waits for the person, and the next one's clock with it": (
        policy((0, "on_call"), (120, "person/dora")),
        World(quiet=ASLEEP),
        ["0: step.0.0=alice@180", "300: step.0.1=dora@300", "420: last_resort.1.2=cto@420",
         "450: last_resort.2.2=cto@450"],
    ),
    "high urgency never waits": (
        policy((0, "on_call"), (120, "person/dora"), severity=P1),
        World(quiet=ASLEEP),
        ["0: step.0.0=alice@0", "120: step.0.1=dora@120", "240: last_resort.1.2=cto@240"],
    ),
    "somebody of the step is awake: the clock runs": (
        policy((0, "on_call person/dora"), (120, "person/cto")),
        World(quiet={"alice": hours()}),
        ["0: step.0.0=alice@180", "0: step.0.0=dora@0", "120: step.0.1=cto@120"],
    ),
    "the first to wake begins it": (
        policy((0, "on_call person/dora"), (60, "person/cto")),
        World(quiet={"alice": hours(), "dora": hours(zone="Europe/Moscow")}),
        ["0: step.0.0=alice@180", "0: step.0.0=dora@60", "120: step.0.1=cto@120"],
    ),
    "every round waits": (
        policy((0, "on_call"), repeat=1),
        World(quiet={"alice": hours(Window.daily("22:00", "07:00"), Window.daily("10:00", "12:00"))}),
        ["0: step.0.0=alice@180", "420: step.1.0=alice@480"],
    ),
    "the fallback waits, the last resort does not": (
        policy((0, "manager"), (60, "lead"), fallback="schedule/platform"),
        World({"schedule/platform": ("pat",), "person/cto": ("cto",)}, quiet=ASLEEP),
        ["0: fallback.0.0=pat@180", "0: last_resort.1.2=cto@0"],
    ),
    "a fallback that waits does not stand in for the last resort": (
        policy((0, "manager"), fallback="person/cto"),
        World({"person/cto": ("cto",)}, quiet=ASLEEP),
        ["0: last_resort.1.1=cto@0"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("frozen,world,expected", PLANS.values(), ids=PLANS.keys())
def test_who_is_paged_when_if_nobody_answers(frozen: Policy, world: World, expected: list[str]) -> None:
    assert plan(frozen, world)[: len(expected)] == expected


def look(frozen: Policy, world: World, progress: Progress | None = None) -> Advance:
    return advance(frozen, progress or Progress(started_at=NOW, next_at=NOW), world, now=NOW)


def test_a_page_that_waits_says_until_when_on_the_persons_clock() -> None:
    found = look(policy((0, "on_call"), (120, "person/dora")), World(quiet=ASLEEP))
    assert found.pages[0].reason == (
        "on_call at 03:00, step 1 of 2 of P4, waits until 07:00 Europe/Berlin (alice's quiet hours)"
    )
    ((kind, data),) = found.events
    assert data["held"] == [{"person": "alice", "until": (NOW + 3 * HOUR).isoformat()}]
    event = Event(kind=kind, actor="escalation", source="worker", happened_at=NOW, data=data)
    assert describe(event, {"alice": "Alice"}) == (
        "Escalation step 1 of 2 pages Alice; quiet hours hold back Alice until 06:00 UTC; next step at 08:00 UTC"
    )


def test_an_end_days_away_has_its_date() -> None:
    weekend = {"alice": hours(Window.weekly("mon 09:00", "sat 09:00"))}
    found = look(policy((0, "on_call")), World(quiet=weekend))
    assert found.pages[0].reason.endswith("waits until 2026-11-21 09:00 Europe/Berlin (alice's quiet hours)")


def test_only_the_rules_within_quiet_hours_wait() -> None:
    rules = (
        ContactRule(by="slack"),
        ContactRule(by="sms", after=2 * HOUR),
        ContactRule(by="voice", after=3 * HOUR),
    )
    world = World(rules={"alice": rules}, quiet={"alice": hours(Window.daily("05:30", "06:30"))})
    found = look(policy((0, "on_call"), (60, "person/dora")), world)
    assert [(page.via, (page.due_at - NOW) / MINUTE) for page in found.pages] == [
        ("slack", 0), ("sms", 150), ("voice", 180),
    ]  # fmt: skip
    assert ["waits" in page.reason for page in found.pages] == [False, True, False]
    assert "held" not in found.events[0][1]
    assert found.progress.next_at == NOW + HOUR


def test_the_rules_count_from_the_end_of_the_quiet_hours() -> None:
    rules = (ContactRule(by="slack"), ContactRule(by="sms", after=10 * MINUTE), ContactRule(by="mail"))
    found = look(policy((0, "on_call")), World(rules={"alice": rules}, quiet=ASLEEP))
    due = {page.via: (page.due_at - NOW) / MINUTE for page in found.pages}
    assert due == {"slack": SEVEN, "sms": SEVEN + 10, "mail": SEVEN}


def test_a_first_rule_that_falls_into_quiet_hours_begins_the_step_at_their_end() -> None:
    late = {"alice": (ContactRule(by="mail", after=5 * MINUTE),)}
    world = World(rules=late, quiet={"alice": hours(Window.daily("04:02", "07:00"))})
    found = look(policy((0, "on_call"), (60, "person/dora")), world)
    assert found.pages[0].due_at == NOW + SEVEN * MINUTE
    assert found.progress.next_at == NOW + (SEVEN + 60) * MINUTE


def test_escalating_by_hand_does_not_wait() -> None:
    forced = Progress(started_at=NOW, next_at=NOW, step=1, epoch=2, forced=True)
    found = look(policy((0, "on_call"), (120, "person/dora")), World(quiet=ASLEEP), forced)
    assert [(page.person, page.kind, page.due_at) for page in found.pages] == [("dora", PageKind.STEP, NOW)]


def test_the_fallback_says_who_waits() -> None:
    world = World({"schedule/platform": ("pat",), "lead": ("dora",)}, quiet={"pat": hours()})
    found = look(policy((0, "manager"), (60, "lead"), fallback="schedule/platform"), world)
    told = dict(found.events)
    event = Event(kind=Kind.FELL_BACK, actor="x", source="x", happened_at=NOW, data=told[Kind.FELL_BACK])
    assert describe(event).endswith("quiet hours hold back pat until 06:00 UTC")


@pytest.mark.parametrize("held", [None, "alice", 7, ["alice", 7]])
def test_a_strange_word_about_quiet_hours_is_left_out(held: Json) -> None:
    data: JsonObject = {"people": ["alice"], "held": held}
    event = Event(kind=Kind.STEP, actor="x", source="x", happened_at=NOW, data=data)
    assert describe(event) == "Escalation pages alice"
