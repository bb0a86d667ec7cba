"""Resolves an escalation's targets to people, and people to the channels that are set up, under one revision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from incident_bot.config.revision import Revision
from incident_bot.core.escalation import QuietHours, Reached
from incident_bot.core.model import ContactRule, Person, Target, TargetKind, Team, Urgency, paging_service
from incident_bot.flow.history import Roster
from incident_bot.notifiers.base import Notifier


class TeamDirectory:
    """Answers for one team: the `Directory` that `core.escalation` asks. Remembers answers for one instant."""

    def __init__(
        self,
        revision: Revision,
        team: str,
        *,
        roster: Roster,
        notifiers: Mapping[str, Notifier],
        default_channel: str,
    ) -> None:
        """Take the revision in force, the incident's team, who answers, and the ways out that are wired."""
        self._revision = revision
        self._roster = roster
        self._team: Team | None = revision.teams.get(team)
        self._notifiers = notifiers
        self._default = default_channel
        self._inactive = frozenset(person.id for person in revision.people.values() if not person.active)
        self._known: dict[tuple[Target, datetime], tuple[Reached, ...]] = {}

    def reach(self, target: Target, *, now: datetime) -> tuple[Reached, ...]:
        """Give whom a target means now, in order, with the reason (R1); empty where nobody."""
        known = self._known.get((target, now))
        if known is None:
            known = self._known[target, now] = tuple(
                reached
                for reached in self._resolve(target, now)
                if paging_service(reached.person)
                or (reached.person in self._revision.people and reached.person not in self._inactive)
            )
        return known

    def rules(self, person: str, urgency: Urgency) -> tuple[ContactRule, ...]:
        """Give the person's own rules, else the default ones, less the channels that are not set up.

        Where none is left, the default channel at once: a page is never lost for want of a channel.
        """
        service = paging_service(person)
        if service is not None:
            return self._service_rules(service)
        entry = self._revision.people.get(person)
        if entry is None:
            return ()
        wanted = entry.rules.get(urgency) or self._revision.matrix.rules.get(urgency, ())
        usable = tuple(
            rule for rule in wanted if rule.by in self._notifiers and self._notifiers[rule.by].reaches(entry)
        )
        if usable:
            return usable
        fallback = self._notifiers.get(self._default)
        return (
            (ContactRule(by=self._default, after=timedelta(0)),)
            if fallback and fallback.reaches(entry)
            else ()
        )

    def quiet(self, person: str) -> QuietHours | None:
        """Give the person's own quiet hours, else those of everybody, on the person's clock."""
        return self._revision.quiet_hours.get(person)

    def away(self, person: str, *, now: datetime) -> bool:
        """Say whether any schedule has the person absent at an instant: leave is a person's, not a schedule's."""
        return any(
            absence.person == person and absence.start <= now < absence.end
            for schedule in self._revision.schedules.values()
            for absence in schedule.absences
        )

    def _service_rules(self, service: Person) -> tuple[ContactRule, ...]:
        """Give the one way to a paging service; nothing stands in for it, so that the step counts as empty."""
        way = self._notifiers.get(TargetKind.PAGERDUTY)
        return (ContactRule(by=TargetKind.PAGERDUTY.value),) if way and way.reaches(service) else ()

    def _resolve(self, target: Target, now: datetime) -> tuple[Reached, ...]:
        team = self._team
        kind = target.kind
        if kind is TargetKind.PERSON:
            return (Reached(person=target.name, why="named in the escalation policy"),)
        if kind is TargetKind.PAGERDUTY and target.name in self._revision.pagerduty_schedules:
            return self._at_pagerduty(self._revision.pagerduty_schedules[target.name], now)
        if kind is TargetKind.PAGERDUTY:
            return (Reached(person=str(target), why="named in the escalation policy"),)
        if kind is TargetKind.SCHEDULE:
            return self._on_call(target.name, now)
        if kind is TargetKind.TEAM:
            other = self._revision.teams.get(target.name)
            return self._on_call(other.schedule, now) if other else ()
        if team is None:
            return ()
        if kind is TargetKind.ON_CALL:
            return self._on_call(team.schedule, now)
        if kind is TargetKind.LEAD:
            return (Reached(person=team.lead, why=f"lead of {team.name}"),) if team.lead else ()
        if kind is TargetKind.MANAGER:
            return (Reached(person=team.manager, why=f"manager of {team.name}"),) if team.manager else ()
        return tuple(Reached(person=member, why=f"member of {team.name}") for member in team.members)

    def _at_pagerduty(self, schedule: str, now: datetime) -> tuple[Reached, ...]:
        """Give the people behind the users on call there, less those who stand for nobody here: health names them."""
        mirror = self._roster.mirror(schedule)
        people = {
            one.contacts.get("pagerduty"): one.id for one in self._revision.people.values() if one.active
        }
        return tuple(
            Reached(person=people[one.user], why=mirror.why(one, now=now))
            for one in mirror.who(now)
            if one.user in people
        )

    def _on_call(self, name: str | None, now: datetime) -> tuple[Reached, ...]:
        if name is None:
            return ()
        answers = self._roster.who(name, now)
        return tuple(Reached(person=answer.person, why=f"on call, {answer.why}") for answer in answers)


class Directories:
    """One directory a team, for the length of one transaction."""

    def __init__(
        self,
        revision: Revision,
        *,
        roster: Roster,
        notifiers: Mapping[str, Notifier],
        default_channel: str,
    ) -> None:
        """Take what every directory needs."""
        self._revision = revision
        self._roster = roster
        self._notifiers = notifiers
        self._default = default_channel
        self._teams: dict[str, TeamDirectory] = {}

    def of(self, team: str) -> TeamDirectory:
        """Give the team's directory."""
        if team not in self._teams:
            self._teams[team] = TeamDirectory(
                self._revision,
                team,
                roster=self._roster,
                notifiers=self._notifiers,
                default_channel=self._default,
            )
        return self._teams[team]
