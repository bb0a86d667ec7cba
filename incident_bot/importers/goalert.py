"""GoAlert: schedules, rotations and overrides of its GraphQL API.

The query stands in `docs/howto/import-schedules.md`; further answers may stand behind it in the same file. What
they mean, after GoAlert's engine:

1. Everybody whose rule is active is on call. A rule whose start and end are equal lasts a whole day.
2. A rotation moves on from whoever is active, at hand-offs that keep the clock of the rotation's own zone.
3. A temporary schedule takes the place of rules and overrides. Overrides replace, remove or add one user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.walltime import zone
from incident_bot.importers.base import Imported, Say, Stretch
from incident_bot.importers.drafts import Draft, Work, rendered_of
from incident_bot.importers.layers import DAY, Layer, Opening, Override, Ring, covered, together
from incident_bot.importers.reading import Node, documents
from incident_bot.importers.roster import Roster
from incident_bot.importers.stacking import stack
from incident_bot.importers.turns import SAFE_DAY, Rotation, layers_of

INSTEAD: Final = "export with the GraphQL query of docs/howto/import-schedules.md and save the whole answer"
UNITS: Final = {"hourly": "hours", "daily": "days", "weekly": "weeks", "monthly": "months"}
TEMPORARY_REASON: Final = "temporary schedule in GoAlert"
OVERRIDE_REASON: Final = "override in GoAlert"


@dataclass(slots=True)
class _Answers:
    schedules: list[Node] = field(default_factory=list)
    rotations: dict[str, Node] = field(default_factory=dict)
    overrides: list[Node] = field(default_factory=list)


def read(text: str, *, now: datetime, known: Mapping[str, str]) -> Imported:
    """Give the schedules of an export; BadExport where it is none."""
    work = Work(source="GoAlert", now=now, roster=Roster(known=known))
    answers = documents(text, instead=INSTEAD)
    found = _Answers()
    for answer in answers:
        if "errors" in answer:
            answer.at("errors").fail("GoAlert refused the query")
        _sort(answer.at("data") if "data" in answer else answer, found, work.roster)
    if not found.schedules:
        answers[0].fail("has no schedule")
    _describe_all(found, work.roster)
    for schedule in found.schedules:
        work.drafts.append(_draft(schedule, found, work))
    return work.imported()


def _sort(data: Node, found: _Answers, roster: Roster) -> None:
    if "schedule" in data:
        found.schedules.append(data.at("schedule"))
    found.schedules += _nodes(data, "schedules")
    found.overrides += _nodes(data, "userOverrides")
    for rotation in _nodes(data, "rotations"):
        found.rotations[rotation.at("id").id()] = rotation
        for user in rotation.listed("users"):
            _describe(user, roster)
    for user in _nodes(data, "users"):
        _describe(user, roster)


def _describe_all(found: _Answers, roster: Roster) -> None:
    """Take every name and address before the first id is given."""
    for schedule in found.schedules:
        temporary = [
            shift for each in schedule.listed("temporarySchedules") for shift in each.listed("shifts")
        ]
        for shift in [*temporary, *schedule.listed("shifts")]:
            if "user" in shift:
                _describe(shift.at("user"), roster)
    for override in found.overrides:
        for key in ("addUser", "removeUser"):
            if key in override:
                _describe(override.at(key), roster)


def _nodes(data: Node, key: str) -> list[Node]:
    return data.at(key).listed("nodes") if key in data else []


def _describe(user: Node, roster: Roster) -> str:
    key = user.at("id").id()
    roster.describe(key, name=user.optional_text("name"), email=user.optional_text("email"))
    return key


def _user(node: Node, field_name: str, roster: Roster) -> str | None:
    """Give the person of `addUser` or `addUserID`; None where there is neither."""
    if field_name in node:
        return roster.person(_describe(node.at(field_name), roster))
    return roster.person(node.at(f"{field_name}ID").id()) if node.optional_text(f"{field_name}ID") else None


def _draft(schedule: Node, found: _Answers, work: Work) -> Draft:
    title = schedule.at("name").text()
    say = work.about(title)
    draft = Draft(title=title, zone=schedule.at("timeZone").zone())
    layers: list[Layer] = []
    for target in schedule.at("targets").items():
        layers += _layers(target, draft.zone, found, work=work, say=say)
    draft.layers = stack([layers], say, where="", now=work.now)
    temporary = _temporary(schedule, work, say)
    own = [each for each in found.overrides if _belongs(each, schedule, found)]
    draft.overrides = [*temporary, *_overrides(own, temporary, work=work, say=say)]
    shifts = [_stretch(item, work.roster) for item in schedule.listed("shifts")]
    draft.rendered = rendered_of(shifts)
    return draft


def _belongs(override: Node, schedule: Node, found: _Answers) -> bool:
    if "target" in override:
        return override.at("target").at("id").id() == schedule.at("id").id()
    if len(found.schedules) > 1:
        override.fail("does not say to which schedule it belongs; ask for target { id }")
    return True


def _stretch(item: Node, roster: Roster) -> Stretch:
    person = _user(item, "user", roster)
    start, end = item.at("start").instant(), item.at("end").instant()
    return Stretch(start=start, end=end, people=(person,) if person else ())


def _layers(target: Node, where: str, found: _Answers, *, work: Work, say: Say) -> list[Layer]:
    whom = target.at("target")
    key, kind = whom.at("id").id(), whom.at("type").text()
    name = whom.optional_text("name") or key
    rules = [opening for rule in target.listed("rules") for opening in _openings(rule)]
    label = f"{kind} {name}"
    if not rules:
        say(label, "has no rule that is ever active and is left out: it puts nobody on call")
        return []
    openings = together(rules)
    if kind == "user":
        work.roster.describe(key, name=name)
        anchor = work.now.astimezone(zone(where)).replace(
            tzinfo=None, fold=0, minute=0, second=0, microsecond=0
        )
        rotation = Rotation(
            name=name,
            zone=where,
            unit="weeks",
            every=1,
            origin=anchor,
            ring=((work.roster.person(key),),),
            openings=openings,
        )
        return layers_of(rotation, now=work.now)
    if kind != "rotation":
        say(label, f"is a target of the kind {kind}, which cannot be on call here; it is left out")
        return []
    if key not in found.rotations:
        say(label, "is not in the export and is left out; add rotations { nodes { … } } to the query")
        return []
    return _turns(found.rotations[key], name, where, openings, work=work, say=say)


def _openings(rule: Node) -> list[Opening]:
    flags = list(rule.at("weekdayFilter").items())
    if len(flags) != 7:  # noqa: PLR2004 -- days of a week
        rule.at("weekdayFilter").fail("must have seven items, Sunday first")
    for flag in flags:
        if not isinstance(flag.value, bool):
            flag.fail("must be true or false")
    days = frozenset((number - 1) % 7 for number, flag in enumerate(flags) if flag.value is True)
    start = rule.at("start").clock() // timedelta(minutes=1)
    length = (rule.at("end").clock() // timedelta(minutes=1) - start) % DAY or DAY
    return [Opening(days, start, length)] if days else []


def _turns(
    node: Node, name: str, where: str, openings: tuple[Opening, ...], *, work: Work, say: Say
) -> list[Layer]:
    label = f"rotation {name}"
    unit = UNITS[node.at("type").word(*UNITS)]
    own = node.at("timeZone").zone()
    ring = _ring(node, work.roster)
    if not ring:
        say(label, "has no users and is left out: it puts nobody on call")
        return []
    start = node.at("start").instant()
    active = node.optional_whole("activeUserIndex", -1, len(ring) - 1, 0)
    home = own if not openings else where
    if home != own:
        say(
            label,
            f"hands over by the clock of {own}, its rules count by that of {where}. A layer has one zone: it is "
            f"written in {where}, so hand-offs move while the two zones differ from what they are now",
        )
    rotation = Rotation(
        name=name,
        zone=home,
        unit=unit,
        every=node.optional_whole("shiftLength", 1, 9000, 1),
        origin=_origin(start, own, home, work.now),
        ring=ring,
        openings=openings,
    )
    if unit == "months" and rotation.origin.day > SAFE_DAY:
        say(
            label,
            "hands over late in the month; where a day is missing GoAlert goes on into the next month, and the file "
            "takes the last day of the month",
        )
    # Who is active was asked with the rotation, so the next hand-off of the answer tells which turn was meant.
    next_ones = node.listed("nextHandoffTimes")
    at = next_ones[0].instant() - timedelta(seconds=1) if next_ones else work.now
    shift = active - rotation.turn_at(at)
    turned = tuple(ring[(number + shift) % len(ring)] for number in range(len(ring)))
    return layers_of(replace(rotation, ring=turned), now=work.now)


def _origin(start: datetime, own: str, home: str, now: datetime) -> datetime:
    """Give the local origin in the layer's zone; across zones, by the difference that holds now."""
    origin = start.astimezone(zone(own)).replace(tzinfo=None, fold=0, second=0, microsecond=0)
    if own == home:
        return origin
    here = now.astimezone(zone(home)).utcoffset() or timedelta(0)
    there = now.astimezone(zone(own)).utcoffset() or timedelta(0)
    return origin + (here - there)


def _ring(node: Node, roster: Roster) -> Ring:
    users = [_describe(user, roster) for user in node.listed("users")]
    users = users or [item.id() for item in node.listed("userIDs")]
    return tuple((roster.person(user),) for user in users)


def _temporary(schedule: Node, work: Work, say: Say) -> list[Override]:
    found: list[Override] = []
    for node in schedule.listed("temporarySchedules"):
        start, end = node.at("start").instant(), node.at("end").instant()
        if end <= work.now or end <= start:
            say("", "a temporary schedule of the past is left out")
            continue
        spans: list[tuple[datetime, datetime, tuple[str, ...]]] = [(start, end, ())]
        for shift in node.listed("shifts"):
            each = _stretch(shift, work.roster)
            if max(each.start, start) < min(each.end, end):
                spans.append((max(each.start, start), min(each.end, end), each.people))
        found += covered(sorted(spans), reason=TEMPORARY_REASON)
    return sorted(found, key=lambda each: each.start)


def _overrides(
    nodes: Sequence[Node], temporary: Sequence[Override], *, work: Work, say: Say
) -> list[Override]:
    removes: list[Override] = []
    replaces: list[Override] = []
    adds: list[Override] = []
    for node in nodes:
        start, end = node.at("start").instant(), node.at("end").instant()
        added, removed = _user(node, "addUser", work.roster), _user(node, "removeUser", work.roster)
        if added is None and removed is None:
            node.fail("names neither a user to add nor one to remove")
        if end <= work.now or end <= start:
            say("", "an override of the past is left out")
        elif added is None:
            removes.append(Override(start=start, end=end, remove=removed, reason=OVERRIDE_REASON))
        elif removed is not None:
            replaces.append(Override(start=start, end=end, replace=(removed, added), reason=OVERRIDE_REASON))
        else:
            # An add counts under a cover too, and in GoAlert a temporary schedule hides it: so it is cut there.
            for begin, finish in _without(start, end, temporary):
                adds.append(Override(start=begin, end=finish, add=(added,), reason=OVERRIDE_REASON))
    # In GoAlert a replacement counts more than a removal of the same user; here the later entry does.
    return [*removes, *replaces, *adds]


def _without(start: datetime, end: datetime, holes: Sequence[Override]) -> list[tuple[datetime, datetime]]:
    left: list[tuple[datetime, datetime]] = []
    for hole in holes:
        if hole.start >= end or hole.end <= start:
            continue
        if start < hole.start:
            left.append((start, hole.start))
        start = max(start, hole.end)
    return [*left, (start, end)] if start < end else left
