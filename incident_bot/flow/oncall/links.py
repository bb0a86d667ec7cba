"""The secret links by which people say that they are reachable. Of a token only the digest is kept.

Every attempt to send one makes its own, so that no row of the outbox holds a token; each stands for the same tap.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from incident_bot.core.effects import Moment
from incident_bot.flow.context import Context
from incident_bot.store import handoffs
from incident_bot.store.outbox import OutboxRow

PATH: Final = "/oncall/tap/"
_TOKEN_BYTES: Final = 24


def new_link(public_url: str) -> str:
    """Make an address with a fresh token; it opens nothing before `keep`."""
    return f"{public_url.rstrip('/')}{PATH}{secrets.token_urlsafe(_TOKEN_BYTES)}"


def keep(context: Context, row: OutboxRow, url: str | None, *, now: datetime) -> None:
    """Have the link in a message that is about to be sent open the tap that the message asks for."""
    number = row.data.get("tap")
    if row.moment is not Moment.TAP or not isinstance(number, int) or not url:
        return
    with context.store.write() as tx:
        handoffs.add_link(tx, number, digest(url.rpartition("/")[2]), now=now)


def digest(token: str) -> str:
    """Give what is kept of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
