"""What stands in a bundle: each part of an incident's record as a file, with every secret hidden."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Final

from incident_bot.core.model import Episode, Event, Json, JsonObject
from incident_bot.core.postmortem import Draft
from incident_bot.flow import export, queries
from incident_bot.flow.bundle.hiding import clean, clean_text, conceal, conceal_all, secrets_of
from incident_bot.flow.context import Context
from incident_bot.flow.graphs.reading import as_json, drawings, pictures
from incident_bot.flow.records import Told
from incident_bot.flow.sight import visible
from incident_bot.render.documents import picture_address, postmortem_html, postmortem_json
from incident_bot.render.graphs import graph_svg
from incident_bot.render.timelines import Record, instant, timeline_csv, timeline_json
from incident_bot.store import alerts, evidence, incidents, outbox
from incident_bot.store.alerts import StoredDelivery
from incident_bot.store.outbox import Attempt, GivenReceipt, OutboxRow
from incident_bot.store.transaction import Tx

DELIVERIES_MOST: Final = 2000
DELIVERED_MOST: Final = 32 * 1024 * 1024
FILES_MOST: Final = 64 * 1024 * 1024
CHAIN: Final = "chain.json"
TIMELINE: Final = "timeline.json"
_INSTANT: Final = timedelta(microseconds=1)
_ENDING: Final = re.compile(r"\.[a-z0-9]{1,8}")


@dataclass(slots=True, kw_only=True)
class Parts:
    """The files of a bundle as they are gathered, and what could not come with them."""

    secrets: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    """The files in which a secret was replaced."""
    left_out: list[JsonObject] = field(default_factory=list)

    def add(self, name: str, safe: str, *, hidden: bool) -> None:
        """Add a text as it may leave, and note where it is not what it was."""
        self.files[name] = safe.encode("utf-8", "replace")
        if hidden:
            self.hidden.append(name)

    def add_json(self, name: str, value: Json) -> None:
        """Add a JSON value whose texts were redacted already."""
        safe = conceal_all(value, self.secrets)
        self.add(name, _text(safe), hidden=not _same(safe, value))

    def leave_out(self, what: str, reason: str) -> None:
        """Note what did not come, and why."""
        self.left_out.append({"what": what, "reason": reason})


def documents(context: Context, record: Record, *, as_of: datetime) -> Parts:
    """Begin a bundle with the post-mortem, as its readers would have got it then; raises NotFound."""
    parts = Parts(secrets=secrets_of(context.settings))
    number = record.number
    draft = export.draft(context, number, told=record.entries, now=as_of)
    text = export.written(context, number, draft, "md")
    safe = clean_text(text, parts.secrets)
    parts.add("postmortem.md", safe, hidden=safe != text)
    shown, hidden = _page(context, number, draft, safe, parts.secrets)
    parts.add("postmortem.html", shown, hidden=hidden)
    parts.add_json("postmortem.json", postmortem_json(draft))
    changed: list[Json] = [
        {**asdict(one), "at": instant(one.at)} for one in queries.incident(context, number).changes
    ]
    parts.add_json("changes.json", changed)
    return parts


def _page(
    context: Context, number: int, draft: Draft, markdown: str, secrets: tuple[str, ...]
) -> tuple[str, bool]:
    """Give the post-mortem as one page with the graphs in it, and whether anything is hidden in it.

    The pictures are cleaned as the texts that they are, and put in last: in their addresses nothing could be found.
    """
    with context.store.read() as tx:
        drawn = drawings(tx, visible(tx, context.seer, number))
    places = [(words, f"graph {at}") for at, (words, _) in enumerate(drawn, 1)]
    page = postmortem_html(context.live.current.templates, draft, markdown, places).text
    shown = clean_text(page, secrets)
    hidden = shown != page
    for (_, svg), (_, place) in zip(drawn, places, strict=True):
        safe = conceal(svg, secrets)
        hidden = hidden or safe != svg
        shown = shown.replace(f'"{picture_address(place)}"', f'"{picture_address(safe)}"')
    return shown, hidden


def gather(tx: Tx, found: Told, record: Record, parts: Parts) -> None:
    """Add the record itself: the timeline with its chain, what came in, what went out, the files."""
    number = found.incident.id
    parts.add_json(TIMELINE, timeline_json(record))
    table = timeline_csv(record)
    safe = clean_text(table, parts.secrets)
    parts.add("timeline.csv", safe, hidden=safe != table)
    links = [_link(number, event, parts.secrets) for event in found.events]
    parts.files[CHAIN] = _text(links).encode()
    if any(link.get("hidden") for link in links):
        parts.hidden.append(CHAIN)
    _sent(tx, number, parts)
    _delivered(tx, alerts.episodes_of_incident(tx, number), parts)
    _kept(tx, number, parts)
    _drawn(tx, found, parts)


def _link(number: int, event: Event, secrets: tuple[str, ...]) -> dict[str, Json]:
    """Give one entry as its hash covers it; one in which something is hidden says so, and cannot be hashed anew."""
    entry = incidents.hashed(number, event)
    data = clean(event.data, secrets)
    changed = {} if _same(data, event.data) else {"hidden": True}
    return {**entry, "data": data, "hash": event.hash, **changed}


def _sent(tx: Tx, number: int, parts: Parts) -> None:
    pages, messages = outbox.pages_of(tx, number), outbox.messages_of(tx, number)
    receipts = outbox.receipts_of(tx, {row.group for row, _ in (*pages, *messages)})
    for name, rows in (("pages.json", pages), ("messages.json", messages)):
        values = [_row(row, attempts, receipts.get(row.group, [])) for row, attempts in rows]
        cleaned: Json = [clean(value, parts.secrets) for value in values]
        parts.add(name, _text(cleaned), hidden=not _same(cleaned, values))


def _row(row: OutboxRow, attempts: list[Attempt], receipts: list[GivenReceipt]) -> dict[str, Json]:
    return {
        "id": row.id,
        "kind": row.page_kind.value if row.page_kind else row.moment.value if row.moment else row.kind.value,
        "person": row.person,
        "channel": row.via,
        "recipient": row.recipient,
        "epoch": row.epoch,
        "loop": row.loop,
        "step": row.step,
        "reason": row.reason,
        "due_at": instant(row.due_at),
        "state": row.state.value,
        "sent_at": instant(row.sent_at) if row.sent_at else None,
        "error": row.error,
        "provider_id": row.provider_id,
        "carried_by": row.carried_by,
        "said": row.data,
        "attempts": [
            {
                "at": instant(one.at),
                "result": one.result.value,
                "provider_id": one.provider_id,
                "error": one.error,
            }
            for one in attempts
        ],
        "receipts": [{"at": instant(one.at), "status": one.status, "detail": one.detail} for one in receipts],
    }


def _delivered(tx: Tx, episodes: list[Episode], parts: Parts) -> None:
    """Add what its sources delivered while its alerts were open, byte for byte where nothing had to be hidden."""
    index: list[Json] = []
    if episodes:
        start = min(episode.opened_at for episode in episodes)
        end = max(episode.updated_at for episode in episodes) + _INSTANT
        groups = {episode.group_hash for episode in episodes}
        found = alerts.deliveries_of(tx, groups, start, end, limit=DELIVERIES_MOST + 1)
        room = DELIVERED_MOST
        if len(found) > DELIVERIES_MOST:
            parts.leave_out("deliveries", f"there are more than {DELIVERIES_MOST}; these are the first")
        for number, one in enumerate(found[:DELIVERIES_MOST], 1):
            room -= len(one.body)
            if room < 0:
                reason = f"together they are larger than {DELIVERED_MOST // 1024 // 1024} MB"
                parts.leave_out(f"delivery {one.id} and those after it", reason)
                break
            index.append(_delivery(f"deliveries/{number:04}.json", one, parts))
    parts.files["deliveries.json"] = _text(index).encode()


def _delivery(name: str, one: StoredDelivery, parts: Parts) -> Json:
    body = one.body.decode("utf-8", "replace")
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        safe = clean_text(body, parts.secrets)
    else:
        cleaned = clean({"body": read}, parts.secrets)["body"]
        safe = body if _same(cleaned, read) else _text(cleaned)
    parts.add(name, safe, hidden=safe != body)
    return {
        "file": name,
        "id": one.id,
        "source": one.source,
        "receiver": one.receiver,
        "received_at": instant(one.received_at),
        "alerts": one.alerts,
        "digest": one.digest,
    }


def _kept(tx: Tx, number: int, parts: Parts) -> None:
    """Add the files of the record as they are; those that do not fit are named with their digests."""
    index: list[Json] = []
    room = FILES_MOST
    for file in evidence.of(tx, number):
        room -= file.size if file.sha256 else 0
        if file.sha256 is None:
            parts.leave_out(f"file {file.number}", file.error or "it is not fetched yet")
            name = None
        elif room < 0:
            reason = f"the files are larger than {FILES_MOST // 1024 // 1024} MB"
            parts.leave_out(f"file {file.number}", reason)
            name = None
        else:
            ending = PurePosixPath(file.name).suffix.lower()
            name = f"files/{file.number:04}{ending if _ENDING.fullmatch(ending) else ''}"
            _, content = evidence.content(tx, number, file.number) or (file, None)
            parts.files[name] = content or b""
        index.append(
            {
                "file": name,
                "number": file.number,
                "name": file.name,
                "kind": file.kind,
                "size": file.size,
                "sha256": file.sha256,
                "added_by": file.added_by,
                "added_at": instant(file.added_at),
            }
        )
    parts.add_json("files.json", index)


def _drawn(tx: Tx, found: Told, parts: Parts) -> None:
    """Add every graph as a picture and with its values."""
    for graph, picture in pictures(tx, found.incident):
        for ending, text in (("svg", graph_svg(picture)), ("json", as_json(graph))):
            safe = conceal(text, parts.secrets)
            parts.add(f"graphs/{graph.number:04}.{ending}", safe, hidden=safe != text)


def _text(value: object) -> str:
    # In ASCII and in one order: the same value is the same bytes, and any text can be read back.
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(map(_line, value)) + "\n]\n"
    return json.dumps(value, default=dict, indent=1, sort_keys=True) + "\n"


def _line(value: object) -> str:
    return json.dumps(value, default=dict, sort_keys=True)


def _same(one: object, other: object) -> bool:
    """Say whether two values are the same JSON, whether their lists are tuples or not."""
    return one == other or _line(one) == _line(other)
