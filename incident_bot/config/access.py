"""`access.yaml`: which role people have, everywhere and in single teams, and what asks for a higher one."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from incident_bot.config.documents import PersonName, Shape, nearest
from incident_bot.config.tree import Tree
from incident_bot.core.access import EVERY_TEAM, Access, Permission, Role
from incident_bot.core.errors import Problem

WordT = TypeVar("WordT", Role, Permission)


def _one_of(kind: type[WordT], called: str) -> BeforeValidator:
    known = {str(one.value): one for one in kind}

    def check(value: object) -> WordT:
        if isinstance(value, str) and value in known:
            return known[value]
        raise ValueError(f'unknown {called} "{value}"{nearest(str(value), known)}')

    return BeforeValidator(check)


def _teams(value: object) -> object:
    """Take one word for all teams."""
    return value if isinstance(value, dict) else {EVERY_TEAM: value}


RoleWord = Annotated[Role, _one_of(Role, "role")]
PermissionWord = Annotated[Permission, _one_of(Permission, "permission")]


class AccessShape(Shape):
    """`rotations/access.yaml`."""

    default: RoleWord = Role.VIEWER
    roles: dict[PersonName, Annotated[dict[str, RoleWord], BeforeValidator(_teams)]] = Field(
        default_factory=dict
    )
    needs: dict[PermissionWord, RoleWord] = Field(default_factory=dict)


def build_access(
    shape: AccessShape | None, tree: Tree | None, teams: frozenset[str] | None, problems: list[Problem]
) -> Access:
    """Give the roles; without the file everybody is what they were before there were any."""
    if shape is None or tree is None:
        return Access()
    for person, roles in shape.roles.items():
        for team in roles.keys() - {EVERY_TEAM}:
            if teams is not None and team not in teams:
                message = f'unknown team "{team}"{nearest(team, teams)}; "{EVERY_TEAM}" is every team'
                problems.append(tree.problem(("roles", person, team), message))
    return Access(written=True, default=shape.default, roles=shape.roles, needs=shape.needs)
