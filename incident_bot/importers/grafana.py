"""Grafana OnCall: schedules, on-call shifts, users and final shifts of its public API.

The answers may stand in one file one after another. What they mean, after its engine:

1. Where a shift names no zone of its own, web schedules and overrides count in UTC, API schedules in their zone.
2. The highest level that has somebody wins, and everybody of that level is on call. Overrides stand above all.
3. A shift repeats as an iCalendar rule does; the groups of `rolling_users` take its periods in turn, from the
   one that `start_rotation_from_user_index` names. What starts before `rotation_start` does not happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.walltime import to_instant, zone
from incident_bot.importers.base import Imported, Rendered, Say, Stretch
from incident_bot.importers.drafts import Draft, Work, rendered_of
from incident_bot.importers.layers import Layer, covered
from incident_bot.importers.reading import Node, documents
from incident_bot.importers.recurrence import Recurrence, rotation_of
from incident_bot.importers.roster import Roster
from incident_bot.importers.stacking import stack
from incident_bot.importers.turns import Rotation, day_number, layers_of

INSTEAD: Final = (
    "export with GET /api/v1/schedules/ID/, /api/v1/on_call_shifts/?schedule_id=ID, /api/v1/users/ and "
    "/api/v1/schedules/ID/final_shifts?start_date=…&end_date=… and append the answers to one file"
)
LENGTH_MOST: Final = 366 * 86400
OVERRIDE_REASON: Final = "override in Grafana OnCall"


@dataclass(slots=True)
class _Answers:
    schedules: list[Node] = field(default_factory=list)
    shifts: dict[str, Node] = field(default_factory=dict)
    final: list[Node] = field(default_factory=list)


def read(text: str, *, now: datetime, known: Mapping[str, str]) -> Imported:
    """Give the schedules of an export; BadExport where it is none."""
    work = Work(source="Grafana OnCall", now=now, roster=Roster(known=known))
    answers = documents(text, instead=INSTEAD)
    found = _Answers()
    for answer in answers:
        if "next" in answer and "results" in answer:
            work.say(answer.path, "the answer has a next page, which is not in the file; append it as well")
        for item in answer.listed("results") if "results" in answer else [answer]:
            _sort(item, found, work.roster)
    if not found.schedules:
        answers[0].fail("has no schedule")
    if found.final and len(found.schedules) > 1:
        found.final[0].fail(
            "belongs to one of several schedules, and does not say which; import them one by one"
        )
    stretches = [_stretch(item, work.roster) for item in found.final]
    for schedule in found.schedules:
        draft = _draft(schedule, found.shifts, stretches, work)
        if draft is not None:
            draft.rendered = _rendered(stretches)
            work.drafts.append(draft)
    return work.imported()


def _sort(item: Node, found: _Answers, roster: Roster) -> None:
    if "shift_start" in item:
        found.final.append(item)
        _describe(item, roster)
    elif "duration" in item:
        found.shifts[item.at("id").id()] = item
    elif "type" in item:
        found.schedules.append(item)
    elif "username" in item:
        key = item.at("id").id()
        name = item.optional_text("name") or item.at("username").text()
        roster.describe(key, name=name, email=item.optional_text("email"))
    else:
        item.fail("is neither a schedule nor a shift, a user or a final shift")


def _describe(item: Node, roster: Roster) -> str:
    key = item.at("user_pk").id()
    roster.describe(key, name=item.optional_text("user_username"), email=item.optional_text("user_email"))
    return key


def _stretch(item: Node, roster: Roster) -> Stretch:
    start, end = item.at("shift_start").instant(), item.at("shift_end").instant()
    return Stretch(start=start, end=end, people=(roster.person(_describe(item, roster)),))


def _rendered(stretches: Sequence[Stretch]) -> Rendered | None:
    """Give what the final shifts say, until the end of the day on which the last of them begins.

    They are asked for by whole days and come uncut: of what goes on beyond the last day they show one part only.
    """
    found = rendered_of(stretches)
    if found is None:
        return None
    last = max(each.start for each in found.stretches)
    midnight = last.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return replace(found, end=min(found.end, midnight))


def _draft(schedule: Node, shifts: Mapping[str, Node], final: Sequence[Stretch], work: Work) -> Draft | None:
    title = schedule.at("name").text()
    say = work.about(title)
    kind = schedule.at("type").word("web", "calendar", "ical")
    if kind == "ical":
        say(
            "",
            "is read from an iCalendar address elsewhere and holds no rules of its own, so nothing can be written "
            "for it; make a web schedule of it, or write its layers by hand",
        )
        return None
    draft = Draft(title=title, zone=schedule.at("time_zone").zone() if "time_zone" in schedule else "UTC")
    if "ical_url_overrides" in schedule:
        say(
            "",
            "takes overrides from an iCalendar address, which are not in the export; write those ahead by hand",
        )
    usual = "UTC" if kind == "web" else draft.zone
    levels: dict[int, list[Layer]] = {}
    covers: list[tuple[datetime, datetime, tuple[str, ...]]] = []
    for item in schedule.listed("shifts"):
        key = item.id()
        if key not in shifts:
            say(
                "",
                f"shift {key} is not in the export and is left out; append /api/v1/on_call_shifts/ to the file",
            )
            continue
        shift = _Shift(shifts[key], usual, is_web=kind == "web", work=work, say=say)
        if shift.kind == "override":
            covers += shift.cover(final)
        else:
            levels.setdefault(shift.level, []).extend(shift.layers())
    draft.layers = stack(
        [levels[level] for level in sorted(levels, reverse=True)], say, where="", now=work.now
    )
    draft.overrides = covered(sorted(covers), reason=OVERRIDE_REASON)
    return draft


class _Shift:
    """One shift of the export."""

    def __init__(self, node: Node, usual: str, *, is_web: bool, work: Work, say: Say) -> None:
        self.node, self.is_web, self.work, self.say = node, is_web, work, say
        self.name = node.optional_text("name") or node.at("id").id()
        self.label = f"shift {self.name}"
        self.kind = node.at("type").word("single_event", "recurrent_event", "rolling_users", "override")
        self.level = node.optional_whole("level", 0, 10_000, 0)
        usual = "UTC" if self.kind == "override" else usual
        self.zone = node.at("time_zone").zone() if "time_zone" in node else usual
        self.start = node.at("start").local()
        self.length = timedelta(seconds=node.at("duration").whole(1, LENGTH_MOST))
        self.begins = node.at("rotation_start").local() if "rotation_start" in node else self.start

    def _everybody(self) -> tuple[str, ...]:
        users = [user.id() for user in self.node.listed("users")]
        users = users or [user.id() for group in self.node.listed("rolling_users") for user in group.items()]
        return tuple(dict.fromkeys(self.work.roster.person(user) for user in users))

    def _span(self) -> tuple[datetime, datetime]:
        where = zone(self.zone)
        return to_instant(self.start, where), to_instant(self.start + self.length, where)

    def cover(self, final: Sequence[Stretch]) -> list[tuple[datetime, datetime, tuple[str, ...]]]:
        """Give the span of an override, if it is not over.

        The public API leaves out the users of overrides that were made on the page; the final shifts have them.
        """
        start, end = self._span()
        who = self._everybody() or tuple(
            dict.fromkeys(
                person for each in final if (each.start, each.end) == (start, end) for person in each.people
            )
        )
        if end <= self.work.now:
            self.say(self.label, "is an override of the past and is left out")
        elif not who:
            self.say(
                self.label,
                f"is an override from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC whose users the export does "
                "not name; it is left out. Append the final shifts of that time, or write a cover by hand",
            )
        else:
            return [(start, end, who)]
        return []

    def layers(self) -> list[Layer]:
        """Give the layers of a shift that repeats, or happens once."""
        ring = self._ring()
        if not ring:
            self.say(self.label, "has no users and is left out: it puts nobody on call")
            return []
        if self.kind == "single_event":
            return self._once(ring)
        until = self.node.at("until").local() if "until" in self.node else None
        ends = None if until is None else to_instant(until, zone("UTC"))
        if ends is not None and ends <= self.work.now:
            self.say(self.label, f"ended at {ends:%Y-%m-%d %H:%M} UTC and is left out")
            return []
        if ends is not None:
            self.say(self.label, f"ends at {ends:%Y-%m-%d %H:%M} UTC; a shift that runs then is cut there")
        rotation = rotation_of(self._recurrence(), ring, name=self.name, zone_name=self.zone, say=self._say)
        if rotation is None:
            return []
        return layers_of(self._from_its_start(rotation, ends), now=self.work.now)

    def _say(self, what: str) -> None:
        self.say(self.label, what)

    def _from_its_start(self, rotation: Rotation, ends: datetime | None) -> Rotation:
        """Let it begin with the first shift that happens: in web schedules the one that runs at the start."""
        where = zone(self.zone)
        begins = to_instant(max(self.begins, self.start), where)
        if not rotation.openings and not rotation.active_days:
            number = rotation.turn_at(begins)
            is_whole = self.is_web or to_instant(rotation.start_of(number), where) == begins
            begins = to_instant(rotation.start_of(number if is_whole else number + 1), where)
        return replace(rotation, begins=begins, ends=ends)

    def _once(self, ring: Sequence[tuple[str, ...]]) -> list[Layer]:
        start, end = self._span()
        if end <= self.work.now:
            self.say(self.label, "happened once, in the past, and is left out")
            return []
        rotation = Rotation(
            name=self.name,
            zone=self.zone,
            unit="weeks",
            every=1,
            origin=self.start,
            ring=(ring[0],),
            begins=start,
            ends=end,
        )
        return layers_of(rotation, now=self.work.now)

    def _ring(self) -> tuple[tuple[str, ...], ...]:
        if self.kind != "rolling_users":
            who = self._everybody()
            return (who,) if who else ()
        groups = [
            tuple(dict.fromkeys(self.work.roster.person(user.id()) for user in group.items()))
            for group in self.node.listed("rolling_users")
        ]
        first = self.node.optional_whole("start_rotation_from_user_index", 0, 100_000, 0)
        turned = groups[first:] + groups[:first]
        if len([group for group in groups if group]) < len(groups):
            self.say(self.label, "has an empty group, which Grafana OnCall passes over; so does the file")
        return tuple(group for group in turned if group)

    def _recurrence(self) -> Recurrence:
        node = self.node
        days = []
        for item in node.listed("by_day"):
            number = day_number(item.text())
            if number is None:
                item.fail(f"is {item.text()!r}; known are MO, TU, WE, TH, FR, SA, SU")
            days.append(number)
        week_start = day_number(node.optional_text("week_start") or "SU")
        if week_start is None:
            node.at("week_start").fail("is no day of the week; known are MO, TU, WE, TH, FR, SA, SU")
        return Recurrence(
            frequency=node.at("frequency").word("hourly", "daily", "weekly", "monthly"),
            interval=node.optional_whole("interval", 1, 1000, 1),
            start=self.start,
            length=self.length,
            days=frozenset(days),
            week_start=week_start,
            masked=bool(node.listed("by_month") or node.listed("by_monthday")),
        )
