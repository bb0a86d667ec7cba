"""Schedules of PagerDuty's as targets: asked every few minutes, kept in the database, never asked while paging.

One replica asks at a time, by the timer's row. Where PagerDuty does not answer, what it said last counts on, and
whoever is paged by it reads how old that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.model import Person
from incident_bot.core.oncall.mirrored import Mirror, unknown_users
from incident_bot.flow.context import Context
from incident_bot.flow.views import CheckView
from incident_bot.outgoing import CallFailed
from incident_bot.sources.pagerduty_oncall import DEFAULT_URL, read_on_call
from incident_bot.store import mirrors
from incident_bot.store.transaction import Tx

EVERY: Final = timedelta(minutes=5)
AHEAD: Final = timedelta(days=14)
PREFIX: Final = "pagerduty/"
"""Before the id, as the name of what a timer has compared; no source has a slash in its name."""

log = structlog.get_logger(__name__)


def names(context: Context) -> list[str]:
    """Give what is to be asked for, by the names of timers; none without a key, or where nothing outside is asked."""
    if context.sealed or context.settings.pagerduty_api_key is None:
        return []
    return sorted({f"{PREFIX}{one}" for one in context.live.current.revision.pagerduty_schedules.values()})


def refresh(context: Context, name: str, *, now: datetime) -> Mirror:
    """Ask for one schedule and keep the answer; without one what was known stays, with the reason."""
    schedule = name.removeprefix(PREFIX)
    key = context.settings.pagerduty_api_key
    try:
        stretches = read_on_call(
            context.client,
            schedule,
            url=context.settings.pagerduty_api_url or DEFAULT_URL,
            key=key.get_secret_value() if key else "",
            since=now,
            until=now + AHEAD,
        )
    except CallFailed as problem:
        log.warning("a schedule of PagerDuty's could not be read", schedule=schedule, error=str(problem))
        with context.store.write() as tx:
            found = replace(mirrors.mirrors(tx, [schedule])[schedule], error=str(problem))
            mirrors.save_mirror(tx, found)
        return found
    found = Mirror(schedule=schedule, asked_at=now, stretches=stretches)
    with context.store.write() as tx:
        mirrors.save_mirror(tx, found)
    return found


def checks(context: Context, tx: Tx, *, now: datetime) -> list[CheckView]:
    """Say of each schedule how old it is, and which users of PagerDuty's stand for nobody here."""
    revision = context.live.current.revision
    ids = sorted(set(revision.pagerduty_schedules.values()))
    if not ids:
        return []
    found = list(mirrors.mirrors(tx, ids).values())
    views = [_check(context, one, now=now) for one in found]
    known = frozenset(by_user(tuple(revision.people.values())))
    lacking = unknown_users(found, known, now=now)
    if lacking:
        named = ", ".join(f"{user} ({name})" for user, name in lacking[:10])
        detail = f"on call there and in no entry of people.yaml: {named}; write pagerduty: {lacking[0][0]}"
        views.append(CheckView(name="pagerduty users", ok=False, detail=detail))
    return views


def by_user(people: Sequence[Person]) -> dict[str, str]:
    """Give the people by their user id at PagerDuty."""
    return {
        one.contacts["pagerduty"]: one.id for one in people if one.active and one.contacts.get("pagerduty")
    }


def _check(context: Context, mirror: Mirror, *, now: datetime) -> CheckView:
    old = mirror.is_old(now=now)
    said = f"read {mirror.asked_at:%Y-%m-%d %H:%M} UTC" if mirror.asked_at else "never read"
    error = mirror.error
    if context.settings.pagerduty_api_key is None:
        error = "PAGERDUTY_API_KEY is not set"
    return CheckView(
        name=f"pagerduty schedule {mirror.schedule}", ok=not old, detail=f"{said}; {error}" if error else said
    )
