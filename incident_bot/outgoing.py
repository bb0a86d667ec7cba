"""The one HTTP client for calls to the outside: bounded in time and size, no redirects, no proxy variables.

Never retries: the outbox does (S5). Raises exactly `CallFailed`, whatever went wrong below HTTP.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx2

TIMEOUT_SECONDS: Final = 5.0
WHOLE_SECONDS: Final = 15.0
"""No answer is read for longer than this: one that trickles in never runs into the time-out of a single read."""
SEND_SECONDS: Final = 5.0
"""How patient what sends a message is: for connecting, writing, each read and all reads together."""
SEND_MOST_SECONDS: Final = 4 * SEND_SECONDS
"""No call with that patience takes longer; the lease of the outbox is (S2)."""
ANSWER_BYTES: Final = 32 * 1024 * 1024
"""No answer larger than this is read; a whole list of an Alertmanager's alerts fits."""


class CallFailed(Exception):
    """The call did not get an HTTP answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> object:
        """Decode the body; raises CallFailed when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            message = "the answer is not JSON"
            raise CallFailed(message) from error


class Client:
    """Keeps connections open between calls; safe to share between threads."""

    def __init__(self, *, timeout: float = TIMEOUT_SECONDS, whole: float = WHOLE_SECONDS) -> None:
        """Take the time, in seconds, that connecting, writing and each read may take, and all reads together."""
        self._timeout = timeout
        self._whole = whole
        self._client = httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False)

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        within: float | None = None,
    ) -> Answer:
        """Make one attempt; raises CallFailed without the URL's query in its text.

        `within` makes the client less patient for this call: so many seconds for connecting, writing, each read and all
        reads together, four times that at most.
        """
        started = time.monotonic()
        timeout = min(self._timeout, within or self._timeout)
        whole = min(self._whole, within or self._whole)
        try:
            with self._client.stream(
                method, url, headers=dict(headers or {}), content=content, timeout=timeout
            ) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES:
                        message = f"the answer is larger than {ANSWER_BYTES} bytes"
                        raise CallFailed(message)
                    if time.monotonic() - started > whole:
                        message = f"the answer took longer than {whole:.0f} s"
                        raise CallFailed(message)
                answer_headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status=response.status_code, headers=answer_headers, body=bytes(body))
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            message = f"no answer: {type(error).__name__}"
            raise CallFailed(message) from error

    def close(self) -> None:
        """Close the connections kept open."""
        self._client.close()
