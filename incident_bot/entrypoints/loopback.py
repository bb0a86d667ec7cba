"""Who may come in while no token is configured.

This machine's own programs, and its own browser on our own pages. Decides from headers alone. A loopback
client is not enough: any web page can make the browser on this machine call us, and a rebound DNS name makes
that look same-origin, so the Host header must be a loopback name as well.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from incident_bot.entrypoints.frame import header

_OWN_SITES: Final = frozenset({"none", "same-origin"})

_FORWARDED: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"})


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Say whether an address or name, without a port, means this machine alone."""
    name = host.strip().lower().removeprefix("[").removesuffix("]")
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def refusal(scope: Scope) -> str | None:
    """Say why a request does not count as this machine's own; None where it does."""
    client = (scope.get("client") or ("", 0))[0]
    if not is_loopback(client):
        return "No token is configured, so only this machine itself may call."
    if any(name in _FORWARDED for name, _ in scope["headers"]):
        # A proxy on this machine makes everybody look local.
        return "No token is configured, so a request that a proxy passed on is refused."
    host = header(scope["headers"], b"host") or ""
    if not is_loopback(_host_name(host)):
        return "No token is configured, so the Host header must be localhost, 127.0.0.1 or [::1]."
    return cross_site(scope)


def cross_site(scope: Scope) -> str | None:
    """Say why a request comes from a page that is not ours; None where it comes from ours or from no page."""
    site = header(scope["headers"], b"sec-fetch-site")
    if site is not None:
        # Scripts cannot set it, so what a browser says here is the truth, even where it hides the origin.
        return None if site in _OWN_SITES else "A page of another site asked for this."
    origin = header(scope["headers"], b"origin")
    if origin is None:
        return None
    host = header(scope["headers"], b"host") or ""
    return (
        None if urlsplit(origin).netloc.lower() == host.lower() else "A page of another site asked for this."
    )


def foreign_form(scope: Scope) -> str | None:
    """Say why a request that changes something, with a session's cookie, does not come from our own page.

    Browsers say with each form where it stood: `Sec-Fetch-Site` where the connection is safe, `Origin` everywhere. Who
    says neither is no browser of today, and has no business with a cookie: programs send a token.
    """
    told = any(header(scope["headers"], name) is not None for name in (b"sec-fetch-site", b"origin"))
    return cross_site(scope) if told else "A form has to come from our own page; programs send an API token."


def is_navigation(headers: Mapping[str, str]) -> bool:
    """Say whether a browser follows a link, typed address or bookmark, rather than a script or form."""
    return (
        headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
