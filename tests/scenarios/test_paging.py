"""Who is paged when: the rows of the event table about steps and rounds, and what stops them."""

from __future__ import annotations

from collections.abc import Callable

from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
NOBODY_ON_CALL = """
  - {name: week, priority: 10, turn: {unit: weeks, every: 1, anchor: "2026-01-05T09:00"}, people: [[]]}
"""


@on_every_database
def test_without_an_answer_the_next_person_is_paged_at_exactly_its_minute_until_somebody_acks(
    story: Story,
) -> None:
    story.fires()
    assert story.paged() == [("ana", 0)]
    story.advance(minutes=14, seconds=59)
    assert story.paged() == [("ana", 0)]
    story.advance(seconds=1)
    assert story.paged() == [("ana", 0), ("ben", 15)]
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ben", 15), ("cleo", 30)]

    story.says("ack", by="cleo")
    story.advance(hours=12)
    assert len(story.paged()) == 3
    assert story.incident().escalation == "acknowledged"
    assert story.incident().acknowledged_by == "cleo"
    assert story.incident().phase == "investigating"


@on_every_database
def test_an_ack_takes_back_the_pages_that_wait_for_their_minute(tell: Tell) -> None:
    rules = "{high: [{by: slack}, {by: sms, after: 2m}, {by: voice, after: 5m}], low: [{by: slack}]}"
    story = tell(notify=rules)
    story.fires()
    story.advance(minutes=3)
    story.says("ack")
    story.advance(hours=1)

    assert [(heard.via, story.minute(heard.at)) for heard in story.taken("page")] == [
        ("slack", 0),
        ("sms", 2),
    ]
    states = {page.channel: page.state for page in story.pages()}
    assert states == {"slack": "sent", "sms": "sent", "voice": "cancelled"}
    assert next(page for page in story.pages() if page.channel == "voice").reason == "acknowledged by ana"
    taken_back = story.entry("pages_cancelled")
    assert (taken_back.data["count"], taken_back.data["people"]) == (1, ["ana"])


def test_after_the_last_round_comes_the_last_resort_and_it_is_told_again_every_half_hour(tell: Tell) -> None:
    story = tell(repeat="{P1: 1}")
    story.fires()
    story.advance(minutes=90)
    first = [("ana", 0), ("ben", 15), ("cleo", 30)]
    second = [("ana", 45), ("ben", 60), ("cleo", 75)]
    assert story.paged() == [*first, *second, ("theo", 90)]
    assert story.incident().escalation_state == "exhausted"
    assert story.incident().escalation == "triggered"
    assert {page.loop for page in story.pages() if page.step == 1} == {0, 1}

    story.advance(minutes=61)
    assert story.paged()[7:] == [("theo", 120), ("theo", 150)]
    assert story.kinds().count("exhausted") == 3
    story.says("ack", by="theo")
    story.advance(hours=5)
    assert len(story.paged()) == 9


def test_a_step_without_anybody_pages_the_fallback_and_goes_on_at_once(tell: Tell) -> None:
    story = tell(layers=NOBODY_ON_CALL)
    story.fires()
    assert story.paged() == [("ben", 0), ("fay", 0)]
    assert {page.person: page.step for page in story.pages()} == {"fay": "fallback", "ben": 2}
    assert "nobody stands behind on_call" in story.entry("nobody").text
    story.advance(minutes=15)
    assert story.paged()[2:] == [("cleo", 15)]


def test_the_fallback_is_paged_once_an_epoch(tell: Tell) -> None:
    story = tell(layers=NOBODY_ON_CALL, repeat="{P1: 2}")
    story.fires()
    story.advance(minutes=60)
    assert [person for person, _ in story.paged()].count("fay") == 1
    story.says("ack", by="ben")
    story.says("unack", by="ben")
    assert [person for person, _ in story.paged()].count("fay") == 2


def test_where_every_step_is_empty_the_last_resort_is_paged_at_once(tell: Tell) -> None:
    story = tell(
        layers=NOBODY_ON_CALL, matrix={"P1": "[{page: [on_call]}, {after: 10m, page: [schedule/web]}]"}
    )
    story.fires()
    assert story.paged() == [("fay", 0), ("theo", 0)]
    assert story.incident().escalation_state == "exhausted"
    story.advance(minutes=30)
    assert story.paged()[2:] == [("theo", 30)]


def test_where_fallback_and_steps_are_empty_the_last_resort_hears_of_it_once(tell: Tell) -> None:
    story = tell(layers=NOBODY_ON_CALL, matrix={"P1": "[{page: [on_call]}]"}, fallback="[]")
    story.fires()
    assert story.paged() == [("theo", 0)]
    assert story.incident().escalation_state == "exhausted"


def test_somebody_without_a_channel_is_told_by_the_default_one(tell: Tell) -> None:
    story = tell(notify="{high: [{by: pagerduty}], low: [{by: mail}]}")
    story.fires()
    assert [(heard.message.recipient, heard.via) for heard in story.taken("page")] == [("ana", "slack")]


def test_somebody_whom_no_channel_reaches_is_passed_over_by_name(story: Story) -> None:
    for channel in story.channels.values():
        channel.unreachable.add("ana")
    story.fires()
    assert story.paged() == [("ben", 0), ("fay", 0)]
    assert story.entry("nobody").data["unreachable"] == ["ana"]


def test_somebody_who_left_is_paged_by_nothing(tell: Tell) -> None:
    story = tell(matrix={"P1": "[{page: [person/gus]}, {after: 5m, page: [lead]}]"})
    story.fires()
    assert "gus" not in [person for person, _ in story.paged()]
    assert story.paged() == [("ben", 0), ("fay", 0)]


def test_a_team_has_its_own_people(story: Story) -> None:
    story.fires(team="data")
    assert story.paged() == [("dan", 0)]
    assert story.incident().team == "data"


def test_a_shift_that_changes_while_it_escalates_pages_whoever_is_on_call_then(tell: Tell) -> None:
    # Handed over on Tuesday at 03:20 UTC, twenty minutes into the story.
    turns = '{unit: days, every: 1, anchor: "2026-03-02T03:20"}'
    layers = f"\n  - {{name: day, priority: 10, turn: {turns}, people: [[ana], [dan]]}}\n"
    story = tell(layers=layers, matrix={"P1": "[{page: [on_call]}, {after: 30m, page: [on_call]}]"})
    story.fires()
    story.advance(minutes=30)
    assert story.paged() == [("ana", 0), ("dan", 30)]
    assert "on call, week" not in story.pages()[1].reason


def test_a_first_step_may_wait(tell: Tell) -> None:
    story = tell(matrix={"P1": "[{after: 5m, page: [on_call]}, {after: 20m, page: [lead]}]"})
    story.fires()
    assert story.paged() == []
    story.advance(minutes=20)
    assert story.paged() == [("ana", 5), ("ben", 20)]


def test_escalate_pages_the_next_step_now_and_the_one_after_it_keeps_its_distance(story: Story) -> None:
    story.fires()
    story.advance(minutes=3)
    reply = story.says("escalate")
    assert "the next step is paged now" in reply
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ben", 3), ("cleo", 18)]
    assert story.incident().epoch == 2


def test_escalate_takes_an_acknowledged_incident_from_whoever_had_it(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.advance(minutes=10)
    assert "ana no longer has it" in story.says("escalate")
    assert story.incident().escalation == "triggered"
    assert story.incident().acknowledged_by is None
    assert story.paged() == [("ana", 0), ("ben", 10)]


def test_escalate_after_the_last_step_begins_again_with_the_first(story: Story) -> None:
    story.fires()
    for _ in range(3):
        story.advance(minutes=1)
        story.says("escalate")
    assert story.paged() == [("ana", 0), ("ben", 1), ("cleo", 2), ("ana", 3)]


def test_a_responder_is_added_besides_the_escalation_and_stops_with_their_own_ack(story: Story) -> None:
    story.fires()
    story.advance(minutes=5)
    assert "Paging dan" in story.says("page @dan")
    assert story.paged() == [("ana", 0), ("dan", 5)]
    assert story.pages()[-1].step == "direct"
    assert story.pages()[-1].reason == "asked for by Ana Example"
    story.advance(minutes=10)
    assert story.paged()[2:] == [("ben", 15)]
    story.says("ack", by="dan")
    story.advance(hours=2)
    assert len(story.paged()) == 3


def test_somebody_is_paged_for_an_incident_that_is_acknowledged(story: Story) -> None:
    story.fires()
    story.says("ack")
    story.says("page team/data")
    assert story.paged() == [("ana", 0), ("dan", 0)]
    assert story.pages()[-1].reason.startswith("asked for by Ana Example (on call, ")
    assert story.incident().escalation == "acknowledged"


def test_a_declared_incident_pages_like_any_other(story: Story) -> None:
    assert "INC-1 is open: Checkout rejects cards" in story.says("new P1 Checkout rejects cards", by="dan")
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ben", 15)]
    assert story.kinds()[0] == "declared"
    assert story.incident().opened_by == "dan"
    assert story.incident().severity == "P1"


def test_the_page_says_what_fires_what_to_do_first_and_why_this_person(story: Story) -> None:
    story.fires(annotations={"summary": "5xx above 5 %"}, instance="shop-1")
    (heard,) = story.taken("page")
    message = heard.message
    assert message.subject.startswith("P1: 5xx above 5 %")
    for part in ("ack INC-1", "Look at the newest deploy", "on call", "04:00"):
        assert part in message.text, part
    assert message.url is not None
    assert message.url.endswith("/incidents/INC-1")
    assert message.facts["incident"] == "INC-1"


def test_several_alerts_of_one_incident_are_one_page(story: Story) -> None:
    for number in range(5):
        story.fires(instance=f"shop-{number}")
    assert story.paged() == [("ana", 0)]
    assert len(story.incident().alerts) == 5
    assert story.incident().firing == 5
    assert story.kinds().count("alert_attached") == 4
