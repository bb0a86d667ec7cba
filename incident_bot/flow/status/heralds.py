"""Tells those who follow the status page what is new on it: each thing once, apart from everything that pages.

What is new is worked out from the page itself, again and again, so nothing is lost with a process. Each letter is a row
that one sender has at a time, sent outside of any transaction; one that died with its sender goes out again, under the
same Message-ID or Idempotency-Key. A slow or hostile receiver holds up other programs' calls, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from incident_bot.core.effects import try_again_at
from incident_bot.core.model import JsonObject, Person
from incident_bot.core.status import Outlet, Purpose, Reach, StatusPage, concerns, news
from incident_bot.flow.context import Context
from incident_bot.flow.status import followers
from incident_bot.flow.status.files import public_links
from incident_bot.flow.status.reading import read_board
from incident_bot.notifiers.base import GiveUp, GiveUpReason, Message, RetryLater, header_value, judge
from incident_bot.outgoing import SEND_SECONDS, CallFailed, Client
from incident_bot.render.status import Letter, ask_to_confirm, foot, letter, webhook_body
from incident_bot.store import subscribers
from incident_bot.store.subscribers import NewNews, Notice
from incident_bot.store.transaction import LostRace

LEASE: Final = timedelta(seconds=60)
"""Longer than one call or one letter takes."""
PATIENCE: Final = timedelta(hours=6)
BACKOFF_MOST: Final = timedelta(minutes=15)
REFUSALS_MOST: Final = 3
"""So many letters in a row refused for good end a subscription."""
LOOK_EVERY: Final = timedelta(seconds=5)
SWEEP_EVERY: Final = timedelta(minutes=10)
SWEPT_MOST: Final = 500
ANSWER_BYTES: Final = 64 * 1024
_SHARE: Final = 2
"""Where mail has a pace, letters take half of it at most: the rest is for pages."""
_MINUTE: Final = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class Herald:
    """Finds what is new and writes it down for everybody who wants it; safe to have several, in several processes."""

    def __init__(self, context: Context) -> None:
        """Begin with nothing known to be told."""
        self._context = context
        self._told: set[str] = set()
        self._swept_at: datetime | None = None

    def step(self, *, now: datetime) -> bool:
        """Write down what is new; say whether anything was."""
        context, current = self._context, self._context.live.current
        page = current.revision.status
        if page is None or context.sealed or not followers.outlets(context):
            return False
        self._sweep(now=now)
        with context.store.read() as tx:
            counts = subscribers.counts(tx)
        for outlet in Outlet:
            context.metrics.status_subscribers.labels(outlet=outlet.value).set(counts.get(outlet, 0))
        if not counts:
            return False
        board = read_board(context, current, page, now=now)
        fresh = [one for one in news(board) if one.key not in self._told]
        if not fresh:
            return False
        links = public_links(page.url, folder=context.settings.status_dir is not None)
        try:
            with context.store.write() as tx:
                known = subscribers.told(tx, [one.key for one in fresh])
                new = [one for one in fresh if one.key not in known]
                for one in new:
                    written = letter(current.templates, board, one, links)
                    whom = [
                        (to.id, to.outlet)
                        for to in subscribers.confirmed_before(tx, one.at)
                        if concerns(one, to.components)
                    ]
                    subscribers.tell(tx, _row(one.key, one.at, written), whom, now=now)
        except LostRace:
            # Another replica was faster with the same; the next look finds what is left.
            return False
        self._told = {one.key for one in news(board)}
        return bool(new)

    def _sweep(self, *, now: datetime) -> None:
        """Forget who never confirmed."""
        if self._swept_at is not None and abs(now - self._swept_at) < SWEEP_EVERY:
            return
        self._swept_at = now
        with self._context.store.write() as tx:
            stale = subscribers.unconfirmed(tx, before=now - followers.FORGET_AFTER, limit=SWEPT_MOST)
            subscribers.remove(tx, stale)


def _row(key: str, at: datetime, written: Letter) -> NewNews:
    return NewNews(key=key, at=at, subject=written.subject, text=written.text, payload=written.payload)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What stands on the page, as of when."""

    keys: frozenset[str]
    at: datetime


class Sender:
    """Sends what waits for one kind of outlet, one after the other."""

    def __init__(self, context: Context, outlet: Outlet, now: Callable[[], datetime]) -> None:
        """Take the wired parts, what it sends to, and what reads the clock."""
        self._context = context
        self._outlet = outlet
        self._now = now
        self._clients: dict[bool, Client] = {}
        self._shown: _Shown | None = None

    def next_due(self) -> datetime | None:
        """Give the next instant at which something is to be sent; None where nobody can follow the page."""
        if self._context.sealed or self._outlet not in followers.outlets(self._context):
            return None
        with self._context.store.read() as tx:
            return subscribers.next_due(tx, self._outlet)

    def work(self, *, due: bool) -> bool:
        """Do a step where something is due."""
        return due and self.step()

    def step(self) -> bool:
        """Send one letter that is due; say whether there was one."""
        context, now = self._context, self._now()
        page = context.live.current.revision.status
        if (
            page is None
            or context.sealed
            or self._outlet not in followers.outlets(context)
            or self._waits(now)
        ):
            return False
        with context.store.write() as tx:
            notice = subscribers.claim(tx, self._outlet, owner=context.owner, lease=LEASE, now=now)
        if notice is None:
            return False
        if notice.news is not None and notice.news.key not in self._standing(page, now=now):
            self._settle(notice, error="taken off the page before it went out")
            return True
        try:
            self._send(page, notice)
        except RetryLater as problem:
            self._again(notice, str(problem), asked=problem.after)
        except GiveUp as problem:
            if problem.reason is GiveUpReason.AUTH and self._outlet is Outlet.MAIL:
                # Our own sign-in is wrong: no fault of theirs.
                self._again(notice, str(problem), asked=None)
            else:
                self._refused(notice, str(problem))
        else:
            self._settle(notice, sent_at=self._now())
        return True

    def close(self) -> None:
        """Close the connections kept open."""
        for client in self._clients.values():
            client.close()

    def _waits(self, now: datetime) -> bool:
        """Say whether the pace of mail leaves no room for letters in this minute."""
        rate = self._context.settings.mail_rate
        if rate is None or self._outlet is not Outlet.MAIL:
            return False
        with self._context.store.read() as tx:
            sent = subscribers.sent_since(tx, self._outlet, now - _MINUTE)
        return sent >= max(1, rate // _SHARE)

    def _standing(self, page: StatusPage, *, now: datetime) -> frozenset[str]:
        """Give what stands on the page now, as of a few seconds ago at most."""
        shown = self._shown
        if shown is None or abs(now - shown.at) >= LOOK_EVERY:
            board = read_board(self._context, self._context.live.current, page, now=now)
            shown = self._shown = _Shown(frozenset(one.key for one in news(board)), now)
        return shown.keys

    def _send(self, page: StatusPage, notice: Notice) -> None:
        settings, to = self._context.settings, notice.to
        if notice.news is None:
            url = followers.link(settings, Purpose.CONFIRM, to)
            components = sorted(to.asked_components)
            asked = ask_to_confirm(self._context.live.current.templates, page, components, url)
            subject, text, payload = asked.subject, asked.text, asked.payload
        else:
            subject, text, payload = notice.news.subject, notice.news.text, notice.news.payload
        stop = followers.link(settings, Purpose.UNSUBSCRIBE, to)
        if self._outlet is Outlet.WEBHOOK:
            self._post(page, notice, webhook_body(payload, unsubscribe=stop, at=self._now().isoformat()))
            return
        told = notice.news is not None
        self._context.notifiers[followers.MAIL].send(
            Message(
                key=f"status:{notice.id}",
                kind="status",
                recipient=to.address,
                person=Person(id=to.address, name="", contacts={"mail": to.address}),
                subject=subject,
                text=f"{text}\n\n-- \n{foot(page, stop)}" if told else text,
                at=self._now(),
                attempt=notice.attempts,
                thread=_thread(notice),
                unsubscribe_url=stop if told else None,
            )
        )

    def _post(self, page: StatusPage, notice: Notice, body: JsonObject) -> None:
        guarded = page.webhooks is not Reach.ANYWHERE
        client = self._clients.get(guarded)
        if client is None:
            client = self._clients[guarded] = Client(public_only=guarded)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "incident-bot",
            "Idempotency-Key": header_value(f"status:{notice.id}"),
        }
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=True).encode()
        try:
            answer = client.call(
                "POST",
                notice.to.address,
                headers=headers,
                content=content,
                within=SEND_SECONDS,
                most=ANSWER_BYTES,
            )
        except CallFailed as problem:
            raise RetryLater(str(problem)) from problem
        judge(answer.status, answer.headers, who="the subscriber")

    def _again(self, notice: Notice, reason: str, *, asked: timedelta | None) -> None:
        now = self._now()
        due_at = try_again_at(
            notice.attempts,
            give_up_at=notice.made_at + PATIENCE,
            most=BACKOFF_MOST,
            asked=asked,
            chance=self._context.chance(),
            now=now,
        )
        self._settle(notice, due_at=due_at, error=reason)

    def _refused(self, notice: Notice, reason: str) -> None:
        """Note a refusal; who never confirmed, or refuses again and again, is forgotten."""
        refusals = notice.to.refusals + 1
        if notice.to.confirmed_at is None or refusals >= REFUSALS_MOST:
            with self._context.store.write() as tx:
                subscribers.remove(tx, [notice.to.id])
            log.info("a subscriber of the status page who refuses every message is forgotten", reason=reason)
            self._count("refused")
            return
        with self._context.store.write() as tx:
            subscribers.refused(tx, notice.to.id, refusals=refusals)
        self._settle(notice, error=reason)

    def _settle(
        self,
        notice: Notice,
        *,
        due_at: datetime | None = None,
        sent_at: datetime | None = None,
        error: str | None = None,
    ) -> None:
        with self._context.store.write() as tx:
            subscribers.settle(
                tx, notice, owner=self._context.owner, due_at=due_at, sent_at=sent_at, error=error
            )
            if sent_at is not None and notice.to.refusals:
                subscribers.refused(tx, notice.to.id, refusals=0)
        self._count("sent" if sent_at else "again" if due_at else "failed")

    def _count(self, result: str) -> None:
        self._context.metrics.status_notices.labels(outlet=self._outlet.value, result=result).inc()


def _thread(notice: Notice) -> str | None:
    """Give what the letters about one incident have in common."""
    return None if notice.news is None else f"status/{notice.news.key.partition('-')[0]}"
