"""Who may do what: every role against every permission, for every team; the table is written out and decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_bot.core.access import (
    LEAST,
    Access,
    Permission,
    Reach,
    Role,
    Standing,
    decide,
    givers,
    raised,
    refusal,
    standing,
)
from incident_bot.core.model import Team

TEAMS = (
    Team(id="payments", name="Payments", manager="mia", lead="lea", members=("max",)),
    Team(id="web", name="Web"),
)
SCHEDULED = {"payments": {"sue"}}
WRITTEN = Access(
    written=True,
    default=Role.VIEWER,
    roles={
        "ada": {"*": Role.ADMIN},
        "bob": {"payments": Role.MANAGER, "*": Role.RESPONDER},
        "low": {"payments": Role.VIEWER, "*": Role.RESPONDER},
        "gone": {"*": Role.ADMIN},
        "part": {"web": Role.ADMIN},
    },
)

# Who, and their role for payments, for web, and for every team: with the file, and without it.
WHO: dict[str, tuple[str, str, str, str, str, str]] = {
    "ada": ("admin", "admin", "admin", "responder", "responder", "responder"),
    "bob": ("manager", "responder", "responder", "responder", "responder", "responder"),
    "low": ("viewer", "responder", "responder", "responder", "responder", "responder"),
    "part": ("viewer", "admin", "viewer", "responder", "responder", "responder"),
    "mia": ("manager", "viewer", "viewer", "manager", "responder", "responder"),
    "lea": ("responder", "viewer", "viewer", "manager", "responder", "responder"),
    "max": ("responder", "viewer", "viewer", "responder", "responder", "responder"),
    "sue": ("responder", "viewer", "viewer", "responder", "responder", "responder"),
    "eve": ("viewer", "viewer", "viewer", "responder", "responder", "responder"),
}


@pytest.mark.parametrize("person", WHO)
@pytest.mark.parametrize("written", [True, False])
def test_what_somebody_is(person: str, written: bool) -> None:
    held = standing(person, WRITTEN if written else Access(), TEAMS, SCHEDULED)
    expected = WHO[person][:3] if written else WHO[person][3:]
    assert (held.of("payments"), held.of("web"), held.everywhere) == expected
    assert held.of("nobody's") == held.everywhere


# For each permission: who may at least, and of which teams. Changing a line here is changing who may do what.
MAY: dict[str, tuple[str, str]] = {
    "self.edit": ("viewer", "any"),
    "incident.read": ("viewer", "any"),
    "incident.command": ("viewer", "any"),
    "incident.act": ("responder", "team"),
    "incident.declare": ("responder", "any"),
    "change.tell": ("responder", "any"),
    "schedule.override": ("responder", "team"),
    "calendar.link": ("responder", "any"),
    "maintenance.set": ("responder", "any"),
    "status.publish": ("responder", "team"),
    "postmortem.edit": ("responder", "team"),
    "message.test": ("manager", "any"),
    "config.reload": ("manager", "all"),
    "audit.read": ("manager", "all"),
    "token.manage": ("admin", "all"),
    "people.sign_out": ("admin", "all"),
}


def test_every_permission_is_in_the_table() -> None:
    assert {one.value: (LEAST[one][0].value, LEAST[one][1].value) for one in Permission} == MAY


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_those_below_it_may(role: Role, permission: Permission) -> None:
    least, reach = Role(MAY[permission.value][0]), Reach(MAY[permission.value][1])
    enough = list(Role).index(role) >= list(Role).index(least)
    viewer = least is Role.VIEWER
    here = Standing(everywhere=Role.VIEWER, teams={"payments": role})
    for held, team, expected in (
        (Standing(everywhere=role), "payments", enough),
        (Standing(everywhere=role), None, enough),
        (here, "payments", viewer or (enough and reach is not Reach.ALL)),
        (here, "web", viewer or (enough and reach is Reach.ANY)),
        (here, None, viewer or (enough and reach is not Reach.ALL)),
        (Standing(), "payments", False),
        (Standing(), None, False),
    ):
        assert decide(held, permission, Access(), team=team).allowed is expected, (held, team)


@given(st.sampled_from(Permission), st.sampled_from(Role), st.sampled_from(Role))
def test_what_is_written_asks_for_more_and_never_for_less(
    permission: Permission, written: Role, held: Role
) -> None:
    usual = decide(Standing(everywhere=held), permission, Access())
    asked = decide(Standing(everywhere=held), permission, Access(needs={permission: written}))
    assert asked.needs.rank == max(usual.needs.rank, written.rank)
    assert usual.allowed or not asked.allowed


def test_what_credentials_give_is_the_least() -> None:
    held = raised(Standing(everywhere=Role.VIEWER, teams={"web": Role.MANAGER}), Role.RESPONDER)
    assert held == Standing(everywhere=Role.RESPONDER, teams={"web": Role.MANAGER})
    assert raised(Standing(), Role.ADMIN) == Standing(everywhere=Role.ADMIN)


def test_a_refusal_names_role_team_and_who_gives_it() -> None:
    asked = givers(WRITTEN, {"ada", "bob", "part"})
    assert asked == ("ada",)
    held = standing("eve", WRITTEN, TEAMS, SCHEDULED)
    said = refusal(decide(held, Permission.INCIDENT_ACT, WRITTEN, team="payments"), "eve", asked)
    assert said == (
        "This needs the role responder for the team payments (incident.act); eve is viewer there. "
        "Ask ada to give it in rotations/access.yaml."
    )
    said = refusal(decide(held, Permission.INCIDENT_DECLARE, WRITTEN), "eve", ())
    assert "for one team at least" in said
    assert "Ask whoever keeps the configuration" in said
    said = refusal(decide(Standing(), Permission.AUDIT_READ, WRITTEN), "eve", ())
    assert "manager for every team (audit.read); eve has no role" in said
