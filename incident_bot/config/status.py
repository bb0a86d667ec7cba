"""`status.yaml`: what the status page is called, its components and what they stand for, and who decides what shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from incident_bot.config.announce import severity_name
from incident_bot.config.documents import ID, Length, Name, SeverityWord, Shape, TeamName, Text, Web, nearest
from incident_bot.config.tree import Tree
from incident_bot.core.errors import Problem
from incident_bot.core.model import TROUBLES, ComponentState, Ladder, Service
from incident_bot.core.status import Component, Reach, StatusPage

NAME_MOST: Final = 60
DESCRIPTION_MOST: Final = 300
COMPONENTS_MOST: Final = 100
STATES: Final = {state.value: state for state in TROUBLES}
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def _state(value: object) -> object:
    if isinstance(value, ComponentState):
        return value
    if isinstance(value, str) and value in STATES:
        return STATES[value]
    raise ValueError(f'"{value}" is not one of {", ".join(STATES)}{nearest(str(value), STATES)}')


def _date(value: object) -> object:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f'"{value}" is not a date: {error}') from error
    raise ValueError(f'"{value}" is not a date; write one such as "2026-01-31"')


def _short(most: int) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) > most or not value.isprintable():
            raise ValueError(f"is longer than {most} characters, or more than one line; write it shorter")
        return value

    return AfterValidator(check)


def _address(value: str) -> str:
    if "?" in value or "#" in value:
        raise ValueError("is an address with ? or #; write it as https://status.example.com")
    return value.rstrip("/")


def _allowed(value: str) -> str:
    if any(sign.isspace() for sign in value) or "/" in value:
        raise ValueError("is not one word; write a word or a name such as example.com, without https://")
    return value.casefold()


def _reach(value: object) -> object:
    if isinstance(value, Reach):
        return value
    words = {one.value: one for one in Reach}
    if isinstance(value, str) and value in words:
        return words[value]
    raise ValueError(f'"{value}" is not one of {", ".join(words)}{nearest(str(value), words)}')


State = Annotated[ComponentState, BeforeValidator(_state)]
Label = Annotated[Text, _short(NAME_MOST)]


class ComponentShape(Shape):
    """One component."""

    name: Label | None = None
    description: Annotated[Text, _short(DESCRIPTION_MOST)] | None = None
    group: Label | None = None
    services: list[Name] = Field(default_factory=list)
    teams: list[TeamName] = Field(default_factory=list)
    since: Annotated[date | None, BeforeValidator(_date)] = None


class SubscribeShape(Shape):
    """Who may follow the page."""

    mail: bool = False
    webhook: Annotated[Reach, BeforeValidator(_reach)] = Reach.NOWHERE


class PageShape(Shape):
    """What stands under `status:`."""

    name: Label
    url: Annotated[Web, AfterValidator(_address)]
    publish: Literal["auto", "confirm"] = "confirm"
    severities: dict[SeverityWord, State] = Field(default_factory=dict)
    allow: list[Annotated[Text, AfterValidator(_allowed)]] = Field(default_factory=list)
    drift_after: Length = timedelta(minutes=15)
    subscribe: SubscribeShape = Field(default_factory=SubscribeShape)
    components: dict[str, ComponentShape] = Field(min_length=1, max_length=COMPONENTS_MOST)


class StatusShape(Shape):
    """`rotations/status.yaml`."""

    status: PageShape


def build_status(
    shape: StatusShape, tree: Tree, ladder: Ladder, services: Mapping[str, Service], problems: list[Problem]
) -> StatusPage:
    """Give the page; what a single place cannot know (names twice, unknown services) is added to the problems."""
    told = shape.status
    _look(told, tree, services, problems)
    return StatusPage(
        name=told.name,
        url=told.url,
        auto=told.publish == "auto",
        severities=_severities(told, ladder),
        allow=frozenset(told.allow) | {_host(told.url)},
        drift_after=told.drift_after,
        mail=told.subscribe.mail,
        webhooks=told.subscribe.webhook,
        components=tuple(
            Component(
                key=key,
                name=one.name or key,
                description=one.description or "",
                group=one.group,
                services=frozenset(one.services) | _naming(key, one, services),
                teams=frozenset(one.teams),
                since=one.since,
            )
            for key, one in told.components.items()
        ),
    )


def _look(told: PageShape, tree: Tree, services: Mapping[str, Service], problems: list[Problem]) -> None:
    seen: dict[str, str] = {}
    for key, one in told.components.items():
        place = ("status", "components", key)
        if not ID.fullmatch(key):
            problems.append(
                tree.problem(place, "use letters, digits, dots, dashes and underscores for a key")
            )
        name = (one.name or key).casefold()
        other = seen.setdefault(name, key)
        if other != key:
            problems.append(tree.problem(place, f'{other} is called "{one.name or key}" already'))
        for number, service in enumerate(one.services):
            if service not in services:
                message = f'unknown service "{service}"{nearest(service, services)}'
                problems.append(tree.problem((*place, "services", number), message))
        if not one.services and not one.teams and not _naming(key, one, services):
            message = "stands for nothing: give it services or teams, or only `publish … on:` reaches it"
            problems.append(tree.problem(place, message, severity="warning"))


def _naming(key: str, one: ComponentShape, services: Mapping[str, Service]) -> frozenset[str]:
    """Give the services whose `status_component` in routing.yaml is this one."""
    called = {key.casefold(), (one.name or key).casefold()}
    return frozenset(
        name for name, service in services.items() if (service.status_component or "").casefold() in called
    )


def _severities(told: PageShape, ladder: Ladder) -> dict[str, ComponentState]:
    """Give the states by the severities' own names; where none are written all of them show, the worst as outages."""
    if told.severities:
        return {severity_name(word, ladder) or word: state for word, state in told.severities.items()}
    usual = (ComponentState.MAJOR_OUTAGE, ComponentState.PARTIAL_OUTAGE)
    return {
        rung.name: usual[rung.rank] if rung.rank < len(usual) else ComponentState.DEGRADED_PERFORMANCE
        for rung in ladder.rungs
    }


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].casefold()
