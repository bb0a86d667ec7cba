"""`people.yaml` and `teams.yaml`: who there is, how each can be told, and who belongs together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from incident_bot.config.channels import BUILT_IN, WITHOUT_ADDRESS, PushName, way
from incident_bot.config.documents import (
    Duration,
    Flag,
    Name,
    PersonName,
    ScheduleName,
    Shape,
    Text,
    Zone,
)
from incident_bot.config.quiet import QuietShape
from incident_bot.config.sources import Variable
from incident_bot.config.steps import AcksWord, Row, RungName
from incident_bot.config.tree import Tree
from incident_bot.core.errors import Problem
from incident_bot.core.model import ContactRule, Person, Team, Urgency

CONTACTS: Final = BUILT_IN
"""A person's key to the channels whose address it is."""

E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""A number with its country, without anything around it (ITU-T E.164)."""
SHORT_NUMBER: Final = 10
"""Without its country a number is rarely longer, so nothing is guessed from it."""

Rules = Mapping[Urgency, tuple[ContactRule, ...]]


def _phone(value: str) -> str:
    number = re.sub(r"[ ()./-]", "", value)
    if not E164.fullmatch(number) or "(0)" in value:
        likely = _likely_phone(value)
        hint = f'did you mean "{likely}"?' if likely else 'write it as "+4915100000000"'
        raise ValueError(f'"{value}" is not a phone number with its country; {hint}')
    return number


def _likely_phone(value: str) -> str | None:
    """Give what somebody probably meant: 00 for +, a 0 that is dialled inside the country, a + that is missing."""
    number = re.sub(r"[^0-9+]", "", value.replace("(0)", ""))
    if number.startswith("00"):
        number = f"+{number[2:]}"
    elif not number.startswith(("+", "0")):
        number = f"+{number}"
    return number if E164.fullmatch(number) and len(number) > SHORT_NUMBER else None


def _email(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", value):
        raise ValueError(f'"{value}" is not a mail address; write it as alice@example.com')
    return value


def _slack(value: str) -> str:
    if not re.fullmatch(r"[UW][A-Za-z0-9]+", value):
        raise ValueError(
            f'"{value}" is not a member id; in Slack open the profile, ⋮, Copy member ID: U0123ABCD'
        )
    return value


def _channel(value: object) -> object:
    if value is None:
        raise ValueError('is empty; a name that begins with # must stand in quotes: "#incidents"')
    return value


ChannelName = Annotated[Text, BeforeValidator(_channel)]
"""A chat channel: `#incidents`."""


class RuleShape(Shape):
    """One personal rule."""

    by: Annotated[str, AfterValidator(way)]
    after: Duration = timedelta(0)


class RulesShape(Shape):
    """Personal rules by urgency."""

    high: list[RuleShape] = Field(default_factory=list)
    low: list[RuleShape] = Field(default_factory=list)

    def rules(self) -> Rules:
        """Give the rules that are written, by urgency."""
        both = {Urgency.HIGH: self.high, Urgency.LOW: self.low}
        return {
            urgency: tuple(ContactRule(by=rule.by, after=rule.after) for rule in written)
            for urgency, written in both.items()
            if written
        }


class PushShape(Shape):
    """How one person is known to a channel of `channels.yaml`."""

    address: Text | None = None
    token_env: Variable | None = None


def _push(value: object) -> object:
    return {"address": value} if isinstance(value, str) else value


class PersonShape(Shape):
    """One person."""

    name: Text | None = None
    time_zone: Zone = "UTC"
    slack: Annotated[str, AfterValidator(_slack)] | None = None
    email: Annotated[str, AfterValidator(_email)] | None = None
    phone: Annotated[str, AfterValidator(_phone)] | None = None
    pagerduty: Text | None = None
    push: dict[PushName, Annotated[PushShape, BeforeValidator(_push)]] = Field(default_factory=dict)
    notify: RulesShape = RulesShape()
    quiet_hours: QuietShape | None = None
    active: Flag = True

    def contacts(self, key: str) -> dict[str, str]:
        """Give the address of every channel that the person can be told by; without one it is the person's key."""
        written = {key: getattr(self, key) for key in CONTACTS}
        found = {channel: address for key, address in written.items() if address for channel in CONTACTS[key]}
        return found | {channel: one.address or key for channel, one in self.push.items()}

    def tokens(self) -> dict[str, str]:
        """Give the environment variables with the person's own tokens, by channel."""
        return {channel: one.token_env for channel, one in self.push.items() if one.token_env}


class PeopleShape(Shape):
    """`rotations/people.yaml`."""

    people: dict[Name, PersonShape] = Field(min_length=1)


class TeamShape(Shape):
    """One team."""

    name: Text | None = None
    schedule: ScheduleName | None = None
    lead: PersonName | None = None
    manager: PersonName | None = None
    members: list[PersonName] = Field(default_factory=list)
    slack_channel: ChannelName = ""
    services: list[Text] = Field(default_factory=list)
    escalation: dict[RungName, Row] = Field(default_factory=dict)
    """Rows that take the place of those in `escalation.yaml`."""
    acks: dict[RungName, AcksWord] = Field(default_factory=dict)
    """What takes the place of the severities' own `acks`."""
    digest: bool = True
    """Whether it is told each Monday what its alerts were worth."""


class TeamsShape(Shape):
    """`rotations/teams.yaml`."""

    teams: dict[Name, TeamShape] = Field(min_length=1)


def build_people(shape: PeopleShape, tree: Tree, problems: list[Problem]) -> dict[str, Person]:
    """Give everybody by id, with the rules that each has written down; default ones are the matrix's."""
    people: dict[str, Person] = {}
    for key, written in shape.people.items():
        contacts, rules = written.contacts(key), written.notify.rules()
        if written.active:
            problems += _unreachable(key, contacts, rules, tree)
        people[key] = Person(
            id=key,
            name=written.name or key,
            time_zone=written.time_zone,
            contacts=contacts,
            tokens=written.tokens(),
            rules=rules,
            active=written.active,
        )
    return people


def _unreachable(person: str, contacts: Mapping[str, str], rules: Rules, tree: Tree) -> list[Problem]:
    place = ("people", person)
    if not contacts:
        message = "has no contact at all; write slack, email, phone or pagerduty"
        return [tree.problem(place, message, severity="warning", kind="unreachable")]
    found = []
    for urgency, chosen in rules.items():
        for index, rule in enumerate(chosen):
            if rule.by not in (*contacts, *WITHOUT_ADDRESS):
                message = f"{rule.by} cannot reach {person}; write {key_of(rule.by)} in the person's entry"
                found.append(
                    tree.problem((*place, "notify", urgency.value, index), message, severity="warning")
                )
    return found


def key_of(channel: str) -> str:
    """Give what somebody writes who wants to be told by a channel: `phone:`, `push: {ntfy: …}`."""
    known = (f"{key}:" for key, channels in CONTACTS.items() if channel in channels)
    return next(known, f"push: {{{channel}: …}}")


def build_teams(
    shape: TeamsShape, tree: Tree, inactive: frozenset[str], problems: list[Problem]
) -> dict[str, Team]:
    """Give the teams by id; a service may stand in one team only."""
    owners: dict[str, str] = {}
    teams: dict[str, Team] = {}
    for key, written in shape.teams.items():
        for index, service in enumerate(written.services):
            other = owners.setdefault(service, key)
            if other != key:
                message = f'"{service}" belongs to {other} already; a service has one team'
                problems.append(tree.problem(("teams", key, "services", index), message))
        for role, person in (("lead", written.lead), ("manager", written.manager)):
            if person in inactive:
                message = f"{person} is not active: pages for the {role} reach nobody"
                problems.append(tree.problem(("teams", key, role), message, severity="warning"))
        teams[key] = Team(
            id=key,
            name=written.name or key,
            schedule=written.schedule,
            lead=written.lead,
            manager=written.manager,
            members=tuple(dict.fromkeys(written.members)),
            slack_channel=written.slack_channel or None,
            services=tuple(dict.fromkeys(written.services)),
            digest=written.digest,
        )
    return teams
