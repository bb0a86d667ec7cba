"""A configuration directory as one checked revision, or every problem of it at once. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar

from incident_bot.config.access import AccessShape, build_access
from incident_bot.config.calendars import Feeds
from incident_bot.config.channels import ChannelsShape, build_channels
from incident_bot.config.documents import Names, Shape, read
from incident_bot.config.escalation import (
    Answers,
    EscalationShape,
    build_escalation,
    severity_words,
    unanswered,
)
from incident_bot.config.files import REQUIRED, read_files
from incident_bot.config.holidays import Calendars, HolidaysShape, build_calendars
from incident_bot.config.lint import Ahead, look_ahead, weigh
from incident_bot.config.oncall import OnCallShape
from incident_bot.config.people import PeopleShape, TeamsShape, build_people, build_teams
from incident_bot.config.quiet import build_quiet_hours
from incident_bot.config.revision import ID_LENGTH, Lint, Revision, Weight, digest_of
from incident_bot.config.routing import Around, RoutingShape, Ways, build_ways
from incident_bot.config.runbooks import build_runbooks
from incident_bot.config.schedules import (
    ScheduleShape,
    build_schedule,
    schedule_name,
)
from incident_bot.config.slack import SlackShape
from incident_bot.config.status import StatusShape, build_status
from incident_bot.config.tree import Tree, parse
from incident_bot.core.errors import BadConfiguration, Problem
from incident_bot.core.escalation import QuietHours
from incident_bot.core.model import Ladder, Person, Team, Urgency
from incident_bot.core.oncall import Schedule
from incident_bot.core.status import StatusPage

PEOPLE: Final = "rotations/people.yaml"
TEAMS: Final = "rotations/teams.yaml"
ESCALATION: Final = "rotations/escalation.yaml"
ROUTING: Final = "rotations/routing.yaml"
HOLIDAYS: Final = "rotations/holidays.yaml"
CHANNELS: Final = "rotations/channels.yaml"
ONCALL: Final = "rotations/oncall.yaml"
SLACK: Final = "rotations/slack.yaml"
STATUS: Final = "rotations/status.yaml"
ACCESS: Final = "rotations/access.yaml"
SCHEDULES: Final = "rotations/schedules/"
RUNBOOKS: Final = "runbooks/"
TEMPLATES: Final = "templates/"

AHEAD_AT_LOAD: Final = 40
"""So many schedules are looked ahead at in a second or two: nobody waits longer for a start or a reload."""


class LookAhead(Enum):
    """Whether to look for what goes wrong in the time ahead (R16)."""

    ALWAYS = "always"
    FEW = "few"
    """Where the schedules are few, or what is found may refuse the set; else `incident-bot check` does it."""
    NEVER = "never"


ShapeT = TypeVar("ShapeT", bound=Shape)


def load(directory: Path, *, now: datetime, ahead: LookAhead = LookAhead.ALWAYS) -> Revision:
    """Give the revision in this directory; raises BadConfiguration with every problem of the set."""
    found = read_files(directory)
    return _loaded(_Reading(texts=found.texts, problems=list(found.problems), ahead=ahead), now=now)


def load_texts(texts: Mapping[str, str], *, now: datetime) -> Revision:
    """Give the revision of these texts by path, as `Revision.documents` has them; nothing ahead is looked at (R15).

    Raises BadConfiguration with every problem: what an older release accepted may be refused today.
    """
    problems = [
        Problem(path, 1, "is missing")
        for path in (f"rotations/{name}" for name in REQUIRED)
        if path not in texts
    ]
    return _loaded(_Reading(texts=texts, problems=problems, ahead=LookAhead.NEVER), now=now)


def _loaded(reading: _Reading, *, now: datetime) -> Revision:
    reading.parse()
    revision = reading.revision(now=now)
    weighed = sorted(set(weigh(reading.problems, reading.lint)))
    problems = tuple(problem for problem in weighed if problem.severity != Weight.NOTE)
    if revision is None or any(problem.severity == Weight.ERROR for problem in problems):
        raise BadConfiguration(problems)
    notes = tuple(problem for problem in weighed if problem.severity == Weight.NOTE)
    return replace(revision, problems=problems, notes=notes)


def _quiet_hours(
    people: Mapping[str, Person], shape: PeopleShape | None, escalation: EscalationShape | None
) -> dict[str, QuietHours]:
    own = {key: one.quiet_hours for key, one in shape.people.items()} if shape else {}
    return build_quiet_hours(people, own, escalation.quiet_hours if escalation else [])


@dataclass(slots=True)
class _Reading:
    """One pass over one set of texts: parse all, collect the names, read the shapes, build the values."""

    texts: Mapping[str, str]
    problems: list[Problem]
    ahead: LookAhead = LookAhead.ALWAYS
    lint: Lint = field(default_factory=Lint)
    trees: dict[str, Tree] = field(default_factory=dict)
    names: Names = field(default_factory=Names)

    def parse(self) -> None:
        """Parse every document, and collect the names that others use even where the rest of it is wrong."""
        for path, text in self.texts.items():
            if path.endswith(".yaml"):
                tree, problems = parse(text, file=path)
                self.problems += problems
                if tree is not None:
                    self.trees[path] = tree
        severities = self._keys(ESCALATION, "severities")
        self.names = Names(
            people=self._keys(PEOPLE, "people"),
            teams=self._keys(TEAMS, "teams"),
            schedules=frozenset(self._schedule_names()),
            calendars=self._keys(HOLIDAYS, "holidays") if HOLIDAYS in self.texts else frozenset(),
            hours=None if ROUTING not in self.trees else self._keys(ROUTING, "hours") or frozenset(),
            severities=None if severities is None else severity_words(self.trees[ESCALATION]),
            channels=self._keys(CHANNELS, "channels") if CHANNELS in self.texts else frozenset(),
            rungs=severities,
        )

    def revision(self, *, now: datetime) -> Revision | None:
        """Give the revision; None where a document is missing or wrong, after looking at all the others."""
        runbooks = build_runbooks(self._below(RUNBOOKS), self.names, self.problems, now=now)
        people_shape, teams_shape = self._read(PeopleShape, PEOPLE), self._read(TeamsShape, TEAMS)
        holidays, channels = self._read(HolidaysShape, HOLIDAYS), self._read(ChannelsShape, CHANNELS)
        escalation, routing = self._read(EscalationShape, ESCALATION), self._read(RoutingShape, ROUTING)
        people = build_people(people_shape, self.trees[PEOPLE], self.problems) if people_shape else {}
        inactive = frozenset(person.id for person in people.values() if not person.active)
        teams = build_teams(teams_shape, self.trees[TEAMS], inactive, self.problems) if teams_shape else {}
        calendars = self._calendars(holidays, now=now)
        feeds = Feeds(texts=self.texts, people=people, now=now)
        found = dict(self._schedules(calendars, inactive, feeds))
        if len(found) == len(self._below(SCHEDULES)):
            self.problems += feeds.unused()
        oncall = self._read(OnCallShape, ONCALL) or OnCallShape()
        slack, status = self._read(SlackShape, SLACK) or SlackShape(), self._read(StatusShape, STATUS)
        self.lint = oncall.lint.lint()
        answers = self._escalation(escalation, teams_shape)
        ways = self._routing(routing, teams, calendars, answers.ladder if answers else None)
        if answers is None or ways is None:
            return None
        self._unanswered(answers, people, teams)
        self._look_ahead(found, people, answers, calendars or {}, now=now)
        digest = digest_of(self.texts)
        return Revision(
            id=digest[:ID_LENGTH],
            digest=digest,
            ladder=answers.ladder,
            people=people,
            teams=teams,
            schedules={name: schedule for name, (schedule, _) in found.items()},
            calendars=calendars or {},
            matrix=answers.matrix,
            rules=answers.rules,
            routing=ways.routing,
            sources=ways.sources,
            announce=ways.announce,
            hours=ways.hours,
            services=ways.services,
            runbooks=runbooks,
            templates={path.removeprefix(TEMPLATES): text for path, text in self._below(TEMPLATES).items()},
            quiet_hours=_quiet_hours(people, people_shape, escalation),
            channels=build_channels(channels, self.trees.get(CHANNELS)),
            pagerduty_schedules=dict(escalation.pagerduty.schedules) if escalation else {},
            change_events=escalation.pagerduty.change_events if escalation else False,
            lint=self.lint,
            handoff=oncall.handoff.handoff(),
            rooms=slack.rooms(),
            chat=slack.chat(),
            status=self._status(status, answers.ladder, ways),
            access=build_access(
                self._read(AccessShape, ACCESS), self.trees.get(ACCESS), self.names.teams, self.problems
            ),
            documents=self.texts,
        )

    def _unanswered(self, answers: Answers, people: Mapping[str, Person], teams: Mapping[str, Team]) -> None:
        if people and teams:
            trees = self.trees[TEAMS], self.trees[ESCALATION]
            self.problems += unanswered(answers.matrix, people, teams, trees=trees)

    def _look_ahead(
        self,
        found: Mapping[str, tuple[Schedule, Tree]],
        people: Mapping[str, Person],
        answers: Answers,
        calendars: Calendars,
        *,
        now: datetime,
    ) -> None:
        if self._looks_ahead(len(found)):
            ahead = Ahead(
                schedules=found,
                people=people,
                people_tree=self.trees.get(PEOPLE),
                defaults=answers.matrix.rules.get(Urgency.HIGH, ()),
                calendars=calendars,
                settings=self.lint,
            )
            self.problems += look_ahead(ahead, now=now)

    def _looks_ahead(self, schedules: int) -> bool:
        few = schedules <= AHEAD_AT_LOAD or Weight.ERROR in self.lint.weights.values()
        if self.ahead is not LookAhead.FEW or few:
            return self.ahead is not LookAhead.NEVER
        message = f"{schedules} schedules: their time ahead was not looked at; `incident-bot check` does"
        self.problems.append(
            Problem(ESCALATION if ONCALL not in self.texts else ONCALL, 1, message, severity="warning")
        )
        return False

    def _keys(self, path: str, key: str) -> frozenset[str] | None:
        tree = self.trees.get(path)
        return tree.keys(key) if tree else None

    def _below(self, folder: str) -> dict[str, str]:
        return {path: text for path, text in self.texts.items() if path.startswith(folder)}

    def _read(self, shape: type[ShapeT], path: str) -> ShapeT | None:
        tree = self.trees.get(path)
        return read(shape, tree, names=self.names, problems=self.problems) if tree else None

    def _calendars(self, shape: HolidaysShape | None, *, now: datetime) -> Calendars | None:
        if shape is None:
            return None if HOLIDAYS in self.texts else {}
        return build_calendars(shape, self.trees[HOLIDAYS], self.problems, now=now)

    def _schedule_names(self) -> Iterator[str]:
        # A file that cannot be parsed still stands for its name: one problem, not more wherever it is used.
        for path in self._below(SCHEDULES):
            yield schedule_name(self.trees.get(path) or Tree(file=path, value=None))

    def _schedules(
        self, calendars: Calendars | None, inactive: frozenset[str], feeds: Feeds
    ) -> Iterator[tuple[str, tuple[Schedule, Tree]]]:
        files: dict[str, str] = {}
        for path in sorted(self._below(SCHEDULES)):
            shape = self._read(ScheduleShape, path)
            if shape is None:
                continue
            tree = self.trees[path]
            name = schedule_name(tree)
            other = files.setdefault(name, path)
            if other != path:
                self.problems.append(tree.problem(("schedule",), f'{other} is called "{name}" already'))
            schedule = build_schedule(shape, tree, calendars, inactive, self.problems, feeds=feeds)
            if schedule is not None:
                yield name, (schedule, tree)

    def _escalation(self, shape: EscalationShape | None, teams: TeamsShape | None) -> Answers | None:
        if shape is None:
            return None
        overriding = (teams, self.trees[TEAMS]) if teams else None
        return build_escalation(shape, self.trees[ESCALATION], overriding, self.problems)

    def _status(self, shape: StatusShape | None, ladder: Ladder, ways: Ways) -> StatusPage | None:
        if shape is None:
            return None
        return build_status(shape, self.trees[STATUS], ladder, ways.services, self.problems)

    def _routing(
        self,
        shape: RoutingShape | None,
        teams: Mapping[str, Team],
        calendars: Calendars | None,
        ladder: Ladder | None,
    ) -> Ways | None:
        if shape is None:
            return None
        tree = self.trees[ROUTING]
        return build_ways(shape, tree, Around(teams=teams, calendars=calendars, ladder=ladder), self.problems)
