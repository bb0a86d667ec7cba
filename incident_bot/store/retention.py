"""Removes rows that only serve for a while, the oldest first and a few at a time.

What happened (incidents, timelines, deliveries, pages, overrides, audit) is no such thing and is never removed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from incident_bot.store.tables import (
    ack_link,
    answer,
    reach_tap,
    session,
    sign_in,
    slack_heard,
    slack_seen,
    status_news,
    status_notice,
    swap_offer,
    tap_link,
)
from incident_bot.store.transaction import Tx


class Passing(StrEnum):
    """What grows with use and is not the record of anything; links stand before what they lead to."""

    SLACK_SEEN = "slack_seen"
    """Requests and events of Slack that came already."""
    SLACK_HEARD = "slack_heard"
    """What people did to messages of a room, once it is worked on; by when it was first heard of."""
    ANSWERS = "answer"
    """Answers to requests with an idempotency key."""
    ACK_LINKS = "ack_link"
    """Links that acknowledge; by their end."""
    TAP_LINKS = "tap_link"
    """Links to a tap; by the beginning of its shift."""
    TAPS = "reach_tap"
    """Whether who began a shift was reachable; by its beginning."""
    OFFERS = "swap_offer"
    """Offers of shifts; by their end."""
    STATUS_NOTICES = "status_notice"
    """Letters to those who follow the status page, once they are over."""
    STATUS_NEWS = "status_news"
    """What those were told."""
    SESSIONS = "session"
    """Sessions of browsers; by their end."""
    SIGN_INS = "sign_in"
    """What let somebody in once; by its end."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Which rows of a table are old: those whose `at` is before an instant, and that satisfy `also`."""

    table: sa.Table
    at: sa.ColumnElement[datetime]
    also: sa.ColumnElement[bool] = sa.true()  # noqa: RUF009 -- a constant of the library


_OLD: Final[Mapping[Passing, _Rows]] = {
    Passing.SLACK_SEEN: _Rows(slack_seen, slack_seen.c.at),
    Passing.SLACK_HEARD: _Rows(slack_heard, slack_heard.c.made_at, slack_heard.c.due_at.is_(None)),
    Passing.ANSWERS: _Rows(answer, answer.c.given_at),
    Passing.ACK_LINKS: _Rows(ack_link, ack_link.c.expires_at),
    Passing.TAP_LINKS: _Rows(
        tap_link,
        sa.select(reach_tap.c.starts_at).where(reach_tap.c.id == tap_link.c.tap_id).scalar_subquery(),
    ),
    Passing.TAPS: _Rows(
        reach_tap, reach_tap.c.starts_at, ~sa.exists().where(tap_link.c.tap_id == reach_tap.c.id)
    ),
    Passing.OFFERS: _Rows(swap_offer, swap_offer.c.expires_at),
    Passing.STATUS_NOTICES: _Rows(status_notice, status_notice.c.made_at, status_notice.c.due_at.is_(None)),
    Passing.STATUS_NEWS: _Rows(
        status_news, status_news.c.made_at, ~sa.exists().where(status_notice.c.news_id == status_news.c.id)
    ),
    Passing.SESSIONS: _Rows(session, session.c.expires_at),
    Passing.SIGN_INS: _Rows(sign_in, sign_in.c.expires_at),
}


def clear(tx: Tx, what: Passing, *, before: datetime, limit: int) -> int:
    """Remove the oldest rows of before an instant, at most so many, and say how many there were.

    Several replicas may do so at once: each passes over what another one removes.
    """
    rows = _OLD[what]
    keys = list(rows.table.primary_key.columns)
    old = (
        sa.select(*keys)
        .where(rows.at < before, rows.also)
        .order_by(rows.at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=rows.table)
    )
    here = keys[0].in_(old) if len(keys) == 1 else sa.tuple_(*keys).in_(old)
    return tx.connection.execute(sa.delete(rows.table).where(here)).rowcount
