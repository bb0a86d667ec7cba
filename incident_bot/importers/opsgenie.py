"""Opsgenie: schedules with their rotations, overrides and timelines of its REST API v2.

The answers of `schedules?expand=rotation`, `overrides`, `timeline` and `users` may stand in one file one after
another. What they mean:

1. All rotations of a schedule count together: everybody whose rotation has a turn is on call.
2. A rotation counts from `startDate`; restrictions hide it and do not stop its turns.
3. A participant may be a team or an escalation, whose members the export does not name, or nobody.
4. An override takes the rotations that it names, or all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from incident_bot.core.walltime import EVERY_DAY, zone
from incident_bot.importers.base import Imported, Say, Stretch
from incident_bot.importers.drafts import Draft, Work, rendered_of
from incident_bot.importers.layers import DAY, WEEK, Layer, Opening, Override, Ring, covered, together
from incident_bot.importers.reading import Node, documents
from incident_bot.importers.roster import Roster
from incident_bot.importers.stacking import stack
from incident_bot.importers.turns import Rotation, day_number, layers_of

INSTEAD: Final = (
    "export with GET https://api.opsgenie.com/v2/schedules?expand=rotation and append the answers of "
    "/v2/schedules/ID/overrides and /v2/schedules/ID/timeline to the same file"
)
UNITS: Final = {"hourly": "hours", "daily": "days", "weekly": "weeks"}
NOBODY: Final = ("none", "noone")
OVERRIDE_REASON: Final = "override in Opsgenie"


@dataclass(slots=True)
class _Answers:
    schedules: list[Node] = field(default_factory=list)
    overrides: list[Node] = field(default_factory=list)
    timelines: list[Node] = field(default_factory=list)


def read(text: str, *, now: datetime, known: Mapping[str, str]) -> Imported:
    """Give the schedules of an export; BadExport where it is none."""
    work = Work(source="Opsgenie", now=now, roster=Roster(known=known))
    answers = documents(text, instead=INSTEAD)
    found = _Answers()
    for answer in answers:
        data = answer.at("data") if "data" in answer else answer
        for item in data.items() if isinstance(data.value, list) else [data]:
            _sort(item, found, work.roster)
        if "paging" in answer and "next" in answer.at("paging"):
            work.say(answer.path, "the answer has a next page, which is not in the file; append it as well")
    if not found.schedules:
        answers[0].fail("has no schedule")
    for schedule in found.schedules:
        work.drafts.append(_draft(schedule, found, work))
    return work.imported()


def _sort(item: Node, found: _Answers, roster: Roster) -> None:
    if "finalTimeline" in item:
        found.timelines.append(item)
    elif "timezone" in item:
        found.schedules.append(item)
    elif "alias" in item or "user" in item:
        found.overrides.append(item)
    elif "username" in item:
        key = item.at("id").id()
        roster.describe(key, name=item.optional_text("fullName"), email=item.at("username").text())
    else:
        item.fail("is neither a schedule nor an override, a timeline or a user")


def _person(node: Node, roster: Roster) -> str:
    """Give the person of a participant or recipient: its name is the user's address."""
    key = node.at("id").id()
    name = node.optional_text("username") or node.optional_text("name")
    roster.describe(key, name=node.optional_text("fullName"), email=name)
    if "@" not in name:
        roster.describe(key, name=name)
    return roster.person(key)


def _draft(schedule: Node, found: _Answers, work: Work) -> Draft:
    title = schedule.at("name").text()
    say = work.about(title)
    draft = Draft(title=title, zone=schedule.at("timezone").zone())
    if not schedule.flag("enabled", default=True):
        say("", "is switched off in Opsgenie; the file counts as soon as a team or a step names it")
    if "rotations" not in schedule:
        schedule.at("rotations").fail("is missing: the answer leaves the rotations out")
    layers: list[Layer] = []
    rings: dict[str, Ring] = {}
    for number, node in enumerate(schedule.at("rotations").items(), 1):
        name = node.optional_text("name") or f"Rotation {number}"
        ring = _ring(node, f"rotation {name}", work=work, say=say)
        rings[node.at("id").id() if "id" in node else name] = ring
        layers += _layers(node, name, ring, draft.zone, work=work, say=say)
    draft.layers = stack([layers], say, where="", now=work.now)
    key = schedule.at("id").id() if "id" in schedule else ""
    own = [each for each in found.overrides if _belongs(each, key, found)]
    draft.overrides = _overrides(own, rings, work=work, say=say)
    lines = [each for each in found.timelines if _belongs(each, key, found)]
    if lines:
        draft.rendered = rendered_of(
            [stretch for line in lines for stretch in _stretches(line, work, say)],
            start=min(line.at("startDate").instant() for line in lines),
            end=max(line.at("endDate").instant() for line in lines),
        )
    return draft


def _belongs(node: Node, key: str, found: _Answers) -> bool:
    if "_parent" in node:
        return node.at("_parent").at("id").id() == key
    if len(found.schedules) > 1:
        node.fail("does not say to which schedule it belongs; import the schedules one by one")
    return True


def _ring(node: Node, label: str, *, work: Work, say: Say) -> Ring:
    ring: list[tuple[str, ...]] = []
    for item in node.at("participants").items():
        kind = item.at("type").text()
        if kind == "user":
            ring.append((_person(item, work.roster),))
            continue
        if kind not in NOBODY:
            name = item.optional_text("name") or item.optional_text("id")
            say(
                label,
                f"gives turns to the {kind} {name}, whose members the export does not name; the slot is written "
                "empty. Put the people into it, or page the team with a step of escalation.yaml",
            )
        ring.append(())
    return tuple(ring)


def _layers(node: Node, name: str, ring: Ring, where: str, *, work: Work, say: Say) -> list[Layer]:
    label = f"rotation {name}"
    start, ends = node.at("startDate").instant(), node.optional_instant("endDate")
    unit = UNITS[node.at("type").word(*UNITS)]
    every = node.optional_whole("length", 1, 9000, 1)
    openings = _restrictions(node, label, say)
    if ends is not None and ends <= work.now:
        say(label, f"ended at {ends:%Y-%m-%d %H:%M} UTC and is left out")
        return []
    if not any(ring):
        say(label, "has no users and is left out: it puts nobody on call")
        return []
    if unit == "hours" and every % 24:
        say(
            label,
            f"hands over every {every} hours; it is written by the local clock. "
            "Compare the weeks in which clocks change",
        )
    rotation = Rotation(
        name=name,
        zone=where,
        unit=unit,
        every=every,
        origin=start.astimezone(zone(where)).replace(tzinfo=None, fold=0, microsecond=0),
        ring=ring,
        openings=openings,
        begins=start,
        ends=ends,
    )
    return layers_of(rotation, now=work.now)


def _restrictions(node: Node, label: str, say: Say) -> tuple[Opening, ...]:
    if "timeRestriction" not in node:
        return ()
    restriction = node.at("timeRestriction")
    kind = restriction.at("type").word("time-of-day", "weekday-and-time-of-day")
    items = restriction.listed("restrictions")
    items += [restriction.at("restriction")] if "restriction" in restriction else []
    if not items:
        say(label, "has a time restriction without hours, which is read as none")
    found: list[Opening] = []
    for item in items:
        start = item.at("startHour").whole(0, 24) * 60 + item.optional_whole("startMin", 0, 59, 0)
        end = item.at("endHour").whole(0, 24) * 60 + item.optional_whole("endMin", 0, 59, 0)
        if max(start, end) > DAY:
            item.fail("has a time after 24:00")
        if kind == "time-of-day":
            found.append(Opening(EVERY_DAY, start % DAY, (end - start) % DAY or DAY))
            continue
        first, last = _day(item.at("startDay")), _day(item.at("endDay"))
        length = ((last - first) % 7 * DAY + end - start) % WEEK or WEEK
        found.append(Opening(frozenset({(first + start // DAY) % 7}), start % DAY, length))
    return together(found)


def _day(node: Node) -> int:
    found = day_number(node.text())
    if found is None:
        node.fail(f"is {node.text()!r}; known are monday to sunday")
    return found


def _overrides(nodes: Sequence[Node], rings: Mapping[str, Ring], *, work: Work, say: Say) -> list[Override]:
    spans: list[tuple[datetime, datetime, tuple[str, ...]]] = []
    replaces: list[Override] = []
    for node in nodes:
        start, end = node.at("startDate").instant(), node.at("endDate").instant()
        user = node.at("user")
        person = _person(user, work.roster) if user.optional_text("type") in ("", "user") else None
        label = f"override {node.optional_text('alias')}".strip()
        chosen = [_rotation_key(each) for each in node.listed("rotations")]
        if end <= work.now or end <= start:
            say("", "an override of the past is left out")
        elif person is None:
            say(
                label, f"gives turns to a {user.at('type').text()}, which cannot be expressed; it is left out"
            )
        elif not chosen or set(chosen) >= set(rings):
            spans.append((start, end, (person,)))
        else:
            replaces += _partly(label, chosen, rings, (start, end, person), say)
    if any(after[0] < before[1] for before, after in pairwise(sorted(spans))):
        say("", "overrides overlap; everybody of them is written where they do")
    return [*covered(sorted(spans), reason=OVERRIDE_REASON), *replaces]


def _rotation_key(node: Node) -> str:
    return node.at("id").id() if "id" in node else node.at("name").text()


def _partly(
    label: str,
    chosen: Sequence[str],
    rings: Mapping[str, Ring],
    span: tuple[datetime, datetime, str],
    say: Say,
) -> list[Override]:
    """Say an override of some rotations by replacing each of their people."""
    start, end, person = span
    taken = {who for key in chosen for slot in rings.get(key, ()) for who in slot}
    others = {who for key, ring in rings.items() if key not in chosen for slot in ring for who in slot}
    say(
        label,
        "takes some rotations of the schedule only; it is written as replacing each of their people, so it counts "
        "while one of them would be on call"
        + (f", and {', '.join(sorted(taken & others))} in other rotations too" if taken & others else ""),
    )
    return [
        Override(start=start, end=end, replace=(who, person), reason=OVERRIDE_REASON)
        for who in sorted(taken)
        if who != person
    ]


def _stretches(timeline: Node, work: Work, say: Say) -> list[Stretch]:
    found: list[Stretch] = []
    for rotation in timeline.at("finalTimeline").listed("rotations"):
        for period in rotation.listed("periods"):
            start, end = period.at("startDate").instant(), period.at("endDate").instant()
            people: list[str] = []
            for who in period.listed("flattenedRecipients") or [period.at("recipient")]:
                if who.value is None or who.optional_text("type") in NOBODY:
                    continue
                if who.optional_text("type") in ("", "user"):
                    people.append(_person(who, work.roster))
                else:
                    say(
                        "",
                        "its timeline names a team or an escalation; there the comparison shows a difference",
                    )
            found.append(Stretch(start=start, end=end, people=tuple(people)))
    return found
