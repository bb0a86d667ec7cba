"""What changed outside: told by pipelines, looked up beside an incident. Texts are redacted before they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.model import Episode, Incident
from incident_bot.core.nearby import LOOKED_BACK, OWN, ChangeEvent, Nearby, began, nearby
from incident_bot.core.timeline import one_line, redact
from incident_bot.flow.context import Context
from incident_bot.flow.record_views import NearbyView
from incident_bot.store import change_events, interventions
from incident_bot.store.transaction import LostRace, Tx, Unavailable

KEPT: Final = timedelta(days=90)
AHEAD: Final = timedelta(minutes=10)
"""How far a pipeline's clock may be ahead of ours."""
LOOKED_AT: Final = 1000
KEY_MOST: Final = 200
_RACES_MOST: Final = 5


def tell(context: Context, change: ChangeEvent, *, now: datetime) -> ChangeEvent:
    """Keep a change; the same key of the same teller answers the same. Raises Refused."""
    if change.at > now + AHEAD:
        message = "`at` lies ahead: tell of a change when it is done"
        raise Refused(message)
    if change.at < now - KEPT:
        message = f"`at` is more than {KEPT.days} days ago; nothing so old is kept"
        raise Refused(message)
    if change.key is not None and not 0 < len(change.key) <= KEY_MOST:
        message = f"An Idempotency-Key has 1 to {KEY_MOST} characters."
        raise Refused(message)
    wanted = _safe(change)
    for _ in range(_RACES_MOST):
        try:
            with context.store.write() as tx:
                known = change_events.of_key(tx, wanted.told_by, wanted.key) if wanted.key else None
                if known is not None:
                    return _same(known, wanted)
                change_events.forget(tx, now=now)
                return change_events.add(tx, wanted, forget_at=now + KEPT)
        except LostRace:
            continue
    message = "the same change is being told by others; try again"
    raise Unavailable(message)


def listed(
    context: Context,
    *,
    service: str | None = None,
    team: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[ChangeEvent]:
    """List the changes of `[start, end)`, the last told first."""
    with context.store.read() as tx:
        return change_events.listed(
            tx, service=service, team=team, start=start, end=end, before_id=before, limit=limit
        )


def beside(context: Context, tx: Tx, incident: Incident, episodes: Sequence[Episode]) -> tuple[Nearby, ...]:
    """Give what changed shortly before an incident, the bot's own configuration among it."""
    start, end = began(incident, episodes) - LOOKED_BACK, incident.opened_at
    told = change_events.between(tx, start, end, limit=LOOKED_AT)
    # The first one is the beginning of everything, and no change.
    own = [
        ChangeEvent(
            id=one.number,
            kind="config",
            what=f"configuration {one.id} of this bot applied",
            at=one.activated_at,
            told_by=OWN,
            told_at=one.activated_at,
        )
        for one in interventions.activations(tx)[1:]
        if start <= one.activated_at <= end
    ]
    owners = {name: service.team for name, service in context.live.current.revision.services.items()}
    for team in context.live.current.revision.teams.values():
        owners |= dict.fromkeys(team.services, team.id)
    return nearby([*told, *own], incident, episodes, {name: team for name, team in owners.items() if team})


def views(found: Sequence[Nearby]) -> tuple[NearbyView, ...]:
    """Give what changed before an incident, for readers."""
    return tuple(
        NearbyView(
            id=one.change.id,
            kind=one.change.kind,
            what=one.change.what,
            service=one.change.service,
            who=one.change.who,
            version=one.change.version,
            url=one.change.url,
            at=one.change.at,
            minutes_before=round(one.before / timedelta(minutes=1), 1),
            why=one.why,
        )
        for one in found
    )


def _safe(change: ChangeEvent) -> ChangeEvent:
    def safe(text: str | None) -> str | None:
        return one_line(redact(text)) or None if text else None

    return replace(
        change,
        what=safe(change.what) or "a change",
        who=safe(change.who),
        version=safe(change.version),
        url=safe(change.url),
        labels={name: redact(value) for name, value in change.labels.items()},
    )


def _same(known: ChangeEvent, wanted: ChangeEvent) -> ChangeEvent:
    """Give what was told before; the time of it may be left out the second time."""
    if replace(wanted, id=known.id, told_at=known.told_at, at=known.at) != known:
        message = "This Idempotency-Key was used for another change; use a new one."
        raise Refused(message)
    return known
