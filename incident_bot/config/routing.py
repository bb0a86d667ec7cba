"""`routing.yaml`: where alerts come in, which way each takes, who is told, and when is office time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from incident_bot.config.announce import AnnounceShape, build_announce, severity_name
from incident_bot.config.documents import (
    CalendarName,
    Flag,
    HoursName,
    Length,
    Name,
    SeverityWord,
    Shape,
    TeamName,
    Text,
    Web,
    Whole,
    Zone,
    nearest,
)
from incident_bot.config.holidays import Calendars
from incident_bot.config.noise import FlappingWord, StormWord, flapping_rule, storm_rule
from incident_bot.config.revision import AnnounceRule, SourceConfig
from incident_bot.config.schedules import WindowShape
from incident_bot.config.sources import SourceShape, build_sources
from incident_bot.config.tree import Path, Tree
from incident_bot.core.errors import Problem
from incident_bot.core.matchers import InhibitRule, Matcher, parse_matchers
from incident_bot.core.model import FlappingRule, Ladder, Service, StormRule, Team
from incident_bot.core.muting import Hours
from incident_bot.core.routing import GROUP_BY, Action, Default, LabelNames, Route, Routing
from incident_bot.core.walltime import zone

_PLACE: Final = "routing.yaml"


def _matchers(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a matcher in quotes, such as 'severity=\"critical\"'")  # noqa: TRY004 -- pydantic collects ValueError
    found = parse_matchers(value)
    if not found:
        raise ValueError("is empty; write a matcher such as 'severity=\"critical\"'")
    return found


MatchLine = Annotated[tuple[Matcher, ...], BeforeValidator(_matchers)]
"""One line of matchers in Alertmanager's syntax."""


class RouteShape(Shape):
    """One route."""

    match: list[MatchLine]
    action: Literal["incident", "notify", "record"] | None = None
    team: TeamName | None = None
    severity: SeverityWord | None = None
    service: Text | None = None
    group_by: list[Text] | None = None
    delay: Length | None = None
    hours: HoursName | None = None
    continue_: Flag = Field(default=False, alias="continue")
    flapping: FlappingWord = None
    storm: StormWord = None
    storm_exempt: list[MatchLine] = Field(default_factory=list)


class LabelsShape(Shape):
    """Which labels say the severity, service and team."""

    severity: Text = "severity"
    service: Text = "service"
    team: Text = "team"


class DefaultShape(Shape):
    """What holds where labels and routes say nothing."""

    team: TeamName
    action: Literal["incident", "notify", "record"] = "incident"
    severity: SeverityWord | None = None
    group_by: list[Text] = Field(default_factory=lambda: list(GROUP_BY))


class InhibitShape(Shape):
    """One inhibit rule."""

    source: list[MatchLine] = Field(min_length=1)
    target: list[MatchLine] = Field(min_length=1)
    equal: list[Text] = Field(default_factory=list)


class HoursShape(Shape):
    """Named hours."""

    time_zone: Zone
    windows: list[WindowShape] = Field(min_length=1)
    holidays: CalendarName | None = None


class ServiceShape(Shape):
    """One service."""

    team: TeamName | None = None
    tier: Annotated[Whole, Field(ge=1, le=9)] | None = None
    dashboards: list[Web] = Field(default_factory=list)
    sli: Text | None = None
    status_component: Text | None = None
    sli_objective: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = None


class RoutingShape(Shape):
    """`rotations/routing.yaml`."""

    sources: list[SourceShape] = Field(default_factory=list)
    routes: list[RouteShape] = Field(default_factory=list)
    default: DefaultShape
    labels: LabelsShape = LabelsShape()
    announce: list[AnnounceShape] = Field(default_factory=list)
    inhibit: list[InhibitShape] = Field(default_factory=list)
    flapping: FlappingWord = None
    storm: StormWord = None
    storm_exempt: list[MatchLine] = Field(default_factory=list)
    hours: dict[Name, HoursShape] = Field(default_factory=dict)
    services: dict[Text, ServiceShape] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What routing leans on; None stands for a document that cannot be read."""

    teams: Mapping[str, Team]
    calendars: Calendars | None
    ladder: Ladder | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Everything that `routing.yaml` says."""

    routing: Routing
    sources: tuple[SourceConfig, ...]
    announce: tuple[AnnounceRule, ...]
    hours: Mapping[str, Hours]
    services: Mapping[str, Service]


def build_ways(shape: RoutingShape, tree: Tree, around: Around, problems: list[Problem]) -> Ways:
    """Give all of it; aliases of severities become their names."""
    problems += _route_problems(shape, tree)
    ladder = around.ladder or Ladder(())
    services = _services(shape, tree, around.teams, problems)
    return Ways(
        routing=_routing(shape, tree, services, ladder),
        sources=build_sources(shape.sources, tree, problems),
        announce=build_announce(shape.announce, ladder),
        hours=_hours(shape, tree, around.calendars, problems),
        services=services,
    )


def _routing(shape: RoutingShape, tree: Tree, services: Mapping[str, Service], ladder: Ladder) -> Routing:
    default = shape.default
    flapping = flapping_rule(shape.flapping, FlappingRule())
    storm = storm_rule(shape.storm, StormRule())
    usual = Default(team=default.team, flapping=flapping, storm=storm)
    return Routing(
        routes=tuple(
            _route(route, usual, ladder, _place(tree, ("routes", at)))
            for at, route in enumerate(shape.routes)
        ),
        default=Default(
            team=default.team,
            action=Action(default.action),
            severity=severity_name(default.severity, ladder),
            group_by=tuple(default.group_by),
            flapping=flapping,
            storm=storm,
        ),
        storm_exempt=tuple(shape.storm_exempt),
        label_names=LabelNames(
            severity=shape.labels.severity, service=shape.labels.service, team=shape.labels.team
        ),
        services=services,
        inhibit=tuple(
            InhibitRule(
                source=_flat(rule.source),
                target=_flat(rule.target),
                equal=tuple(rule.equal),
                place=_place(tree, ("inhibit", at)),
            )
            for at, rule in enumerate(shape.inhibit)
        ),
    )


def _route(written: RouteShape, usual: Default, ladder: Ladder, place: str) -> Route:
    return Route(
        match=_flat(written.match),
        team=written.team,
        action=None if written.action is None else Action(written.action),
        group_by=None if written.group_by is None else tuple(written.group_by),
        delay=written.delay,
        hours=written.hours,
        severity=severity_name(written.severity, ladder),
        service=written.service,
        continue_=written.continue_,
        flapping=flapping_rule(written.flapping, usual.flapping),
        storm=storm_rule(written.storm, usual.storm),
        storm_exempt=tuple(written.storm_exempt),
        place=place,
    )


def _flat(lines: Iterable[tuple[Matcher, ...]]) -> tuple[Matcher, ...]:
    return tuple(matcher for line in lines for matcher in line)


def _place(tree: Tree, path: Path) -> str:
    return f"{_PLACE}:{tree.line(path)}"


def _route_problems(shape: RoutingShape, tree: Tree) -> Iterable[Problem]:
    last = len(shape.routes) - 1
    for index, route in enumerate(shape.routes):
        place = ("routes", index)
        if not route.match and not route.continue_ and index < last:
            message = "matches every alert, so that no route below it is ever reached"
            yield tree.problem(place, message, severity="warning")
        action = route.action or shape.default.action
        for key, value in (("delay", route.delay), ("hours", route.hours)):
            if action == "record" and value is not None:
                message = "changes nothing where the action is record"
                yield tree.problem((*place, key), message, severity="warning")
        if action != "incident" and (route.storm is not None or route.storm_exempt):
            key = "storm" if route.storm is not None else "storm_exempt"
            message = f"changes nothing where the action is {action}: a storm is one of incidents"
            yield tree.problem((*place, key), message, severity="warning")


def _hours(
    shape: RoutingShape, tree: Tree, calendars: Calendars | None, problems: list[Problem]
) -> dict[str, Hours]:
    """Where hours ask for holidays without naming a calendar, the only one there is counts."""
    hours: dict[str, Hours] = {}
    for name, written in shape.hours.items():
        calendar = written.holidays
        asking = [at for at, window in enumerate(written.windows) if window.needs_holidays]
        if asking and calendar is None and calendars is not None:
            if len(calendars) == 1:
                calendar = next(iter(calendars))
            else:
                message = (
                    f"asks for holidays; write holidays: with a calendar beside it{nearest('', calendars)}"
                )
                problems.append(tree.problem(("hours", name, "windows", asking[0]), message))
        days: frozenset[date] = frozenset((calendars or {}).get(calendar or "", {}))
        hours[name] = Hours(zone=zone(written.time_zone), windows=tuple(written.windows), holidays=days)
    return hours


def _services(
    shape: RoutingShape, tree: Tree, teams: Mapping[str, Team], problems: list[Problem]
) -> dict[str, Service]:
    """Give the services of this file and of the teams, each with its team; two owners are refused."""
    owners = {service: team.id for team in teams.values() for service in team.services}
    services = {name: Service(name=name, team=team) for name, team in owners.items()}
    for name, written in shape.services.items():
        owner = owners.get(name)
        if owner and written.team and owner != written.team:
            message = f"belongs to {owner} in teams.yaml; a service has one team"
            problems.append(tree.problem(("services", name, "team"), message))
        services[name] = Service(
            name=name,
            team=written.team or owner,
            tier=written.tier,
            dashboards=tuple(written.dashboards),
            sli=written.sli,
            status_component=written.status_component,
            sli_objective=written.sli_objective,
        )
    return services
