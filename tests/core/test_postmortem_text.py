"""The text of a post-mortem: two who edit it at once lose nothing, and what is answered is not asked again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.incident import (
    Acknowledge,
    AddItem,
    AddNote,
    FinishItem,
    PostUpdate,
    ProveFollowUp,
    Reopen,
    Resolve,
    SetImpact,
    SetSeverity,
    SettleTheory,
)
from incident_bot.core.model import FollowUpType, ItemKind, Kind, Ladder, Outcome
from incident_bot.core.nearby import ChangeEvent, Nearby
from incident_bot.core.postmortem import Block, Draft, Row, build, fenced, join, written_by_people
from incident_bot.core.postmortem.answers import answers, insert
from incident_bot.core.postmortem.prompts import BLANKS, PROMPTS
from incident_bot.core.postmortem.questions import RULES
from incident_bot.core.postmortem.threeway import THEIRS
from tests.render.stories import LADDER, START, Tale, draft_of, whole_tale

BASE = f"""# INC-1

## 1. Summary

{fenced("- It began.", "summary")}

_To write: {PROMPTS[1][0]}_

## 9. Conditions

_To write: {PROMPTS[9][0]}_

## 17. Timeline

{fenced("- 03:00 opened", "timeline")}
"""
MINE = BASE.replace(f"_To write: {PROMPTS[1][0]}_", "Checkout was down.")
THEIR = BASE.replace(f"_To write: {PROMPTS[9][0]}_", "The index was missing.")


class TestJoin:
    def test_what_each_changed_elsewhere_stands_together(self) -> None:
        joined = join(BASE, MINE, THEIR)
        assert joined.is_clean
        assert joined.text == MINE.replace(f"_To write: {PROMPTS[9][0]}_", "The index was missing.")

    def test_the_same_change_twice_is_one(self) -> None:
        assert join(BASE, MINE, MINE).text == MINE
        assert join(BASE, BASE, MINE).text == join(BASE, MINE, BASE).text == MINE

    def test_both_additions_at_one_place_stand_there(self) -> None:
        joined = join("a\n\nz\n", "a\n\nmine\n\nz\n", "a\n\ntheirs\n\nz\n")
        assert (joined.text, joined.clashes) == ("a\n\ntheirs\n\nmine\n\nz\n", 0)

    def test_the_same_paragraph_changed_by_both_is_quoted_and_counted(self) -> None:
        joined = join("a\n\nb\n", "a\n\nmine\n", "a\n\ntheirs <!-- x -->\n")
        assert joined.clashes == 1
        assert joined.text == f"a\n\nmine\n\n{THEIRS}\n>\n> theirs <!-- x -->\n\n"
        deleted = join("a\n\nb\n", "a\n\nmine\n", "a\n\n")
        assert "> (this was deleted)" in deleted.text

    def test_a_comment_that_people_wrote_is_quoted_too_and_one_of_ours_is_not(self) -> None:
        theirs = f"<!-- ask legal first -->\ntheirs\n{fenced('- 04:00 over', 'more')}\n"
        joined = join("a\n\nb\n", "a\n\nmine\n", f"a\n\n{theirs}")
        assert "> <!-- ask legal first -->\n> theirs\n" in joined.text
        assert "generated:more" not in joined.text

    def test_who_edited_a_generated_part_wins_over_who_did_not(self) -> None:
        edited = BASE.replace("- 03:00 opened", "- 03:00 it opened, as we know now")
        fresh = BASE.replace(
            fenced("- 03:00 opened", "timeline"), fenced("- 03:00 opened\n- 04:00 over", "timeline")
        )
        assert join(BASE, edited, fresh).text == edited
        assert join(BASE, fresh, edited).text == edited
        other = BASE.replace("- 03:00 opened", "- 03:00 somebody else knows better")
        assert join(BASE, edited, other).clashes == 1

    def test_without_a_common_beginning_nothing_is_lost(self) -> None:
        joined = join("", "mine\n", "theirs")
        assert (joined.text, joined.clashes) == ("theirs\nmine\n", 0)

    @given(
        base=st.lists(st.sampled_from("abcdef"), max_size=6),
        mine=st.lists(st.sampled_from("abcxyz"), max_size=6),
        theirs=st.lists(st.sampled_from("abcuvw"), max_size=6),
    )
    def test_no_paragraph_that_somebody_wrote_is_lost(
        self, base: list[str], mine: list[str], theirs: list[str]
    ) -> None:
        texts = ["".join(f"word-{one}\n\n" for one in some) for some in (base, mine, theirs)]
        joined = join(*texts).text
        for new in (set(mine) | set(theirs)) - set(base):
            assert f"word-{new}" in joined

    def test_what_is_only_generated_is_not_peoples(self) -> None:
        fresh = BASE.replace(fenced("- It began.", "summary"), fenced("- It began at three.", "summary"))
        assert written_by_people(fresh) == written_by_people(BASE)
        assert written_by_people(MINE) != written_by_people(BASE)
        assert "it opened" in written_by_people(BASE.replace("- 03:00 opened", "- 03:00 it opened"))


class TestAnswers:
    def test_words_beneath_a_prompt_answer_it(self) -> None:
        prompt = f"_To write: {PROMPTS[1][0]}_"
        assert "the summary (1)" in answers(BASE).blanks
        for written in (MINE, BASE.replace(prompt, f"{prompt}\n\nCheckout was down.")):
            assert "the summary (1)" not in answers(written).blanks
            assert answers(written).texts[1] == "Checkout was down."
        assert not answers(BASE).has(1)

    def test_before_there_is_a_text_everything_is_blank(self) -> None:
        assert len(answers("").blanks) == len(BLANKS)

    def test_what_the_bot_quotes_is_nobodys_answer(self) -> None:
        quoted = BASE + "\n> Generated now:\n>\n> - 04:00 over\n"
        assert not answers(quoted).has(17)
        edited = BASE.replace("- 03:00 opened", "- 03:00 we opened it")
        assert answers(edited).texts[17] == "- 03:00 we opened it"

    def test_an_answer_is_found_by_the_words_of_its_question(self) -> None:
        found = answers(MINE + "\n**Who \\*really\\* led?** Nobody did.\n")
        assert found.quotes("Who *really* led?")
        assert not found.quotes("Why?")

    @pytest.mark.parametrize(
        "section,line,before",
        [(9, "- x", "\n- x\n\n## 17."), (17, "x", ""), (42, "x", ""), (1, "x", "\nx\n\n## 9.")],
    )
    def test_lines_are_put_at_the_end_of_their_section(self, section: int, line: str, before: str) -> None:
        written = insert(BASE, section, line)
        assert before in written
        assert written.endswith(f"\n{line}\n") == (not before)
        assert fenced("- 03:00 opened", "timeline") in written

    def test_two_lists_that_are_put_in_are_one(self) -> None:
        twice = insert(insert(BASE, 9, "- one"), 9, "- two")
        assert "- one\n- two\n\n## 17." in twice
        assert insert("", 1, "- one") == "\n- one\n"
        assert insert("text", 1, "x") == "text\n\nx\n"


def change(minutes: int) -> Nearby:
    at = START - timedelta(minutes=minutes)
    told = ChangeEvent(id=3, kind="deploy", what="shop 42", at=at, told_by="ci", told_at=at)
    return Nearby(change=told, before=timedelta(minutes=minutes), why="same service")


class TestQuestions:
    def test_there_are_at_least_a_dozen_rules_and_each_names_its_section(self) -> None:
        assert len(RULES) >= 12
        assert {section for _, section in RULES} <= set(range(19))

    def test_a_change_shortly_before_is_asked_about(self) -> None:
        asked = draft_of(whole_tale(), changes=(change(20), change(90))).asked
        (one,) = [one for one in asked if "shop 42" in one.text]
        assert (one.section, one.source) == (6, "[change 3]")
        assert "20 min before" in one.text
        assert not [one for one in draft_of(whole_tale(), changes=(change(90),)).asked if "shop" in one.text]

    def test_nothing_to_do_and_no_impact_are_asked_about_at_the_end(self) -> None:
        wants = Ladder(tuple(replace(rung, postmortem_within=timedelta(hours=48)) for rung in LADDER.rungs))
        bare = Tale().at(9).does(Resolve(reason="it was the cache"))
        asked = [one.text for one in draft_of(bare, ladder=wants).asked]
        assert any(text.startswith("Nothing is to be done") for text in asked)
        assert any(text.startswith("Nobody said what users noticed") for text in asked)
        done = Tale().at(9).does(AddItem(kind=ItemKind.FOLLOWUP, text="warm it up", owner="bob"))
        done = done.does(SetImpact(text="a slow shop")).does(Resolve(reason="it was the cache"))
        asked = [one.text for one in draft_of(done, ladder=wants).asked]
        assert not any("Nothing is to be done" in text or "users noticed" in text for text in asked)

    def test_what_came_before_is_asked_about(self) -> None:
        draft = draft_of(whole_tale(), previous=7)
        assert any("INC-7" in one.text and one.section == 16 for one in draft.asked)

    def test_an_answered_section_is_not_asked_about(self) -> None:
        before = draft_of(whole_tale())
        assert {one.section for one in before.asked} >= {8, 10, 15}
        written = "## 8. What we believed\n\nOnly later did we see the whole.\n"
        assert 8 not in {one.section for one in draft_of(whole_tale(), written=written).asked}
        named = f"## 5. Background\n\n**{before.asked[0].text}** We know.\n"
        after = draft_of(whole_tale(), written=named)
        assert [one.text for one in after.asked] == [one.text for one in before.asked[1:]]

    def test_percent_counts_whole_parts(self) -> None:
        counted = draft_of(whole_tale()).completeness
        assert counted.percent == counted.done * 100 // counted.total < 100


class TestTelling:
    def test_the_summary_says_what_who_and_how_it_ended(self) -> None:
        tale = Tale().at(4).does(Acknowledge()).does(AddItem(kind=ItemKind.THEORY, text="a small pool"))
        tale.does(SetImpact(text="one in ten fails")).at(9)
        tale.does(SettleTheory(number=1, outcome=Outcome.CONFIRMED, why="it was full")).does(
            Resolve(reason="rolled back.")
        )
        assert [row.cells[0] for row in rows(draft_of(tale), "summary")] == [
            (
                "“High error rate on checkout” on checkout, at worst P2, from 2026-11-21 02:05 UTC until "
                "2026-11-21 02:14 UTC (9 min)."
            ),
            "What users noticed: one in ten fails",
            "Acknowledged after 2 min, over after 7 min: rolled back.",
            "Confirmed: a small pool (it was full).",
        ]
        assert rows(draft_of(tale), "impact")[-2].cells == ("Time that people spent, at least", "5 min")

    def test_a_note_of_the_evening_before_makes_no_night_of_work(self) -> None:
        tale = Tale().at(4).does(Acknowledge())
        tale.does(AddNote(text="the phone rang", happened_at=START - timedelta(hours=21)))
        draft = draft_of(tale.at(9).does(Resolve(reason="rolled back")))
        assert ("Time that people spent, at least", "5 min") in [row.cells for row in rows(draft, "impact")]
        assert rows(draft, "summary")[0].source == "[event 1]"

    def test_what_was_noted_of_an_earlier_time_is_neither_the_opening_nor_work_before_it(self) -> None:
        tale = Tale().at(4).does(Acknowledge(), "bob")
        tale.at(6).does(AddNote(text="a deploy went out", happened_at=START - timedelta(minutes=40)), "bob")
        tale.at(7).does(SetSeverity(severity=LADDER.rungs[0], reason="all", policy=None), "bob")
        tale.at(9).does(Resolve(reason="rolled back"), "bob").at(10).does(AddNote(text="it held"), "bob")
        draft = draft_of(tale)
        kinds = {event.seq: event.kind for event in tale.events}

        def source(row: Row) -> list[Kind]:
            return [kinds[int(seq)] for seq in re.findall(r"\d+", row.source)]

        assert [source(row) for row in rows(draft, "summary")[:1]] == [[Kind.OPENED]]
        facts = {row.cells[0]: row for row in (*rows(draft, "header"), *rows(draft, "impact"))}
        assert source(facts["Severity"]) == [Kind.SEVERITY_CHANGED]
        assert source(facts["Phase"]) == source(facts["Resolved"]) == [Kind.RESOLVED]
        assert facts["Time that people spent, at least"].cells[1] == "5 min"
        assert not [one for one in draft.questions if "Nothing was recorded" in one]

    def test_what_was_over_for_two_days_is_no_time_at_a_severity_and_no_work(self) -> None:
        tale = Tale().at(4).does(Acknowledge(), "bob").at(10).does(Resolve(reason="restarted"), "bob")
        tale.at(20).does(SetSeverity(severity=LADDER.rungs[2], reason="small", policy=None), "bob")
        tale.at(2890).does(Reopen(reason="again"), "bob").does(Acknowledge(), "bob")
        tale.at(2893).does(SetSeverity(severity=LADDER.rungs[0], reason="all", policy=None), "bob")
        tale.at(2900).does(Resolve(reason="mended"), "bob")
        draft = draft_of(tale)
        facts = {row.cells[0]: row.cells[1] for row in rows(draft, "impact")}
        assert facts["Window"].endswith(", 2 d 20 min, open for 18 min of it")
        assert facts["Time at P1"] == "7 min"
        assert not [one for one in draft.questions if "Nothing was recorded" in one]
        assert facts["Time at P2"] == "8 min"
        assert facts["Time at P3"] == "3 min"
        assert facts["Time that people spent, at least"] == "16 min"
        tale.at(2950).does(Reopen(reason="once more"), "bob")
        assert dict(draft_of(tale, now=tale.now + timedelta(minutes=5)).measures.severity_time)[
            "P1"
        ] == timedelta(minutes=12)

    def test_what_the_record_suggests_for_causes_and_lessons(self) -> None:
        tale = (
            Tale()
            .at(2)
            .does(Acknowledge())
            .does(AddItem(kind=ItemKind.CHANGE, text="rolled back", owner="alice"))
        )
        tale.does(PostUpdate(text="x", next_update_at=START + timedelta(minutes=9))).at(5).does(
            PostUpdate(text="y")
        )
        tale.does(AddItem(kind=ItemKind.CHANGE, text="restarted all", owner="alice")).at(7).does(
            FinishItem(number=2)
        )
        tale.at(12).does(Resolve(reason="over")).does(Reopen()).does(Resolve(reason="over"))
        draft = draft_of(tale, changes=(change(20),))
        assert [row.cells[0] for row in rows(draft, "conditions")] == [
            "shop 42 came 20 min before it began. What part did it play, if any?",
            "rolled back, 0 s after detection, may have limited the damage.",
        ]
        assert [row.cells[0] for row in rows(draft, "lessons")] == [
            "Well: acknowledged after 0 s; 15 min were allowed.",
            "Well: 1 of 1 promised update came in time.",
            "Poorly: 1 page reached nobody.",
            "Poorly: it came back after it was resolved.",
        ]
        late = Tale().at(40).does(Acknowledge()).does(Resolve(reason="over"))
        assert (
            rows(draft_of(late, pages=()), "lessons")[0]
            .cells[0]
            .startswith("Poorly: acknowledged after 38 min")
        )
        assert rows(draft_of(late, changes=(change(-3),)), "conditions") == ()
        assert rows(draft_of(Tale(), pages=()), "lessons") == ()

    def test_others_add_blocks_of_their_own_to_a_section(self) -> None:
        tale = whole_tale()
        more = Block(name="similar", rows=(Row(cells=("INC-7 was like it.",), source="[event 1]"),))
        draft = build(tale.incident, tale.events, people={}, ladder=LADDER, parts={16: (more,)}, now=tale.now)
        assert draft.sections[16].blocks[-1] == more

    def test_a_follow_up_says_its_type_and_when_it_is_done(self) -> None:
        added = AddItem(kind=ItemKind.FOLLOWUP, text="watch", type=FollowUpType.DETECT, done_when="up > 0")
        tale = Tale().at(3).does(added)
        assert rows(draft_of(tale), "follow-ups")[0].cells[2:] == (
            "follow-up: detect", "nobody yet", "no date", "open; done when up > 0",
        )  # fmt: skip
        tale.does(ProveFollowUp(number=1, holds=True), "followups")
        assert rows(draft_of(tale), "follow-ups")[0].cells[-1].endswith("; done when up > 0, which holds")


def rows(draft: Draft, name: str) -> tuple[Row, ...]:
    return next(block.rows for section in draft.sections for block in section.blocks if block.name == name)
