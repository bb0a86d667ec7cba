"""What somebody may do from chat is what their role says; who was paged, or answers now, is never left helpless."""

from __future__ import annotations

import pytest

from incident_bot.core.access import Warrant
from incident_bot.core.errors import NotAllowed
from incident_bot.flow import commands, interventions
from incident_bot.flow.oncall.run import run
from incident_bot.store import interventions as audits
from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import documents

ACCESS = "rotations/access.yaml"


def slack(story: Story, text: str, by: str) -> str:
    """Somebody types a line in Slack."""
    number = story.newest()
    return commands.handle(
        story.context, text, incident=number, actor=by, source="slack", now=story.clock.now()
    ).text


@on_every_database
def test_a_viewer_reads_and_whoever_was_paged_takes_it(story: Story) -> None:
    assert story.reload({**documents(), ACCESS: "default: viewer\nroles: {dan: admin}\n"}).ok
    story.fires(severity="critical")
    ((paged, _),) = story.paged()
    assert paged == "ana"
    assert "INC-1" in slack(story, "info", "theo")
    with pytest.raises(
        NotAllowed, match=r"responder for the team web .* Ask dan to give it in rotations/access.yaml"
    ):
        slack(story, "resolve it is over", "theo")
    with pytest.raises(NotAllowed, match="for one team at least"):
        slack(story, "new Something else", "theo")
    with pytest.raises(NotAllowed, match="U0009 is viewer there"):
        slack(story, "note hello", "slack:U0009")
    for line in ("note I am on it", "ack"):
        slack(story, line, "ana")
    assert story.newest() == 1


@on_every_database
def test_whoever_takes_a_shift_over_may_act_and_a_viewer_takes_none(story: Story) -> None:
    assert story.reload({**documents(), ACCESS: "default: viewer\nroles: {dan: admin}\n"}).ok
    story.fires(severity="critical")
    with pytest.raises(NotAllowed):
        slack(story, "note hello", "theo")
    viewer = story.context.acting(Warrant(person="theo"))
    with pytest.raises(NotAllowed, match=r"schedule\.override"):
        run(viewer, "override @theo now 2h web", "theo", now=story.clock.now())
    admin = story.context.acting(Warrant(person="dan"))
    run(admin, "override @theo now 2h web", "dan", now=story.clock.now())
    slack(story, "note hello", "theo")
    with pytest.raises(NotAllowed):
        run(viewer, "override end 1", "theo", now=story.clock.now())


def test_a_change_of_the_configuration_counts_at_once(story: Story) -> None:
    story.fires(severity="critical")
    slack(story, "note as before there were roles", "theo")
    slack(story, "note as before there were roles", "slack:U0009")
    assert story.reload({**documents(), ACCESS: "roles: {}\n"}).ok
    with pytest.raises(NotAllowed, match="Ask whoever keeps the configuration"):
        slack(story, "note hello", "theo")
    assert interventions.maintenance(story.context, now=story.clock.now()) == []


def test_two_incidents_are_one_for_whom_both_teams_let(story: Story) -> None:
    roles = "default: viewer\nroles: {dan: admin, ben: {web: responder}}\n"
    assert story.reload({**documents(), ACCESS: roles}).ok
    for service in ("shop", "lake"):
        story.fires(alertname=f"Odd{service}", severity="critical", service=service)
    with pytest.raises(NotAllowed, match="responder for the team data"):
        slack(story, "INC-1 dup INC-2", "ben")
    assert "INC-2" in slack(story, "INC-1 dup INC-2", "dan")


def test_whose_role_changes_is_in_the_audit(story: Story) -> None:
    before = {**documents(), ACCESS: "default: viewer\n"}
    assert story.reload(before).ok
    assert story.reload({**before, ACCESS: "default: viewer\nroles: {theo: admin}\n"}).ok
    with story.context.store.read() as tx:
        newest, first = audits.audit(tx, audits.Sought(action="access"))
    assert (newest.actor, newest.action, newest.data) == (
        "the files", "access.changed", {"revision": story.context.live.current.revision.id}
    )  # fmt: skip
    assert newest.before == {"theo": ["viewer of every team"]}
    assert newest.after == {"theo": ["admin of every team"]}
    assert first.after is not None
    assert first.after["ana"] == ["viewer of every team", "responder of web"]
