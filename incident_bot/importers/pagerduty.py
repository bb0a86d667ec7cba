"""PagerDuty: schedules of its REST API v2, `GET /schedules/{id}?since=…&until=…`.

Read are the layers, the overrides and, to compare with, the final schedule. What they mean:

1. One person is on call; the API lists the layer that wins first (the page of the schedule shows it last).
   Where the export has rendered entries, they show the order, and a note is taken if it is the other one.
2. Turns count from `rotation_virtual_start` and keep the local hand-off time. A layer is never deleted: it ends.
3. Restrictions hide a layer and do not stop its turns. An override takes the whole schedule.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.walltime import EVERY_DAY, zone
from incident_bot.importers.base import Imported, Say, Stretch
from incident_bot.importers.drafts import Draft, Work, rendered_of
from incident_bot.importers.layers import DAY, WEEK, Layer, Opening, covered, minutes_of, together
from incident_bot.importers.reading import Node, documents
from incident_bot.importers.roster import Roster
from incident_bot.importers.stacking import stack
from incident_bot.importers.turns import Rotation, layers_of

INSTEAD: Final = (
    "export with GET https://api.pagerduty.com/schedules/ID?since=…&until=… and save the whole answer"
)
HOUR: Final = 3600
TURN_MOST: Final = 366 * 86400
OVERRIDE_REASON: Final = "override in PagerDuty"


def read(text: str, *, now: datetime, known: Mapping[str, str]) -> Imported:
    """Give the schedules of an export; BadExport where it is none."""
    work = Work(source="PagerDuty", now=now, roster=Roster(known=known, contact="pagerduty"))
    answers = documents(text, instead=INSTEAD)
    schedules: list[Node] = []
    loose: list[Node] = []
    for answer in answers:
        found = _schedules(answer)
        schedules += found
        users = answer.listed("users") if not found else []
        for user in users:
            _describe(user, work.roster)
        if users and answer.flag("more", default=False):
            work.say(
                answer.path, "there are more users than this answer has; append the next one, with offset=100"
            )
        if "overrides" in answer:
            loose += answer.listed("overrides")
        elif not found and not users:
            answer.fail("has no schedule")
    if not schedules:
        answers[0].fail("has no schedule")
    if loose and len(schedules) > 1:
        loose[0].fail("belongs to one of several schedules, and does not say which; import them one by one")
    for schedule in schedules:
        for user in schedule.listed("users"):
            _describe(user, work.roster)
    for schedule in schedules:
        work.drafts.append(_draft(schedule, loose, work))
    return work.imported()


def _schedules(answer: Node) -> list[Node]:
    if "schedule" in answer:
        return [answer.at("schedule")]
    if "schedules" in answer:
        return answer.listed("schedules")
    return [answer] if "schedule_layers" in answer else []


def _describe(user: Node, roster: Roster) -> str:
    """Take what an object says about a user, and give the user's id."""
    key = user.at("id").id()
    name = user.optional_text("name") or user.optional_text("summary")
    roster.describe(key, name=name, email=user.optional_text("email"))
    return key


def _draft(schedule: Node, loose: Sequence[Node], work: Work) -> Draft:
    title = schedule.optional_text("name") or schedule.at("summary").text()
    draft = Draft(title=title, zone=schedule.at("time_zone").zone())
    say = work.about(title)
    if "schedule_layers" not in schedule:
        schedule.at("schedule_layers").fail("is missing: the list of schedules leaves the layers out")
    nodes = _ordered(schedule, say)
    for number, node in enumerate(nodes):
        name = node.optional_text("name") or f"Layer {len(nodes) - number}"
        draft.layers += _layers(node, name, draft.zone, work=work, say=say)
    draft.layers = stack([[layer] for layer in draft.layers], say, where="", now=work.now)
    entries = [*_entries(schedule, "overrides_subschedule"), *loose]
    spans = [_span(entry, work.roster) for entry in entries]
    passed = [span for span in spans if span[1] <= work.now]
    if passed:
        say("", f"{len(passed)} overrides of the past are left out")
    ahead = sorted({span for span in spans if span[1] > work.now and span[0] < span[1]})
    draft.overrides = covered(ahead, reason=OVERRIDE_REASON)
    final = [_span(entry, work.roster) for entry in _entries(schedule, "final_schedule")]
    draft.rendered = rendered_of([Stretch(start=start, end=end, people=who) for start, end, who in final])
    if draft.rendered is None or draft.rendered.end <= work.now:
        say(
            "",
            "the export shows no time ahead, so overrides may be missing and nothing can be compared; "
            "ask with since= today and until= 90 days later",
        )
    return draft


def _entries(node: Node, key: str) -> list[Node]:
    return node.at(key).listed("rendered_schedule_entries") if key in node else []


def _span(entry: Node, roster: Roster) -> tuple[datetime, datetime, tuple[str, ...]]:
    start, end = entry.at("start").instant(), entry.at("end").instant()
    who = (roster.person(_describe(entry.at("user"), roster)),) if "user" in entry else ()
    return start, end, who


def _ordered(schedule: Node, say: Say) -> list[Node]:
    """Give the layers with the one that wins first, as the rendered entries of the export have it."""
    nodes = list(schedule.at("schedule_layers").items())
    final = _Shown(_entries(schedule, "final_schedule"))
    taken = _Shown(_entries(schedule, "overrides_subschedule"))
    shown = [_Shown(node.listed("rendered_schedule_entries")) for node in nodes]
    score = {"first": 0, "last": 0}
    for moment in {start for each in (*shown, final) for start in each.starts}:
        answers = [answer for each in shown if (answer := each.at(moment)) is not None]
        if taken.at(moment) is None and len(answers) > 1 and answers[0] != answers[-1]:
            score["first"] += answers[0] == final.at(moment)
            score["last"] += answers[-1] == final.at(moment)
    if score["last"] > score["first"]:
        say(
            "",
            "its layers are listed with the winning one last, as its final schedule shows; so they are read",
        )
        nodes.reverse()
    return nodes


class _Shown:
    """Rendered entries, of which one at most counts at a time."""

    def __init__(self, entries: Sequence[Node]) -> None:
        self._spans = sorted(
            (entry.at("start").instant(), entry.at("end").instant(), _user_of(entry)) for entry in entries
        )
        self.starts = [start for start, _, _ in self._spans]

    def at(self, moment: datetime) -> str | None:
        """Give the user's id at a moment; None where there is no entry."""
        place = bisect_right(self.starts, moment) - 1
        if place < 0 or moment >= self._spans[place][1]:
            return None
        return self._spans[place][2]


def _user_of(entry: Node) -> str:
    return entry.at("user").at("id").id() if "user" in entry else ""


def _layers(node: Node, name: str, where: str, *, work: Work, say: Say) -> list[Layer]:
    label = f"layer {name}"
    ring = _ring(node, label, work=work, say=say)
    begins = node.at("start").instant()
    ends = node.optional_instant("end")
    seconds = node.at("rotation_turn_length_seconds").whole(1, TURN_MOST)
    virtual = node.at("rotation_virtual_start").instant() if "rotation_virtual_start" in node else begins
    openings = _openings(node, label, say)
    if ends is not None and ends <= work.now:
        say(label, f"ended at {ends:%Y-%m-%d %H:%M} UTC and is left out")
        return []
    if not ring:
        say(label, "has no users and is left out: it puts nobody on call")
        return []
    if seconds % HOUR and len(ring) > 1:
        say(
            label,
            f"hands over every {seconds} seconds, which is no number of hours and cannot be expressed; it is left "
            "out. Give it a length in hours, days or weeks in PagerDuty and export again, or write it by hand",
        )
        return []
    if seconds % HOUR == 0 and seconds % 86400 and 86400 % seconds and len(ring) > 1:
        say(
            label,
            f"hands over every {seconds // HOUR} hours, which does not divide a day; it is written by the local "
            "clock. Compare the weeks in which clocks change",
        )
    origin = virtual.astimezone(zone(where)).replace(tzinfo=None, fold=0)
    every = max(seconds // HOUR, 1)
    return layers_of(
        Rotation(
            name=name,
            zone=where,
            unit="days" if every % 24 == 0 else "hours",
            every=every // 24 if every % 24 == 0 else every,
            origin=origin.replace(microsecond=0),
            ring=ring,
            openings=openings,
            begins=begins,
            ends=ends,
        ),
        now=work.now,
    )


def _ring(node: Node, label: str, *, work: Work, say: Say) -> tuple[tuple[str, ...], ...]:
    ring = []
    for item in node.at("users").items():
        user = item.at("user") if "user" in item else item
        person = work.roster.person(_describe(user, work.roster))
        if "deleted_at" in user:
            say(
                label,
                f"{person} is deleted in PagerDuty and still has turns; take the slot out, or give it away",
            )
        ring.append((person,))
    return tuple(ring)


def _openings(node: Node, label: str, say: Say) -> tuple[Opening, ...]:
    found: list[Opening] = []
    for restriction in node.listed("restrictions"):
        kind = restriction.at("type").word("daily_restriction", "weekly_restriction")
        start = restriction.at("start_time_of_day").clock()
        length = restriction.at("duration_seconds").whole(1, 7 * 86400)
        end, whole = minutes_of(start + timedelta(seconds=length))
        begin = start // timedelta(minutes=1)
        if not whole or start % timedelta(minutes=1):
            say(
                label,
                f"a restriction starts at {start} and lasts {length} seconds; windows have whole minutes, so it "
                f"is written up to a minute longer at each end",
            )
        days = EVERY_DAY
        if kind == "weekly_restriction":
            days = frozenset({restriction.at("start_day_of_week").whole(1, 7) - 1})
        most = DAY if kind == "daily_restriction" else WEEK
        found.append(Opening(days, begin, min(end - begin, most)))
    return together(found)
