"""Steps whose people take turns, and what an edit of the steps does to an open incident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.escalation import Advance, Policy, Step, advance, freeze, preview, renewed, row_of
from incident_bot.core.model import ContactRule, Kind, Progress
from tests.core.incident_world import MATRIX, MINUTE, NOW, P1, World, steps

START = Progress(started_at=NOW, next_at=NOW)
RING = ("ann", "bob", "cid", "dee")
PEOPLE = {"team": RING, "person/cto": ("cto",), "person/dora": ("dora",), "schedule/platform": ("pat",)}


def policy(*rows: Step, repeat: int = 0) -> Policy:
    return freeze(replace(MATRIX, rows={"P1": rows}, repeat={"P1": repeat}), P1, "payments")


def turn(minutes: int = 0, name: str | None = None) -> Step:
    return replace(steps((minutes, "team"))[0], round_robin=True, id=name)


def look(frozen: Policy, turns: dict[str, str], world: World | None = None) -> Advance:
    return advance(frozen, START, world or World(PEOPLE), turns=turns, now=NOW)


@given(
    last=st.sampled_from((*RING, "gone", None)),
    absent=st.sets(st.sampled_from(RING)),
    mute=st.sets(st.sampled_from(RING)),
)
def test_it_is_the_next_one_after_the_last_who_can_be_paged(
    last: str | None, absent: set[str], mute: set[str]
) -> None:
    world = World(PEOPLE, rules=dict.fromkeys(mute, ()), absent=tuple(absent))
    found = look(policy(turn()), {"P1/#1": last} if last else {}, world)
    begin = RING.index(last) + 1 if last in RING else 0
    able = [one for one in (*RING[begin:], *RING[:begin]) if one not in absent | mute]
    paged = [page.person for page in found.pages if page.kind.value == "step"]
    assert paged == able[:1]
    assert dict(found.turns) == ({"P1/#1": able[0]} if able else {})


def test_the_reason_and_the_event_say_who_was_passed_over() -> None:
    world = World(PEOPLE, rules={"bob": ()}, absent=("cid",))
    found = look(policy(turn(name="ring")), {"P1/ring": "ann"}, world)
    (page,) = found.pages
    assert page.reason == "team at 03:00, next in turn after ann, step 1 of 1 of P1"
    ((kind, data),) = found.events
    assert (kind, data["unreachable"], data["away"]) == (Kind.STEP, ["bob"], ["cid"])


@pytest.mark.parametrize("absent, says", [(RING[:1], "ann is away"), (RING[:2], "ann, bob are away")])
def test_where_all_are_away_the_step_has_nobody(absent: tuple[str, ...], says: str) -> None:
    found = look(policy(turn()), {}, World({**PEOPLE, "team": absent}, absent=absent))
    assert found.events[0][0] is Kind.NOBODY
    assert found.events[0][1]["reason"] == says
    assert dict(found.turns) == {}


def test_where_nobody_can_be_reached_it_is_said_as_ever() -> None:
    found = look(policy(turn()), {}, World(PEOPLE, rules=dict.fromkeys(RING, ())))
    assert found.events[0][1]["reason"] == "no channel reaches ann, bob, cid, dee"


def test_the_preview_hands_the_turn_on_from_round_to_round() -> None:
    turns = {"P1/#1": "cid"}
    planned = preview(policy(turn(), repeat=4), World(PEOPLE), NOW, turns=turns, until=NOW + 24 * MINUTE)
    assert [look.pages[0].person for look in planned] == ["dee", "ann", "bob", "cid", "dee"]
    assert turns == {"P1/#1": "cid"}


def test_turns_have_names_and_survive_json() -> None:
    frozen = policy(turn(), *steps((5, "person/cto")), turn(9, "ring"))
    assert frozen.turns == ("P1/#1", "P1/ring")
    assert Policy.from_json(frozen.to_json()) == frozen
    assert World(PEOPLE, rules={"ann": (ContactRule(by="sms"),)}).wired


# Edits.


def named(*rows: tuple[int, str, str]) -> tuple[Step, ...]:
    return tuple(replace(steps((minutes, target))[0], id=name or None) for minutes, target, name in rows)


FIRST = named((0, "team", "a"), (10, "person/dora", "b"), (20, "person/cto", "c"))
AFTER = replace(START, step=1)


def edit(old: tuple[Step, ...], new: tuple[Step, ...], progress: Progress = AFTER) -> Policy | None:
    found = renewed(policy(*old), progress, new, revision="r2", since=NOW)
    if found is None:
        return None
    after, (kind, data) = found
    assert kind is Kind.STEPS_EDITED
    assert Policy.from_json(after.to_json()) == after
    assert data["policy"] == after.to_json()
    assert bool(data["kept"]) is not bool(data["follow"])
    return after


def test_the_steps_to_come_are_the_edited_ones_and_those_done_stay() -> None:
    new = named((5, "lead", "a"), (7, "team", "x"), (12, "person/cto", "b"), (40, "team", "c"))
    after = edit(FIRST, new)
    assert after is not None
    assert after.steps == (FIRST[0], new[2], new[3])
    assert renewed(after, AFTER, new, revision="r3", since=NOW) is None, "an edit is looked at once"
    assert renewed(after, AFTER, FIRST, revision="r1", since=NOW - MINUTE) is None, "a replica is behind"
    back = renewed(after, AFTER, FIRST, revision="r3", since=NOW + MINUTE)
    assert back is not None
    assert back[0].steps == FIRST


def test_times_never_run_backwards_and_steps_without_an_id_stay() -> None:
    old = named((0, "team", "a"), (10, "person/dora", ""), (20, "person/cto", "c"))
    after = edit(old, named((0, "team", "a"), (5, "team", "c")))
    assert after is not None
    assert [(step.after // MINUTE, str(step.targets[0])) for step in after.steps] == [
        (0, "team"),
        (10, "person/dora"),
        (10, "team"),
    ]


KEPT = {
    "no step to come has an id": (steps((0, "team"), (10, "person/cto")), steps((0, "team"))),
    "b is no longer among them": (FIRST, named((0, "team", "a"), (10, "team", "c"))),
    "b, c are no longer among them": (FIRST, named((0, "team", "a"))),
    "b, c come in another order": (FIRST, named((0, "team", "c"), (10, "team", "b"))),
}


@pytest.mark.parametrize("says", KEPT)
def test_otherwise_the_frozen_ones_stay_and_the_event_says_why(says: str) -> None:
    old, new = KEPT[says]
    found = renewed(policy(*old), AFTER, new, revision="r2", since=NOW)
    assert found is not None
    assert (found[0].steps, found[1][1]["kept"]) == (old, says)


def test_what_concerns_no_step_to_come_is_no_edit() -> None:
    assert edit(FIRST, FIRST) is None
    assert edit(FIRST, (*named((0, "lead", "a")), *FIRST[1:])) is None


def test_after_the_last_step_the_next_round_takes_them_all() -> None:
    new = named((0, "person/cto", "a"), (10, "person/dora", "b"), (20, "person/cto", "c"))
    after = edit(FIRST, new, replace(START, step=3))
    assert after is not None
    assert after.steps == new


def test_the_row_of_a_team_or_of_all() -> None:
    matrix = replace(MATRIX, team_rows={"payments": {"P1": FIRST}})
    assert row_of(matrix, "P1", "payments") == FIRST
    assert row_of(matrix, "P1", "other") == MATRIX.rows["P1"]
    assert row_of(matrix, "P9", "other") == ()
