"""What each person is under one revision, and what changed from one to the next. Pure but for its types."""

from __future__ import annotations

from collections.abc import Mapping

from incident_bot.config.revision import Revision
from incident_bot.core.access import Standing, standing
from incident_bot.core.model import Json, JsonObject


def scheduled(revision: Revision) -> Mapping[str, frozenset[str]]:
    """Give who is on the schedule of each team that has one."""
    schedules = revision.schedules
    return {
        team.id: schedules[team.schedule].people
        for team in revision.teams.values()
        if team.schedule is not None and team.schedule in schedules
    }


def standings(revision: Revision) -> Mapping[str, Standing]:
    """Give what every active person is."""
    on_schedule, teams = scheduled(revision), tuple(revision.teams.values())
    return {
        person.id: standing(person.id, revision.access, teams, on_schedule)
        for person in revision.people.values()
        if person.active
    }


def words(held: Standing) -> tuple[str, ...]:
    """Say what somebody is, for every team and for single ones."""
    every = (f"{held.everywhere.value} of every team",) if held.everywhere else ()
    return every + tuple(f"{role.value} of {team}" for team, role in sorted(held.teams.items()))


def changed(before: Revision, after: Revision) -> tuple[JsonObject, JsonObject] | None:
    """Give the roles that differ, by person, as they were and as they are; None where none does.

    Whoever is not active, or not there, is nothing.
    """
    was, now = standings(before), standings(after)
    different = sorted(person for person in was.keys() | now.keys() if was.get(person) != now.get(person))
    if not different:
        return None
    return _said(was, different), _said(now, different)


def _said(held: Mapping[str, Standing], people: list[str]) -> JsonObject:
    told: dict[str, Json] = {person: list(words(held.get(person, Standing()))) for person in people}
    return told
