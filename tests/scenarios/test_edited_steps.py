"""What an open incident makes of an edit (row "policy or rotation edited"): its steps, its people, its severity."""

from __future__ import annotations

from collections.abc import Callable

from tests.plugins.story import Story, on_every_database
from tests.plugins.story_files import LAYERS, PEOPLE, TEAMS, documents

Tell = Callable[..., Story]

NAMED = {
    "P1": (
        "[{page: [on_call], id: first}, {after: 15m, page: [lead], id: second},"
        " {after: 30m, page: [manager], id: third}]"
    )
}


def row(text: str) -> dict[str, str]:
    return {"P1": text}


@on_every_database
def test_steps_to_come_follow_the_edit_where_their_ids_survive(tell: Tell) -> None:
    story = tell(matrix=NAMED)
    story.fires()
    story.advance(minutes=5)
    edited = row(
        "[{page: [manager], id: first}, {after: 10m, page: [person/fay]},"
        " {after: 15m, page: [person/dan], id: second}, {after: 20m, page: [manager, lead], id: third}]"
    )
    story.configure(matrix=edited)
    story.advance(minutes=25)
    assert story.paged() == [("ana", 0), ("dan", 15), ("ben", 20), ("cleo", 20)]
    told = [entry.text for entry in story.timeline() if entry.kind == "steps_edited"]
    revision = story.context.live.current.revision.id
    assert told == [
        f"The steps of P1 were edited in revision {revision}; those to come are the new ones: second and third"
    ]


def test_an_id_that_is_gone_keeps_the_frozen_steps_and_the_timeline_says_so_once(tell: Tell) -> None:
    story = tell(matrix=NAMED)
    story.fires()
    story.advance(minutes=5)
    story.configure(matrix=row("[{page: [on_call], id: first}, {after: 1m, page: [person/dan], id: third}]"))
    story.advance(minutes=5)
    story.configure(
        matrix=row("[{page: [on_call], id: first}, {after: 1m, page: [person/dan], id: third}]"),
        repeat="{P2: 1}",
    )
    story.advance(minutes=30)
    assert story.paged() == [("ana", 0), ("ben", 15), ("cleo", 30)]
    told = [entry.text for entry in story.timeline() if entry.kind == "steps_edited"]
    assert len(told) == 1
    assert told[0].endswith("the frozen ones stay: second is no longer among them")


def test_another_order_keeps_the_frozen_steps(tell: Tell) -> None:
    story = tell(matrix=NAMED)
    story.fires()
    story.advance(minutes=5)
    story.configure(
        matrix=row(
            "[{page: [on_call], id: first}, {after: 1m, page: [lead], id: third},"
            " {after: 2m, page: [lead], id: second}]"
        )
    )
    story.advance(minutes=30)
    assert story.paged() == [("ana", 0), ("ben", 15), ("cleo", 30)]
    assert story.entry("steps_edited").text.endswith("second, third come in another order")


def test_without_ids_the_steps_stay_frozen_and_the_timeline_says_so(story: Story) -> None:
    story.fires()
    story.advance(minutes=5)
    story.configure(matrix=row("[{page: [manager]}]"))
    story.advance(minutes=30)
    assert story.paged() == [("ana", 0), ("ben", 15), ("cleo", 30)]
    assert story.kinds().count("steps_edited") == 1
    assert story.entry("steps_edited").text.endswith("the frozen ones stay: no step to come has an id")


def test_a_restart_with_edited_steps_is_an_edit(tell: Tell) -> None:
    story = tell(matrix=NAMED)
    story.fires()
    story.advance(minutes=5)
    story.write(documents(matrix={"P1": NAMED["P1"].replace("[lead]", "[person/dan]")}))
    story.restart()
    story.advance(minutes=10)
    assert story.paged() == [("ana", 0), ("dan", 15)]


def test_an_edit_of_something_else_is_no_word(tell: Tell) -> None:
    story = tell(matrix=NAMED)
    story.fires()
    story.advance(minutes=5)
    story.configure(matrix={**NAMED, "P2": "[{page: [manager]}]"})
    story.advance(minutes=30)
    assert "steps_edited" not in story.kinds()


def test_the_next_round_takes_the_edited_first_step(tell: Tell) -> None:
    story = tell(matrix=row("[{page: [on_call], id: first}]"), repeat="{P1: 1}")
    story.fires()
    story.advance(minutes=1)
    story.configure(matrix=row("[{page: [person/dan], id: first}]"), repeat="{P1: 1}")
    story.advance(minutes=4)
    assert story.paged() == [("ana", 0), ("dan", 5)]


@on_every_database
def test_a_rotation_that_is_edited_counts_at_the_next_step(tell: Tell) -> None:
    matrix = row("[{page: [on_call]}, {after: 10m, page: [on_call]}]")
    story = tell(matrix=matrix)
    story.fires()
    story.advance(minutes=5)
    story.configure(matrix=matrix, layers=LAYERS.replace("[[ana]]", "[[dan]]"))
    story.advance(minutes=5)
    assert story.paged() == [("ana", 0), ("dan", 10)]
    assert "steps_edited" not in story.kinds(), (
        "the steps are the same; who is on call is asked when each is due"
    )


@on_every_database
def test_somebody_taken_out_of_the_configuration_does_not_break_an_open_escalation(tell: Tell) -> None:
    matrix = row("[{page: [on_call]}, {after: 10m, page: [person/dan]}, {after: 20m, page: [manager]}]")
    story = tell(matrix=matrix)
    story.fires()
    story.advance(minutes=5)
    files = documents(
        matrix=row("[{page: [on_call]}]"),
        people="\n".join(line for line in PEOPLE.splitlines() if not line.startswith("  dan:")),
        teams="\n".join(line for line in TEAMS.splitlines() if not line.startswith("  data:")),
    )
    del files["rotations/schedules/data.yaml"]
    assert story.reload(files).ok
    story.advance(minutes=30)
    assert story.paged() == [("ana", 0), ("cleo", 10), ("fay", 10), ("theo", 20)]
    assert story.entry("nobody").text == "Nobody to page at step 2: nobody stands behind person/dan"


def test_a_schedule_or_team_that_is_gone_is_passed_over(tell: Tell) -> None:
    story = tell(matrix=row("[{page: [on_call]}, {after: 10m, page: [schedule/data, team/data]}]"))
    story.fires()
    story.advance(minutes=5)
    files = documents(teams="\n".join(line for line in TEAMS.splitlines() if not line.startswith("  data:")))
    del files["rotations/schedules/data.yaml"]
    assert story.reload(files).ok
    story.advance(minutes=10)
    assert story.paged() == [("ana", 0), ("fay", 10), ("theo", 10)]
    assert "nobody stands behind schedule/data, team/data" in story.entry("nobody").text


def test_a_severity_set_by_hand_freezes_the_steps_anew_and_the_timeline_says_so(story: Story) -> None:
    story.fires(severity="high")
    story.advance(minutes=1)
    story.says("sev P1 all regions")
    assert story.entry("severity_changed").text == (
        "Severity changed from P2 to P1 by Ana Example: all regions; the steps are those of P1 now"
    )
    story.configure(matrix=row("[{page: [person/dan]}]"))
    story.advance(minutes=15)
    assert story.paged() == [("ana", 0), ("ana", 1), ("ben", 16)]


def test_a_lesser_severity_goes_on_with_its_own_first_step_and_wakes_no_last_resort(story: Story) -> None:
    story.fires(severity="critical")
    story.advance(minutes=1)
    story.says("sev P3 one region only")
    story.advance(minutes=30)
    assert story.paged() == [("ana", 0), ("ben", 15)]
    story.advance(minutes=45)
    assert story.paged()[2:] == [("theo", 75)], "P3 waits an hour for its answer"
