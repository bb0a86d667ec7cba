"""The one HTTP client for calls to the outside: bounded in time and size, no redirects, no proxy variables.

Never retries: the outbox does (S5). Raises exactly `CallFailed`, whatever went wrong below HTTP.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import httpcore2
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


_ACCEPTED: Final = (
    (b"Accept", b"*/*"),
    (b"Accept-Encoding", b"gzip, deflate"),
    (b"Connection", b"keep-alive"),
)
_FAILURES: Final = (
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    httpcore2.UnsupportedProtocol,
    httpx2.InvalidURL,
    UnicodeError,
    zlib.error,
)
_CONNECTIONS_MOST: Final = 100
_IDLE_MOST: Final = 20
_IDLE_SECONDS: Final = 5.0
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


class CallFailed(Exception):
    """The call did not get an HTTP answer."""


class AnswerTooLarge(CallFailed):
    """There is an answer, larger than is read."""


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


class _Place(NamedTuple):
    """Where a call goes, read once for each address."""

    url: httpcore2.URL
    headers: tuple[tuple[bytes, bytes], ...]


class Client:
    """Keeps connections open between calls; safe to share between threads.

    Speaks to the connections themselves: what a client of cookies, redirects and sign-ins does beside is twice the cost
    of the call.
    """

    def __init__(self, *, timeout: float = TIMEOUT_SECONDS, whole: float = WHOLE_SECONDS) -> None:
        """Take the time, in seconds, that connecting, writing and each read may take, and all reads together."""
        self._timeout = timeout
        self._whole = whole
        self._pools: dict[bytes, httpcore2.ConnectionPool] = {}
        self._lock = threading.Lock()

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        within: float | None = None,
        most: int = ANSWER_BYTES,
    ) -> Answer:
        """Make one attempt; raises CallFailed without the URL's query in its text.

        `within` makes the client less patient for this call: so many seconds for connecting, writing, each read and all
        reads together, four times that at most. `most` is how many bytes of an answer are read.
        """
        started = time.monotonic()
        timeout = min(self._timeout, within or self._timeout)
        whole = min(self._whole, within or self._whole)
        patience = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
        try:
            place = _place(url)
            request = httpcore2.Request(
                method,
                place.url,
                headers=_headers(place, headers or {}, content),
                content=content,
                extensions={"timeout": patience},
            )
            response = self._pool(place.url.scheme).handle_request(request)
            try:
                heard = _heard(response.headers)
                body = bytearray()
                decoder = _Decoder(heard.get("content-encoding", ""))
                for chunk in response.iter_stream():
                    body += decoder.read(chunk, most=most + 1 - len(body))
                    if len(body) > most:
                        raise AnswerTooLarge(f"the answer is larger than {most} bytes")
                    if time.monotonic() - started > whole:
                        message = f"the answer took longer than {whole:.0f} s"
                        raise CallFailed(message)
            finally:
                response.close()
            return Answer(status=response.status, headers=heard, body=bytes(body))
        except _FAILURES as error:
            message = f"no answer: {type(error).__name__}"
            raise CallFailed(message) from error

    def close(self) -> None:
        """Close the connections kept open."""
        with self._lock:
            pools = list(self._pools.values())
        for pool in pools:
            pool.close()

    def _pool(self, scheme: bytes) -> httpcore2.ConnectionPool:
        with self._lock:
            pool = self._pools.get(scheme)
            if pool is None:
                # Reading the certificates of the world takes longer than most commands have.
                context = httpx2.create_ssl_context(trust_env=False) if scheme == b"https" else None
                pool = self._pools[scheme] = httpcore2.ConnectionPool(
                    ssl_context=context,
                    max_connections=_CONNECTIONS_MOST,
                    max_keepalive_connections=_IDLE_MOST,
                    keepalive_expiry=_IDLE_SECONDS,
                )
            return pool


class _Decoder:
    """Undoes the compression of an answer, never further than asked: a small answer may be a very large one."""

    def __init__(self, encoding: str) -> None:
        packed = encoding.strip().lower() in ("gzip", "x-gzip", "deflate")
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if packed else None
        self._began = False

    def read(self, chunk: bytes, *, most: int) -> bytes:
        """Give what the chunk holds, up to so many bytes."""
        if self._inflate is None:
            return chunk
        try:
            return self._inflate.decompress(chunk, most)
        except zlib.error:
            if self._began:
                raise
            # Some servers mean by "deflate" what has no head.
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._inflate.decompress(chunk, most)
        finally:
            self._began = True


@lru_cache(maxsize=256)
def _place(url: str) -> _Place:
    """Read an address; raises InvalidURL."""
    parsed = httpx2.URL(url)
    headers = [(b"Host", parsed.netloc), *_ACCEPTED]
    if parsed.userinfo:
        headers.append(
            (b"Authorization", b"Basic " + base64.b64encode(f"{parsed.username}:{parsed.password}".encode()))
        )
    target = httpcore2.URL(
        scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
    )
    return _Place(target, tuple(headers))


def _headers(place: _Place, given: Mapping[str, str], content: bytes | None) -> list[tuple[bytes, bytes]]:
    """Give the headers of one request: those given go before our own of the same name."""
    own = [(name.encode("ascii"), value.encode("ascii")) for name, value in given.items()]
    named = {name.lower() for name, _ in own}
    headers = [one for one in place.headers if one[0].lower() not in named]
    if content is not None and b"content-length" not in named:
        headers.append((b"Content-Length", str(len(content)).encode("ascii")))
    return headers + own


def _heard(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Give an answer's headers by their names in lower case; what comes more than once is one list."""
    found: dict[str, str] = {}
    for raw, value in headers:
        name, text = raw.decode("latin-1").lower(), value.decode("utf-8", "replace")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found
