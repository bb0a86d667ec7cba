"""Whole documents that the bot made, such as a post-mortem, answered so that nothing inside them can act."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from fastapi import Response

_STYLED: Final = ("text/html", "image/svg+xml")
_STYLE: Final = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)


def document(body: str, media_type: str) -> Response:
    """Answer with a document; HTML and SVG may use the styles they carry, by their hashes, and nothing else."""
    response = Response(body, media_type=media_type)
    if media_type.startswith(_STYLED):
        hashes = " ".join(f"'sha256-{_sha256(style)}'" for style in _STYLE.findall(body)) or "'none'"
        response.headers["content-security-policy"] = (
            f"default-src 'none'; style-src {hashes}; img-src 'self' data:; form-action 'none'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
    return response


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
