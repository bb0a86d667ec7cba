"""What the settings show: people with roles and channels, ways out with their state, the configuration in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incident_bot.core.access import Permission, Standing, Warrant, decide
from incident_bot.core.model import JsonObject, Person
from incident_bot.flow import health as health_checks
from incident_bot.flow import permissions, trials
from incident_bot.flow.configure import Reloaded
from incident_bot.flow.context import Context
from incident_bot.flow.standings import standings, words
from incident_bot.store import interventions
from incident_bot.store import sessions as rows
from incident_bot.store.interventions import Sought

APPLIED = "config.applied"
REFUSED = "config.refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """One person."""

    id: str
    name: str
    active: bool
    time_zone: str
    roles: tuple[str, ...]
    channels: tuple[str, ...]
    """Those that are set up and reach them."""
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WayView:
    """One way out, or Slack."""

    name: str
    ok: bool
    detail: str
    testable: bool
    """Whether a message can be sent by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationView:
    """The configuration in force."""

    revision: str
    activated_at: datetime
    by: str | None
    """Who had it applied; None where the files changed, or before it was noted."""
    refused: tuple[str, ...]
    """Why the set on disk is not it."""
    warnings: tuple[str, ...]
    files: tuple[tuple[str, int], ...]
    """Path and size in bytes."""


def people(context: Context) -> list[PersonView]:
    """Give everybody of people.yaml, those who are active first, by name."""
    with context.store.read() as tx:
        last = rows.last_sign_ins(tx)
    revision = context.live.current.revision
    held = standings(revision)
    found = [
        _person(context, one, held.get(one.id, Standing()), last.get(one.id))
        for one in revision.people.values()
    ]
    return sorted(found, key=lambda one: (not one.active, one.name.casefold()))


def ways(context: Context, *, now: datetime) -> list[WayView]:
    """Give each way out, Slack, and what else is connected, with its state as the health page has it."""
    found = []
    for check in health_checks.health(context, now=now).checks:
        kind, _, name = check.name.partition(" ")
        if kind == "channel" or kind in ("heartbeat", "slack", "paging"):
            channel = kind == "channel"
            found.append(
                WayView(
                    name=name if channel else check.name,
                    ok=check.ok,
                    detail=check.detail,
                    testable=channel and name in context.notifiers,
                )
            )
    return found


def configuration(context: Context) -> ConfigurationView:
    """Give the configuration in force, and why a newer set was refused."""
    current = context.live.current
    with context.store.read() as tx:
        applied = interventions.audit(tx, Sought(action=APPLIED), limit=1)
    newest = applied[0] if applied else None
    mine = newest is not None and (newest.after or {}).get("revision") == current.revision.id
    documents = current.revision.documents
    return ConfigurationView(
        revision=current.revision.id,
        activated_at=current.activated_at,
        by=newest.actor if newest is not None and mine else None,
        refused=tuple(str(one) for one in context.live.problems),
        warnings=tuple(str(one) for one in current.revision.problems),
        files=tuple((path, len(text.encode(errors="replace"))) for path, text in sorted(documents.items())),
    )


def reload(context: Context, *, by: str, now: datetime) -> Reloaded:
    """Apply the configuration on disk whole, or not at all; who asked for it is in the audit, and what came of it."""
    before: JsonObject = {"revision": context.live.current.revision.id}
    done = context.live.reload(now=now, by=by)
    if done.ok and not done.changed:
        return done
    after: JsonObject = {"revision": done.revision}
    data: JsonObject = {} if done.ok else {"problems": list(done.problems[:20])}
    with context.store.write() as tx:
        interventions.record(
            tx, by, APPLIED if done.ok else REFUSED, data, before=before, after=after, now=now
        )
    return done


def _person(context: Context, one: Person, held: Standing, last: datetime | None) -> PersonView:
    return PersonView(
        id=one.id,
        name=one.name,
        active=one.active,
        time_zone=one.time_zone,
        roles=words(held),
        channels=tuple(trials.reaching(context, one)),
        signed_in_at=last,
    )


def permits(context: Context, warrant: Warrant) -> frozenset[Permission]:
    """Give everything that somebody may do for some team at least."""
    held, access = permissions.standing_of(context, warrant), context.live.current.revision.access
    return frozenset(one for one in Permission if decide(held, one, access).allowed)
