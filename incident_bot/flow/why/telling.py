"""The one form of every answer to `why`: the answer first, then the chain, then why somebody was not paged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeVar

from incident_bot.core.model import Json, JsonObject, rfc3339
from incident_bot.core.why import Reason
from incident_bot.flow.views import PageView

ValueT = TypeVar("ValueT")

LINES_MOST: Final = 20
"""How many of a kind are told in words; the data has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link of the chain."""

    stage: str
    """`delivery`, `dedupe`, `route`, `enrich`, `muting`, `incident`, `schedule`, `change`, `page`, `attempt`,
    `receipt`."""
    text: str
    at: datetime | None = None
    data: JsonObject = field(default_factory=dict)
    indent: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One answer to `why`."""

    kind: str
    """incident, alert or person."""
    about: str
    head: str
    at: datetime
    """When it was asked."""
    answer: tuple[str, ...]
    links: tuple[Link, ...]
    reasons: tuple[Reason, ...]
    more: JsonObject = field(default_factory=dict)
    """What the data has besides."""

    @property
    def text(self) -> str:
        """Give it for a phone at night: short lines, the answer first."""
        lines = [*self.answer, "", self.head]
        lines += [f"{'  ' * link.indent}{link.text}" for link in self.links]
        if self.reasons:
            lines += ["", "Not paged, or no longer:"]
            lines += [f"  {_dated(reason, self.at)}" for reason in cut(self.reasons)]
            lines += left_out(self.reasons, "reasons")
        return "\n".join(lines)

    def to_json(self) -> JsonObject:
        """Give it as data, with `text` for people."""
        return {
            "kind": self.kind,
            "about": self.about,
            "at": rfc3339(self.at),
            "answer": list(self.answer),
            "chain": [_link(link) for link in self.links],
            "reasons": [_reason(reason) for reason in self.reasons],
            **self.more,
            "text": self.text,
        }


def cut(values: Sequence[ValueT]) -> Sequence[ValueT]:
    """Give as many as are told in words."""
    return values[:LINES_MOST]


def left_out(values: Sequence[object], what: str) -> list[str]:
    """Say how many are not told in words, where there are any."""
    return [f"  … and {len(values) - LINES_MOST} more {what}"] if len(values) > LINES_MOST else []


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def clock(instant: datetime, beside: datetime) -> str:
    """Write the time of day in UTC, with the date where it is another day's."""
    instant = instant.astimezone(UTC)
    same = instant.date() == beside.astimezone(UTC).date()
    return f"{instant:%H:%M} UTC" if same else f"{instant:%Y-%m-%d %H:%M} UTC"


def step_of(page: PageView) -> str:
    """Name the step of a page."""
    return f"step {page.step}" if isinstance(page.step, int) else page.step.replace("_", " ")


def page_links(pages: Iterable[PageView], now: datetime) -> list[Link]:
    """Give each page with its attempts and receipts."""
    found: list[Link] = []
    for page in pages:
        when = clock(page.sent_at, now) if page.sent_at else f"due {clock(page.due_at, now)}"
        said = f"{page.state}, {when}"
        found.append(
            Link(
                stage="page",
                at=page.sent_at or page.due_at,
                text=f"page to {page.name} by {page.channel} ({step_of(page)}): {said} – {page.reason}",
                data=page_json(page),
            )
        )
        found += [
            Link(
                stage="attempt",
                at=one.at,
                indent=2,
                text=f"attempt {number} at {clock(one.at, now)}: {one.result}"
                + (f", {one.provider_id}" if one.provider_id else "")
                + (f" – {one.error}" if one.error else ""),
                data={"result": one.result, "provider_id": one.provider_id, "error": one.error},
            )
            for number, one in enumerate(page.attempts, 1)
        ]
        found += [
            Link(
                stage="receipt",
                at=one.at,
                indent=2,
                text=f"receipt at {clock(one.at, now)}: {one.status}"
                + (f" – {one.detail}" if one.detail else ""),
                data={"status": one.status, "detail": one.detail},
            )
            for one in page.receipts
        ]
    return found


def page_json(page: PageView) -> JsonObject:
    """Give a page as data."""
    return {
        "person": page.person,
        "channel": page.channel,
        "step": page.step,
        "loop": page.loop,
        "epoch": page.epoch,
        "state": page.state,
        "reason": page.reason,
        "due_at": rfc3339(page.due_at),
        "sent_at": rfc3339(page.sent_at) if page.sent_at else None,
        "attempts": len(page.attempts),
        "receipts": [one.status for one in page.receipts],
    }


def sentence_on(pages: Sequence[PageView], now: datetime) -> list[str]:
    """Say who was paged, how, when and why, each person once, the newest page of theirs."""
    newest: dict[str, PageView] = {}
    for page in pages:
        if page.state == "sent" and page.sent_at is not None:
            newest.setdefault(page.person, page)
    return [
        f"{page.name} was paged by {page.channel} at {clock(page.sent_at or page.due_at, now)}: {page.reason}."
        for page in newest.values()
    ]


def _dated(reason: Reason, now: datetime) -> str:
    return f"{clock(reason.at, now)} {reason.text}" if reason.at else reason.text


def _link(link: Link) -> Json:
    return {
        "stage": link.stage,
        "at": rfc3339(link.at) if link.at else None,
        "text": link.text,
        "data": dict(link.data),
    }


def _reason(reason: Reason) -> Json:
    return {
        "code": reason.code.value,
        "at": rfc3339(reason.at) if reason.at else None,
        "text": reason.text,
        "person": reason.person,
    }
