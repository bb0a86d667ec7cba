"""Answers made small for a phone: gzip where the browser takes it, and only for what is worth it.

Our pages may be packed although they hold what only their reader may know: the cookie is SameSite=Strict, so that no
other site can make a browser ask for them and measure the answers.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Final

from fastapi import Response

LEAST: Final = 800
"""Below this a packed answer saves no packet."""
QUICK: Final = 5
"""How hard pages are packed, which are made anew each time."""


def accepts_gzip(headers: Mapping[str, str]) -> bool:
    """Say whether whoever asks reads gzip; `gzip;q=0` says that they do not."""
    for offer in headers.get("accept-encoding", "").lower().split(","):
        coding, _, quality = offer.strip().partition(";")
        if coding.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def packed(response: Response, headers: Mapping[str, str], *, ready: bytes | None = None) -> Response:
    """Give the same answer packed, where that is asked for; `ready` is its body packed before."""
    response.headers["vary"] = "Accept-Encoding"
    if len(response.body) < LEAST or not accepts_gzip(headers):
        return response
    response.body = ready if ready is not None else gzip.compress(bytes(response.body), QUICK, mtime=0)
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))
    return response
