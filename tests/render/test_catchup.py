"""Catch-up at its extremes: nothing said yet, everything said, long texts, what is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from incident_bot.core.incident import AddItem, AddNote, AssignLead, AssignRole, PostUpdate, SetSeverity
from incident_bot.core.model import Episode, Incident, ItemKind, Paging, Status
from incident_bot.render.catchup import FIRING_MOST, LATELY, TEXT_MOST, CatchUp, catch_up
from tests.render.stories import LADDER, START, Tale, episode, whole_tale

NAMES = {"alice": "Alice Example", "bob": "Bob Example", "dora": "Dora Example"}


def told(tale: Tale, incident: Incident | None = None, *, episodes: Sequence[Episode] = ()) -> CatchUp:
    return catch_up(incident or tale.incident, tale.events, episodes, names=NAMES, now=tale.now)


def test_what_nobody_said_is_left_out() -> None:
    found = told(Tale().at(5))
    assert [name for name, _ in found.facts] == ["Severity", "Phase", "Paging", "Lead", "Last update"]
    assert dict(found.facts)["Paging"].startswith("nobody has it yet")
    assert found.lines == ("Nothing fires now.",)


def test_the_whole_story_is_told_by_names() -> None:
    facts = dict(told(whole_tale()).facts)
    assert facts["Severity"].startswith("P1 since 02:27 UTC")
    assert facts["Lead"].startswith("Dora Example since")
    assert facts["Paging"] == "over"
    assert "Next update" not in facts, "a promise ends with the incident"


def test_a_severity_that_was_worse_says_so() -> None:
    tale = Tale().at(3).does(SetSeverity(severity=LADDER.rungs[-1]))
    assert dict(told(tale).facts)["Severity"].endswith(f"at worst {tale.incident.peak}")


def test_who_holds_what() -> None:
    tale = Tale().at(3).does(AssignLead(person="bob")).at(10).does(AssignRole(role="scribe", person="alice"))
    facts = dict(told(tale).facts)
    assert facts["Lead"] == "Bob Example since 02:08 UTC (7 min)"
    assert facts["Scribe"] == "Alice Example"


def test_a_promise_is_ahead_or_overdue() -> None:
    tale = Tale().at(3)
    tale.does(PostUpdate(text="on it", next_update_at=tale.now + timedelta(minutes=10)))
    assert dict(told(tale).facts)["Next update"] == "02:18 UTC (in 10 min)"
    assert dict(told(tale.at(20)).facts)["Next update"] == "02:18 UTC (overdue by 7 min)"


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"paging": Paging.SNOOZED, "snoozed_until": START + timedelta(days=1)}, "snoozed until 2026-11-22"),
        ({"paging": Paging.MERGED, "merged_into": 7}, "merged into INC-7"),
        (
            {"paging": Paging.ACKNOWLEDGED, "responders": ("alice", "zoe"), "waiting_for": "the vendor"},
            "Alice Example, zoe on it, waiting for the vendor",
        ),
        ({"paging": Paging.ACKNOWLEDGED, "acknowledged_by": "bob"}, "Bob Example on it"),
    ],
)
def test_whoever_has_it_or_nobody(changed: dict[str, object], words: str) -> None:
    tale = Tale().at(3)
    incident = replace(tale.incident, **changed)  # type: ignore[arg-type]
    assert dict(told(tale, incident).facts)["Paging"].startswith(words)


def test_a_storm_and_long_texts_stay_short() -> None:
    tale = Tale().at(3)
    for number in range(LATELY + 3):
        tale.does(AddNote(text=f"note {number} " + "long " * 200))
    tale.does(AddItem(kind=ItemKind.TASK, text="password=hunter2 " + "long " * 200))
    many = tuple(replace(episode(), id=number, status=Status.FIRING) for number in range(200))
    found = told(tale, episodes=many)
    assert found.lines[0] == "Firing now (200):"
    assert found.lines[FIRING_MOST + 1] == f"  … and {200 - FIRING_MOST} more"
    assert found.lines[-LATELY - 1] == "Lately:"
    assert max(map(len, found.lines)) <= TEXT_MOST + 40
    assert "hunter2" not in str(found)
