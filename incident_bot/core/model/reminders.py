"""What people are reminded of about one incident, and what they have been reminded of already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseRules:
    """`promises:` of `escalation.yaml`."""

    remind_before: timedelta = timedelta(minutes=5)
    """How long before a promised update is due its keeper is reminded; zero is never."""
    nag: bool = True
    """Whether people are told that nobody leads, or that no update was posted at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """That people were reminded of one thing."""

    people: tuple[str, ...] = ()
    """Whom, the first one first; somebody who was told twice stands here twice."""
    at: datetime
    """When this was last so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """What an incident knows of its reminders: whether they are wanted, and which were given."""

    off: bool = False
    until: datetime | None = None
    """They are snoozed until then."""
    promised_at: datetime | None = None
    """When the update that is promised now was promised."""
    promised_by: str | None = None
    told: Mapping[str, Told] = field(default_factory=dict)
    """By subject: `due`, `missed`, `lead`, `update`, `item:3`, or `silence:` with the end of it."""

    def without(self, *subjects: str) -> Mapping[str, Told]:
        """Give what was told of everything else."""
        return {subject: told for subject, told in self.told.items() if subject not in subjects}
