"""Stage 6: the closed set of outside actions that a decision may cause, their keys, and when to try again.

A decision returns effects; `store` writes them as rows in the decision's own transaction; `flow.deliver` acts on the
rows later. Nothing here acts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from incident_bot.core.model import JsonObject, SilenceMatchers, Urgency

BACKOFF_FIRST: Final = timedelta(seconds=2)
PAGE_BACKOFF_MOST: Final = timedelta(seconds=30)
"""A page is tried at least this often: somebody waits to be woken."""
MESSAGE_BACKOFF_MOST: Final = timedelta(minutes=5)
PAGE_PATIENCE: Final = timedelta(minutes=5)
"""S5: how long after its due time a page is given up, where its step does not say sooner."""
MESSAGE_PATIENCE: Final = timedelta(hours=1)
ATTEMPTS_LEAST: Final = 3
"""What is sent late, or has hardly any time, is still tried this often before it is given up."""
DEATHS_MOST: Final = 10
"""Whose senders died this often, long after its time, may be what kills them: it is given up untried."""
_DOUBLED_MOST: Final = 16
_ALERT_KEY: Final = re.compile(
    r"incident-bot/(?P<incident>INC-[0-9]{1,18})/(?P<opened>[0-9]{8}T[0-9]{6}Z)/(?P<epoch>[0-9]{1,9})/(?P<service>.+)"
)


class PageKind(StrEnum):
    """Why a page exists; anything but `step` is named on the page's row (P13)."""

    STEP = "step"
    FALLBACK = "fallback"
    LAST_RESORT = "last_resort"
    DIRECT = "direct"
    ASK = "ask"
    """Still on it? For whoever has the incident."""
    NOTE = "note"
    """For whoever was paged by a call that was on its way when somebody took the incident (P3)."""


class Moment(StrEnum):
    """What a message to a channel tells."""

    OPENED = "opened"
    UPDATE = "update"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    FLAPPING = "flapping"
    """Its alerts begin and end too often: re-fires page nobody for a while (I11)."""
    NOTIFY = "notify"
    """An alert whose route says `notify`: one message to the team's channel, nobody is paged."""
    POSTMORTEM = "postmortem"
    META = "meta"
    """The bot speaks about itself."""
    HANDOFF = "handoff"
    """Other people are on call from now on."""
    TAP = "tap"
    """Somebody whose shift is about to begin is asked whether they are reachable."""
    UNTAPPED = "untapped"
    """They did not say so in time."""
    SWAP = "swap"
    """An offer of a shift, or what became of one."""
    MOVED = "moved"
    """Hand-offs moved because the rules of the world's clocks changed (R3)."""
    NUDGE = "nudge"
    """One person is told or asked something about an incident that they have a part in; it is no page."""
    PAGER = "pager"
    """A paging service is told what became of an incident that it pages for."""
    CHANGE = "change"
    """A paging service is told that another configuration is in force."""
    EDIT = "edit"
    """A message that stands already is brought up to date, in its place."""
    REMINDER = "reminder"
    """Somebody is reminded of a promised update, or of what is missing."""
    MISSED = "missed"
    """A promised update has not come."""
    DIGEST = "digest"
    """What a team's alerts were worth in the past week."""


class TimerKind(StrEnum):
    """What falls due."""

    STEP = "step"
    SNOOZE = "snooze"
    ACK = "ack"
    """An acknowledgement is to be confirmed."""
    HOLD = "hold"
    """All episodes of an incident ended; resolve after the hold."""
    EPISODE = "episode"
    """A held episode is looked at again."""
    REFIRE = "refire"
    """A firing that repeated a just-closed episode was held (I6)."""
    MAINTENANCE = "maintenance"
    """A maintenance window begins."""
    RECONCILE = "reconcile"
    RETRY_DELIVERY = "retry_delivery"
    HANDOFF = "handoff"
    """A schedule's next hand-off, or what comes before it."""
    HEARTBEAT = "heartbeat"
    """A source's heartbeat should have come by now."""
    FLAPPING = "flapping"
    """An incident flaps no longer, unless something changes before (I11)."""
    OFFER = "offer"
    """The lead was offered to somebody who has not answered."""
    WATCH = "watch"
    """An incident was resolved by hand while alerts fired: do they still?"""
    PROMISE = "promise"
    """Somebody is to be reminded of what an incident owes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One logical page: reach this person by this channel for this step (P4: once)."""

    person: str
    via: str
    kind: PageKind
    epoch: int
    loop: int
    step: int
    due_at: datetime
    urgency: Urgency
    reason: str
    patience: timedelta = PAGE_PATIENCE
    """How long after its due time it is given up (S5)."""

    @property
    def give_up_at(self) -> datetime:
        """Give the instant of the last try."""
        return self.due_at + self.patience

    def key(self, incident_id: int) -> str:
        """Give the unique key of rule P4."""
        place = f"{self.step}" if self.kind is PageKind.STEP else f"{self.kind.value}.{self.step}"
        return f"page:{incident_id}:{self.epoch}:{self.loop}:{place}:{self.person}:{self.via}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertKey:
    """What a paging service knows an incident by (S2): the same for every event of one epoch.

    A service keeps quiet about what was acknowledged there, whatever comes later, so paging that begins again is a new
    alert to it. Its word about an alert of an earlier epoch is inert, as everything of an earlier epoch is (P6).
    """

    incident: str
    """`INC-42`."""
    opened_at: datetime
    """Keeps the alerts of two installations apart that page by the same service."""
    epoch: int
    service: str
    """Its name here: the part of the target behind the slash."""

    def __str__(self) -> str:
        """Write it: `incident-bot/INC-42/20260303T030000Z/1/default`."""
        return f"incident-bot/{self.incident}/{self.opened_at:%Y%m%dT%H%M%SZ}/{self.epoch}/{self.service}"

    @classmethod
    def read(cls, text: str) -> AlertKey | None:
        """Read what `str` wrote; None for the keys of others."""
        found = _ALERT_KEY.fullmatch(text)
        if found is None:
            return None
        try:
            opened_at = datetime.strptime(found["opened"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(
            incident=found["incident"],
            opened_at=opened_at,
            epoch=int(found["epoch"]),
            service=found["service"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPages:
    """Take back what has not been sent, of one person or of everybody."""

    reason: str
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Tell the channels whose announcement rules ask for this moment."""

    moment: Moment
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudge:
    """Tell one person something by their first way for this urgency. No page: it stops nothing and is sent once."""

    person: str
    text: str
    todo: str
    """What to type."""
    urgency: Urgency = Urgency.LOW


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Have this looked at when it falls due; one timer of a kind per incident, the newest wins."""

    kind: TimerKind
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTimers:
    """Forget these timers of the incident."""

    kinds: tuple[TimerKind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSilence:
    """Have the source of alerts hold this silence; asked again with its number, it is changed."""

    number: int
    source: str
    matchers: SilenceMatchers
    ends_at: datetime
    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftSilences:
    """Have these silences of the incident lifted where they are."""

    numbers: tuple[int, ...]
    reason: str


Effect: TypeAlias = Page | CancelPages | Announce | Nudge | SetTimer | StopTimers | AskSilence | LiftSilences


def try_again_at(
    attempt: int,
    *,
    give_up_at: datetime,
    most: timedelta,
    asked: timedelta | None,
    chance: float,
    now: datetime,
) -> datetime | None:
    """Say when to try again after failed attempt number `attempt` (from 1), or None to give up (S5).

    The waits double up to `most`, with jitter: `chance` in [0, 1) is drawn by the caller. A provider's Retry-After
    (`asked`) is a floor; one that is longer than what is left gives up at once. The last try is at `give_up_at`.
    """
    if asked is not None and now + asked > give_up_at:
        return None
    ceiling: timedelta = min(BACKOFF_FIRST * 2 ** min(attempt - 1, _DOUBLED_MOST), most)
    again = now + max(ceiling * (0.5 + chance / 2), asked or timedelta(0))
    if now < give_up_at:
        return min(again, give_up_at)
    return again if attempt < ATTEMPTS_LEAST else None
