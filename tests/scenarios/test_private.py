"""Who sees a private incident, told on every database: those who work on it, and nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import commands, queries
from incident_bot.flow.sight import EVERYTHING, NOBODY, Seer, known_as
from incident_bot.flow.why import explain_alert, explain_person
from incident_bot.notifiers.base import RetryLater
from tests.plugins.story import Story, on_every_database

WORD = "Quokka"


def sees(story: Story, who: Seer, number: int = 1) -> bool:
    """Whether it is there for them, in the list and by its name: both say the same."""
    context = story.context.seen_by(who)
    listed = number in {one.number for one in queries.incidents(context)}
    try:
        queries.incident(context, number)
    except NotFound:
        assert not listed
        return False
    assert listed
    return True


@on_every_database
def test_those_who_work_on_it_see_it_and_nobody_else(story: Story) -> None:
    story.fires(alertname=WORD)
    story.says("private", by="ben")
    at_work = {"ana": "was paged", "ben": "made it private"}
    for name in ("ana", "ben", "cleo", "dan", "fay", "theo", "slack:U0ANA", ""):
        assert sees(story, known_as(name)) is (name in at_work), at_work.get(name, name)
    assert sees(story, EVERYTHING)
    assert not sees(story, NOBODY)
    assert sees(story, known_as("x", inside=1))
    assert not sees(story, known_as("x", inside=2))


@on_every_database
@pytest.mark.parametrize(
    "line", ["lead @dan", "role scribe @dan", "page @dan", "task look @dan", "handoff @dan"], ids=str.split
)
def test_whoever_is_brought_in_sees_it_from_then_on(story: Story, line: str) -> None:
    story.fires()
    story.says("lead me")
    story.says("private")
    assert not sees(story, known_as("dan"))
    story.says(line)
    assert sees(story, known_as("dan"))


def test_whoever_declares_it_sees_it(story: Story) -> None:
    story.says("new P2 --private Quokka loose", by="dan")
    assert (story.incident().private, story.incident().severity, story.incident().title) == (
        True,
        "P2",
        "Quokka loose",
    )
    assert sees(story, known_as("dan"))
    assert not sees(story, known_as("cleo"))


def test_a_private_title_is_needed_all_the_same(story: Story) -> None:
    with pytest.raises(Refused, match="new P2 --private Customer data leaked"):
        story.says("new P2 --private ", by="dan")


def test_the_next_step_sees_it_when_it_is_paged_and_not_before(story: Story) -> None:
    story.fires()
    story.says("private")
    assert not sees(story, known_as("ben"))
    story.advance(minutes=15)
    assert ("ben", 15) in story.paged()
    assert sees(story, known_as("ben"))


@on_every_database
def test_its_alerts_are_hidden_and_pages_of_lists_stay_full(story: Story) -> None:
    story.fires(alertname=WORD)
    story.says("private")
    story.fires(alertname="Other")
    stranger, mine = story.context.seen_by(known_as("cleo")), story.context.seen_by(known_as("ana"))
    assert [one.title for one in queries.alerts(stranger, limit=1)] == ["Other"]
    assert [one.labels["alertname"] for one in queries.alerts(stranger)] == ["Other"]
    assert [one.labels["alertname"] for one in queries.alerts(mine)] == ["Other", WORD]
    with pytest.raises(NotFound):
        explain_alert(stranger, WORD, now=story.clock.now())
    assert explain_alert(mine, WORD, now=story.clock.now()).kind == "alert"
    assert (
        "INC-1"
        not in explain_person(
            stranger, "ana", start=story.start, end=story.clock.now(), now=story.clock.now()
        ).text
    )


def test_an_alert_of_the_same_name_that_all_may_see_is_found(story: Story) -> None:
    story.fires(alertname=WORD, instance="a")
    story.says("resolve by hand")
    story.resolves(alertname=WORD, instance="a")
    story.advance(days=3)
    story.fires(alertname=WORD, instance="b")
    story.says("private INC-2")
    stranger = story.context.seen_by(known_as("cleo"))
    assert "INC-1" in explain_alert(stranger, WORD, now=story.clock.now()).text


def test_a_stranger_merges_nothing_with_it(story: Story) -> None:
    story.fires(alertname=WORD)
    story.says("private")
    story.fires(alertname="Other")
    stranger = story.context.seen_by(known_as("cleo"))
    for line, incident in (("dup INC-1", 2), ("dup INC-2", 1), ("unmerge INC-1", 2), ("split x", 1)):
        with pytest.raises(NotFound, match="There is no INC-1; `list all` shows those there are"):
            commands.handle(
                stranger, line, incident=incident, actor="cleo", source="test", now=story.clock.now()
            )


@on_every_database
def test_showing_it_asks_first_and_hiding_it_is_undone(story: Story) -> None:
    story.fires()
    assert "private now" in story.says("private")
    assert story.incident().private
    for line in ("public", "private off"):
        with pytest.raises(Refused, match="type `public yes`"):
            story.says(line)
    with pytest.raises(Refused, match="type `private`, or `private off`"):
        story.says("private maybe")
    assert "public now" in story.says("undo")
    assert not story.incident().private
    story.says("private")
    assert "public now" in story.says("private off yes")
    assert story.kinds()[-1] == "made_public"
    assert "already" in story.says("public")


def test_what_waits_to_be_announced_is_not(tell: Callable[..., Story]) -> None:
    story = tell(announce='[{channel: "#web"}]')
    story.slack.always = RetryLater("Slack is away")
    story.fires()
    story.says("private")
    story.slack.always = None
    story.advance(hours=1)
    story.says("update nothing to see")
    told = [heard.message.text for heard in story.taken() if heard.message.recipient == "#web"]
    assert story.said_to("#web") == ["meta"], "it says that Slack was away"
    assert "HighErrorRate" not in told[0]
    story.says("public yes")
    assert story.said_to("#web") == ["meta", "opened"]
