"""The configuration changes while incidents are open: what runs stays frozen, a bad set changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import LAYERS, PEOPLE, documents

Tell = Callable[..., Story]
DAN_ON_CALL = LAYERS.replace("[[ana]]", "[[dan]]")


@on_every_database
def test_an_escalation_that_runs_keeps_the_steps_it_began_with(story: Story) -> None:
    story.fires(alertname="Before")
    story.configure(matrix={"P1": "[{page: [manager]}, {after: 20m, page: [person/dan]}]"})
    story.fires(alertname="After")
    story.advance(minutes=20)
    assert story.paged() == [("ana", 0), ("cleo", 0), ("ben", 15), ("dan", 20)]
    before, after = story.incidents()
    entries = {one.id: story.timeline(one.number)[0].data["revision"] for one in (before, after)}
    assert entries["INC-1"] != entries["INC-2"]


def test_who_is_on_call_is_asked_under_the_newest_revision(tell: Tell) -> None:
    story = tell(matrix={"P1": "[{page: [on_call]}, {after: 10m, page: [on_call]}]"})
    story.fires()
    story.configure(layers=DAN_ON_CALL, matrix={"P1": "[{page: [on_call]}, {after: 10m, page: [on_call]}]"})
    story.advance(minutes=10)
    assert story.paged() == [("ana", 0), ("dan", 10)]


def test_a_restart_with_another_configuration_keeps_the_frozen_steps(story: Story) -> None:
    story.fires()
    story.write(documents(matrix={"P1": "[{page: [manager]}]"}))
    story.restart()
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ben", 15)]


def test_a_bad_set_is_refused_whole_and_the_old_one_stays(story: Story) -> None:
    before = story.context.live.current
    answer = story.reload(
        {**documents(layers=DAN_ON_CALL), "rotations/routing.yaml": "routes: [{mach: []}]\n"}
    )
    assert (answer.ok, answer.changed, answer.revision) == (False, False, before.revision.id)
    assert any("rotations/routing.yaml:1" in problem for problem in answer.problems)
    assert story.context.live.current is before
    assert story.context.live.problems
    story.fires()
    assert story.paged() == [("ana", 0)]

    assert story.reload(documents(layers=DAN_ON_CALL)).ok
    assert not story.context.live.problems
    story.fires(alertname="Another")
    assert story.paged() == [("ana", 0), ("dan", 0)]


def test_a_bad_template_refuses_the_set_as_well(story: Story) -> None:
    answer = story.reload({**documents(), "templates/page/text.j2": "{{ nonsense }}"})
    assert not answer.ok
    assert any("templates/page/text.j2:1" in problem for problem in answer.problems)


def test_somebody_who_is_taken_out_is_no_longer_paged_and_the_next_step_does_not_wait(tell: Tell) -> None:
    rules = "{high: [{by: slack, after: 5m}], low: [{by: slack}]}"
    story = tell(notify=rules)
    story.fires()
    without = PEOPLE.replace("  ana:", "  dora:")
    story.configure(people=without, layers=DAN_ON_CALL, teams=TEAMS_WITHOUT_ANA, notify=rules)
    story.advance(minutes=11)
    assert story.paged() == [("ben", 10)]
    assert "no longer exists" in story.entry("page_failed").text


def test_a_severity_that_is_gone_does_not_stop_what_was_opened_with_it(story: Story) -> None:
    story.fires()
    files = documents()
    escalation = files["rotations/escalation.yaml"]
    files["rotations/escalation.yaml"] = escalation.replace("P1:", "S1:")
    files["rotations/routing.yaml"] = files["rotations/routing.yaml"].replace("P1", "S1")
    assert story.reload(files).ok
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ben", 15)]
    story.fires(instance="another")
    assert story.incident().firing == 2
    story.says("ack")
    story.resolves(instance="another")
    story.resolves()
    story.advance(minutes=5)
    assert story.incident().escalation == "resolved"


def test_a_source_that_is_taken_out_is_refused_and_the_deferred_are_kept(story: Story) -> None:
    story.fires()
    story.configure(sources="  - {name: another, kind: alertmanager}")
    answer = story.repeat()
    assert (answer.status, answer.detail) == (400, "the source alertmanager is no longer configured")


TEAMS_WITHOUT_ANA = """
teams:
  web: {schedule: web, lead: ben, manager: cleo, members: [ben], slack_channel: "#web", services: [shop]}
  data: {schedule: data, lead: dan, members: [dan], services: [lake]}
"""
