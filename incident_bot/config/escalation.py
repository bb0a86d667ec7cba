"""`escalation.yaml`: the ladder of severities, whom to page after how long, and how incidents end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from incident_bot.config.documents import Duration, Flag, Length, Name, Shape, TeamName, Text, Whole
from incident_bot.config.people import RulesShape, TeamsShape
from incident_bot.config.quiet import QuietShape
from incident_bot.config.steps import KEY_NAME, AcksWord, Row, RungName, TargetName, build_row
from incident_bot.config.tree import Path, Tree
from incident_bot.core.errors import Problem
from incident_bot.core.escalation import DEFAULT_RULES, Matrix, Step
from incident_bot.core.incident import Rules
from incident_bot.core.model import (
    Acks,
    Ladder,
    Person,
    PromiseRules,
    Severity,
    Target,
    TargetKind,
    Team,
    Urgency,
)

RECHECK_LEAST: Final = timedelta(minutes=1)
REPEAT_MOST: Final = 100


def _recheck(value: timedelta) -> timedelta:
    if value < RECHECK_LEAST:
        raise ValueError("is too often; write 1m or more")
    return value


class SeverityShape(Shape):
    """One severity."""

    aliases: list[Text] = Field(default_factory=list)
    urgency: Literal["high", "low"] = "high"
    respond_within: Length | None = None
    update_every: Length | None = None
    postmortem_within: Length | None = None
    room: Literal["own", "team", "none"] = "none"
    acks: AcksWord = "any"


def _hold(value: object) -> object:
    return timedelta(0) if value == "off" else value


class AckTimeoutShape(Shape):
    """How long an acknowledgement holds, by urgency; `off` for ever."""

    high: Annotated[Duration, BeforeValidator(_hold)] = timedelta(minutes=30)
    low: Annotated[Duration, BeforeValidator(_hold)] = timedelta(0)

    def holds(self) -> dict[Urgency, timedelta]:
        """Give the urgencies that have an end."""
        written = {Urgency.HIGH: self.high, Urgency.LOW: self.low}
        return {urgency: hold for urgency, hold in written.items() if hold > timedelta(0)}


class PromisesShape(Shape):
    """How people are reminded of what they promised, and of what is missing."""

    remind_before: Annotated[Duration, BeforeValidator(_hold)] = timedelta(minutes=5)
    nag: Flag = True


def _schedule_id(value: str) -> str:
    if not re.fullmatch(r"P[A-Z0-9]{3,30}", value):
        raise ValueError(
            f'"{value}" is not the id of a schedule; it stands in the address of its page: PSCHED1'
        )
    return value


def _key_name(value: str) -> str:
    if not KEY_NAME.fullmatch(value):
        raise ValueError(f'"{value}" cannot be a name here; use small letters, figures and hyphens')
    return value


class PagerDutyShape(Shape):
    """What is named of PagerDuty's."""

    schedules: dict[
        Annotated[str, AfterValidator(_key_name)], Annotated[Text, AfterValidator(_schedule_id)]
    ] = Field(default_factory=dict)
    """The name in `pagerduty/NAME` to the schedule's id there; any other name is that of a routing key."""
    change_events: Flag = False


class EscalationShape(Shape):
    """`rotations/escalation.yaml`."""

    severities: dict[Name, SeverityShape] = Field(min_length=1)
    matrix: dict[RungName, Row]
    teams: dict[TeamName, dict[RungName, Row]] = Field(default_factory=dict)
    repeat: dict[RungName, Annotated[Whole, Field(ge=0, le=REPEAT_MOST)]] = Field(default_factory=dict)
    fallback: list[TargetName] = Field(default_factory=list)
    last_resort: list[TargetName] = Field(default_factory=list)
    notify: RulesShape = RulesShape()
    quiet_hours: QuietShape = Field(default_factory=list)
    pagerduty: PagerDutyShape = PagerDutyShape()
    resolve_hold: Length = timedelta(seconds=90)
    reopen_window: Length = timedelta(minutes=30)
    exhausted_repeat: Annotated[Length, AfterValidator(_recheck)] = timedelta(minutes=30)
    auto_resolve: Literal["always", "unattended", "never"] = "unattended"
    repage: Literal["severity_up", "never", "always"] = "severity_up"
    pause_on_silence: Flag = True
    ack_timeout: AckTimeoutShape = AckTimeoutShape()
    promises: PromisesShape = PromisesShape()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything that `escalation.yaml` says."""

    ladder: Ladder
    matrix: Matrix
    rules: Rules


def severity_words(tree: Tree) -> frozenset[str]:
    """Give every word that names a severity, in lower case, even where the document is wrong otherwise."""
    names = tree.keys("severities") or ()
    written = tree.value.get("severities") if isinstance(tree.value, dict) else None
    entries = written.values() if isinstance(written, dict) else ()
    lists = [entry.get("aliases") for entry in entries if isinstance(entry, dict)]
    aliases = [word for words in lists if isinstance(words, list) for word in words if isinstance(word, str)]
    return frozenset(word.strip().casefold() for word in (*names, *aliases))


def build_escalation(
    shape: EscalationShape, tree: Tree, teams: tuple[TeamsShape, Tree] | None, problems: list[Problem]
) -> Answers:
    """Give the ladder, the matrix with the rows that teams put in their place, and how incidents end."""
    ladder = _ladder(shape, tree, problems)
    matrix = _matrix(shape, tree, teams, problems)
    rules = Rules(
        ladder=ladder,
        resolve_hold=shape.resolve_hold,
        reopen_window=shape.reopen_window,
        auto_resolve=shape.auto_resolve,
        repage=shape.repage,
        pause_on_silence=shape.pause_on_silence,
        ack_timeout=shape.ack_timeout.holds(),
        promises=PromiseRules(remind_before=shape.promises.remind_before, nag=shape.promises.nag),
    )
    return Answers(ladder=ladder, matrix=matrix, rules=rules)


def _ladder(shape: EscalationShape, tree: Tree, problems: list[Problem]) -> Ladder:
    """Give the severities, the worst first; a word may name one of them only."""
    owners: dict[str, str] = {}
    for name, written in shape.severities.items():
        words: list[tuple[str, Path]] = [(name, ())]
        words += [(alias, ("aliases", index)) for index, alias in enumerate(written.aliases)]
        for word, place in words:
            owner = owners.setdefault(word.strip().casefold(), name)
            if owner != name:
                message = f'"{word}" names {owner} already; a word names one severity'
                problems.append(tree.problem(("severities", name, *place), message))
    return Ladder(
        tuple(
            Severity(
                name=name,
                rank=rank,
                aliases=tuple(dict.fromkeys(written.aliases)),
                urgency=Urgency(written.urgency),
                respond_within=written.respond_within,
                update_every=written.update_every,
                postmortem_within=written.postmortem_within,
                room=written.room,
            )
            for rank, (name, written) in enumerate(shape.severities.items())
        )
    )


def _matrix(
    shape: EscalationShape, tree: Tree, teams: tuple[TeamsShape, Tree] | None, problems: list[Problem]
) -> Matrix:
    for name in shape.severities:
        if name not in shape.matrix:
            message = f"has no row for {name}: nobody would be paged; write {name}: [{{page: [on_call]}}]"
            problems.append(tree.problem(("matrix",), message))
    if not shape.last_resort:
        message = (
            "last_resort is missing: when nobody answers it ends there; write last_resort: [person/NAME]"
        )
        problems.append(tree.problem((), message, severity="warning"))
    return Matrix(
        rows={name: build_row(row) for name, row in shape.matrix.items()},
        team_rows=_team_rows(shape, teams, problems),
        acks={name: Acks(severity.acks) for name, severity in shape.severities.items()},
        team_acks=_team_acks(teams),
        repeat=dict(shape.repeat),
        fallback=tuple(shape.fallback),
        last_resort=tuple(shape.last_resort),
        exhausted_repeat=shape.exhausted_repeat,
        rules={**DEFAULT_RULES, **shape.notify.rules()},
    )


def _team_rows(
    shape: EscalationShape, teams: tuple[TeamsShape, Tree] | None, problems: list[Problem]
) -> dict[str, dict[str, tuple[Step, ...]]]:
    rows = {
        team: {name: build_row(row) for name, row in written.items()} for team, written in shape.teams.items()
    }
    if teams is None:
        return rows
    document, tree = teams
    for team, entry in document.teams.items():
        for name, row in entry.escalation.items():
            if name in rows.get(team, {}):
                message = f"escalation.yaml has a row for {team} as well; keep one of them"
                problems.append(tree.problem(("teams", team, "escalation", name), message))
            rows.setdefault(team, {})[name] = build_row(row)
    return rows


def _team_acks(teams: tuple[TeamsShape, Tree] | None) -> dict[str, dict[str, Acks]]:
    written = teams[0].teams if teams else {}
    return {
        team: {severity: Acks(word) for severity, word in entry.acks.items()}
        for team, entry in written.items()
    }


def unanswered(
    matrix: Matrix, people: Mapping[str, Person], teams: Mapping[str, Team], *, trees: tuple[Tree, Tree]
) -> Iterator[Problem]:
    """Give a warning for every target that reaches nobody; trees of teams.yaml, escalation.yaml."""
    tree, file = trees
    for key, team in teams.items():
        rows = {**matrix.rows, **matrix.team_rows.get(key, {})}
        for kind, (wanted, answer) in _answers(team).items():
            asking = [
                severity for severity, row in rows.items() if kind in {item.kind for item in _targets(row)}
            ]
            if asking and not answer:
                message = f"{', '.join(asking)} page {Target(kind)}, which {key} lacks; write {wanted}: here"
                yield tree.problem(("teams", key), message, severity="warning")
    inactive = {person.id for person in people.values() if not person.active}
    places: list[tuple[Path, Iterable[Target]]] = [(("fallback",), matrix.fallback)]
    places.append((("last_resort",), matrix.last_resort))
    places += [(("matrix", name), _targets(row)) for name, row in matrix.rows.items()]
    for place, targets in places:
        for target in targets:
            if target.kind is TargetKind.PERSON and target.name in inactive:
                message = f"{target} is not active in people.yaml and is never paged"
                yield file.problem(place, message, severity="warning")


def _answers(team: Team) -> dict[TargetKind, tuple[str, object]]:
    """Give, for what a step may ask of a team, the key of teams.yaml that answers, and its answer."""
    return {
        TargetKind.ON_CALL: ("schedule", team.schedule),
        TargetKind.LEAD: ("lead", team.lead),
        TargetKind.MANAGER: ("manager", team.manager),
        TargetKind.TEAM_MEMBERS: ("members", team.members),
    }


def _targets(row: Iterable[Step]) -> list[Target]:
    return [target for step in row for target in step.targets]
