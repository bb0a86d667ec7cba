"""The escalation: the matrix frozen, and every row about steps of the event table."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from incident_bot.core.effects import PageKind
from incident_bot.core.errors import Unreadable
from incident_bot.core.escalation import (
    DEFAULT_RULES,
    Advance,
    Matrix,
    Policy,
    Reached,
    Step,
    advance,
    freeze,
    preview,
)
from incident_bot.core.incident import evolve, progress_to_json
from incident_bot.core.model import (
    ContactRule,
    Event,
    JsonObject,
    Kind,
    Progress,
    Running,
    Severity,
    Target,
    Urgency,
)
from tests.core.incident_world import EVERYBODY, MATRIX, MINUTE, NOW, P1, P2, P3, World, opened, steps

START = Progress(started_at=NOW, next_at=NOW)
RECHECK = 30 * MINUTE


def policy(*rows: tuple[int, str], repeat: int = 0, fallback: str = "", last: str = "person/cto") -> Policy:
    matrix = Matrix(
        rows={"P1": steps(*rows)},
        repeat={"P1": repeat},
        fallback=steps((0, fallback))[0].targets,
        last_resort=steps((0, last))[0].targets,
    )
    return freeze(matrix, P1, "payments")


def minute(at: datetime) -> int:
    return int((at - NOW) / MINUTE)


def plan(frozen: Policy, world: World | None = None, minutes: int = 240) -> list[str]:
    """Write a preview as lines: minute, events, then kind, round, step and person of each page."""
    return [
        " ".join(
            [
                f"{minute(planned.at)}:",
                *(kind.value for kind, _ in planned.events),
                *(f"{p.kind.value}.{p.loop}.{p.step}={p.person}" for p in planned.pages),
            ]
        )
        for planned in preview(frozen, world or World(), NOW, until=NOW + minutes * MINUTE)
    ]


NOBODY_AT_ALL: dict[str, tuple[str, ...]] = {"person/cto": ("cto",), "schedule/platform": ("pat",)}

PLANS: dict[str, tuple[Policy, World, int, list[str]]] = {
    "each step after its time, then the gap, then the last resort, again and again": (
        policy((0, "on_call"), (15, "person/dora"), (30, "person/cto")),
        World(),
        110,
        [
            "0: step step.0.0=alice",
            "15: step step.0.1=dora",
            "30: step step.0.2=cto",
            "45: exhausted last_resort.1.3=cto",
            "75: exhausted last_resort.2.3=cto",
            "105: exhausted last_resort.3.3=cto",
        ],
    ),
    "further rounds after the gap": (
        policy((0, "on_call"), (10, "person/dora"), repeat=2),
        World(),
        70,
        [
            "0: step step.0.0=alice",
            "10: step step.0.1=dora",
            "20: step step.1.0=alice",
            "30: step step.1.1=dora",
            "40: step step.2.0=alice",
            "50: step step.2.1=dora",
            "60: exhausted last_resort.3.2=cto",
        ],
    ),
    "one step repeats after the time to respond": (
        policy((0, "on_call"), repeat=1),
        World(),
        15,
        ["0: step step.0.0=alice", "5: step step.1.0=alice", "10: exhausted last_resort.2.1=cto"],
    ),
    "a first step that waits": (
        policy((15, "on_call"), (20, "person/dora")),
        World(),
        22,
        ["15: step step.0.0=alice", "20: step step.0.1=dora"],
    ),
    "an empty step goes on at once and pages the fallback": (
        policy((0, "lead"), (15, "on_call"), (30, "person/dora"), fallback="schedule/platform"),
        World({k: v for k, v in EVERYBODY.items() if k != "lead"}),
        20,
        ["0: nobody fell_back step fallback.0.0=pat step.0.1=alice", "15: step step.0.2=dora"],
    ),
    "the fallback is paged once per epoch": (
        policy(
            (0, "lead"), (15, "on_call"), (30, "manager"), (45, "person/dora"), fallback="schedule/platform"
        ),
        World({k: v for k, v in EVERYBODY.items() if k != "lead"}),
        40,
        [
            "0: nobody fell_back step fallback.0.0=pat step.0.1=alice",
            "15: nobody step step.0.3=dora",
            "30: exhausted last_resort.1.4=cto",
        ],
    ),
    "no fallback: the last resort": (
        policy((0, "manager"), (15, "on_call")),
        World(),
        10,
        ["0: nobody fell_back step last_resort.0.0=cto step.0.1=alice"],
    ),
    "every step empty: exhausted at once": (
        policy((0, "on_call"), (15, "lead"), repeat=3, fallback="schedule/platform"),
        World(NOBODY_AT_ALL),
        40,
        [
            "0: nobody fell_back nobody exhausted fallback.0.0=pat last_resort.1.2=cto",
            "30: exhausted last_resort.2.2=cto",
        ],
    ),
    "every step empty and no fallback: the last resort is told once": (
        policy((0, "on_call"), (15, "lead"), repeat=3),
        World(NOBODY_AT_ALL),
        40,
        [
            "0: nobody fell_back nobody exhausted last_resort.0.0=cto",
            "30: exhausted last_resort.2.2=cto",
        ],
    ),
    "nobody at all, anywhere": (
        policy((0, "on_call")),
        World({}),
        40,
        ["0: nobody fell_back exhausted", "30: exhausted"],
    ),
    "no steps": (policy(), World(), 10, ["0: exhausted last_resort.1.0=cto"]),
    "the last step empty: the gap before the next round, at the end none": (
        policy((0, "on_call"), (10, "manager"), repeat=1, fallback="schedule/platform"),
        World(),
        40,
        [
            "0: step step.0.0=alice",
            "10: nobody fell_back fallback.0.1=pat",
            "20: step step.1.0=alice",
            "30: nobody exhausted last_resort.2.2=cto",
        ],
    ),
    "two steps at one time run one after the other and still repeat after a time": (
        policy((0, "on_call"), (0, "person/dora"), repeat=1),
        World(),
        7,
        [
            "0: step step.0.0=alice",
            "0: step step.0.1=dora",
            "5: step step.1.0=alice",
            "5: step step.1.1=dora",
        ],
    ),
}


@pytest.mark.parametrize("frozen,world,minutes,expected", PLANS.values(), ids=PLANS.keys())
def test_who_is_paged_when_if_nobody_answers(
    frozen: Policy, world: World, minutes: int, expected: list[str]
) -> None:
    assert plan(frozen, world, minutes) == expected


def look(
    frozen: Policy, progress: Progress = START, world: World | None = None, at: datetime = NOW
) -> Advance:
    return advance(frozen, progress, world or World(), now=at)


P1_POLICY = freeze(MATRIX, P1, "payments")

STILL: dict[str, tuple[Progress, datetime]] = {
    "not due yet": (replace(START, next_at=NOW + MINUTE), NOW),
    "nothing planned": (replace(START, next_at=None), NOW),
    "paused": (replace(START, state=Running.PAUSED), NOW),
    "stopped": (replace(START, state=Running.STOPPED), NOW),
    "the clock was set back": (START, NOW - timedelta(hours=2)),
}


@pytest.mark.parametrize("progress,at", STILL.values(), ids=STILL.keys())
def test_nothing_happens_when_nothing_is_due(progress: Progress, at: datetime) -> None:
    assert look(P1_POLICY, progress, at=at) == Advance(progress=progress)


def test_downtime_over_several_due_times_gives_no_burst() -> None:
    late = NOW + timedelta(hours=5)
    first = look(P1_POLICY, at=late)
    assert [page.step for page in first.pages] == [0]
    assert first.progress.next_at == late + 15 * MINUTE
    assert look(P1_POLICY, first.progress, at=late) == Advance(progress=first.progress)


def test_a_page_for_each_rule_of_each_person_once_per_channel() -> None:
    frozen = policy((0, "on_call team/db"))
    rules = (
        ContactRule(by="slack"),
        ContactRule(by="sms", after=2 * MINUTE),
        ContactRule(by="slack", after=5 * MINUTE),
    )
    world = World({"on_call": ("alice",), "team/db": ("alice", "bob")}, {"alice": rules})
    pages = look(frozen, world=world).pages
    assert [(page.person, page.via, minute(page.due_at)) for page in pages] == [
        ("alice", "slack", 0),
        ("alice", "sms", 2),
        ("bob", "slack", 0),
    ]
    assert {page.urgency for page in pages} == {Urgency.HIGH}
    assert len({page.key(42) for page in pages}) == 3


def test_a_person_of_the_step_is_not_paged_again_as_the_fallback() -> None:
    frozen = policy((0, "manager"), (15, "schedule/platform"), fallback="schedule/platform")
    pages = look(frozen).pages
    assert [(page.person, page.kind) for page in pages] == [("pat", PageKind.STEP)]


def test_every_page_says_why() -> None:
    frozen = policy((0, "manager"), (15, "on_call"), (30, "lead"), repeat=1, fallback="schedule/platform")
    first = look(frozen)
    assert [page.reason for page in first.pages] == [
        "schedule/platform at 03:00, fallback because step 1 of 3 of P1 has nobody",
        "on_call at 03:00, step 2 of 3 of P1",
    ]
    second = look(frozen, replace(START, loop=1, step=1))
    assert second.pages[0].reason == "on_call at 03:00, step 2 of 3 of P1, round 2"
    unanswered = look(frozen, replace(START, loop=1, step=3, reached=True))
    assert (
        unanswered.pages[0].reason
        == "person/cto at 03:00, last resort because nobody answered any step of P1"
    )
    empty = look(policy((0, "manager"), fallback="schedule/platform"))
    assert empty.pages[1].reason == "person/cto at 03:00, last resort because no step of P1 has anybody"


def test_whoever_no_channel_reaches_does_not_count_but_is_named() -> None:
    world = World({"on_call": ("alice", "bob")}, {"alice": ()})
    found = look(policy((0, "on_call")), world=world)
    assert [page.person for page in found.pages] == ["bob"]
    assert found.events[0][1]["unreachable"] == ["alice"]
    dead = look(policy((0, "on_call"), (5, "on_call")), world=World({"on_call": ("alice",)}, {"alice": ()}))
    assert next(kind for kind, _ in dead.events) is Kind.NOBODY
    assert dead.events[0][1]["reason"] == "no channel reaches alice"


def test_the_reason_names_the_empty_targets() -> None:
    reasons = [
        data["reason"]
        for kind, data in look(policy((0, "manager lead"), (5, "")), world=World({})).events
        if kind is Kind.NOBODY
    ]
    assert reasons == ["nobody stands behind manager, lead", "nobody stands behind it"]


def test_a_step_event_carries_people_place_and_progress() -> None:
    found = look(policy((0, "on_call")))
    ((kind, data),) = found.events
    assert kind is Kind.STEP
    assert data == {
        "epoch": 1,
        "loop": 0,
        "step": 0,
        "of": 1,
        "severity": "P1",
        "people": [
            {"person": "alice", "why": "on_call at 03:00", "via": [{"by": "slack", "at": NOW.isoformat()}]}
        ],
        "unreachable": [],
        "progress": progress_to_json(found.progress),
    }


@pytest.mark.parametrize("frozen,world,_minutes,_expected", PLANS.values(), ids=PLANS.keys())
def test_the_fold_of_the_events_gives_the_progress(
    frozen: Policy, world: World, _minutes: int, _expected: list[str]
) -> None:
    incident = replace(opened(P1), progress=replace(START, forced=True))
    for _ in range(8):
        at = incident.progress.next_at
        assert at is not None
        found = advance(frozen, incident.progress, world, now=at)
        for kind, data in found.events:
            stored = json.loads(json.dumps(data))
            event = Event(kind=kind, actor="escalation", source="worker", happened_at=at, data=stored)
            incident = evolve(incident, event)
        assert incident.progress == found.progress


ESCALATED: dict[str, tuple[Progress, list[tuple[int, int]]]] = {
    "the next step": (replace(START, step=1, forced=True, epoch=2), [(0, 1)]),
    "nothing was run yet": (replace(START, forced=True, epoch=2), [(0, 0)]),
    "after the last step the first again": (replace(START, step=3, loop=4, forced=True, epoch=2), [(0, 0)]),
}


@pytest.mark.parametrize("progress,expected", ESCALATED.values(), ids=ESCALATED.keys())
def test_escalate_now(progress: Progress, expected: list[tuple[int, int]]) -> None:
    frozen = policy((10, "on_call"), (15, "person/dora"), (30, "person/cto"))
    found = look(frozen, progress)
    assert [(page.loop, page.step) for page in found.pages] == expected
    assert not found.progress.forced


def test_escalate_into_empty_steps_tries_the_first_ones_too() -> None:
    frozen = policy((0, "on_call"), (15, "manager"), repeat=1)
    found = look(frozen, replace(START, step=1, forced=True, epoch=2))
    assert [kind for kind, _ in found.events] == [Kind.NOBODY, Kind.FELL_BACK, Kind.STEP]
    assert (found.progress.loop, found.progress.step) == (1, 1)


def test_a_step_brought_forward_runs_even_if_the_clock_was_set_back_since_the_epoch_began() -> None:
    frozen = policy((5, "on_call"), (15, "person/dora"))
    earlier = NOW - 2 * MINUTE
    found = look(frozen, replace(START, step=1, next_at=earlier, reached=True), at=earlier)
    assert [page.person for page in found.pages] == ["dora"]


def test_an_exhausted_escalation_is_not_looked_at_more_than_once_a_minute() -> None:
    hasty = replace(policy(), exhausted_repeat=timedelta(0))
    assert look(hasty).progress.next_at == NOW + MINUTE


FIVE = timedelta(minutes=5)
GAPS: dict[str, tuple[tuple[Step, ...], Severity, timedelta]] = {
    "as long as the step before": (steps((0, "lead"), (15, "lead"), (40, "lead")), P1, 25 * MINUTE),
    "one step: the time to respond": (steps((0, "lead")), P1, FIVE),
    "one step, no time to respond": (steps((0, "lead")), P3, 15 * MINUTE),
    "two steps at one time": (steps((0, "lead"), (0, "lead")), P1, FIVE),
    "no steps": ((), P1, FIVE),
}


@pytest.mark.parametrize("row,severity,gap", GAPS.values(), ids=GAPS.keys())
def test_the_gap_before_a_repeat(row: tuple[Step, ...], severity: Severity, gap: timedelta) -> None:
    assert freeze(Matrix(rows={severity.name: row}), severity, "x").gap == gap


def test_a_team_overrides_a_row_and_only_that() -> None:
    own = steps((0, "team"))
    matrix = replace(MATRIX, team_rows={"db": {"P1": own, "P3": ()}})
    assert freeze(matrix, P1, "db").steps == own
    assert freeze(matrix, P3, "db").steps == ()
    assert freeze(matrix, P2, "db") == freeze(MATRIX, P2, "db")
    assert freeze(matrix, P1, "web").steps == MATRIX.rows["P1"]
    assert freeze(MATRIX, replace(P1, name="P9"), "web").steps == ()


def test_steps_out_of_order_never_wait_a_negative_time() -> None:
    assert policy((10, "lead"), (0, "lead")).wait_after(0) == timedelta(0)


def test_pages_are_tried_until_the_next_step_and_five_minutes_at_most() -> None:
    row = policy((0, "on_call"), (3, "lead"), (3, "manager"), (30, "person/cto"))
    given = [row.patience(step) / MINUTE for step in range(4)]
    # Two steps of one time do not cut each other short; the last one has the gap before the next round.
    assert given == [3, 5, 5, 5]
    assert replace(row, gap=2 * MINUTE).patience(3) == 2 * MINUTE


def test_the_pages_of_a_step_and_of_the_last_resort_know_when_they_are_given_up() -> None:
    short = replace(policy((0, "on_call"), (3, "lead")), exhausted_repeat=2 * MINUTE)
    progress = Progress(started_at=NOW, next_at=NOW)
    kept: list[tuple[PageKind, float]] = []
    for _ in range(3):
        assert progress.next_at is not None
        look = advance(short, progress, World(), now=progress.next_at)
        progress = look.progress
        kept += {(page.kind, page.patience / MINUTE): None for page in look.pages}
    assert kept == [(PageKind.STEP, 3), (PageKind.STEP, 3), (PageKind.LAST_RESORT, 2)]


def test_a_policy_survives_json() -> None:
    for severity in (P1, P2, P3):
        frozen = freeze(MATRIX, severity, "payments")
        assert Policy.from_json(json.loads(json.dumps(frozen.to_json()))) == frozen
    assert P1_POLICY.to_json()["fallback"] == ["schedule/platform"]


def test_the_default_rules_stand_in_the_matrix() -> None:
    assert Matrix(rows={}).rules is DEFAULT_RULES


BROKEN: dict[str, tuple[JsonObject, str]] = {
    "empty": ({"severity": None}, "$.severity"),
    "urgency": ({"urgency": "soon"}, "$.urgency"),
    "step": ({"steps": ["on_call"]}, "$.steps"),
    "after": ({"steps": [{"after": "15m", "targets": []}]}, "$.after"),
    "target": ({"fallback": ["bob"]}, "$.fallback"),
    "gap": ({"gap": None}, "$.gap"),
}


@pytest.mark.parametrize("change,path", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_snapshot_is_refused_by_field(change: JsonObject, path: str) -> None:
    with pytest.raises(Unreadable) as refused:
        Policy.from_json({**P1_POLICY.to_json(), **change})
    assert refused.value.path == path


def test_the_preview_is_half_open() -> None:
    assert plan(policy((0, "on_call"), (15, "lead")), minutes=15) == ["0: step step.0.0=alice"]
    assert Reached(person="alice", why="x").person == "alice"
    assert Target.parse("on_call") in P1_POLICY.steps[0].targets
