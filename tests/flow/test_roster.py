"""Who is on call at any time, over reloads and over what people change at run time (R13, R15)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from incident_bot.config.recorded import RosterReader
from incident_bot.core.errors import NotFound, Refused
from incident_bot.flow import roster
from incident_bot.flow.roster import Wanted
from incident_bot.flow.simulate import simulate
from incident_bot.flow.views import OverrideView
from incident_bot.store import interventions
from incident_bot.store.transaction import LostRace, Tx, Unavailable
from tests.plugins.story import START, Story, on_every_database
from tests.plugins.story_files import LAYERS, PEOPLE, TEAMS, documents

Tell = Callable[..., Story]
DAN_ON_CALL = LAYERS.replace("[[ana]]", "[[dan]]")
HOUR = timedelta(hours=1)
AGAIN = {"P1": "[{page: [on_call]}, {after: 10m, page: [on_call]}]"}


def make(story: Story, *, schedule: str = "web", key: str | None = None, **wanted: Any) -> OverrideView:
    asked = Wanted(**{"end": story.clock.now() + HOUR, **wanted})
    return roster.make_override(story.context, schedule, asked, actor="ben", key=key, now=story.clock.now())


def end(story: Story, number: int, schedule: str | None = None) -> OverrideView:
    return roster.end_override(story.context, number, schedule=schedule, actor="ben", now=story.clock.now())


def who(story: Story, at: datetime | None = None, schedule: str = "web") -> str:
    found = roster.on_call(story.context, schedule=schedule, at=at or story.clock.now())
    return " ".join(one.person for one in found)


def audit(story: Story) -> list[tuple[str, str]]:
    with story.context.store.read() as tx:
        return [(one.actor, one.action) for one in interventions.audit(tx)]


# What people change, and who is paged.


@on_every_database
def test_an_override_made_while_an_incident_is_open_changes_who_is_paged_next(tell: Tell) -> None:
    story = tell(matrix=AGAIN)
    story.fires()
    story.advance(minutes=5)
    made = make(story, cover=("dan",), reason="swap")
    assert (made.state, made.start, made.created_by) == ("running", story.clock.now(), "ben")
    story.advance(minutes=5)
    assert story.paged() == [("ana", 0), ("dan", 10)]
    assert f"override {made.id}" in story.pages()[-1].reason
    (dan,) = roster.on_call(story.context, schedule="web", at=story.clock.now())
    assert dan.why in story.pages()[-1].reason
    assert (dan.since, dan.until) == (made.start, made.end)
    assert audit(story) == [("ben", "override.added")]


@on_every_database
def test_one_that_is_cut_off_pages_nobody_any_more_and_still_was(tell: Tell) -> None:
    story = tell(matrix=AGAIN)
    made = make(story, replace="ana", by="dan")
    story.fires()
    story.advance(minutes=9)
    cut = end(story, made.id, "web")
    assert (cut.state, cut.end, cut.ended_by) == ("ended", story.clock.now(), "ben")
    story.advance(minutes=1)
    assert story.paged() == [("dan", 0), ("ana", 10)]
    assert [who(story, at) for at in (START, made.start + timedelta(minutes=9))] == ["dan", "ana"]
    assert audit(story) == [("ben", "override.ended"), ("ben", "override.added")]
    with pytest.raises(Refused, match=f"Override {made.id} ended at 2026-03-03T03:09:00Z"):
        end(story, made.id)


def test_one_that_is_taken_back_before_it_begins_counts_for_nothing(story: Story) -> None:
    made = make(story, remove="ana", start=START + HOUR, end=START + 2 * HOUR)
    assert made.state == "planned"
    assert who(story, START + HOUR) == ""
    cancelled = end(story, made.id)
    assert (cancelled.state, cancelled.end) == ("cancelled", START + 2 * HOUR)
    assert who(story, START + HOUR) == "ana"
    story.advance(hours=1)
    assert who(story) == "ana"
    (kept,) = roster.overrides(story.context, "web", start=START, now=story.clock.now())
    assert kept.state == "cancelled"
    assert audit(story)[0] == ("ben", "override.cancelled")
    with pytest.raises(Refused, match="was taken back by ben before it began"):
        end(story, made.id)


def test_the_simulation_and_the_list_know_them(story: Story) -> None:
    first = make(story, add=("dan", "@Dan"), start=START + HOUR, end=START + 3 * HOUR)
    second = make(story, cover=("cleo",), start=START + 2 * HOUR, end=START + 4 * HOUR)
    assert first.add == ("dan",)
    assert [who(story, START + hours * HOUR) for hours in range(5)] == [
        "ana", "ana dan", "cleo dan", "cleo", "ana",
    ]  # fmt: skip
    found = roster.shifts(story.context, "web", start=START, end=START + 5 * HOUR)
    assert [" ".join(one.people) for one in found] == ["ana", "ana dan", "cleo dan", "cleo", "ana"]

    def listed(start: datetime, end: datetime | None = None) -> list[int]:
        found = roster.overrides(story.context, "web", start=start, end=end, now=START)
        return [one.id for one in found]

    assert listed(START) == [first.id, second.id]
    assert listed(START, START + 2 * HOUR) == [first.id]
    assert listed(START + 3 * HOUR) == [second.id]
    assert roster.overrides(story.context, "data", start=START, now=START) == []


def test_a_deliberate_gap_by_a_cover_of_nobody(story: Story) -> None:
    make(story, cover=(), nobody=True, reason="the site is closed")
    (gap,) = roster.gaps(story.context, "web", start=START, end=START + 2 * HOUR)
    assert (gap.start, gap.end, gap.deliberate) == (START, START + HOUR, True)
    assert "the site is closed" in gap.why
    assert who(story) == ""


def test_a_simulation_pages_whom_the_overrides_say_then(tell: Tell) -> None:
    story = tell(matrix=AGAIN)
    make(story, cover=("dan",), start=START + timedelta(minutes=10))
    labels = {"alertname": "HighErrorRate", "severity": "critical"}
    simulated = simulate(story.context, labels=labels, annotations={}, at=START)
    assert [(page.person, page.minute) for page in simulated.pages[:2]] == [("ana", 0), ("dan", 10)]
    story.fires()
    story.advance(minutes=10)
    assert story.paged() == [("ana", 0), ("dan", 10)]


# What is refused.


@pytest.mark.parametrize(
    "wanted, message",
    [
        ({}, "Say what it does"),
        ({"cover": ("dan",), "remove": "ana"}, "both cover and remove; make two overrides"),
        ({"replace": "ana"}, "replace and by go together"),
        ({"by": "ana", "cover": ("dan",)}, "replace and by go together"),
        ({"remove": "ana", "nobody": True}, "nobody: true goes with cover"),
        ({"cover": ()}, "A cover names people, or says nobody: true"),
        ({"cover": (), "nobody": True, "reason": "  "}, "A cover by nobody needs a reason"),
        ({"cover": ("dan",), "nobody": True, "reason": "x"}, "A cover names people"),
        ({"add": ()}, "An add names whom it adds"),
        ({"replace": "ana", "by": "ana"}, "cannot stand in for ana"),
        ({"cover": ("dna",)}, "There is nobody called 'dna' in people.yaml; did you mean \"dan\""),
        ({"remove": "x" * 300}, "There is nobody called 'xxx"),
        ({"cover": ("gus",)}, "gus is not active in people.yaml"),
        ({"replace": "ana", "by": "gus"}, "gus is not active"),
        (
            {"cover": ("dan",), "start": START - timedelta(minutes=6)},
            "cannot begin in the past; leave out start",
        ),
        ({"cover": ("dan",), "end": START}, "An override ends after it starts"),
        ({"cover": ("dan",), "start": START + HOUR, "end": START + HOUR}, "An override ends after it starts"),
        ({"cover": ("dan",), "end": START + timedelta(days=367)}, "at most 366 days"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    wanted: dict[str, Any], message: str, story: Story
) -> None:
    with pytest.raises(Refused, match=message):
        make(story, **wanted)
    assert roster.overrides(story.context, "web", start=START, now=START) == []
    assert audit(story) == []


def test_somebody_inactive_may_be_taken_off(story: Story) -> None:
    assert make(story, remove="gus").remove == "gus"


def test_what_there_is_not(story: Story) -> None:
    with pytest.raises(NotFound, match="There is no schedule 'wep'; did you mean \"web\""):
        make(story, schedule="wep", cover=("dan",))
    made = make(story, cover=("dan",))
    for number, schedule in ((made.id + 1, None), (0, None), (2**70, None), (made.id, "data")):
        with pytest.raises(NotFound, match=f"There is no override {number}"):
            end(story, number, schedule)
    for ask in (roster.shifts, roster.gaps):
        with pytest.raises(NotFound):
            ask(story.context, "wep", start=START, end=START + HOUR)
    with pytest.raises(NotFound):
        roster.overrides(story.context, "wep", start=START, now=START)


@on_every_database
def test_a_key_makes_it_once(story: Story) -> None:
    made = make(story, cover=("dan",), key="k1")
    assert make(story, cover=("dan",), key="k1") == made
    with pytest.raises(Refused, match="was used for another override"):
        make(story, cover=("fay",), key="k1")
    with pytest.raises(Refused, match="An Idempotency-Key has 1 to 200 characters"):
        make(story, cover=("fay",), key="k" * 201)
    assert len(roster.overrides(story.context, "web", start=START, now=START)) == 1


def test_of_two_that_are_faster_the_loser_tries_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    add, lost = interventions.add_override, iter(range(99))

    def losing(tx: Tx, *words: Any, **more: Any) -> Any:
        if next(lost) < races:
            raise LostRace
        return add(tx, *words, **more)

    monkeypatch.setattr(interventions, "add_override", losing)
    races = 2
    assert make(story, cover=("dan",)).state == "running"
    races = 99
    with pytest.raises(Unavailable, match="try again"):
        make(story, cover=("dan",))


# What was in force before.


@on_every_database
def test_a_changed_rotation_leaves_yesterdays_answer_alone(story: Story) -> None:
    before = story.context.live.current.revision.id
    story.advance(days=1)
    story.configure(layers=DAN_ON_CALL)
    changed = story.clock.now()
    story.advance(days=1)
    assert [who(story, changed - HOUR), who(story, changed), who(story)] == ["ana", "dan", "dan"]
    assert who(story, START - timedelta(days=20)) == "ana", "the first answers for all time before it"
    (ana,) = roster.on_call(story.context, schedule="web", at=changed - HOUR)
    assert (f"revision {before}" in ana.why, ana.until) == (True, changed)
    assert [one.schedule for one in roster.on_call(story.context, at=changed - HOUR)] == ["data", "web"]
    found = roster.shifts(story.context, "web", start=changed - HOUR, end=changed + HOUR)
    assert [(one.people, one.start, one.end) for one in found] == [
        (("ana",), changed - HOUR, changed),
        (("dan",), changed, changed + HOUR),
    ]


def test_a_restart_does_not_forget_who_was_on_call(story: Story) -> None:
    story.advance(hours=1)
    story.configure(layers=DAN_ON_CALL)
    changed = story.clock.now()
    story.advance(hours=1)
    story.restart()
    assert [who(story, changed - HOUR / 2), who(story, changed), who(story)] == ["ana", "dan", "dan"]


def test_a_reload_that_changes_nothing_of_it_does_not_end_a_shift(story: Story) -> None:
    story.advance(hours=1)
    story.configure(repeat="{P1: 1}")
    (shift,) = roster.shifts(story.context, "web", start=START, end=START + 3 * HOUR)
    assert (shift.start, shift.end) == (START, START + 3 * HOUR)
    (ana,) = roster.on_call(story.context, schedule="web", at=START + 2 * HOUR)
    assert ana.since is not None
    assert ana.since < START


def test_who_was_inactive_then_does_not_count_now(story: Story) -> None:
    make(story, cover=("dan",), end=START + 9 * HOUR)
    story.advance(hours=1)
    story.configure(people=PEOPLE.replace("slack: U0DAN", "slack: U0DAN, active: false"))
    story.advance(hours=1)
    assert [who(story, START), who(story)] == ["dan", "ana"]


def test_who_is_there_no_more_is_neither_on_call_nor_paged_by_an_override(story: Story) -> None:
    make(story, cover=("cleo",), end=START + 9 * HOUR)
    assert not roster.overrides(story.context, "web", start=START, now=START)[0].ignored
    story.advance(hours=1)
    teams = TEAMS.replace("manager: cleo, ", "")
    without = PEOPLE.replace("  cleo: {name: Cleo Example, slack: U0CLEO}\n", "")
    story.configure(people=without, teams=teams, matrix=AGAIN)
    assert [who(story, START), who(story)] == ["cleo", "ana"]
    assert roster.overrides(story.context, "web", start=START, now=story.clock.now())[0].ignored
    story.fires()
    assert story.paged() == [("ana", 60)]


def test_a_schedule_that_comes_and_goes(story: Story) -> None:
    with_ops = documents() | {
        "rotations/schedules/ops.yaml": f"schedule: ops\ntime_zone: UTC\nlayers:{DAN_ON_CALL}"
    }
    story.advance(hours=1)
    story.reload(with_ops)
    story.advance(hours=1)
    assert who(story, START - HOUR, "ops") == "dan", "the first that has it answers for all time before it"
    story.reload(documents())
    gone = story.clock.now()
    story.advance(hours=1)
    answers = [who(story, at, "ops") for at in (START, gone - HOUR / 2, gone, gone + HOUR)]
    assert answers == ["dan", "dan", "", ""]
    assert [one.schedule for one in roster.on_call(story.context, at=gone - HOUR / 2)] == [
        "data",
        "ops",
        "web",
    ]
    assert [one.schedule for one in roster.on_call(story.context, at=gone)] == ["data", "web"]
    (gap,) = roster.gaps(story.context, "ops", start=gone - HOUR, end=gone + HOUR)
    assert (gap.start, gap.why) == (gone, "ops: there was no such schedule then")
    with pytest.raises(NotFound, match="There is no schedule 'ops'"):
        make(story, schedule="ops", cover=("dan",))
    assert [one.name for one in roster.schedules(story.context)] == ["data", "web"]


def test_the_schedules_in_force(story: Story) -> None:
    both = LAYERS + LAYERS.replace("week, priority: 10", "office, priority: 20").replace("ana", "cleo")
    story.configure(layers=both)
    web = roster.schedules(story.context)[1]
    assert (web.name, web.time_zone, web.layers, web.people) == (
        "web", "UTC", ("office", "week"), ("ana", "cleo"),
    )  # fmt: skip


def test_a_replica_that_still_runs_the_old_set_answers_as_it_pages(story: Story) -> None:
    old = story.application
    new = story.replica()
    story.advance(hours=1)
    story.write(documents(layers=DAN_ON_CALL))
    assert new.context.live.reload(now=story.clock.now()).changed
    story.advance(hours=1)
    assert who(story) == "ana"
    story.fires()
    assert story.paged() == [("ana", 120)]
    (dan,) = roster.on_call(new.context, schedule="web", at=story.clock.now())
    assert dan.person == "dan"
    old.context.live.reload(now=story.clock.now())
    assert who(story) == "dan"


@pytest.mark.parametrize(
    "path, text",
    [
        ("rotations/schedules/web.yaml", "schedule: web\nnonsense: true\n"),
        ("rotations/schedules/web.yaml", "schedule: [\n"),
        ("rotations/people.yaml", "nonsense"),
    ],
)
def test_a_record_that_this_release_cannot_read_leaves_the_one_before_it(
    path: str, text: str, story: Story
) -> None:
    story.advance(hours=1)
    with story.context.store.write() as tx:
        strange = documents(layers=DAN_ON_CALL) | {path: text}
        interventions.save_revision(tx, "strange", "s", strange, now=story.clock.now())
    story.advance(hours=1)
    story.configure(repeat="{P1: 1}")
    expected = "dan" if "people" in path else "ana"
    assert who(story, START + HOUR * 1.5) == expected
    assert who(story, START + HOUR / 2) == "ana"
    assert who(story) == "ana"


def test_each_text_is_read_once_and_little_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incident_bot.config.recorded.SETS_KEPT", 2)
    reader = RosterReader()
    files = documents()
    first = reader.read("1", files, START)
    assert reader.read("1", {}, START) is first
    more = files | {"runbooks/x.md": "# X", "rotations/escalation.yaml": "other"}
    second = reader.read("2", more, START)
    assert second.schedules["web"] is first.schedules["web"], "equal texts are read once"
    assert second.inactive == {"gus"}
    reader.read("3", files | {"rotations/people.yaml": PEOPLE.replace("ben:", "bea:")}, START)
    assert reader.known("1", START) is None
    assert reader.known("2", START) is second
    holidays = files | {"rotations/holidays.yaml": 'holidays: {us: ["2026-01-01"]}'}
    assert reader.read("4", holidays, START).schedules.keys() == {"web", "data"}
