"""A draft says what the records say, names its sources, and a refresh never loses what people wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from incident_bot.core.incident import (
    AcceptLead,
    Acknowledge,
    AddItem,
    AddNote,
    AssignLead,
    AssignRole,
    Cancel,
    FinishItem,
    Merge,
    MergeHere,
    OfferLead,
    PostUpdate,
    Publish,
    Reopen,
    Resolve,
    SetImpact,
    SetPhase,
    SetSeverity,
    SettleTheory,
    SilenceAlerts,
    SilenceTold,
    TakeBack,
    TickStep,
    UnmergeHere,
    Unpublish,
)
from incident_bot.core.model import ComponentState, Event, ItemKind, Kind, Ladder, Outcome, Paging, Phase
from incident_bot.core.postmortem import (
    Block,
    Draft,
    GraphFact,
    PageFact,
    build,
    clock,
    duration,
    escape,
    fenced,
    merge,
    without_fences,
)
from incident_bot.core.postmortem.answers import answers
from incident_bot.core.postmortem.prompts import BLANKS, PROMPTS
from incident_bot.core.timeline import one_line
from tests.render.stories import LADDER, PAGES, PEOPLE, START, Desk, Tale, draft_of, episode, whole_tale


def block(draft: Draft, name: str) -> Block:
    return next(block for section in draft.sections for block in section.blocks if block.name == name)


def cells(draft: Draft, name: str) -> list[tuple[str, ...]]:
    return [row.cells for row in block(draft, name).rows]


def asked(draft: Draft, word: str) -> list[str]:
    return [question for question in draft.questions if word in question]


class TestMeasures:
    def test_the_usual_story(self) -> None:
        measures = draft_of(whole_tale()).measures
        minutes = {one.name: (one.at - START) / timedelta(minutes=1) for one in measures.milestones if one.at}
        assert minutes == {
            "Impact started": 0,
            "Detected": 2,
            "Acknowledged": 20,
            "Declared": 20,
            "Led": 20,
            "First update": 24,
            "Mitigated": 36,
            "Resolved": 44,
        }
        assert measures.time_to_detect == timedelta(minutes=2)
        assert measures.time_to_acknowledge == timedelta(minutes=18)
        assert measures.time_to_resolve == timedelta(minutes=42)
        assert measures.duration == timedelta(minutes=44)
        assert measures.severity_time == (("P1", timedelta(minutes=22)), ("P2", timedelta(minutes=20)))
        assert (measures.pages_sent, measures.pages_failed, measures.people_paged) == (1, 1, 1)
        assert measures.widest_gap is not None
        assert (measures.widest_gap.start, measures.widest_gap.length) == ("Detected", timedelta(minutes=18))
        assert not measures.still_open

    def test_nothing_of_a_resolved_incident_depends_on_now(self) -> None:
        tale = whole_tale()
        early, late = (draft_of(tale, now=tale.now + timedelta(days=days)) for days in (1, 300))
        assert early.measures == late.measures
        assert early.questions == late.questions
        assert early.sections == late.sections

    def test_an_open_incident_says_so_and_has_no_end(self) -> None:
        draft = draft_of(Tale().steps().at(10), pages=())
        assert draft.measures.still_open
        assert (draft.measures.time_to_resolve, draft.measures.duration, draft.header.due_at) == (
            None,
            None,
            None,
        )
        assert ("Resolved", "still open") in cells(draft, "header")
        assert ("Resolved", "not yet", "") in cells(draft, "key-times")
        assert cells(draft, "summary")[0][0].endswith("began at 2026-11-21 02:05 UTC and is still open.")
        assert ("Never acknowledged.",) in cells(draft, "summary")
        assert ("End", "still open") in cells(draft, "durations")
        assert block(draft, "paging").rows == ()

    def test_what_was_cancelled_was_not_resolved_and_is_not_asked_what_nobody_felt(self) -> None:
        tale = Tale().at(3).does(Acknowledge()).at(9).does(Cancel(reason="a test of the sender"))
        draft = build(tale.incident, tale.events, people=PEOPLE, ladder=LADDER, now=tale.now)
        ended = "2026-11-21 02:14 UTC"
        assert ("Cancelled", ended) in cells(draft, "header")
        assert ("Cancelled", ended, "7 min") in cells(draft, "key-times")
        assert ("Impact started", "not recorded", "") in cells(draft, "key-times")
        assert cells(draft, "impact")[0] == ("Window", f"2026-11-21 02:07 UTC to {ended}, 7 min")
        assert cells(draft, "summary")[-1][0].endswith("over after 7 min: a test of the sender.")
        assert not [words for words in ("users noticed", "to be done", "mitigation") if asked(draft, words)]

    def test_the_work_begins_with_its_opening_and_what_is_open_has_no_end_in_its_window(self) -> None:
        tale = Tale(opened_after=timedelta(0))
        draft = build(tale.incident, tale.events, people=PEOPLE, ladder=LADDER, now=tale.now)
        assert [row[0] for row in cells(draft, "phases")] == ["triage"]
        assert cells(draft, "impact")[0] == ("Window", "2026-11-21 02:05 UTC, still open")
        assert block(draft, "impact").rows[0].source == "[event 1]"
        assert ("Impact started", "not recorded", "") in cells(draft, "key-times")
        assert "Widest gap" not in [row[0] for row in cells(draft, "durations")]

    def test_a_reopening_undoes_the_end_and_the_mitigation(self) -> None:
        tale = whole_tale().at(50).does(Reopen(reason="again"))
        assert draft_of(tale).measures.still_open
        assert draft_of(tale).measures.at("Mitigated") is None
        tale.at(55).does(Acknowledge()).at(60).does(SetPhase(phase=Phase.MONITORING)).at(70).does(
            Resolve(reason="Held")
        )
        draft = draft_of(tale)
        assert draft.measures.at("Resolved") == START + timedelta(minutes=70)
        assert draft.measures.at("Mitigated") == START + timedelta(minutes=60)
        assert draft.measures.at("Acknowledged") == START + timedelta(minutes=20)
        assert asked(draft, "came back")

    def test_an_alert_that_began_after_the_opening_started_no_impact(self) -> None:
        late = episode(starts_at=START + timedelta(minutes=9))
        tale = whole_tale()
        draft = build(tale.incident, tale.events, [late], people=PEOPLE, ladder=LADDER, now=tale.now)
        assert draft.measures.at("Impact started") is None
        assert cells(draft, "impact")[0][1].startswith("2026-11-21 02:07 UTC")

    def test_a_record_with_nothing_but_the_incident_still_gives_a_draft(self) -> None:
        tale = whole_tale()
        draft = build(tale.incident, [], people={}, ladder=Ladder(()), now=tale.now)
        assert draft.measures.at("Detected") == tale.incident.opened_at
        assert draft.measures.at("Resolved") == tale.incident.resolved_at
        assert [section.number for section in draft.sections] == list(range(19))

    def test_a_merged_incident_has_no_end_of_its_own_and_is_not_open(self) -> None:
        tale = Tale().at(5)
        merged = replace(tale.incident, paging=Paging.MERGED, merged_into=41, drill=True)
        draft = build(merged, tale.events, people=PEOPLE, ladder=LADDER, now=tale.now)
        assert ("Resolved", "not recorded") in cells(draft, "header")
        assert ("Drill", "yes: this was an exercise") in cells(draft, "header")
        assert ("Resolved", "not recorded", "") in cells(draft, "key-times")
        assert len(cells(draft, "summary")) == 2

    def test_what_was_merged_is_named_and_what_was_taken_out_is_not(self) -> None:
        tale = Tale().at(5)
        first, second = (replace(tale.incident, id=number, title=f"Disk {number}") for number in (3, 4))
        tale.does(MergeHere(of=first)).does(MergeHere(of=replace(second, title="")))
        draft = build(tale.incident, tale.events, people=PEOPLE, ladder=LADDER, now=tale.now)
        assert ("Merged incidents", "INC-3 “Disk 3”, INC-4") in cells(draft, "header")
        tale.does(UnmergeHere(of=first, into=5)).does(UnmergeHere(of=second, into=6))
        draft = build(tale.incident, tale.events, people=PEOPLE, ladder=LADDER, now=tale.now)
        assert "Merged incidents" not in {row[0] for row in cells(draft, "header")}

    def test_a_merged_incident_names_where_it_is_told_of(self) -> None:
        tale = Tale().at(5)
        tale.does(Merge(into=replace(tale.incident, id=41)))
        draft = build(tale.incident, tale.events, people=PEOPLE, ladder=LADDER, now=tale.now)
        assert ("Merged into", "INC-41") in cells(draft, "header")
        assert not draft.measures.still_open

    def test_severities_of_another_time_come_last(self) -> None:
        tale = Tale(severity="P9").at(5).does(Acknowledge()).does(SetSeverity(severity=LADDER.rungs[1]))
        spent = draft_of(tale.at(10).does(Resolve())).measures.severity_time
        assert [name for name, _ in spent] == ["P2", "P9"]

    def test_an_incident_that_is_already_controlled_when_said_twice_keeps_the_first_time(self) -> None:
        tale = Tale().at(3).does(Acknowledge()).at(5).does(SetPhase(phase=Phase.MONITORING))
        again = Event(
            kind=Kind.UPDATE_POSTED,
            actor="alice",
            source="console",
            happened_at=START + timedelta(minutes=8),
            data={"phase": "monitoring", "next_update_at": "soon"},
            seq=99,
        )
        tale.events.append(again)
        assert draft_of(tale).measures.at("Mitigated") == START + timedelta(minutes=5)


class TestSections:
    def test_every_generated_line_but_the_due_date_names_its_source(self) -> None:
        for section in draft_of(whole_tale()).sections:
            for part in section.blocks:
                for row in part.rows:
                    assert row.source or row.cells[0] == "Post-mortem due", (part.name, row)

    def test_the_appendix_has_what_the_timeline_leaves_out(self) -> None:
        tale = whole_tale()
        draft = draft_of(tale)
        listed = len(block(draft, "timeline").rows) + len(block(draft, "rest-of-record").rows)
        assert listed == len(tale.events)

    def test_a_note_shows_when_it_happened_and_when_it_was_written_down(self) -> None:
        first = cells(draft_of(whole_tale()), "timeline")[0][0]
        assert first.startswith("2026-11-21 02:02 UTC (Fri 21:02 EST): Bob Example noted")
        assert first.endswith("(noted 2026-11-21 02:33 UTC)")

    def test_a_very_long_record_is_cut_with_a_count(self) -> None:
        tale = Tale().at(3)
        for number in range(520):
            tale.does(AddNote(text=f"note {number}"))
        last = block(draft_of(tale), "timeline").rows[-1]
        assert last.cells[0] == "22 more entries, on the incident's page."
        assert last.source.endswith("and 19 more]")

    def test_silences_with_who_when_why_and_what_became_of_them(self) -> None:
        tale, end = Tale(), timedelta(hours=1)
        assert block(draft_of(tale), "silences").nothing == "No silences used."
        wanted = tuple(("am", (("alertname", name),)) for name in ("Down", "token=s3cr3t-Value", "Slow"))
        asked = SilenceAlerts(wanted=wanted, until=tale.now + end, reason="moving")
        tale.at(10).does(asked, "bob")
        tale.sees(SilenceTold(number=1, kind=Kind.SILENCED, until=tale.now + end))
        tale.sees(SilenceTold(number=3, kind=Kind.SILENCED, until=tale.now + end))
        tale.at(20).sees(SilenceTold(number=1, kind=Kind.SILENCE_LIFTED, reason="mended"))
        draft = draft_of(tale)
        first, second, third = cells(draft, "silences")
        since, until = "2026-11-21 02:15 UTC", "2026-11-21 02:25 UTC"
        assert first[0] == 'alertname="Down"'
        assert first[1].startswith(since)
        assert first[2].startswith(until)
        assert first[3:] == ("Bob Example", "moving", "lifted: mended")
        assert "s3cr3t" not in second[0]
        assert (second[5], third[5]) == ("not confirmed", "in force")
        assert block(draft, "silences").rows[0].source.count("event") == 1

    def test_roles_tasks_and_changes_with_their_state(self) -> None:
        tale = whole_tale().at(46).does(FinishItem(number=1)).does(FinishItem(number=3)).does(
            AssignRole(role="scribe", person="bob")
        )  # fmt: skip
        due = START + timedelta(days=3)
        tale.does(AddItem(kind=ItemKind.FOLLOWUP, text="Alert earlier", owner="bob", due=due))
        draft = draft_of(tale)
        assert cells(draft, "changes")[0][2].startswith("undone 2026-11-21 02:51 UTC")
        assert [row[-1][:4] for row in cells(draft, "follow-ups")] == ["open", "done", "open"]
        assert cells(draft, "follow-ups")[2][3:5] == ("Bob Example", "2026-11-24 02:05 UTC (Mon 21:05 EST)")
        assert {row[1] for row in cells(draft, "participants")} == {"responder", "scribe", "lead"}

    def test_whoever_led_and_handed_over_is_named_with_every_role_they_had(self) -> None:
        tale = Tale().at(3).does(AssignLead(person="dora"), "bob")
        tale.does(TakeBack(of=len(tale.events), kind=Kind.LEAD_ASSIGNED, what="the lead"), "bob")
        tale.at(5).does(AssignLead(person="alice"), "alice").does(AssignRole(role="comms", person="alice"))
        tale.at(25).does(AssignLead(person="bob"), "bob").at(30).does(Resolve(reason="over"), "bob")
        draft = draft_of(tale)
        assert ("Led by", "Alice Example, then Bob Example") in cells(draft, "header")
        assert [row[::2] for row in cells(draft, "command")] == [
            ("Alice Example", "20 min"),
            ("Bob Example", "5 min"),
        ]
        roles = {row[0]: row[1] for row in cells(draft, "participants")}
        assert roles == {"Alice Example": "lead, comms", "Bob Example": "lead"}

    def test_what_was_believed_and_when_and_what_was_decided(self) -> None:
        tale = Tale().at(3).does(AddItem(kind=ItemKind.THEORY, text="Cold cache"), "bob")
        tale.does(AddItem(kind=ItemKind.THEORY, text="Bad deploy"), "bob")
        tale.does(AddItem(kind=ItemKind.THEORY, text="Full disk"), "bob")
        tale.at(8).does(SettleTheory(number=1, outcome=Outcome.RULED_OUT, why="it is warm"), "alice")
        tale.at(9).does(SettleTheory(number=2, outcome=Outcome.CONFIRMED), "alice")
        tale.at(10).does(AddItem(kind=ItemKind.DECISION, text="Roll back"), "alice")
        draft = draft_of(tale)
        assert [(row[0], row[2], row[3].partition(" 2026")[0]) for row in cells(draft, "theories")] == [
            ("Cold cache", "Bob Example", "ruled out"),
            ("Bad deploy", "Bob Example", "confirmed"),
            ("Full disk", "Bob Example", "neither confirmed nor ruled out"),
        ]
        assert cells(draft, "theories")[0][3].endswith(": it is warm")
        assert block(draft, "theories").rows[0].source == "[events 3, 6]"
        assert [(row[0], row[2]) for row in cells(draft, "decisions")] == [("Roll back", "Alice Example")]
        assert cells(draft, "follow-ups") == []
        assert asked(draft, "Theory 3, “Full disk”, was neither confirmed nor ruled out. Which was it?")
        assert not asked(draft, "Theory 1")
        assert not asked(draft, "has no owner")

    def test_who_was_in_command_from_when_to_when(self) -> None:
        tale = Tale().at(3).does(AssignLead(person="bob")).at(10).does(OfferLead(person="alice"), "bob")
        draft = draft_of(tale.at(20).does(AcceptLead(), "alice"), now=tale.now + timedelta(minutes=4))
        assert [(row[0], row[2]) for row in cells(draft, "command")] == [
            ("Bob Example", "17 min"),
            ("Alice Example", "4 min, still in command"),
        ]
        assert cells(draft_of(tale.at(30).does(Resolve())), "command")[1][2] == "10 min"
        assert block(draft_of(Tale()), "command").nothing == "Nobody led it."

    def test_the_steps_that_were_done(self) -> None:
        tale = (
            Tale()
            .at(3)
            .does(TickStep(number=1, text="Look", of=2))
            .at(4)
            .does(TickStep(number=2, text="Act", of=2))
        )
        tale.at(5).does(TickStep(number=1, text="Look", of=2, done=False))
        draft = draft_of(tale)
        assert [(row[0], row[2]) for row in cells(draft, "steps")] == [("2. Act", "Alice Example")]
        assert block(draft, "steps").rows[0].source == "[event 4]"

    def test_pages_say_why_and_with_what_result(self) -> None:
        odd = replace(PAGES[0], id=0, kind="last_resort", loop=1, state="cancelled", sent_at=None)
        draft = draft_of(whole_tale(), pages=(*PAGES, odd))
        rows = cells(draft, "paging")
        assert ("Alice Example", "slack", "last resort, round 2") in [row[:3] for row in rows]
        assert any(row[4] == "failed, 3 attempts (no phone)" for row in rows)
        assert any(row[4].startswith("sent 2026-11-21 02:07 UTC") for row in rows)
        assert block(draft, "paging").rows[0].source == "[page 3]"

    def test_an_earlier_incident_of_the_same_alerts_is_named(self) -> None:
        tale = whole_tale()
        tale.incident = replace(tale.incident, previous=17)
        assert cells(draft_of(tale), "recurrence") == [("The same alerts made INC-17.",)]

    def test_a_runbook_of_another_time_is_named_by_its_path(self) -> None:
        tale = whole_tale()
        draft = build(tale.incident, tale.events, people=PEOPLE, ladder=LADDER, now=tale.now)
        assert cells(draft, "runbook") == [("Runbook at hand: services/high-error-rate.md.",)]

    def test_secrets_are_hidden_wherever_people_wrote_them(self) -> None:
        tale = Tale(title="password=hunter2").at(3).does(AddItem(kind=ItemKind.TASK, text="token=abc123"))
        tale.does(AddItem(kind=ItemKind.CHANGE, text="x", undo="secret=abc123"))
        tale.does(AddItem(kind=ItemKind.THEORY, text="password=abc123"))
        tale.does(SettleTheory(number=3, outcome=Outcome.CONFIRMED, why="token=abc123"))
        pages = (replace(PAGES[1], reason="Bearer abc123abc123 refused"),)
        assert not [word for word in ("hunter2", "abc123") if word in str(draft_of(tale, pages=pages))]

    def test_a_promise_is_kept_missed_settled_or_not_due(self) -> None:
        tale = Tale().at(3).does(Acknowledge())
        for minute, length in ((4, 10), (10, 5), (30, 60)):
            tale.at(minute)
            tale.does(PostUpdate(text="x", next_update_at=tale.now + timedelta(minutes=length)))
        draft = draft_of(tale, now=tale.now)
        assert [row[1][:11] for row in cells(draft, "promises")] == [
            "kept, 2026-",
            "15 min late",
            "not due yet",
        ]
        assert cells(draft, "promises-kept") == [
            ("1 of 2 promised updates came in time; 1 late, by 15 min at most.",)
        ]
        tale.events.append(
            replace(tale.events[-1], kind=Kind.REOPENED, seq=90, happened_at=tale.now, data={})
        )
        tale.at(40).does(Resolve())
        assert [row[1][:4] for row in cells(draft_of(tale), "promises")] == ["kept", "15 m", "kept"]

    @pytest.mark.parametrize(
        "after, result, counted",
        [
            (timedelta(minutes=10), "kept, ", "1 of 1 promised update came in time."),
            (timedelta(minutes=12), "kept, ", "1 of 1 promised update came in time."),
            (
                timedelta(minutes=12, seconds=1),
                "missed",
                "0 of 1 promised update came in time; 1 did not come.",
            ),
        ],
    )
    def test_the_end_settles_what_was_due_at_most_two_minutes_before(
        self, after: timedelta, result: str, counted: str
    ) -> None:
        tale = Tale().at(3).does(Acknowledge())
        tale.does(PostUpdate(text="x", next_update_at=tale.now + timedelta(minutes=10)))
        tale.now += after
        tale.does(Resolve())
        draft = draft_of(tale)
        assert cells(draft, "promises")[0][1].startswith(result)
        assert cells(draft, "promises-kept") == [(counted,)]

    def test_what_the_public_was_told_and_promised_stands_beside_what_the_channels_were(self) -> None:
        def says(text: str, **changes: object) -> Publish:
            told = Publish(
                title="Paying", text=text, components=("checkout",), state=ComponentState.PARTIAL_OUTAGE
            )
            return replace(told, **changes)  # type: ignore[arg-type]  # the tests name real fields

        tale = Tale().at(3).does(Acknowledge()).at(4)
        tale.does(says("One payment in ten fails", next_update_at=tale.now + timedelta(minutes=10)))
        assert not asked(draft_of(tale, now=tale.now + timedelta(hours=2)), "No update was posted")
        tale.at(6).does(PostUpdate(text="inside", next_update_at=tale.now + timedelta(minutes=30)))
        tale.at(20).does(says("Payments recover")).at(21).does(Unpublish(reason="over"))
        draft = draft_of(tale, now=tale.now)
        told = [text for (text,) in cells(draft, "updates")]
        assert [text.split(": ", 2)[1] for text in told] == [
            "Alice Example published on the status page",
            "Alice Example posted an update",
            "Alice Example published on the status page",
            "Alice Example took the incident off the status page",
        ]
        first, second = cells(draft, "promises")
        assert first[0].endswith(" on the status page")
        assert first[1].startswith("6 min late")
        assert second[1].startswith("kept, ")
        assert len(asked(draft, "The update promised on the status page for 2026-11-21 02:19 UTC")) == 1

    def test_a_promise_that_nobody_kept_is_missed_while_it_is_open(self) -> None:
        tale = Tale().at(3).does(Acknowledge())
        tale.does(PostUpdate(text="x", next_update_at=tale.now + timedelta(minutes=10)))
        draft = draft_of(tale, now=tale.now + timedelta(minutes=13))
        assert cells(draft, "promises")[0][1] == "missed"

    def test_a_promise_for_after_the_end_is_settled_by_it(self) -> None:
        tale = Tale().at(3).does(Acknowledge()).at(30).does(Resolve())
        promise = (tale.now + timedelta(minutes=30)).isoformat()
        update = Event(
            kind=Kind.UPDATE_POSTED,
            actor="alice",
            source="console",
            happened_at=tale.now,
            data={"next_update_at": promise},
            seq=99,
        )
        tale.events.append(update)
        assert cells(draft_of(tale), "promises")[0][1] == "settled by the end"


class TestQuestions:
    def test_a_clear_record_raises_none(self) -> None:
        tale = (
            Tale(opened_after=timedelta(minutes=1))
            .at(2)
            .does(Acknowledge())
            .does(AssignRole(role="lead", person="bob"))
        )
        tale.at(3).does(PostUpdate(text="x")).does(SetImpact(text="slow")).at(10).does(
            SetPhase(phase=Phase.MONITORING)
        ).at(20).does(Resolve())
        draft = draft_of(tale, pages=())
        assert draft.questions == ()
        assert block(draft, "questions").nothing == "The record raises none that are not answered."

    def test_the_usual_story(self) -> None:
        questions = draft_of(whole_tale()).questions
        assert "Nobody acknowledged for 18 min; 5 min were allowed. What held it up? [event 8]" in questions
        assert "Task 3, “Ask support”, is still open. Does it matter? [event 17]" in questions
        assert any(
            "“Rate limit at 100/s” is not undone (to undo: remove it)" in question for question in questions
        )
        assert any("Follow-up 2" in question and question.endswith("[event 16]") for question in questions)
        assert any("1 page failed (Bob Example by sms)" in question for question in questions)
        assert any("did not come in time" in question for question in questions)

    def test_nobody_and_nothing(self) -> None:
        tale = Tale(desk=Desk({"person/dora": ()}), runbook=None, opened_after=timedelta(minutes=9)).steps()
        tale.at(90).does(Resolve(reason="gone", firing=1))
        draft = draft_of(tale, pages=(*PAGES, PAGES[1]))
        for words in (
            "The trouble began 9 min before",
            "Nobody acknowledged at all in 1 h 21 min; 15 min were allowed",
            "had nobody to page",
            "ran out without an answer",
            "Nobody led it",
            "No runbook matched",
            "No update was posted; one every 30 min was due",
            "Nothing was recorded for 1 h 21 min",
            "No time of mitigation",
            "resolved while alerts still fired",
            "2 pages failed",
        ):
            assert asked(draft, words), (words, draft.questions)
        assert asked(draft, "The trouble began")[0].endswith("[episode 3] [event 1]")

    def test_a_cancelled_incident_needs_no_mitigation(self) -> None:
        draft = draft_of(Tale().at(5).does(Cancel(reason="a test")), pages=())
        assert draft.measures.at("Resolved")
        assert not asked(draft, "mitigation")

    def test_follow_ups_with_an_owner_and_changes_without_an_undo(self) -> None:
        tale = Tale().at(3).does(AddItem(kind=ItemKind.FOLLOWUP, text="a", owner="bob"))
        tale.does(AddItem(kind=ItemKind.CHANGE, text="b"))
        draft = draft_of(tale)
        assert not asked(draft, "Follow-up 1")
        assert asked(draft, "“b” is not undone. Should it be?")

    def test_a_short_open_incident_is_not_asked_for_updates_yet(self) -> None:
        draft = draft_of(Tale().at(5), now=START + timedelta(minutes=6))
        assert not asked(draft, "No update was posted")
        assert not asked(draft, "Nobody acknowledged")


class TestCompleteness:
    def test_every_prompt_has_a_place_in_the_list_of_blanks(self) -> None:
        places = {(section, place) for section, asked in PROMPTS.items() for place, _ in enumerate(asked)}
        assert {(section, place) for section, place, _ in BLANKS} == places
        assert len(BLANKS) == len(places)

    def test_prompts_stand_in_markdown_as_they_are(self) -> None:
        assert all(escape(prompt) == prompt for prompts in PROMPTS.values() for prompt in prompts)

    def test_a_new_draft_names_the_three_most_useful_blanks(self) -> None:
        full = draft_of(whole_tale()).completeness
        assert full.done == 7
        assert full.missing == (
            "what made it possible (9)",
            "who was affected (2)",
            "follow-ups with owner and due date (15)",
        )

    def test_an_answered_prompt_counts(self) -> None:
        written = "\n".join(
            f"## {number}. x\n_To write: {prompt}_"
            for number, prompts in PROMPTS.items()
            for prompt in prompts
        )
        assert len(answers(written).blanks) == len(BLANKS)
        answered = written.replace(f"_To write: {PROMPTS[9][0]}_", "_We know:_ a missing index.")
        draft = draft_of(whole_tale(), written=answered)
        assert draft.completeness.done == 8
        assert draft.completeness.missing[0] == "who was affected (2)"

    def test_facts_that_lack_come_after_the_prompts(self) -> None:
        draft = draft_of(Tale(runbook=None).at(3), written="all prompts are answered")
        assert draft.completeness.missing[0] == "the impact in words (`impact …`)"
        assert draft.completeness.total == len(BLANKS) + 7


class TestWords:
    @pytest.mark.parametrize(
        "seconds,text",
        [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3660, "1 h 1 min"), (90061, "1 d 1 h"), (-5, "0 s")],
    )
    def test_durations(self, seconds: int, text: str) -> None:
        assert duration(timedelta(seconds=seconds)) == text

    @pytest.mark.parametrize(
        "zone,text",
        [
            ("UTC", "2026-11-21 02:05 UTC"),
            ("Europe/Berlin", "2026-11-21 02:05 UTC (03:05 CET)"),
            ("America/New_York", "2026-11-21 02:05 UTC (Fri 21:05 EST)"),
            ("Europe/London", "2026-11-21 02:05 UTC"),
            ("Nowhere/Land", "2026-11-21 02:05 UTC"),
            ("../etc", "2026-11-21 02:05 UTC"),
        ],
    )
    def test_clock_times(self, zone: str, text: str) -> None:
        assert clock(START, zone) == text

    def test_a_page_counts_as_sent_by_its_time_or_its_state(self) -> None:
        page = PageFact(person="a", name="A", via="sms", due_at=START, state="delivered")
        assert page.was_sent
        assert not replace(page, state="pending").was_sent
        assert replace(page, state="failed", sent_at=START).was_sent


SHOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def shown(markdown: str) -> list[tuple[str, str]]:
    """Give what a reader sees: every token that is not plain text, and the text."""
    tokens = SHOWN.parse(markdown)
    inline = [child for token in tokens if token.type == "inline" for child in token.children or ()]
    return [(child.type, child.content) for child in inline] + [("block", token.type) for token in tokens]


NASTY = st.text(alphabet=st.sampled_from("ab1 \\`*_[]()<>#+-.!|~&;:=/\"'{}x\n\t"), max_size=40)


class TestEscape:
    @pytest.mark.parametrize(
        "text",
        [
            "<script>alert(1)</script>",
            "<!-- end:impact -->",
            "![x](http://evil/y.png)",
            "[x](javascript:alert(1))",
            "# not a heading",
            "1. not a list",
            "- nor this",
            "> nor a quote",
            "| a | b |",
            "**bold** __bold__ _it_ `code` ~~no~~",
            "high_error_rate &amp; &#60; \\",
            "```",
            "===",
            "{{ 7 * 7 }} {% raw %}",
        ],
    )  # fmt: skip
    def test_a_text_is_shown_and_nothing_else(self, text: str) -> None:
        for lead in ("", "- ", "x "):
            seen = shown(lead + escape(text))
            assert {kind for kind, _ in seen} <= {"text", "text_special", "block"}
            assert "".join(content for kind, content in seen if kind != "block").removeprefix("x ") == text

    def test_names_of_metrics_and_paths_stay_readable(self) -> None:
        assert (
            escape("high_error_rate in services/a-b.md at 12 %")
            == "high_error_rate in services/a-b.md at 12 %"
        )

    @given(NASTY)
    def test_any_text_is_shown_as_it_is(self, text: str) -> None:
        plain = one_line(text)
        seen = shown(f"x {escape(text)}")
        assert {kind for kind, _ in seen} <= {"text", "text_special", "block"}
        assert (
            "".join(content for kind, content in seen if kind != "block").removeprefix("x").strip()
            == plain.strip()
        )

    @given(NASTY)
    def test_any_text_stays_in_its_list_item_and_its_cell(self, text: str) -> None:
        if not one_line(text):
            return
        kinds = [kind for _, kind in shown(f"- {escape(text)}") if kind.endswith("_open")]
        assert kinds == ["bullet_list_open", "list_item_open", "paragraph_open"]
        table = [token.type for token in SHOWN.parse(f"| a | b |\n| --- | --- |\n| {escape(text)} | y |")]
        assert table.count("td_open") == 2


def document(*parts: tuple[str, str], prompt: str = "_To write: {name}_") -> str:
    return "".join(
        f"## {name}\n\n{fenced(body, name)}\n\n{prompt.format(name=name)}\n\n" for name, body in parts
    )


OLD = document(("a", "one"), ("b", "two\ntwo"), ("c", "three"))
NEW = document(("a", "one!"), ("b", "two\ntwo"), ("c", "three!"))


class TestMerge:
    def test_an_untouched_document_becomes_the_new_one(self) -> None:
        assert merge(OLD, NEW).text == NEW
        assert merge(OLD, NEW).conflicts == ()

    def test_what_people_wrote_stays_byte_for_byte(self) -> None:
        old = "Preface \r\n\n" + OLD.replace("_To write: b_", "Mine\t  \n\n## And a heading\n") + "last line"
        merged = merge(old, NEW)
        assert (
            merged.text
            == "Preface \r\n\n" + NEW.replace("_To write: b_", "Mine\t  \n\n## And a heading\n") + "last line"
        )

    def test_a_document_saved_by_a_browser_is_not_an_edit(self) -> None:
        assert merge(OLD.replace("\n", "\r\n"), NEW).conflicts == ()

    def test_an_edited_part_stays_and_the_news_are_offered_once(self) -> None:
        merged = merge(OLD.replace("three", "drei"), NEW)
        assert merged.conflicts == ("c",)
        assert "drei\n<!-- end:c -->\n\n> Generated now:\n>\n> three!\n" in merged.text
        again = merge(merged.text, NEW)
        assert again.text == merged.text
        assert again.conflicts == ()

    def test_later_news_take_the_place_of_earlier_ones(self) -> None:
        first = merge(OLD.replace("three", "drei"), NEW).text
        newest = document(("a", "one!"), ("b", "two\ntwo"), ("c", "three, really"))
        second = merge(first, newest).text
        assert second.count("> Generated now:") == 1
        assert "> three, really" in second
        assert "drei" in second
        assert "three!" not in second

    def test_an_edited_offer_is_people_s_text(self) -> None:
        first = merge(OLD.replace("three", "drei"), NEW).text.replace("> three!", "> three! I doubt it")
        newest = document(("a", "one!"), ("b", "two\ntwo"), ("c", "four"))
        second = merge(first, newest).text
        assert "> three! I doubt it" in second
        assert "> four" in second

    def test_an_offer_that_was_thrown_away_does_not_come_back(self) -> None:
        first = merge(OLD.replace("three", "drei"), NEW).text.replace("\n> Generated now:\n>\n> three!\n", "")
        assert merge(first, NEW).text == first

    def test_taking_the_offer_settles_it(self) -> None:
        first = merge(OLD.replace("three", "drei"), NEW).text.replace("drei", "three!")
        assert merge(first, NEW).text == NEW
        assert merge(OLD.replace("three", "three!"), NEW).text == NEW

    def test_an_edit_without_news_is_no_conflict(self) -> None:
        old = OLD.replace("two\ntwo", "zwei")
        merged = merge(old, NEW)
        assert "zwei" in merged.text
        assert merged.conflicts == ()

    def test_a_part_that_is_mine_is_left_alone(self) -> None:
        start = OLD.index("<!-- generated:c")
        old = OLD[:start] + OLD[start:].replace("hash:", "hash:mine -->x", 1)
        old = old[: old.index("-->x") + 3] + old[old.index("\nthree") :]
        merged = merge(old.replace("three", "drei"), NEW)
        assert "drei" in merged.text
        assert merged.conflicts == ()

    def test_a_section_that_is_gone_leaves_its_human_text(self) -> None:
        old = OLD.replace("_To write: b_", "My words")
        merged = merge(old, document(("a", "one!"), ("c", "three!")))
        assert "My words" in merged.text
        assert "two" not in merged.text
        edited = merge(old.replace("two\ntwo", "zwei"), document(("a", "one!"), ("c", "three!")))
        assert "zwei" in edited.text

    @pytest.mark.parametrize("lost", ["a", "b", "c"])
    def test_a_new_section_comes_to_its_place(self, lost: str) -> None:
        parts = [("a", "one"), ("b", "two"), ("c", "three")]
        new = document(*parts)
        merged = merge(document(*(part for part in parts if part[0] != lost)), new).text
        assert sorted(merged.split()) == sorted(new.split())
        if lost == "b":
            assert merged == new

    def test_a_new_part_of_a_known_section_comes_after_its_neighbour(self) -> None:
        one, two = fenced("1", "one"), fenced("2", "two")
        new = f"## s\n\n{one}\n\n{two}\n\nprompt\n"
        assert merge(f"## s\n\n{one}\n\nmine\n", new).text == f"## s\n\n{one}\n\n{two}\n\nmine\n"
        assert merge(f"## s\n\nmine\n\n## t\n{two}", new).text.startswith(f"## s\n\n{one}\n\nmine")

    def test_a_part_is_put_beneath_the_offer_of_its_neighbour(self) -> None:
        edited = fenced("1", "one").replace("-->\n1", "-->\neins")
        old = f"## s\n\n{edited}\n\nmine\n"
        merged = merge(old, f"## s\n\n{fenced('uno', 'one')}\n\n{fenced('2', 'two')}\n").text
        assert merged.index("> uno") < merged.index("generated:two") < merged.index("mine")
        assert merge(merged, f"## s\n\n{fenced('uno', 'one')}\n\n{fenced('2', 'two')}\n").text == merged

    def test_parts_side_by_side_and_at_the_very_end(self) -> None:
        one, two, three = (fenced(body, body) for body in ("x1", "x2", "x3"))
        new = f"## s\n{one}\n{two}\n{three}"
        assert merge(f"## s\n{one}\n{three}", new).text == f"## s\n{one}\n\n{two}\n\n{three}"
        assert merge(f"## s\n{one}", new).text.split() == new.split()

    def test_whole_new_section_with_two_parts_and_its_prompt(self) -> None:
        extra = f"## t\n\n{fenced('1', 't1')}\n\n{fenced('2', 't2')}\n\nask me\n\n"
        new = document(("a", "one")) + extra + document(("c", "three"))
        merged = merge(document(("a", "one"), ("c", "three")), new).text
        assert merged.split() == new.split()

    def test_a_part_above_all_headings_comes_to_the_top(self) -> None:
        title, status = fenced("# T", "title"), fenced("new", "status")
        new = f"{title}\n\n{status}\n\n{NEW}"
        assert merge(OLD, new).text == new
        assert merge(f"{status}\n\n{OLD}", new).text == new
        assert merge(f"{title}\n{NEW}", new).text == f"{title}\n\n{status}\n\n{NEW}"

    def test_text_of_no_section_at_all_takes_everything(self) -> None:
        merged = merge("only mine", NEW)
        assert "only mine" in merged.text
        assert merge(merged.text, NEW).text == merged.text
        assert merge("", NEW).text.split()

    @pytest.mark.parametrize("broken", ["<!-- end:b -->\n", "<!-- generated:b hash:00000000 -->\n"])
    def test_a_lone_comment_is_people_s_text(self, broken: str) -> None:
        merged = merge(OLD + broken, NEW)
        assert merged.text == NEW + broken
        inside = merge(OLD.replace("two\ntwo", f"two\n{broken}two"), NEW)
        assert merge(inside.text, NEW).text == inside.text

    def test_a_part_copied_by_hand_is_people_s_text(self) -> None:
        copy = fenced("one", "a") + "\n"
        assert merge(OLD + copy, NEW).text == NEW + copy

    def test_the_comments_are_not_for_reading(self) -> None:
        assert "<!--" not in without_fences(NEW)
        assert "one!" in without_fences(NEW)


HUMAN = st.lists(
    st.sampled_from([
        "", "my words", "> a quote", "> Generated now:", ">", "> one", "## My heading", "## b", "- item  ", "\ttext",
        "<!-- end:b -->", "<!-- generated:a hash:00000000 -->", "<!-- a comment -->", "_To write: a_",
    ]),
    max_size=6,
)  # fmt: skip
BODIES = st.sampled_from(["one", "two\n\nlines", "- a\n- b", "", "> quoted", "| a |"])
SCRIPT = st.fixed_dictionaries({
    "names": st.lists(st.sampled_from("abcd"), unique=True),
    "later": st.lists(st.sampled_from("abcd"), unique=True).map(sorted),
    "newest": st.lists(st.sampled_from("abcd"), unique=True).map(sorted),
    "human": st.lists(HUMAN, min_size=6, max_size=6),
    "bodies": st.lists(BODIES, min_size=12, max_size=12),
    "edits": st.lists(st.sampled_from(["", "edited by hand", "mine too"]), min_size=4, max_size=4),
    "ends": st.sampled_from(["\n", ""]),
})  # fmt: skip


def written(script: dict[str, Any]) -> tuple[str, list[str]]:
    """Give a document that people have worked on, and every line of theirs."""
    lines: list[str] = list(script["human"][5])
    text = "".join(f"{line}\n" for line in lines)
    for place, name in enumerate(script["names"]):
        part = fenced(script["bodies"][place], name)
        if edit := script["edits"][place]:
            head, *_, end = part.split("\n")
            part = f"{head}\n{edit}\n{end}"
            lines.append(edit)
        human = [f"{line}{place}" if line == "my words" else line for line in script["human"][place]]
        lines += human
        text += f"## {name}\n\n{part}\n" + "".join(f"{line}\n" for line in human)
    return text.removesuffix("\n") + script["ends"], lines


class TestRefreshAlways:
    @given(SCRIPT)
    def test_twice_is_once(self, script: dict[str, Any]) -> None:
        old, _ = written(script)
        new = document(*((name, script["bodies"][6 + place]) for place, name in enumerate(script["later"])))
        once = merge(old, new)
        twice = merge(once.text, new)
        assert twice.text == once.text
        assert twice.conflicts == ()

    @given(SCRIPT)
    def test_no_line_of_people_is_ever_lost(self, script: dict[str, Any]) -> None:
        old, lines = written(script)
        new = document(*((name, script["bodies"][6 + place]) for place, name in enumerate(script["later"])))
        newest = document(
            *((name, script["bodies"][9 - place]) for place, name in enumerate(script["newest"]))
        )
        text = merge(merge(old, new).text, newest).text.splitlines()
        for line in lines:
            if line not in ("", ">", "> one", "> Generated now:"):
                assert text.count(line) >= lines.count(line), line


def test_graphs_stand_in_the_impact_and_in_the_appendix() -> None:
    tale = whole_tale()
    graphs = [
        GraphFact(number=1, title="High", text="High ▁▇", expression="a"),
        GraphFact(number=2, title="SLI of shop", text="SLI ▇▁", expression="b", sli=True, objective="< 0.9",
                  bad=timedelta(minutes=20), worst="0.5"),
        GraphFact(number=3, title="SLI of lake", text="SLI ▇▁", expression="c", sli=True, worst="0.7"),
        GraphFact(number=4, title="SLI of pond", text="no data", expression="d", sli=True),
    ]  # fmt: skip
    draft = draft_of(tale, graphs=graphs)
    told = [(row.cells, row.source) for row in block(draft, "impact").rows[-2:]]
    assert told == [
        (("SLI of shop < 0.9", "20 min, worst 0.5"), "[graph 2]"),
        (("SLI of lake", "worst 0.7"), "[graph 3]"),
    ]
    assert cells(draft, "graphs")[0] == ("High ▁▇", "a")
    assert "graphs" not in [one.name for one in draft_of(tale).sections[18].blocks]
