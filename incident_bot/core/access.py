"""Who may do what: roles by person and team, and the least role that each permission asks for.

Pure: what `access.yaml` says, the teams and who stands on their schedules go in, a verdict with its reason comes out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

from incident_bot.core.model import Team

EVERY_TEAM: Final = "*"
"""Stands for all teams where a role is written."""


class Role(StrEnum):
    """What somebody is to a team; each may do all that those before it may."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    MANAGER = "manager"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Give the place in the order, 0 being the least."""
        return list(Role).index(self)


class Permission(StrEnum):
    """One thing that a door asks for."""

    OWN = "self.edit"
    """One's own name, sessions and test pages."""
    INCIDENT_READ = "incident.read"
    INCIDENT_COMMAND = "incident.command"
    """To type a line; each word then asks for what it does."""
    INCIDENT_ACT = "incident.act"
    INCIDENT_DECLARE = "incident.declare"
    CHANGE_TELL = "change.tell"
    SCHEDULE_OVERRIDE = "schedule.override"
    CALENDAR_LINK = "calendar.link"
    MAINTENANCE_SET = "maintenance.set"
    STATUS_PUBLISH = "status.publish"
    POSTMORTEM_EDIT = "postmortem.edit"
    MESSAGE_TEST = "message.test"
    """To send a test message by any channel, to oneself."""
    CONFIG_RELOAD = "config.reload"
    AUDIT_READ = "audit.read"
    TOKEN_MANAGE = "token.manage"  # noqa: S105 -- the name of a permission
    PEOPLE_SIGN_OUT = "people.sign_out"


class Reach(Enum):
    """Of which teams a role has to be held."""

    ANY = "any"
    """Of one team at least."""
    TEAM = "team"
    """Of the team that it is about, where that is known, else of one at least."""
    ALL = "all"
    """Of all teams: it is about the bot itself."""


LEAST: Final[Mapping[Permission, tuple[Role, Reach]]] = {
    Permission.OWN: (Role.VIEWER, Reach.ANY),
    Permission.INCIDENT_READ: (Role.VIEWER, Reach.ANY),
    Permission.INCIDENT_COMMAND: (Role.VIEWER, Reach.ANY),
    Permission.INCIDENT_ACT: (Role.RESPONDER, Reach.TEAM),
    Permission.INCIDENT_DECLARE: (Role.RESPONDER, Reach.ANY),
    Permission.CHANGE_TELL: (Role.RESPONDER, Reach.ANY),
    Permission.SCHEDULE_OVERRIDE: (Role.RESPONDER, Reach.TEAM),
    Permission.CALENDAR_LINK: (Role.RESPONDER, Reach.ANY),
    Permission.MAINTENANCE_SET: (Role.RESPONDER, Reach.ANY),
    Permission.STATUS_PUBLISH: (Role.RESPONDER, Reach.TEAM),
    Permission.POSTMORTEM_EDIT: (Role.RESPONDER, Reach.TEAM),
    Permission.MESSAGE_TEST: (Role.MANAGER, Reach.ANY),
    Permission.CONFIG_RELOAD: (Role.MANAGER, Reach.ALL),
    Permission.AUDIT_READ: (Role.MANAGER, Reach.ALL),
    Permission.TOKEN_MANAGE: (Role.ADMIN, Reach.ALL),
    Permission.PEOPLE_SIGN_OUT: (Role.ADMIN, Reach.ALL),
}
"""The least role for each, where `needs` of `access.yaml` does not ask for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What `access.yaml` says; without the file, everybody known is a responder, as before there were roles."""

    written: bool = False
    default: Role = Role.RESPONDER
    """Of everybody known, for every team."""
    roles: Mapping[str, Mapping[str, Role]] = field(default_factory=dict)
    """By person, then by team or `*`."""
    needs: Mapping[Permission, Role] = field(default_factory=dict)
    """A higher role for a permission than it usually asks for."""

    def least(self, permission: Permission) -> Role:
        """Give the least role for a permission: what is written may ask for more, never for less."""
        return max(LEAST[permission][0], self.needs.get(permission, Role.VIEWER), key=lambda role: role.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one caller is: a role for every team, and those that some teams give."""

    everywhere: Role | None = None
    """None is no role at all."""
    teams: Mapping[str, Role] = field(default_factory=dict)

    def of(self, team: str | None) -> Role | None:
        """Give the role for a team; for None the highest held for any."""
        if team is not None:
            return self.teams.get(team, self.everywhere)
        held = (self.everywhere, *self.teams.values())
        return max((one for one in held if one is not None), key=lambda role: role.rank, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warrant:
    """As whom somebody acts: what their credentials prove, and nothing that they say themselves."""

    person: str | None = None
    """An id of people.yaml: what the configuration gives to them."""
    role: Role | None = None
    """What the credentials give for every team by themselves: a token's scopes, a one-time link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether something is allowed, and what it would take."""

    allowed: bool
    permission: Permission
    needs: Role
    has: Role | None
    team: str | None
    """For which team the role is asked; None is any or all, as `everywhere` says."""
    everywhere: bool


def standing(
    person: str, access: Access, teams: Iterable[Team], on_schedule: Mapping[str, Collection[str]]
) -> Standing:
    """Give what a person of people.yaml is; `on_schedule` has the people on each team's schedule.

    What is written for a person and a team counts; else the highest of what is written for every team, of the default,
    and of what they are in the team: its manager, its lead, a member, or on its schedule.
    """
    written = access.roles.get(person, {})
    everywhere = written.get(EVERY_TEAM, access.default)
    found = {team: role for team, role in written.items() if team != EVERY_TEAM}
    for team in teams:
        part = _part(person, team, access, on_schedule.get(team.id, ()))
        if team.id not in found and part is not None and part.rank > everywhere.rank:
            found[team.id] = part
    return Standing(everywhere=everywhere, teams=found)


def raised(held: Standing, role: Role) -> Standing:
    """Give a standing with at least this role for every team."""

    def higher(one: Role | None) -> Role:
        return role if one is None or one.rank < role.rank else one

    return Standing(
        everywhere=higher(held.everywhere), teams={team: higher(one) for team, one in held.teams.items()}
    )


def decide(held: Standing, permission: Permission, access: Access, *, team: str | None = None) -> Verdict:
    """Say whether this standing allows something, for the team that it is about where that is known."""
    needs, reach = access.least(permission), LEAST[permission][1]
    everywhere = reach is Reach.ALL
    about = team if reach is Reach.TEAM else None
    has = held.everywhere if everywhere else held.of(about)
    allowed = has is not None and has.rank >= needs.rank
    return Verdict(
        allowed=allowed, permission=permission, needs=needs, has=has, team=about, everywhere=everywhere
    )


def givers(access: Access, active: Collection[str]) -> tuple[str, ...]:
    """Give the active people who are admins of every team, by id: those to ask for a role."""
    admins = (person for person, roles in access.roles.items() if roles.get(EVERY_TEAM) is Role.ADMIN)
    return tuple(sorted(person for person in admins if person in active))


def refusal(verdict: Verdict, who: str, ask: Collection[str]) -> str:
    """Say what is missing, for which team, and who can give it."""
    if verdict.everywhere:
        where = "for every team"
    elif verdict.team is None:
        where = "for one team at least"
    else:
        where = f"for the team {verdict.team}"
    has = f"{who} is {verdict.has.value} there" if verdict.has else f"{who} has no role"
    asked = f"Ask {', '.join(ask)}" if ask else "Ask whoever keeps the configuration"
    return (
        f"This needs the role {verdict.needs.value} {where} ({verdict.permission.value}); {has}. "
        f"{asked} to give it in rotations/access.yaml."
    )


def _part(person: str, team: Team, access: Access, scheduled: Collection[str]) -> Role | None:
    if person == team.manager:
        return Role.MANAGER
    if person == team.lead:
        # Without the file nobody is listed anywhere, and a lead may do what a manager may.
        return Role.RESPONDER if access.written else Role.MANAGER
    return Role.RESPONDER if person in team.members or person in scheduled else None
