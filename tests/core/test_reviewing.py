"""A post-mortem goes from draft to published, step by step, with four eyes; a follow-up proves itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from incident_bot.core.effects import Announce, Moment, Nudge
from incident_bot.core.errors import Refused
from incident_bot.core.incident import (
    AddItem,
    Around,
    Cancel,
    Command,
    Decision,
    FinishItem,
    MovePostmortem,
    ProveFollowUp,
    Reopen,
    Resolve,
    Rules,
    SavePostmortem,
    SetPostmortem,
    SetReminders,
    evolve,
    remind,
    upcoming,
)
from incident_bot.core.model import (
    Event,
    FollowUpType,
    Incident,
    ItemKind,
    Kind,
    Ladder,
    Person,
    Review,
    ReviewState,
    Severity,
)
from tests.core.incident_world import NOW, acknowledged, by, opened, resolved

DAY = timedelta(days=1)
P1 = Severity(name="P1", rank=0, postmortem_within=timedelta(hours=48))
P2 = Severity(name="P2", rank=1)
RULES = Rules(ladder=Ladder((P1, P2)))
DRAFT, REVIEW, APPROVED, PUBLISHED, WAIVED = ReviewState
PEOPLE = {name: Person(id=name, name=name.title()) for name in ("alice", "bob")}


def did(who: str, command: Command, incident: Incident, at: datetime = NOW) -> Decision:
    return by(who, command, incident, at=at, rules=RULES)


def over(state: ReviewState = DRAFT, reviewers: tuple[str, ...] = ("bob",)) -> Incident:
    """Give one that alice had and that is over, with its post-mortem in a state."""
    ended = did("alice", Resolve(), replace(acknowledged(opened(P1)), lead="alice")).incident
    assert ended.review is not None
    return replace(ended, review=replace(ended.review, state=state, reviewers=reviewers))


def move(
    to: ReviewState,
    incident: Incident,
    who: str = "bob",
    *,
    reason: str | None = None,
    senior: bool = False,
    reviewers: tuple[str, ...] | None = None,
) -> Decision:
    return did(who, MovePostmortem(to=to, reason=reason, senior=senior, reviewers=reviewers), incident)


class TestWanted:
    def test_the_end_asks_for_one_where_the_worst_severity_does(self) -> None:
        review = did("alice", Resolve(), replace(acknowledged(opened(P1)), lead="alice")).incident.review
        assert review == Review(since=NOW, owner="alice", due=NOW + 2 * DAY)
        assert did("alice", Resolve(), opened()).incident.review is None
        assert did("alice", Resolve(reason="x"), replace(opened(P1), drill=True)).incident.review is None

    def test_another_end_moves_the_date_unless_a_person_set_it(self) -> None:
        again = did("bob", Reopen(), over()).incident
        later = did("bob", Resolve(), again, NOW + DAY).incident.review
        assert later is not None
        assert later.due == NOW + 3 * DAY
        set_by_hand = did("bob", SetPostmortem(due=NOW + 9 * DAY), over()).incident
        again = did("bob", Reopen(), set_by_hand).incident
        kept = did("bob", Resolve(), again, NOW + DAY).incident.review
        assert kept is not None
        assert kept.due == NOW + 9 * DAY

    def test_saving_one_that_nobody_asked_for_begins_it(self) -> None:
        saved = did("bob", SavePostmortem(first=True), resolved()).incident.review
        assert saved is not None
        assert saved.due == NOW + timedelta(hours=48)
        assert did("bob", SavePostmortem(first=False), resolved()).events == ()

    def test_what_was_saved_before_there_were_reviews_asks_for_none(self) -> None:
        old = Event(kind=Kind.POSTMORTEM_SAVED, actor="bob", source="api", happened_at=NOW)
        assert evolve(resolved(), old).review is None


class TestMoving:
    def test_the_usual_way(self) -> None:
        asked = move(REVIEW, over(reviewers=()), "alice", reviewers=("bob",))
        assert [(one.person, one.todo) for one in asked.effects if isinstance(one, Nudge)] == [
            ("bob", "postmortem INC-42 approve")
        ]
        approved = move(APPROVED, asked.incident)
        assert [one.person for one in approved.effects if isinstance(one, Nudge)] == ["alice"]
        published = move(PUBLISHED, approved.incident, "alice")
        assert [one.moment for one in published.effects if isinstance(one, Announce)] == [Moment.POSTMORTEM]
        review = published.incident.review
        assert review is not None
        assert (review.state, review.approved_by, review.reviewers) == (PUBLISHED, "bob", ("bob",))
        assert published.said == "The post-mortem of INC-42 is published."

    def test_what_is_changed_after_approval_asks_again(self) -> None:
        for state in (APPROVED, PUBLISHED):
            changed = did("alice", SavePostmortem(first=False, changed=True), over(state))
            assert changed.incident.review is not None
            assert changed.incident.review.state is REVIEW
            assert changed.incident.review.reason == "changed after it was approved"
        assert did("alice", SavePostmortem(first=False, changed=True), over()).events == ()

    @pytest.mark.parametrize(
        "to,state,who,said",
        [
            (APPROVED, DRAFT, "bob", "Nobody asked for a review of INC-42 yet"),
            (APPROVED, REVIEW, "alice", "You own the post-mortem of INC-42; somebody else approves it"),
            (
                APPROVED,
                REVIEW,
                "cara",
                "bob review the post-mortem of INC-42; `postmortem review @you` adds you",
            ),
            (PUBLISHED, REVIEW, "alice", "is not approved yet; type `postmortem review @somebody`"),
            (PUBLISHED, APPROVED, "cara", "Its owner, a reviewer or who leads the team publishes"),
            (WAIVED, DRAFT, "alice", "Why is none written?"),
            (REVIEW, WAIVED, "alice", "is waived; `postmortem draft` takes it up again"),
        ],
    )
    def test_who_may_not_is_told_what_to_type(
        self, to: ReviewState, state: ReviewState, who: str, said: str
    ) -> None:
        with pytest.raises(Refused) as refused:
            move(to, over(state), who)
        assert said in str(refused.value)

    def test_whoever_leads_the_team_may_and_the_owner_still_may_not(self) -> None:
        assert move(APPROVED, over(REVIEW), "cara", senior=True).events
        assert move(APPROVED, over(REVIEW, reviewers=()), "cara").events
        with pytest.raises(Refused, match="You own"):
            move(APPROVED, over(REVIEW), "alice", senior=True)

    def test_waiving_takes_a_reason_and_the_right_person(self) -> None:
        waived = move(WAIVED, over(), "alice", reason="same cause as INC-41").incident.review
        assert waived is not None
        assert (waived.state, waived.reason) == (WAIVED, "same cause as INC-41")
        with pytest.raises(Refused, match="waives the post-mortem"):
            move(WAIVED, over(), "cara", reason="too long")
        with pytest.raises(Refused, match="published already"):
            move(WAIVED, over(PUBLISHED), "alice", reason="too long")

    def test_an_open_one_is_not_published_and_a_cancelled_one_needs_none(self) -> None:
        again = did("bob", Reopen(), over(APPROVED)).incident
        with pytest.raises(Refused, match="still open"):
            move(PUBLISHED, again, "alice")
        with pytest.raises(Refused, match="needs no post-mortem"):
            move(REVIEW, did("bob", Cancel(reason="a test"), opened()).incident)

    def test_what_is_so_already_changes_nothing_and_may_come_from_nowhere(self) -> None:
        assert "is draft already" in move(DRAFT, over()).said
        begun = move(REVIEW, resolved(), "bob").incident.review
        assert begun is not None
        assert begun.due is not None


class TestSetting:
    def test_owner_reviewers_and_date(self) -> None:
        told = did("alice", SetPostmortem(owner="bob", reviewers=("cara",), due=NOW + 5 * DAY), over())
        review = told.incident.review
        assert review is not None
        assert (review.owner, review.reviewers, review.due, review.by_hand) == (
            "bob",
            ("cara",),
            NOW + 5 * DAY,
            True,
        )
        assert [one.person for one in told.effects if isinstance(one, Nudge)] == ["bob"]
        assert "bob owns it; cara to review it; due" in told.said
        assert "no reviewers" in did("alice", SetPostmortem(reviewers=()), over()).said

    def test_the_same_again_and_what_has_passed(self) -> None:
        same = SetPostmortem(owner="alice", reviewers=("bob",), due=NOW + 2 * DAY)
        assert did("bob", same, over()).events == ()
        with pytest.raises(Refused, match="has passed"):
            did("bob", SetPostmortem(due=NOW), over())
        begun = did("bob", SetPostmortem(owner="bob"), resolved())
        assert begun.incident.review is not None
        assert not [one for one in begun.effects if isinstance(one, Nudge)], "whoever says it knows"


class TestReminders:
    AROUND = Around(rules=RULES, people=PEOPLE)

    def due(self, incident: Incident, at: datetime) -> list[tuple[str, timedelta]]:
        return [
            (one.reason, one.due_at - NOW)
            for one in upcoming(incident, self.AROUND, now=at)
            if one.subject.startswith("postmortem")
        ]

    def test_the_owner_hears_of_it_before_and_at_its_date_each_once(self) -> None:
        incident = over()
        assert self.due(incident, NOW) == [
            ("the post-mortem is due soon", DAY),
            ("the post-mortem is overdue", 2 * DAY),
        ]
        for at in (NOW + DAY, NOW + 2 * DAY):
            decision, said = remind(incident, self.AROUND, now=at)
            assert [one.person for one in said] == ["alice"]
            incident = decision.incident
        assert self.due(incident, NOW + 3 * DAY) == []
        moved = did("bob", SetPostmortem(due=NOW + 9 * DAY), incident).incident
        assert len(self.due(moved, NOW + 3 * DAY)) == 2, "another date is another reminder"

    def test_after_a_long_sleep_only_the_last_one_is_said(self) -> None:
        assert self.due(over(), NOW + 5 * DAY) == [("the post-mortem is overdue", 2 * DAY)]

    @pytest.mark.parametrize("state", [PUBLISHED, WAIVED])
    def test_what_is_over_reminds_nobody(self, state: ReviewState) -> None:
        assert self.due(over(state), NOW) == []

    def test_nobody_is_reminded_who_cannot_be_or_need_not_be(self) -> None:
        stranger = did("bob", SetPostmortem(owner="gone"), over()).incident
        assert self.due(stranger, NOW) == []
        assert self.due(did("bob", Reopen(), over()).incident, NOW) == []

    def test_an_overdue_follow_up_comes_to_mind_once_a_week_and_not_for_ever(self) -> None:
        added = AddItem(kind=ItemKind.FOLLOWUP, text="warm it up", owner="bob", due=NOW + DAY)
        incident, at, said = did("alice", added, over(WAIVED)).incident, NOW, []
        for _ in range(40):
            waiting = [
                one for one in upcoming(incident, self.AROUND, now=at) if one.subject.startswith("item")
            ]
            if not waiting:
                break
            at = waiting[0].due_at
            said.append(at)
            incident = remind(incident, self.AROUND, now=at)[0].incident
        assert len(said) == 13
        weeks = [later - earlier for earlier, later in pairwise(said)]
        assert min(weeks) > 6 * DAY
        done = did("bob", FinishItem(number=1), incident).incident
        assert not upcoming(done, self.AROUND, now=at)

    def test_whoever_wants_no_reminders_gets_none_of_these(self) -> None:
        added = AddItem(kind=ItemKind.FOLLOWUP, text="warm it up", owner="bob", due=NOW + DAY)
        incident = remind(did("alice", added, over()).incident, self.AROUND, now=NOW + DAY)[0].incident
        assert upcoming(incident, self.AROUND, now=NOW + DAY)
        off = did("bob", SetReminders(off=True), incident).incident
        assert not upcoming(off, self.AROUND, now=NOW + DAY)


class TestProof:
    def item(self, *, done: bool = False) -> Incident:
        added = AddItem(
            kind=ItemKind.FOLLOWUP,
            text="warm it up",
            owner="bob",
            type=FollowUpType.PREVENT,
            done_when="up > 0",
        )
        incident = did("alice", added, over()).incident
        return did("bob", FinishItem(number=1), incident).incident if done else incident

    def test_what_holds_is_done_and_proven_once(self) -> None:
        proven = did("followups", ProveFollowUp(number=1, holds=True, said="1 series"), self.item())
        (item,) = proven.incident.items
        assert (item.done_at, item.done_by, item.proven_at) == (NOW, "followups", NOW)
        assert did("followups", ProveFollowUp(number=1, holds=True), proven.incident).events == ()
        by_hand = did("followups", ProveFollowUp(number=1, holds=True), self.item(done=True)).incident.items[
            0
        ]
        assert (by_hand.done_by, by_hand.proven_at) == ("bob", NOW)

    def test_what_holds_no_longer_is_opened_again_and_its_owner_told(self) -> None:
        again = did("followups", ProveFollowUp(number=1, holds=False), self.item(done=True))
        (item,) = again.incident.items
        assert item.is_open
        assert item.proven_at is None
        assert [one.person for one in again.effects if isinstance(one, Nudge)] == ["bob"]
        assert did("followups", ProveFollowUp(number=1, holds=False), self.item()).events == ()
        nobody = replace(self.item(done=True), items=(replace(self.item(done=True).items[0], owner=None),))
        assert did("followups", ProveFollowUp(number=1, holds=False), nobody).effects == ()

    def test_what_has_no_condition_proves_nothing(self) -> None:
        assert "nothing changed" in did("followups", ProveFollowUp(number=7, holds=True), self.item()).said
