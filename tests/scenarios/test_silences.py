"""Silences of an incident: made, changed, lifted and looked after at an Alertmanager that answers, or does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow.silences.keeping import LEASE
from incident_bot.store import silences
from tests.fakes.alertmanager import AlertmanagerApi
from tests.plugins.story import Story, on_every_database

Tell = Callable[..., Story]
Begin = Callable[..., tuple[Story, AlertmanagerApi]]


@pytest.fixture
def begin(tell: Tell) -> Iterator[Begin]:
    """Begin a story with an Alertmanager that can be asked: `story, api = begin()`."""
    opened: list[AlertmanagerApi] = []

    def begun(**changes: Any) -> tuple[Story, AlertmanagerApi]:
        story = tell(**changes)
        api = AlertmanagerApi(story.alertmanager, story.clock.now).__enter__()
        opened.append(api)
        story.configure(sources=source(api.url), **changes)
        return story, api

    yield begun
    for api in opened:
        api.__exit__(None, None, None)


def source(url: str) -> str:
    return f'  - {{name: alertmanager, kind: alertmanager, api_url: "{url}", ignore_labels: [replica]}}'


def silenced(api: AlertmanagerApi) -> list[dict[str, str]]:
    """What the Alertmanager silences now: the labels of each silence."""
    return [{each["name"]: each["value"] for each in one.matchers} for one in api.kept.active()]


@on_every_database
def test_a_silence_is_made_with_the_labels_of_the_incident_and_holds_its_paging(begin: Begin) -> None:
    story, api = begin()
    story.fires(instance="a", replica="1")
    story.advance(minutes=2)
    said = story.says("silence 2h the database is being moved")
    assert (
        'INC-1 is silenced until 05:02 UTC as soon as alertmanager confirms it: {alertname="HighErrorRate"}'
        in said
    )
    assert "It hides 1 alert that fires now." in said
    (kept,) = api.kept.active()
    assert kept.matchers == [
        {"name": "alertname", "value": "HighErrorRate", "isRegex": False, "isEqual": True}
    ]
    assert kept.created_by == "Ana Example"
    assert kept.comment.startswith("INC-1 HighErrorRate on a: the database is being moved")
    assert kept.comment.endswith("[incident-bot/INC-1/20260303T030000Z/1]")
    assert (kept.ends_at - story.clock.now()).total_seconds() == 7200
    assert (
        'Ana Example silences alertname="HighErrorRate" until 05:02 UTC' in story.entry("silence_asked").text
    )
    assert story.entry("silenced").text.startswith("Silence 1 holds in alertmanager until 05:02 UTC")
    story.advance(minutes=2)
    assert story.entry("paused").data["reason"] == "every alert of it is silenced"
    story.advance(minutes=60)
    assert story.paged() == [("ana", 0)]
    (seen,) = story.incident().silences
    assert (seen.state, seen.on, seen.matchers) == ("held", True, {"alertname": "HighErrorRate"})


def test_what_goes_on_firing_pages_again_when_the_silence_ends(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    story.says("silence 30m")
    story.advance(minutes=29)
    assert story.paged() == [("ana", 0)]
    story.advance(minutes=3)
    assert silenced(api) == []
    assert "silence_ended" in story.kinds()
    assert next(person for person, minute in story.paged() if minute > 0) == "ana"
    assert story.incident().silences[0].outcome == "ended"


@on_every_database
@pytest.mark.parametrize("words", ["resolve mended", "cancel a test"])
def test_an_incident_that_is_over_lifts_its_silence(begin: Begin, words: str) -> None:
    story, api = begin()
    story.fires()
    story.says("ack")
    story.says("silence 2h")
    assert len(silenced(api)) == 1
    assert "Its silence is being lifted." in story.says(words)
    assert silenced(api) == []
    assert story.entry("silence_lifted").text.startswith("Silence 1 is lifted: INC-1 is ")
    story.advance(hours=3)
    assert [one.state for one in story.incident().silences] == ["over"]
    with story.context.store.read() as tx:
        assert silences.next_due(tx) is None


def test_one_that_is_merged_lifts_its_own(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    story.fires(alertname="Down")
    story.says("silence 2h", incident=2)
    assert silenced(api) == [{"alertname": "Down"}]
    assert "Its silence is being lifted." in story.says("dup INC-1", incident=2)
    assert silenced(api) == []
    assert "silence_lifted" in story.kinds(2)


def test_unsilence_lifts_it_and_undo_does_too(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    story.says("silence 2h")
    assert "its silence is being lifted" in story.says("unsilence")
    assert silenced(api) == []
    assert story.incident().silences[0].outcome == "lifted: ana asked for it"
    with pytest.raises(Refused, match="INC-1 has no silence; `silence 2h` makes one"):
        story.says("unsilence")
    story.says("silence 1h")
    story.says("undo")
    assert silenced(api) == []
    story.says("silence 1h")
    with pytest.raises(Refused, match="INC-1 has no silence 1; there is 3"):
        story.says("unsilence 1")


def test_asked_again_it_gets_another_end_and_stays_the_same(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    story.says("silence 30m")
    (first,) = api.kept.active()
    story.advance(minutes=5)
    story.says("silence 2h longer than thought")
    (second,) = api.kept.active()
    assert second.id == first.id
    assert (second.ends_at - story.clock.now()).total_seconds() == 7200
    assert "moves the end of the silence" in story.entry("silence_asked").text
    with pytest.raises(Refused, match="`silence 30m` sets another end"):
        story.says("undo")
    story.says("silence 10m")
    (third,) = api.kept.active()
    assert (third.id, (third.ends_at - story.clock.now()).total_seconds()) == (first.id, 600)
    assert len(story.incident().silences) == 1


def test_the_answer_says_what_else_it_hides_and_what_it_does_not(begin: Begin) -> None:
    routes = """
  - {match: ['team="data"'], team: data, group_by: [cluster]}
  - {match: ['severity="info"'], action: record}
"""
    story, api = begin(routes=routes)
    story.fires(instance="a")
    story.fires(team="data", cluster="eu")
    story.fires(severity="info", instance="c")
    said = story.says("silence 1h", incident=1)
    assert (
        "It hides 3 alerts that fire now, 1 of them of other incidents: 1 of INC-2, 1 of them of no incident."
        in said
    )
    assert story.entry("silence_asked", 1).data["others"] == ["INC-2"]
    # The route of the other one asks for the label team and groups by cluster: both narrow its silence.
    story.says("silence 1h", incident=2)
    assert silenced(api)[1] == {"alertname": "HighErrorRate", "cluster": "eu", "team": "data"}
    assert silenced(api)[0] == {"alertname": "HighErrorRate"}


@pytest.mark.parametrize(
    "words, message",
    [
        ("silence", "For how long"),
        ("silence soon", "'soon' is not a duration; type for example `silence 2h the database"),
        ("silence 10s", "A silence lasts a minute at least"),
        ("silence 31d", "A silence lasts 30 days at most"),
        ("unsilence all", "'all' is no number"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_type(begin: Begin, words: str, message: str) -> None:
    story, api = begin()
    story.fires()
    with pytest.raises(Refused, match=message):
        story.says(words)
    assert api.posted == []


def test_until_a_clock_time_is_understood_on_ones_own_clock(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    assert "until 05:30 UTC" in story.says("silence until 06:30 the switch is being replaced")
    assert api.kept.active()[0].comment.count("the switch is being replaced") == 1
    assert "until 04:00 UTC" in story.says("silence for 1h")


def test_without_alerts_or_an_api_there_is_nothing_to_silence(tell: Tell) -> None:
    story = tell()
    story.fires()
    with pytest.raises(Refused, match="come from alertmanager, where nothing can be silenced from here"):
        story.says("silence 1h")
    story.says("new The shop is slow")
    with pytest.raises(Refused, match="INC-2 has no alerts"):
        story.says("silence 1h")
    story.says("resolve mended", incident=1)
    with pytest.raises(Refused, match="INC-1 is resolved; nobody is paged for it"):
        story.says("silence 1h", incident=1)


def test_a_storm_of_groups_is_not_silenced_one_by_one(begin: Begin) -> None:
    story, _api = begin(default="{team: web, action: incident, severity: P1, group_by: [cluster]}")
    for number in range(11):
        story.fires(alertname=f"Alert{number}", cluster="eu")
    with pytest.raises(Refused, match="are of 11 groups, more than 10"):
        story.says("silence 1h")


@on_every_database
def test_a_refusal_of_alertmanager_is_told_to_who_asked_and_on_the_timeline(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    api.wrong["POST"] = [400]
    story.says("silence 2h")
    entry = story.entry("silence_failed")
    assert (
        entry.text
        == 'What was asked of silence 1 was not done in alertmanager: Alertmanager\'s API answered 400: "wrong"'
    )
    assert story.incident().silences[0].state == "over"
    (told,) = [heard.message for heard in story.taken("nudge")]
    assert told.recipient == "ana"
    assert "INC-1: alertmanager does not silence it (Alertmanager's API answered 400" in told.text
    assert "silence INC-1 2h" in told.text
    story.advance(hours=1)
    assert len(api.posted) == 1


@on_every_database
def test_an_alertmanager_that_is_away_is_asked_again_and_told_of_once(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    api.broken = True
    story.says("silence 2h")
    assert story.entry("silence_failed").data["again"] is True
    story.advance(minutes=3)
    assert story.kinds().count("silence_failed") == 1
    api.broken = False
    story.advance(minutes=2)
    assert len(silenced(api)) == 1
    assert story.incident().silences[0].state == "held"
    assert len(story.taken("nudge")) == 1


def test_it_is_given_up_after_ten_minutes(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    api.broken = True
    story.says("silence 2h")
    story.advance(minutes=12)
    assert story.kinds().count("silence_failed") == 2
    assert str(story.incident().silences[0].outcome).startswith("not made: Alertmanager's API answered 500")
    assert story.incident().silences[0].state == "over"
    api.broken = False
    story.advance(hours=1)
    assert silenced(api) == []


@on_every_database
def test_a_lost_answer_makes_no_second_silence(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    api.wrong["POST"] = ["lost"]
    story.says("silence 2h")
    story.advance(minutes=1)
    assert len(api.posted) >= 2
    assert len(silenced(api)) == 1
    assert len(api.kept.kept) == 1
    story.says("unsilence")
    assert silenced(api) == []


def test_lifted_before_the_answer_came_it_is_found_and_lifted(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    api.wrong["POST"] = ["lost"]
    story.says("silence 2h")
    assert len(silenced(api)) == 1
    story.says("unsilence")
    story.advance(minutes=1)
    assert silenced(api) == []
    assert story.kinds().count("silenced") == 0


def test_a_lift_that_fails_is_tried_until_it_is_done(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    story.says("silence 2h")
    api.wrong["DELETE"] = [503, 400]
    story.says("unsilence")
    assert story.entry("silence_failed").data["again"] is True
    story.advance(minutes=4)
    assert silenced(api) == []
    assert story.kinds().count("silence_failed") == 1
    assert "silence_lifted" in story.kinds()


def test_what_somebody_lifted_in_alertmanager_is_noticed(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    story.says("silence 2h")
    (kept,) = api.kept.active()
    api.kept.delete(kept.id)
    story.advance(minutes=2)
    assert story.entry("silence_gone").text == "Somebody lifted silence 1 in alertmanager"
    assert story.incident().silences[0].outcome == "lifted at its source"
    story.says("silence 1h")
    assert len(silenced(api)) == 1


def test_what_alertmanager_forgot_is_gone_too_and_lifting_it_is_no_trouble(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    story.says("silence 2h")
    api.kept.kept.clear()
    story.says("resolve mended")
    assert "silence_failed" not in story.kinds()
    assert story.incident().silences[0].outcome == "lifted: INC-1 is resolved"


def test_an_end_that_somebody_moved_in_alertmanager_counts(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    story.says("silence 2h")
    (kept,) = api.kept.active()
    moved = {**kept.listed(story.clock.now()), "endsAt": "2026-03-03T04:00:00Z"}
    assert api.kept.post("application/json", json.dumps(moved).encode())[0] == 200
    story.advance(minutes=2)
    assert "until 04:00 UTC" in story.entry("silenced").text
    assert story.minute(story.incident().silences[0].ends_at) == 60
    story.advance(minutes=60)
    assert "silence_ended" in story.kinds()


def test_a_longer_one_that_is_refused_leaves_the_old_end(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    story.says("silence 30m")
    api.wrong["POST"] = [400]
    story.says("silence 8h")
    assert "it holds until 03:30 UTC as before" in story.entry("silence_failed").text
    (seen,) = story.incident().silences
    assert (seen.state, story.minute(seen.ends_at)) == ("held", 30)
    story.advance(minutes=31)
    assert story.incident().silences[0].outcome == "ended"


@on_every_database
def test_whoever_has_it_is_told_once_before_it_ends(begin: Begin) -> None:
    story, _api = begin()
    story.fires()
    story.says("ack", by="ben")
    story.says("silence 2h", by="ana")
    story.advance(minutes=104)
    assert story.taken("reminder") == []
    story.advance(minutes=2)
    (told,) = story.taken("reminder")
    assert told.message.recipient == "ben"
    assert "its silence ends" in told.message.text
    assert "silence INC-1 1h" in told.message.text
    assert story.entry("silence_ending").text == (
        'The silence ends at 05:00 UTC: alertname="HighErrorRate"; Ben Example was told'
    )
    story.says("silence 20m", by="ana")
    story.advance(minutes=16)
    assert len(story.taken("reminder")) == 2
    story.advance(hours=2)
    assert len(story.taken("reminder")) == 2


def test_of_one_that_is_over_nobody_is_told(begin: Begin) -> None:
    story, _api = begin()
    story.fires()
    story.says("silence 1h")
    story.says("resolve mended")
    story.advance(hours=2)
    assert story.taken("reminder") == []


def test_a_private_incident_tells_alertmanager_its_name_alone(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    with story.context.store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE incident SET private = 1")
    story.says("silence 1h a person's data leaks")
    assert api.kept.active()[0].comment == "INC-1 [incident-bot/INC-1/20260303T030000Z/1]"


def test_it_is_seen_wherever_people_look(begin: Begin) -> None:
    story, _api = begin()
    story.fires()
    story.says("silence 2h moving the database")
    assert 'Silence 1: alertname="HighErrorRate" until 05:00 UTC' in story.says("info")
    assert "moving the database" in story.says("catchup")
    story.advance(minutes=2)
    why = story.says("why")
    assert "silenced at its source by silence 1 of INC-1 (ana, until 05:00 UTC)" in why
    assert "by silence 1 of INC-1" in story.says("why alert HighErrorRate")


@pytest.mark.parametrize("story_url", ["sqlite", "postgresql"], indirect=True)
def test_what_a_killed_process_was_about_to_do_is_done_by_the_next(begin: Begin) -> None:
    story, api = begin()
    story.fires()
    api.broken = True
    story.says("silence 2h")
    with story.context.store.write() as tx:
        later = story.clock.now() + timedelta(minutes=1)
        assert silences.claim(tx, owner="gone", lease=LEASE, now=later) is not None
    api.broken = False
    story.killed()
    story.advance(minutes=4)
    assert len(silenced(api)) == 1
    assert len(api.kept.kept) == 1
