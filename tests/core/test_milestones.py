"""Key times: what the record says, what people correct, and the durations that come from them alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.errors import Refused
from incident_bot.core.incident import Again, SetMilestone, undo
from incident_bot.core.milestones import KINDS, Milestone, between, measured, milestones, not_counted
from incident_bot.core.model import Event, Incident, JsonObject, Kind, Mark, Paging, Phase
from incident_bot.core.postmortem import build
from incident_bot.core.timeline import curated, describe, entries
from tests.core.incident_world import LADDER, MINUTE, NOW, acknowledged, by, opened, resolved
from tests.render.stories import episode

LATER = NOW + 60 * MINUTE


def event(minute: float, kind: Kind, data: JsonObject | None = None, *, seq: int | None = None) -> Event:
    at = NOW + minute * MINUTE
    number = int(minute) + 1 if seq is None else seq
    return Event(kind=kind, actor="alice", source="api", happened_at=at, seq=number, data=data or {})


def phase(minute: float, wanted: Phase, kind: Kind = Kind.PHASE_CHANGED) -> Event:
    return event(minute, kind, {"phase": wanted.value})


def set_to(minute: float, mark: Mark, to: float | None, reason: str | None = None) -> Event:
    at = (NOW + to * MINUTE).isoformat() if to is not None else None
    return event(minute, Kind.MILESTONE_SET, {"milestone": mark.value, "set_to": at, "reason": reason})


STORY = (
    event(0, Kind.OPENED),
    phase(4, Phase.INVESTIGATING, Kind.ACKNOWLEDGED),
    event(5, Kind.LEAD_ASSIGNED),
    event(6, Kind.UPDATE_POSTED),
    phase(20, Phase.MONITORING),
    phase(30, Phase.RESOLVED, Kind.RESOLVED),
    phase(90, Phase.CLOSED),
)
USUAL = {
    "impact_started": -3, "detected": 0, "acknowledged": 4, "declared": 4, "led": 5, "first_update": 6, "mitigated": 20,
    "resolved": 30, "closed": 90,
}  # fmt: skip


def over(**changes: object) -> Incident:
    fields = {"phase": Phase.CLOSED, "paging": Paging.RESOLVED, "opened_at": NOW} | changes
    return replace(opened(), **fields)  # type: ignore[arg-type]  # real fields


def times(*events: Event, incident: Incident | None = None, alerts: bool = True) -> dict[str, float]:
    began = [
        replace(episode(number), starts_at=NOW + start * MINUTE)
        for number, start in ((3, -3), (1, 1))
        if alerts
    ]
    found = milestones(incident or over(), events, began)
    return {
        mark.value: (one.at - NOW) / MINUTE
        for mark, one in zip(Mark, found, strict=True)
        if one.at is not None
    }


def test_the_usual_story() -> None:
    assert times(*STORY) == USUAL


def test_the_order_of_the_events_does_not_matter() -> None:
    assert times(*reversed(STORY)) == USUAL


CASES: dict[str, tuple[tuple[Event, ...], dict[str, float | None]]] = {
    "what the status page said first is a first update": (
        (*STORY, event(5.5, Kind.PUBLISHED, seq=50)),
        {"first_update": 5.5},
    ),
    "a person declared it": (
        (event(2, Kind.DECLARED), *STORY[1:]),
        {"detected": 2, "declared": 2},
    ),
    "reopened, and over again": (
        (*STORY[:6], phase(40, Phase.TRIAGE, Kind.REOPENED), phase(50, Phase.RESOLVED, Kind.RESOLVED)),
        {"resolved": 50, "mitigated": None, "closed": None},
    ),
    "reopened, and open": ((*STORY[:6], event(40, Kind.REOPENED)), {"resolved": None, "mitigated": None}),
    "back to work after a mitigation": (
        (*STORY[:5], phase(25, Phase.MITIGATING), phase(28, Phase.MONITORING), *STORY[5:]),
        {"mitigated": 28},
    ),
    "a mitigation said twice": ((*STORY[:5], phase(25, Phase.MONITORING), *STORY[5:]), {"mitigated": 20}),
    "the lead taken back": (
        (*STORY, event(7, Kind.TAKEN_BACK, {"of": 6, "kind": "lead_assigned"}), event(9, Kind.LEAD_ASSIGNED)),
        {"led": 9},
    ),
    "corrected": ((*STORY, set_to(95, Mark.MITIGATED, 12)), {"mitigated": 12}),
    "corrected twice, the last one counts": (
        (*STORY, set_to(95, Mark.MITIGATED, 12), set_to(96, Mark.MITIGATED, 13)),
        {"mitigated": 13},
    ),
    "given back to the record": (
        (*STORY, set_to(95, Mark.MITIGATED, 12), set_to(96, Mark.MITIGATED, None)),
        {"mitigated": 20},
    ),
    "what nobody recorded": ((*STORY[:4], set_to(95, Mark.MITIGATED, 12)), {"mitigated": 12}),
    "an end corrected, then reopened and over again": (
        (
            *STORY[:6],
            set_to(35, Mark.RESOLVED, 27),
            set_to(36, Mark.MITIGATED, 12),
            set_to(37, Mark.LED, 3),
            phase(40, Phase.TRIAGE, Kind.REOPENED),
            phase(50, Phase.RESOLVED, Kind.RESOLVED),
        ),
        {"resolved": 50, "mitigated": None, "led": 3},
    ),
    "an end corrected, then reopened and open": (
        (*STORY[:6], set_to(35, Mark.RESOLVED, 27), phase(40, Phase.TRIAGE, Kind.REOPENED)),
        {"resolved": None},
    ),
    "a second end corrected": (
        (
            *STORY[:6],
            phase(40, Phase.TRIAGE, Kind.REOPENED),
            phase(50, Phase.RESOLVED, Kind.RESOLVED),
            set_to(55, Mark.RESOLVED, 45),
        ),
        {"resolved": 45},
    ),
    "a mitigation corrected that did not hold": (
        (
            *STORY[:5],
            set_to(22, Mark.MITIGATED, 12),
            phase(25, Phase.MITIGATING),
            phase(28, Phase.MONITORING),
        ),
        {"mitigated": 28},
    ),
    "a mitigation said before its phase": (
        (
            *STORY[:4],
            set_to(12, Mark.MITIGATED, 11),
            phase(13, Phase.MITIGATING),
            phase(28, Phase.MONITORING),
        ),
        {"mitigated": 11},
    ),
    "no opening among the events": (STORY[1:], {"detected": 0}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_the_record_says_and_what_people_correct(name: str) -> None:
    events, wanted = CASES[name]
    found = times(*events)
    assert {mark: found.get(mark) for mark in wanted} == wanted


def test_without_an_alert_before_it_nobody_knows_when_it_began() -> None:
    assert "impact_started" not in times(*STORY, alerts=False)
    early = over(opened_at=NOW - 5 * MINUTE)
    assert "impact_started" not in times(*STORY, incident=early)


def test_an_end_without_its_event_is_that_of_the_incident() -> None:
    assert times(*STORY[:2], incident=over(resolved_at=LATER))["resolved"] == 60


def test_a_correction_says_who_why_and_what_it_was() -> None:
    found = milestones(over(), (*STORY, set_to(95, Mark.MITIGATED, 12, "rolled back by hand")), [])
    one = found[list(Mark).index(Mark.MITIGATED)]
    assert one == Milestone(
        name="Mitigated", at=NOW + 12 * MINUTE, source="[event 96]", author="alice",
        recorded=NOW + 20 * MINUTE, corrected=True, reason="rolled back by hand",
    )  # fmt: skip


def test_what_was_measured_is_corrected_by_nobody() -> None:
    told = event(95, Kind.MILESTONE_SET, {
        "milestone": "impact_started", "set_to": (NOW - 8 * MINUTE).isoformat(), "reason": "High", "measured": True,
    })  # fmt: skip
    one = milestones(over(), (*STORY, told), [])[0]
    assert (one.at, one.author, one.corrected, one.measured) == (NOW - 8 * MINUTE, None, False, True)
    person = set_to(96, Mark.IMPACT_STARTED, -3)
    assert milestones(over(), (*STORY, told, person), [])[0].author == "alice"


@given(st.permutations(STORY), st.sets(st.sampled_from(list(Kind))))
def test_other_kinds_of_events_change_nothing(story: list[Event], kinds: set[Kind]) -> None:
    others = [event(3, kind, seq=200 + number) for number, kind in enumerate(sorted(kinds - KINDS))]
    assert times(*story, *others) == USUAL


class TestMeasures:
    def test_they_come_from_the_key_times_and_nothing_else(self) -> None:
        incident = over()
        plain = measured(incident, milestones(incident, STORY, []))
        assert (plain.to_detect, plain.to_acknowledge, plain.to_mitigate, plain.to_resolve) == (
            None, 4 * MINUTE, 20 * MINUTE, 30 * MINUTE,
        )  # fmt: skip
        corrected = (*STORY, set_to(95, Mark.DETECTED, 2), set_to(96, Mark.IMPACT_STARTED, -8))
        again = measured(incident, milestones(incident, corrected, []))
        assert (again.to_detect, again.to_acknowledge, again.to_resolve) == (
            10 * MINUTE, 2 * MINUTE, 28 * MINUTE,
        )  # fmt: skip

    @pytest.mark.parametrize(
        "incident, reason",
        [
            (over(drill=True), "it was a drill"),
            (over(phase=Phase.CANCELLED), "it was cancelled"),
            (over(phase=Phase.CANCELLED, merged_into=41), "it was merged into INC-41"),
            (opened(), "nobody has taken it yet"),
            (acknowledged(), None),
            (over(), None),
        ],
    )
    def test_what_is_in_no_figure(self, incident: Incident, reason: str | None) -> None:
        found = measured(incident, milestones(incident, STORY, []))
        assert (not_counted(incident), found.excluded) == (reason, reason)
        assert (found.to_resolve is None) == (reason is not None)

    def test_no_duration_is_less_than_nothing(self) -> None:
        assert between(LATER, NOW) == timedelta(0)
        assert between(NOW, LATER) == 60 * MINUTE
        assert between(None, LATER) is between(NOW, None) is None


class TestCorrecting:
    def test_an_event_tells_of_it_and_nothing_else_changes(self) -> None:
        command = SetMilestone(
            mark=Mark.MITIGATED, at=NOW + MINUTE, reason="by hand", before=NOW + 2 * MINUTE
        )
        decision = by("bob", command, resolved(), at=LATER)
        (made,) = decision.events
        assert (made.kind, made.happened_at) == (Kind.MILESTONE_SET, LATER)
        assert decision.incident == resolved()
        assert decision.said == "“Mitigated” of INC-42 is 2026-11-20 03:01 UTC now."
        text = describe(made, {"bob": "Bob"})
        assert text == "Bob set the time of “mitigated” to 03:01 UTC; it was 03:02 UTC: by hand"

    def test_what_was_measured_says_so(self) -> None:
        command = SetMilestone(mark=Mark.IMPACT_STARTED, at=NOW - MINUTE, measured=True)
        (made,) = by("prometheus", command, resolved(), at=LATER).events
        assert made.data["measured"] is True
        assert describe(made) == "Prometheus set the time of “impact started” to 02:59 UTC"

    def test_it_can_be_given_back(self) -> None:
        given_back = SetMilestone(mark=Mark.LED, corrected=True, before=NOW)
        decision = by("bob", given_back, acknowledged(), at=LATER)
        assert decision.said == "“Led” of INC-42 is what the record says again."
        assert "left to the record the time of “led”" in describe(decision.events[0])

    @pytest.mark.parametrize(
        "command",
        [SetMilestone(mark=Mark.LED, at=NOW, before=NOW), SetMilestone(mark=Mark.LED, before=NOW)],
        ids=["the same time", "nothing to give back"],
    )
    def test_what_holds_already_is_not_said_twice(self, command: SetMilestone) -> None:
        decision = by("bob", command, acknowledged(), at=LATER)
        assert decision.events == ()
        assert "nothing changed" in decision.said

    @pytest.mark.parametrize(
        "command, words",
        [
            (SetMilestone(mark=Mark.LED, at=LATER + MINUTE), "lies ahead"),
            (SetMilestone(mark=Mark.LED, at=NOW - timedelta(days=400)), "more than a year before INC-42"),
            (SetMilestone(mark=Mark.RESOLVED, at=NOW), "still open; type `resolve`"),
            (SetMilestone(mark=Mark.CLOSED, at=NOW), "still open; type `resolve`"),
        ],
    )
    def test_what_cannot_be_is_refused(self, command: SetMilestone, words: str) -> None:
        with pytest.raises(Refused, match=words):
            by("bob", command, acknowledged(), at=LATER)

    def test_the_end_of_what_is_over_can_be_corrected(self) -> None:
        assert by("bob", SetMilestone(mark=Mark.RESOLVED, at=NOW), resolved(), at=LATER).events

    @pytest.mark.parametrize(
        "before, corrected, rest",
        [(None, False, "led reset undone"), (NOW, False, "led reset undone"),
         (NOW, True, f"led {NOW.isoformat()} undone")],
    )  # fmt: skip
    def test_undo_puts_back_what_it_was(self, before: object, rest: str, *, corrected: bool) -> None:
        command = SetMilestone(mark=Mark.LED, at=LATER, before=before, corrected=corrected)  # type: ignore[arg-type]  # an instant or nothing
        decision = by("bob", command, acknowledged(), at=LATER)
        made = replace(decision.events[0], seq=9)
        assert undo([made], decision.incident, actor="bob", now=LATER) == Again(verb="milestone", rest=rest)


@pytest.mark.parametrize(
    "recorded, had", [(STORY, "2026-11-20 03:20 UTC"), (STORY[:4], "nothing")], ids=["a time", "none"]
)
@pytest.mark.parametrize("reason, why", [("by hand", ": by hand"), (None, "")])
def test_the_draft_shows_a_correction_with_what_the_record_has(
    recorded: tuple[Event, ...], had: str, reason: str | None, why: str
) -> None:
    events = (*recorded, set_to(95, Mark.MITIGATED, 12, reason))
    draft = build(over(), events, people={}, ladder=LADDER, now=LATER)
    rows = next(
        block for section in draft.sections for block in section.blocks if block.name == "key-times"
    ).rows
    mitigated = next(row for row in rows if row.cells[0] == "Mitigated")
    assert mitigated.cells[1] == f"2026-11-20 03:12 UTC (corrected by alice{why}; the record has {had})"
    assert mitigated.source == "[event 96]"


def test_closing_is_told_once_it_is_done() -> None:
    def names(events: tuple[Event, ...]) -> list[str]:
        draft = build(over(), events, people={}, ladder=LADDER, now=LATER)
        blocks = [block for section in draft.sections for block in section.blocks]
        return [row.cells[0] for block in blocks if block.name == "key-times" for row in block.rows]

    assert names(STORY)[-2:] == ["Resolved", "Closed"]
    assert names(STORY[:6])[-1] == "Resolved"
    # The paper is no part of the trouble: waiting for it is no gap in it.
    draft = build(over(), STORY, people={}, ladder=LADDER, now=LATER)
    assert draft.measures.widest_gap is not None
    assert draft.measures.widest_gap.end == "Mitigated"


def test_the_curated_timeline_leaves_out_what_is_routine() -> None:
    told = entries((*STORY, event(8, Kind.PAGE_SENT), event(9, Kind.NOTE)))
    assert [one.kind for one in curated(told)] == [one.kind for one in told if one.kind is not Kind.PAGE_SENT]
