"""`acks: each`: every one who was paged is to answer, and their own pages alone stop for it (row "ack by P")."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import Refused
from incident_bot.notifiers.base import Message, RetryLater
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import SEVERITIES, TEAMS

Tell = Callable[..., Story]

EACH = SEVERITIES.replace("respond_within: 5m,", "respond_within: 5m, acks: each,")
THREE = {"P1": "[{page: [on_call, lead, manager]}, {after: 15m, page: [person/dan]}]"}
TWO_WAYS = "{high: [{by: slack}, {by: webhook, after: 4m}], low: [{by: slack}]}"


@pytest.fixture
def each(tell: Tell) -> Story:
    return tell(severities=EACH, matrix=THREE)


@on_every_database
def test_it_is_acknowledged_when_everybody_who_was_paged_has_answered(tell: Tell) -> None:
    each = tell(severities=EACH, matrix=THREE)
    each.fires()
    assert "it waits for ben and cleo until 03:15 UTC" in each.says("ack", by="ana")
    assert (
        each.entry("part_acknowledged").text
        == "Ana Example took it, waiting for Ben Example and Cleo Example"
    )
    assert each.incident().escalation == "triggered"
    each.advance(minutes=5)
    assert "it waits for cleo" in each.says("ack", by="ben")
    each.advance(minutes=5)
    said = each.says("ack", by="cleo")

    assert "Everybody who was paged has it" in said
    incident = each.incident()
    assert (incident.escalation, incident.acknowledged_by, incident.phase) == (
        "acknowledged",
        "ana",
        "investigating",
    )
    assert (incident.taken_by, incident.awaited) == ((), ())
    assert each.entry("acknowledged").text == "Cleo Example acknowledged, with Ana Example and Ben Example"
    each.advance(hours=3)
    assert each.paged() == [("ana", 0), ("ben", 0), ("cleo", 0)]


@on_every_database
def test_an_answer_takes_back_that_person_s_pages_alone(tell: Tell) -> None:
    each = tell(severities=EACH, matrix=THREE, notify=TWO_WAYS)
    each.fires()
    each.advance(minutes=2)
    each.says("ack", by="ana")
    each.advance(minutes=3)
    assert each.paged() == [("ana", 0), ("ben", 0), ("cleo", 0), ("ben", 4), ("cleo", 4)]
    assert {page.state for page in each.pages() if page.person == "ana"} == {"sent", "cancelled"}
    (late,) = [one for one in each.taken("page") if (one.message.recipient, one.via) == ("ben", "webhook")]
    assert "ana took it; your answer is wanted too" in late.message.text


@on_every_database
def test_once_the_step_is_over_it_belongs_to_those_who_answered(tell: Tell) -> None:
    each = tell(severities=EACH, matrix=THREE)
    each.fires()
    each.advance(minutes=3)
    each.says("ack", by="ben")
    each.says("ack", by="ana")
    each.advance(hours=4)
    assert each.paged() == [("ana", 0), ("ben", 0), ("cleo", 0)], "no next step is run"
    incident = each.incident()
    assert (incident.escalation, incident.acknowledged_by) == ("acknowledged", "ben")
    entry = each.entry("acknowledged")
    assert entry.text == "Ben Example acknowledged, with Ana Example; no answer in time from Cleo Example"
    assert each.minute(entry.happened_at) == 15


def test_without_any_answer_it_escalates_as_ever_and_later_ones_wait_for_all_paged_so_far(
    each: Story,
) -> None:
    each.fires()
    each.advance(minutes=15)
    assert each.paged()[3:] == [("dan", 15)]
    assert "it waits for ana, ben and cleo" in each.says("ack", by="dan")
    for person in ("ana", "ben", "cleo"):
        each.says("ack", by=person)
    assert each.incident().escalation == "acknowledged"
    assert each.incident().acknowledged_by == "dan"


@pytest.mark.parametrize("by", ["dan", "fay"])
def test_whoever_was_not_paged_by_a_step_takes_it_for_all(each: Story, by: str) -> None:
    each.fires()
    each.says("ack", by="ana")
    each.says("ack", by=by)
    incident = each.incident()
    assert (incident.escalation, incident.acknowledged_by) == ("acknowledged", by)
    each.advance(hours=1)
    assert each.paged() == [("ana", 0), ("ben", 0), ("cleo", 0)]


def test_once_exhausted_any_answer_is_for_all(tell: Tell) -> None:
    story = tell(severities=EACH, matrix={"P1": "[{page: [on_call, lead]}]"})
    story.fires()
    story.advance(minutes=6)
    assert story.incident().escalation_state == "exhausted"
    story.says("ack", by="ana")
    assert story.incident().escalation == "acknowledged"


def test_saying_it_again_changes_nothing(each: Story) -> None:
    each.fires()
    each.says("ack", by="ana")
    before = each.kinds()
    assert "Nothing changed" in each.says("ack", by="ana")
    assert each.kinds() == before


def test_a_promise_before_the_others_answered_is_not_kept_and_the_reply_says_so(each: Story) -> None:
    each.fires()
    assert "Promise it again when the others have answered" in each.says("ack until 09:00", by="ana")


def test_a_part_can_be_given_back(each: Story) -> None:
    each.fires()
    each.says("ack", by="ana")
    assert "it waits for ana, ben and cleo until 03:15 UTC" in each.says("unack", by="ana")
    assert each.entry("part_given_back").text.startswith("Ana Example gave their part back, waiting for")
    assert each.incident().taken_by == ()
    each.advance(minutes=15)
    assert each.paged()[3:] == [("dan", 15)], "nobody had it when the step was over"
    with pytest.raises(Refused, match="Nobody has INC-1"):
        each.says("unack", by="ana")


def test_one_of_several_gives_it_back_and_the_others_still_have_it(each: Story) -> None:
    each.fires()
    for person in ("ana", "ben", "cleo"):
        each.says("ack", by=person)
    each.advance(minutes=1)
    assert "ben and cleo still have it" in each.says("unack", by="ana")
    incident = each.incident()
    assert (incident.escalation, incident.acknowledged_by) == ("acknowledged", "ben")
    each.says("unack", by="ben")
    assert "Paging starts again" in each.says("unack", by="cleo")
    assert each.incident().escalation == "triggered"
    assert each.paged()[3:] == [("ana", 1), ("ben", 1), ("cleo", 1)]


def test_all_surfaces_say_who_is_waited_for(each: Story) -> None:
    each.fires()
    each.says("ack", by="ana")
    assert (each.incident().taken_by, each.incident().awaited) == (("ana",), ("ben", "cleo"))
    assert "ana took it; waiting for ben, cleo until 2026-03-03 03:15 UTC" in each.says("info")
    assert "Ana Example took it; waiting for Ben Example, Cleo Example" in each.says("why")
    assert "ana took it; waiting for ben, cleo" in each.says("list")


@on_every_database
def test_a_page_in_flight_is_not_tried_again_after_its_person_s_answer(tell: Tell) -> None:
    each = tell(severities=EACH, matrix=THREE)

    def ack(message: Message) -> None:
        each.says("ack", by=message.recipient)

    each.slack.during = ack
    each.slack.fails.append(RetryLater("the provider answered 503"))
    each.fires()
    each.advance(minutes=10)
    (first, *_) = each.incident().taken_by
    assert sorted(each.paged()) == [(one, 0) for one in ("ana", "ben", "cleo") if one != first]
    (page,) = [page for page in each.pages() if page.person == first]
    assert page.state == "cancelled"


def test_it_survives_a_restart_and_a_common_ack_is_not_bent_by_the_new_word(tell: Tell) -> None:
    story = tell(matrix=THREE)
    story.fires(alertname="Before")
    story.configure(severities=EACH, matrix=THREE)
    story.fires(alertname="After")
    story.restart()
    story.says("ack", by="ana", incident=1)
    story.says("ack", by="ana", incident=2)
    before, after = story.incidents()
    assert (before.escalation, after.escalation) == ("acknowledged", "triggered")
    story.restart()
    assert story.incident(2).taken_by == ("ana",)


def test_a_team_has_its_own_word(tell: Tell) -> None:
    teams = TEAMS.replace("services: [shop]}", "services: [shop], acks: {P1: any}}")
    story = tell(severities=EACH, matrix=THREE, teams=teams)
    story.fires()
    story.says("ack", by="ana")
    assert story.incident().escalation == "acknowledged"


def test_escalating_takes_the_parts_back(each: Story) -> None:
    each.fires()
    each.says("ack", by="ana")
    each.advance(minutes=1)
    each.says("escalate", by="ben")
    assert each.incident().taken_by == ()
    assert each.paged()[3:] == [("dan", 1)]
    each.says("ack", by="dan")
    assert each.incident().escalation == "acknowledged", "dan alone was paged in this epoch"
