"""Asks Prometheus whether the conditions of follow-ups hold: once a week each, one at a time, never in a transaction.

A condition holds where it gives something and no value of it is zero; one that gives nothing does not hold, as
comparisons leave out what they are false for. Where no answer can be had nothing changes.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.errors import Refused
from incident_bot.core.incident import ProveFollowUp, decide
from incident_bot.core.model import Incident, Item, ItemKind, Paging, Phase
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.prometheus_api import Prometheus, PrometheusError, Samples
from incident_bot.store import alerts, incidents, papers
from incident_bot.store.papers import Proof
from incident_bot.store.transaction import Tx

EVERY: Final = timedelta(days=7)
LEASE: Final = timedelta(minutes=2)
AGAIN: Final = timedelta(minutes=10)
TRIES_MOST: Final = 3
"""How often it is asked in a row when no answer comes, before it waits for the next week."""
ACTOR: Final = "followups"
NOWHERE: Final = "no source has a prometheus_url in routing.yaml"

log = structlog.get_logger(__name__)


def step(context: Context, *, now: datetime) -> int:
    """Ask the condition that is due for longest; gives how many were asked."""
    if context.sealed:
        return 0
    with context.store.read() as tx:
        due = papers.next_proof(tx)
    if due is None or due > now:
        return 0
    with context.store.write() as tx:
        proof = papers.claim(tx, until=now + LEASE, now=now)
        item = _item(tx, proof) if proof else None
        prometheus = _prometheus(context, tx, proof.incident_id) if proof else None
        if proof is not None and item is None:
            papers.settle(tx, proof, holds=proof.holds, said="it is not asked any more", due_at=None, now=now)
    if proof is None:
        return 0
    if item is not None:
        _ask(context, proof, prometheus, now=now)
    return 1


def _ask(context: Context, proof: Proof, prometheus: Prometheus | None, *, now: datetime) -> None:
    if prometheus is None:
        _settle(context, proof, holds=proof.holds, said=NOWHERE, due_at=now + EVERY, now=now)
        return
    try:
        found = prometheus.query(proof.query, at=now)
    except PrometheusError as error:
        tries = proof.attempts + 1
        waits = EVERY if error.lasting or tries >= TRIES_MOST else AGAIN * tries
        attempts = 0 if waits == EVERY else tries
        log.info("a follow-up's condition was not answered", incident=proof.incident_id, error=str(error))
        _settle(
            context, proof, holds=proof.holds, said=str(error), due_at=now + waits, attempts=attempts, now=now
        )
        return
    holds = bool(found.samples) and all(one.value is not None and one.value != 0 for one in found.samples)
    _settle(context, proof, holds=holds, said=_said(found), due_at=now + EVERY, proves=True, now=now)


def _settle(
    context: Context,
    proof: Proof,
    *,
    holds: bool | None,
    said: str,
    due_at: datetime,
    attempts: int = 0,
    proves: bool = False,
    now: datetime,
) -> None:
    """Note what came of it; what is proven, or not any more, changes the follow-up in the same transaction."""
    with context.store.write() as tx:
        papers.settle(tx, proof, holds=holds, said=said, due_at=due_at, attempts=attempts, now=now)
        if not proves or holds is None:
            return
        incident = incidents.get(tx, proof.incident_id, lock=True)
        if incident is None:
            return
        ledger = Ledger(context, tx, now=now)
        command = ProveFollowUp(number=proof.number, holds=holds, said=said)
        rules = ledger.current.revision.rules
        try:
            decision = decide(command, incident, actor=ACTOR, source="worker", rules=rules, now=now)
        except Refused:
            # It was merged meanwhile: its follow-ups stand where they are.
            return
        if decision.events:
            ledger.take(decision)
            ledger.flush()
    context.signals.changed()


def _item(tx: Tx, proof: Proof) -> Item | None:
    """Give the follow-up of a condition; None where nobody wants to know any more."""
    incident: Incident | None = incidents.get(tx, proof.incident_id)
    if incident is None or incident.phase is Phase.CANCELLED or incident.paging is Paging.MERGED:
        return None
    return next(
        (one for one in incident.items if one.number == proof.number and one.kind is ItemKind.FOLLOWUP), None
    )


def _prometheus(context: Context, tx: Tx, number: int) -> Prometheus | None:
    """Give the Prometheus of the incident's own source, else the first there is."""
    own = {episode.source for episode in alerts.list_episodes(tx, incident_id=number, limit=20)}
    known = [one for one in context.live.current.revision.sources if one.prometheus_url]
    source = next((one for one in known if one.name in own), known[0] if known else None)
    if source is None:
        return None
    variable = source.prometheus_token_env
    credentials = os.environ.get(variable) if variable else None
    return Prometheus(context.client, url=source.prometheus_url or "", credentials=credentials)


def _said(found: Samples) -> str:
    if not found.samples:
        return "it gives nothing"
    first = found.samples[0].value
    shown = "no number" if first is None else f"{first:g}"
    more = len(found.samples) + found.more - 1
    return f"it gives {shown}{f' and {more} more' if more else ''}"
