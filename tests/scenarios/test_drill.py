"""Drills: one willing person is paged over their own rules, and the time to the answer is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from incident_bot.core.errors import Refused
from incident_bot.flow import drills, load
from incident_bot.notifiers.base import GiveUp, GiveUpReason
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import PEOPLE, documents

Tell = Callable[..., Story]

SLOWLY = PEOPLE.replace(
    "slack: U0BEN}", 'slack: U0BEN, phone: "+4915100000002", notify: {high: [{by: sms}]}}'
)


def refused(story: Story, line: str) -> str:
    with pytest.raises(Refused) as problem:
        story.says(line)
    return str(problem.value)


@on_every_database
def test_an_answer_ends_it_and_the_time_is_kept(story: Story) -> None:
    assert story.says("drill ben", by="ana").startswith("INC-1 is open: Drill: Ben Example")
    assert story.paged() == [("ben", 0)]
    (waiting,) = drills.last(story.context)
    assert (waiting.state, waiting.person, waiting.sent_by, waiting.seconds) == (
        "waiting",
        "ben",
        "slack",
        None,
    )
    story.advance(seconds=72)
    assert "a drill" in story.says("ack", by="ben")
    one = story.incident()
    assert (one.escalation, one.drill, one.private, one.severity) == ("resolved", True, False, "P2")
    assert "answered by ben after 72 s" in story.entry("resolved").text
    (drill,) = drills.last(story.context)
    assert (drill.state, drill.acknowledged_by, drill.seconds) == ("answered", "ben", 72)
    story.advance(hours=3)
    assert story.paged() == [("ben", 0)]


def test_nobody_else_is_paged_and_without_an_answer_it_ends_and_says_so(story: Story) -> None:
    story.says("drill ben")
    story.says("sev P1")
    story.advance(minutes=14, seconds=59)
    assert story.incident().escalation == "triggered"
    story.advance(hours=3)
    assert {person for person, _ in story.paged()} == {"ben"}
    assert story.incident().escalation == "resolved"
    assert "nobody answered the drill within 15 min" in story.entry("resolved").text
    assert [one.state for one in drills.last(story.context)] == ["unanswered"]


def test_it_goes_by_the_persons_own_rules_and_a_restart_changes_nothing(tell: Tell) -> None:
    story = tell(people=SLOWLY)
    story.says("drill @ben")
    story.restart()
    story.advance(minutes=5)
    assert [(heard.message.recipient, heard.via) for heard in story.taken("page")] == [("ben", "sms")]
    story.says("ack", by="ben")
    assert drills.last(story.context)[0].seconds == 300


def test_it_is_marked_everywhere_and_counted_nowhere(tell: Tell) -> None:
    story = tell(announce='[{channel: "#incidents"}]')
    story.says("drill ben")
    story.says("ack", by="ben")
    assert story.said_to("#incidents") == ["opened", "resolved"]
    assert all("DRILL" in heard.message.text for heard in story.taken())
    now = story.clock.now()
    people = load.report(story.context, start=now - timedelta(days=1), end=now + timedelta(days=1)).people
    assert [(one.person, one.pages) for one in people if one.pages] == []
    lines = story.context.metrics.render().decode()
    assert 'incident_bot_incidents_opened_total{severity="P2"}' not in lines


@pytest.mark.parametrize(
    "line, says",
    [
        ("drill gus", "gus is not active and is never paged"),
        ("drill nobody", "There is nobody 'nobody' in people.yaml; use one of ana, ben, cleo"),
        ("drill", "drill alice"),
    ],
)
def test_who_cannot_be_drilled_is_refused_with_what_to_do(line: str, says: str, story: Story) -> None:
    assert says in refused(story, line)
    assert story.incidents() == []


def test_whom_no_page_reaches_is_refused(story: Story) -> None:
    for channel in story.channels.values():
        channel.unreachable.add("ben")
    assert refused(story, "drill ben").startswith("No page reaches ben: give them a contact in people.yaml")


def test_one_at_a_time(story: Story) -> None:
    story.says("drill ben")
    assert refused(story, "drill ben") == (
        "INC-1 is a drill for ben that still runs; `resolve INC-1` ends it."
    )
    story.says("drill ana")
    story.says("ack INC-1", by="ben")
    story.says("drill ben")
    assert [one.incident for one in drills.last(story.context)] == ["INC-3", "INC-2", "INC-1"]


def test_a_page_that_never_went_out_says_so(story: Story) -> None:
    story.slack.always = GiveUp(GiveUpReason.ADDRESS, "no such user")
    story.says("drill ben")
    story.advance(minutes=20)
    (one,) = drills.last(story.context)
    assert (one.state, one.sent_at, one.seconds) == ("unanswered", None, None)


def test_where_nothing_is_urgent_it_takes_the_worst(tell: Tell) -> None:
    files = documents()
    calm = files["rotations/escalation.yaml"].replace("urgency: high", "urgency: low")
    story = tell()
    assert story.reload({**files, "rotations/escalation.yaml": calm}).ok
    story.says("drill ben")
    assert (story.incident().severity, story.paged()) == ("P1", [("ben", 0)])
