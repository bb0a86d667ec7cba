"""Makes the messages around hand-offs: to people over their own channels, and to channels. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.core.model import JsonObject, Team, Urgency
from incident_bot.flow.configure import Current
from incident_bot.flow.context import Context
from incident_bot.flow.directory import TeamDirectory
from incident_bot.flow.history import Roster
from incident_bot.store.outbox import NewMessage
from incident_bot.store.transaction import Tx

RANKS: Final = {Urgency.HIGH: 0, Urgency.LOW: 9}


class Notices:
    """Writes to people and channels under the configuration in force, for the length of one transaction."""

    def __init__(self, context: Context, tx: Tx, *, current: Current, now: datetime) -> None:
        """Take the transaction and its instant."""
        self._context = context
        self._current = current
        self._now = now
        self._directory = TeamDirectory(
            current.revision,
            "",
            roster=Roster(context.records, current, tx),
            notifiers=context.notifiers,
            default_channel=context.default_channel,
        )

    def to_person(
        self,
        person: str,
        moment: Moment,
        key: str,
        data: JsonObject,
        *,
        urgency: Urgency = Urgency.LOW,
        until: datetime | None = None,
    ) -> list[NewMessage]:
        """Tell one person over the channels that they have for this urgency.

        With `until` by every rule at its own time before then; without it by the first rule's alone, at once.
        """
        rules = self._directory.rules(person, urgency)
        if until is None:
            rules = rules[:1]
        return [
            NewMessage(
                key=f"{key}:{person}:{number}",
                via=rule.by,
                recipient=person,
                person=person,
                moment=moment,
                data=data,
                due_at=self._now + (rule.after if until else timedelta(0)),
                rank=RANKS[urgency],
            )
            for number, rule in enumerate(rules)
            if until is None or not number or self._now + rule.after < until
        ]

    def to_channels(
        self, channels: Iterable[str], moment: Moment, key: str, data: JsonObject
    ) -> list[NewMessage]:
        """Tell channels."""
        return [
            NewMessage(
                key=f"{key}:{channel}",
                via=self._context.default_channel,
                recipient=channel,
                moment=moment,
                data=data,
                due_at=self._now,
            )
            for channel in channels
        ]


def name_of(current: Current, person: str) -> str:
    """Give a person's name; the id of whoever is gone from people.yaml."""
    known = current.revision.people.get(person)
    return known.name if known else person


def teams_of(current: Current, schedule: str) -> list[Team]:
    """Give the teams whose schedule it is."""
    return [team for _, team in sorted(current.revision.teams.items()) if team.schedule == schedule]


def channels_of(current: Current, schedule: str) -> list[str]:
    """Give where a schedule's hand-offs are told: the channel of `handoff:`, else those of its teams."""
    chosen = current.revision.handoff.channel
    if chosen:
        return [chosen]
    teams = teams_of(current, schedule)
    return list(dict.fromkeys(team.slack_channel for team in teams if team.slack_channel))
