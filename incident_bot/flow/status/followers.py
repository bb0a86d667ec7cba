"""Who follows the status page: they ask, they confirm from their own address, and one press ends it.

Nothing is sent to an address that did not confirm but the one letter that asks, and that seldom. Whether an address
follows the page is told to nobody who does not hold a link that was sent to it. Looking at a link changes nothing, as
programs follow links in mails. Whoever wants nothing more is forgotten.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from incident_bot.config.mail import mailbox
from incident_bot.config.settings import Settings
from incident_bot.core.errors import NotFound, Refused
from incident_bot.core.status import Outlet, Purpose, Reach, StatusPage, holds, sign
from incident_bot.flow.context import Context
from incident_bot.outgoing import is_public
from incident_bot.store import interventions, subscribers
from incident_bot.store.subscribers import Subscriber
from incident_bot.store.transaction import Tx

MAIL: Final = "mail"
DOOR: Final = "/status/subscribe"
ASK_EVERY: Final = timedelta(minutes=10)
"""How often one address is asked to confirm."""
ASKED_WITHIN: Final = timedelta(minutes=10)
ASKED_MOST: Final = 200
"""How many may ask within that time: nobody fills other people's mailboxes through us."""
FORGET_AFTER: Final = timedelta(days=2)
"""How long an address is kept that never confirmed."""
URL_MOST: Final = 500
ADDRESS_MOST: Final = 254
NOT_HERE: Final = "Nobody can subscribe here. To let people, write `subscribe:` in rotations/status.yaml."
ASKED: Final = (
    "If we can write to that address, a message is on its way to it. Open the link in it to confirm; until then "
    "nothing else is sent."
)
_GONE: Final = "This link does nothing any more: the address gets nothing from us."
_TOKEN: Final = re.compile(r"(?P<number>[1-9][0-9]{0,17})-[0-9a-f]{40}")
_MANY: Final = "Many people ask at the moment. Try again in ten minutes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What stands behind a link, for people."""

    said: str
    button: str = ""
    """What can be pressed, where anything can."""
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberView:
    """One subscriber, for operators."""

    id: int
    outlet: str
    address: str
    components: tuple[str, ...]
    asked_at: datetime
    confirmed_at: datetime | None


def outlets(context: Context) -> tuple[Outlet, ...]:
    """Say how somebody can be told: what the page allows, as far as links can be made and mail can be sent."""
    page = context.live.current.revision.status
    if page is None or not context.settings.public:
        return ()
    found = [Outlet.MAIL] if page.mail and MAIL in context.notifiers else []
    return (*found, *([Outlet.WEBHOOK] if page.webhooks is not Reach.NOWHERE else []))


def subscribe(
    context: Context, outlet: Outlet, address: str, components: Collection[str] = (), *, now: datetime
) -> str:
    """Have an address asked whether it wants to be told; the answer is the same whether we know it or not.

    Raises Refused for what is no address, and while too many ask; NotFound where nobody can subscribe.
    """
    page = context.live.current.revision.status
    if page is None or outlet not in outlets(context):
        raise NotFound(NOT_HERE)
    wanted = _components(page, components)
    to = _mail(address) if outlet is Outlet.MAIL else _webhook(page, address)
    with context.store.write() as tx:
        known = subscribers.of_address(tx, outlet, to)
        if known is not None and now - known.asked_at < ASK_EVERY:
            return ASKED
        if subscribers.asked_since(tx, now - ASKED_WITHIN) >= ASKED_MOST:
            raise Refused(_MANY)
        secret = secrets.token_bytes(32)
        number = subscribers.ask(tx, outlet, to, secret=secret, components=wanted, now=now)
        subscribers.write_to(tx, number, outlet, now=now)
    return ASKED


def look(context: Context, purpose: Purpose, token: str) -> Leaf:
    """Say what a link does; changes nothing."""
    with context.store.read() as tx:
        found = _found(tx, purpose, token)
    if found is None:
        return Leaf(said=_GONE, known=False)
    if purpose is Purpose.UNSUBSCRIBE:
        return Leaf(said=f"{found.address} is told of news.", button="Send nothing more")
    if found.confirmed_at is not None and found.components == found.asked_components:
        return Leaf(said=f"{found.address} is told of news already. Every message has a link that ends it.")
    return Leaf(said=f"Send news to {found.address}?", button="Yes, send them")


def act(context: Context, purpose: Purpose, token: str, *, now: datetime) -> Leaf:
    """Do what a link does; the second time changes nothing."""
    with context.store.write() as tx:
        found = _found(tx, purpose, token)
        if found is None:
            return Leaf(said=_GONE, known=False)
        if purpose is Purpose.UNSUBSCRIBE:
            subscribers.remove(tx, [found.id])
            return Leaf(said="Nothing more is sent, and the address is forgotten.")
        subscribers.confirm(tx, found.id, now=now)
    return Leaf(
        said=f"Done. {found.address} is told of news from now on; every message has a link that ends it."
    )


def link(settings: Settings, purpose: Purpose, to: Subscriber) -> str:
    """Give the address of a link for one subscriber."""
    return f"{settings.public_url}/status/{purpose.value}/{sign(to.secret, purpose, to.id)}"


def listed(context: Context, *, before: int | None = None, limit: int) -> list[SubscriberView]:
    """Give the subscribers, the newest first, those who have not confirmed yet as well."""
    with context.store.read() as tx:
        found = subscribers.listed(tx, before=before, limit=limit)
    return [
        SubscriberView(
            id=one.id,
            outlet=one.outlet.value,
            address=one.address,
            components=tuple(sorted(one.components)),
            asked_at=one.asked_at,
            confirmed_at=one.confirmed_at,
        )
        for one in found
    ]


def remove(context: Context, number: int, *, by: str, now: datetime) -> None:
    """Take a subscriber off, as an operator; raises NotFound. The audit does not keep the address."""
    with context.store.write() as tx:
        if not subscribers.remove(tx, [number]):
            message = f"There is no subscriber {number}."
            raise NotFound(message)
        interventions.record(tx, by, "subscriber.removed", {"id": number}, now=now)


def _found(tx: Tx, purpose: Purpose, token: str) -> Subscriber | None:
    written = _TOKEN.fullmatch(token)
    found = subscribers.get(tx, int(written["number"])) if written else None
    return found if found and holds(found.secret, purpose, found.id, token) else None


def _components(page: StatusPage, asked: Collection[str]) -> frozenset[str]:
    known = {one.key for one in page.components}
    strange = sorted(set(asked) - known)
    if strange:
        message = (
            f"The status page has no component {strange[0][:60]!r}; there are {', '.join(sorted(known))}."
        )
        raise Refused(message)
    wanted = frozenset(asked)
    # Whoever ticks all of them wants what is added later, too.
    return frozenset() if wanted == known else wanted


def _mail(address: str) -> str:
    box = mailbox(address.strip()) if len(address) <= ADDRESS_MOST else None
    if box is None:
        message = "That is no mail address that we can write to; write it as name@example.com."
        raise Refused(message)
    return f"{box.local}@{box.domain.casefold()}"


def _webhook(page: StatusPage, address: str) -> str:
    message = (
        "That is no address that we can post to; write it as https://example.com/path, without a password."
    )
    url = address.strip()
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused(message) from None
    schemes = ("https",) if page.webhooks is Reach.PUBLIC else ("https", "http")
    good = parts.scheme in schemes and host and parts.username is None and not parts.fragment
    if not good or len(url) > URL_MOST or not url.isascii() or not url.isprintable() or " " in url:
        raise Refused(message)
    # Names are judged when they are called, by what they mean then.
    if page.webhooks is Reach.PUBLIC and _is_address(host) and not is_public(host):
        message = "That address is not one of the public Internet."
        raise Refused(message)
    return url


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdecimal()
