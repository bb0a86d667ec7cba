"""Incidents and events as rows, both ways."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from incident_bot.core.model import (
    ComponentState,
    Event,
    Flapping,
    FlappingRule,
    FollowUpType,
    Incident,
    Item,
    ItemKind,
    Json,
    Kind,
    LeadOffer,
    Outcome,
    Paging,
    Phase,
    Progress,
    Public,
    Reminders,
    Review,
    ReviewState,
    Running,
    Silence,
    SilenceState,
    Tick,
    Told,
)
from incident_bot.store.tables import incident as table
from incident_bot.store.types import Found

_PROGRESS: Final = ("epoch", "loop", "step", "next_at", "started_at", "fell_back", "reached")
_OTHERWISE: Final = frozenset(
    {
        *_PROGRESS,
        "key_hash",
        "open_hash",
        "phase",
        "paging",
        "called",
        "taken",
        "running",
        "roles",
        "items",
        "policy",
        "responders",
        "flapping",
        "offer",
        "ticks",
        "reminders",
        "silences",
        "public",
        "review",
        "review_state",
        "review_owner",
        "review_due",
        "followups",
    }
)
_SAME: Final = tuple(column.name for column in table.c if column.name not in _OTHERWISE)
"""The columns that hold an incident's field of the same name as it is."""


def key_hash(key: str) -> str:
    """Give the short form of an incident key that is indexed."""
    return hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def incident_row(incident: Incident) -> tuple[Any, ...]:
    """Give the incident as a row as wide as the table."""
    progress = incident.progress
    columns = {name: getattr(incident, name) for name in _SAME}
    columns.update((name, getattr(progress, name)) for name in _PROGRESS)
    hashed = key_hash(incident.key)
    columns.update(
        key_hash=hashed,
        open_hash=hashed if incident.paging.is_open else None,
        phase=incident.phase.value,
        paging=incident.paging.value,
        running=progress.state.value,
        roles=dict(incident.roles),
        items=[_item_json(item) for item in incident.items],
        policy=incident.policy,
        responders=list(incident.responders),
        # Most incidents have neither; None is what rows from before these columns have.
        called=list(progress.called) or None,
        taken=list(progress.taken) or None,
        flapping=_flapping_json(incident.flapping),
        offer=_offer_json(incident.offer),
        ticks=[_tick_json(tick) for tick in incident.ticks] or None,
        reminders=_reminders_json(incident.reminders),
        silences=[_silence_json(silence) for silence in incident.silences] or None,
        public=_public_json(incident.public),
        **_papers(incident),
    )
    return tuple(columns[column.name] for column in table.c)


def incident_value(row: Found) -> Incident:
    """Give the incident that a row of the whole table holds."""
    columns = row._mapping  # noqa: SLF001 - public in SQLAlchemy despite its name
    return Incident(
        **{name: columns[name] for name in _SAME},
        phase=Phase(columns["phase"]),
        paging=Paging(columns["paging"]),
        roles=columns["roles"],
        items=tuple(_item_value(item) for item in columns["items"]),
        progress=Progress(
            state=Running(columns["running"]),
            called=tuple(columns["called"] or ()),
            taken=tuple(columns["taken"] or ()),
            **{name: columns[name] for name in _PROGRESS},
        ),
        policy=columns["policy"],
        responders=tuple(columns["responders"]),
        flapping=_flapping_value(columns["flapping"]),
        offer=_offer_value(columns["offer"]),
        ticks=tuple(_tick_value(tick) for tick in columns["ticks"] or ()),
        reminders=_reminders_value(columns["reminders"]),
        silences=tuple(_silence_value(silence) for silence in columns["silences"] or ()),
        public=_public_value(columns["public"]),
        review=_review_value(columns["review"]),
    )


def _papers(incident: Incident) -> dict[str, Any]:
    """Give what lists of post-mortems and follow-ups look at."""
    review = incident.review
    counted = sum(item.kind is ItemKind.FOLLOWUP for item in incident.items)
    return {
        "review": _review_json(review),
        "review_state": review.state.value if review else None,
        "review_owner": review.owner if review else None,
        "review_due": review.due if review else None,
        "followups": counted or None,
    }


def _review_json(review: Review | None) -> dict[str, Json] | None:
    if review is None:
        return None
    return {
        "state": review.state.value,
        "owner": review.owner,
        "reviewers": list(review.reviewers),
        "due": _written(review.due),
        "by_hand": review.by_hand,
        "since": review.since.isoformat(),
        "approved_by": review.approved_by,
        "reason": review.reason,
    }


def _review_value(found: Mapping[str, Any] | None) -> Review | None:
    if found is None:
        return None
    return Review(
        state=ReviewState(found["state"]),
        owner=found["owner"],
        reviewers=tuple(found["reviewers"]),
        due=_read(found["due"]),
        by_hand=found["by_hand"],
        since=datetime.fromisoformat(found["since"]),
        approved_by=found["approved_by"],
        reason=found["reason"],
    )


def _tick_json(tick: Tick) -> dict[str, Json]:
    return {"number": tick.number, "text": tick.text, "by": tick.by, "at": tick.at.isoformat()}


def _tick_value(found: Mapping[str, Any]) -> Tick:
    at = datetime.fromisoformat(found["at"])
    return Tick(number=found["number"], text=found["text"], by=found["by"], at=at)


def _silence_json(silence: Silence) -> dict[str, Json]:
    return {
        "number": silence.number,
        "source": silence.source,
        "matchers": [list(pair) for pair in silence.matchers],
        "ends_at": silence.ends_at.isoformat(),
        "asked_at": silence.asked_at.isoformat(),
        "asked_by": silence.asked_by,
        "reason": silence.reason,
        "state": silence.state.value,
        "outcome": silence.outcome,
    }


def _silence_value(found: Mapping[str, Any]) -> Silence:
    return Silence(
        number=found["number"],
        source=found["source"],
        matchers=tuple((name, value) for name, value in found["matchers"]),
        ends_at=datetime.fromisoformat(found["ends_at"]),
        asked_at=datetime.fromisoformat(found["asked_at"]),
        asked_by=found["asked_by"],
        reason=found["reason"],
        state=SilenceState(found["state"]),
        outcome=found["outcome"],
    )


def _offer_json(offer: LeadOffer | None) -> dict[str, Json] | None:
    if offer is None:
        return None
    return {"to": offer.to, "by": offer.by, "at": offer.at.isoformat(), "reminded": offer.reminded}


def _offer_value(found: Mapping[str, Any] | None) -> LeadOffer | None:
    if found is None:
        return None
    at = datetime.fromisoformat(found["at"])
    return LeadOffer(to=found["to"], by=found["by"], at=at, reminded=found["reminded"])


def _flapping_json(flapping: Flapping | None) -> dict[str, Json] | None:
    if flapping is None:
        return None
    rule = flapping.rule
    return {
        "since": flapping.since.isoformat(),
        "transitions": rule.transitions,
        "within": rule.within.total_seconds(),
        "hold": rule.hold.total_seconds(),
        "quiet": rule.quiet.total_seconds(),
        "quiet_epoch": flapping.quiet_epoch,
    }


def _flapping_value(found: Mapping[str, Any] | None) -> Flapping | None:
    if found is None:
        return None
    rule = FlappingRule(
        transitions=found["transitions"],
        within=timedelta(seconds=found["within"]),
        hold=timedelta(seconds=found["hold"]),
        quiet=timedelta(seconds=found["quiet"]),
    )
    return Flapping(since=datetime.fromisoformat(found["since"]), rule=rule, quiet_epoch=found["quiet_epoch"])


def _reminders_json(reminders: Reminders) -> dict[str, Json] | None:
    # Most incidents have none.
    if reminders == _NO_REMINDERS:
        return None
    return {
        "off": reminders.off,
        "until": _written(reminders.until),
        "promised_at": _written(reminders.promised_at),
        "promised_by": reminders.promised_by,
        "told": {
            subject: {"people": list(told.people), "at": told.at.isoformat()}
            for subject, told in reminders.told.items()
        },
    }


def _reminders_value(found: Mapping[str, Any] | None) -> Reminders:
    if found is None:
        return _NO_REMINDERS
    return Reminders(
        off=found["off"],
        until=_read(found["until"]),
        promised_at=_read(found["promised_at"]),
        promised_by=found["promised_by"],
        told={
            subject: Told(people=tuple(told["people"]), at=datetime.fromisoformat(told["at"]))
            for subject, told in found["told"].items()
        },
    )


_NO_REMINDERS: Final = Reminders()


def _public_json(public: Public | None) -> dict[str, Json] | None:
    if public is None:
        return None
    return {
        "title": public.title,
        "components": list(public.components),
        "state": public.state.value,
        "since": public.since.isoformat(),
    }


def _public_value(found: Mapping[str, Any] | None) -> Public | None:
    if found is None:
        return None
    return Public(
        title=found["title"],
        components=tuple(found["components"]),
        state=ComponentState(found["state"]),
        since=datetime.fromisoformat(found["since"]),
    )


def _item_json(item: Item) -> dict[str, Json]:
    return {
        "number": item.number,
        "kind": item.kind.value,
        "text": item.text,
        "owner": item.owner,
        "due": _written(item.due),
        "undo": item.undo,
        "added_at": item.added_at.isoformat(),
        "added_by": item.added_by,
        "done_at": _written(item.done_at),
        "done_by": item.done_by,
        "outcome": item.outcome.value if item.outcome else None,
        "why": item.why,
        "type": item.type.value if item.type else None,
        "done_when": item.done_when,
        "proven_at": _written(item.proven_at),
    }


def _item_value(found: Mapping[str, Any]) -> Item:
    return Item(
        number=found["number"],
        kind=ItemKind(found["kind"]),
        text=found["text"],
        owner=found["owner"],
        due=_read(found["due"]),
        undo=found["undo"],
        added_at=datetime.fromisoformat(found["added_at"]),
        added_by=found["added_by"],
        done_at=_read(found["done_at"]),
        done_by=found["done_by"],
        # What was stored before there were theories, types and conditions has none of these.
        outcome=Outcome(found["outcome"]) if found.get("outcome") else None,
        why=found.get("why"),
        type=FollowUpType(found["type"]) if found.get("type") else None,
        done_when=found.get("done_when"),
        proven_at=_read(found.get("proven_at")),
    )


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def event_row(number: int, incident_id: int, event: Event) -> tuple[Any, ...]:
    """Give the event as a row as wide as the table."""
    return (number, incident_id, event.seq, event.kind.value, event.actor, event.source,
            event.happened_at, event.recorded_at, event.data, event.hash)  # fmt: skip


def event_value(row: Found) -> Event:
    """Give the event that a row of the whole table holds."""
    return Event(
        kind=Kind(row.kind),
        actor=row.actor,
        source=row.source,
        happened_at=row.happened_at,
        data=row.data,
        recorded_at=row.recorded_at,
        seq=row.seq,
        hash=row.hash,
    )
