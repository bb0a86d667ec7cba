"""`split`: alerts leave an alert storm's incident for one of their own, in one transaction (I12).

The locks are those of `dup`: the intake's first, as it writes the episodes that move, then the incidents'.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident import AlertsAttached, Opening, SplitOff, need_storm, observe, open_incident
from incident_bot.core.model import Episode, Incident, Status
from incident_bot.core.routing import KEY_MOST, title
from incident_bot.core.storm import UNNAMED
from incident_bot.flow.commands.merging import Joining
from incident_bot.flow.placed import attached
from incident_bot.flow.sight import load
from incident_bot.flow.triage import Triage
from incident_bot.store import alerts, incidents

NAMES_SHOWN: Final = 8


def split(joining: Joining) -> tuple[str, int]:
    """Take one alert, or all of one name, out of a storm; gives what to answer, and the incident that they are on."""
    ledger, tx = joining.ledger, joining.ledger.tx
    tx.lock_intake()
    storm = ledger.incident(load(tx, joining.number, lock=True))
    need_storm(storm)
    firing = [one for one in alerts.episodes_of_incident(tx, storm.id) if one.status is Status.FIRING]
    mine, reason = _chosen(joining.rest, firing, storm)
    new = _goes_on(joining, storm, mine)
    alerts.move_episodes(tx, [episode.id for episode in mine], new.id)
    command = SplitOff(
        into=new.id,
        alerts=tuple(attached(episode) for episode in mine),
        still_firing=len(firing) - len(mine),
        reason=reason,
    )
    decision = joining.decide(command, storm)
    ledger.take(decision)
    ledger.flush()
    return decision.said, new.id


def _goes_on(joining: Joining, storm: Incident, mine: Sequence[Episode]) -> Incident:
    """Give the incident that has them from now on: the open one of their key, or a new one."""
    ledger = joining.ledger
    revision, tx = ledger.current.revision, ledger.tx
    keys = {ledger.current.ways.of(episode).key_of(episode) for episode in mine}
    together = f"split/{storm.name}/{_name(mine[0])}"[:KEY_MOST]
    key = keys.pop() if len(keys) == 1 else together
    ladder = revision.ladder
    severity = ladder.worst(tuple(one.severity or "" for one in mine)) or ladder.rungs[-1]
    told = tuple(attached(episode) for episode in mine)
    # What was taken out of this storm before by the same name is joined, even by a single one.
    there = incidents.open_by_keys(tx, {key, together})
    known = there.get(together) or there.get(key)
    if known is not None:
        joins = AlertsAttached(alerts=told, policy=ledger.policy(severity, known.team))
        known = ledger.incident(known)
        ledger.take(observe(joins, known, rules=revision.rules, now=joining.now))
    else:
        first = next((one for one in mine if one.severity == severity.name), mine[0])
        held = Triage(ledger).held_back(mine)
        team = first.team or storm.team
        opening = Opening(
            key=key,
            title=title(first.labels, first.annotations),
            severity=severity.name,
            team=team,
            service=first.service,
            runbook=first.runbook,
            policy=ledger.policy(severity, team),
            revision=revision.id,
            opened_by=joining.actor,
            source=joining.source,
            alerts=told,
            reason=f"taken out of the storm {storm.name}",
            paused_reason=held.reason if held else None,
            paused_until=held.until if held else None,
        )
        ledger.take(open_incident(opening, now=joining.now))
    saved = ledger.flush()
    return next(one for one in saved if one.key in (key, together))


def _chosen(rest: str, firing: Sequence[Episode], storm: Incident) -> tuple[list[Episode], str | None]:
    """Find what `Name [reason]` or `number [reason]` means; else raises Refused with what there is."""
    word, _, more = rest.strip().partition(" ")
    for wanted, reason in ((rest.strip(), None), (word, more.strip() or None)):
        number = wanted.lstrip("#")
        mine = [one for one in firing if number.isdecimal() and str(one.id) == number]
        mine = mine or [one for one in firing if wanted and _name(one).casefold() == wanted.casefold()]
        if mine:
            return mine, reason
    names = sorted({_name(one) for one in firing})
    shown = ", ".join(names[:NAMES_SHOWN]) + (" …" if len(names) > NAMES_SHOWN else "")
    there = f"{storm.name} has: {shown}" if names else f"nothing of {storm.name} fires"
    raise Refused(
        f"Which alert? Type its name or its number, such as `split {names[0] if names else 'NAME'}`; {there}."
    )


def _name(episode: Episode) -> str:
    return episode.labels.get("alertname") or UNNAMED
