"""The HTTP client against a real server on this machine, which answers whatever a test has written down."""

from __future__ import annotations

import base64
import gzip
import re
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from incident_bot.outgoing import ANSWER_BYTES, Answer, CallFailed, Client, is_public

SECRET = "correct-horse-battery-staple"
PATIENCE = 10.0

Script = Callable[[socket.socket, bytes], None]
"""What the server does with one connection, once the head of a request has arrived."""


class Server:
    """Listens on a port of its own, remembers every request's head, and plays the script."""

    def __init__(self, script: Script) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._listen, daemon=True)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in tuple(self._threads):
            thread.join(PATIENCE)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._speak, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _speak(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(PATIENCE)
            try:
                head = _request(connection)
                if head:
                    self.heads.append(head)
                    self._script(connection, head)
            except OSError:
                return  # The client has hung up, as it should.


def _request(connection: socket.socket) -> bytes:
    """One request, body and all; or the first bytes of what is none."""
    read = b""
    while more := connection.recv(65536):
        read += more
        head, end, body = read.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        if read.startswith(b"\x16") or (end and len(body) >= (int(length[1]) if length else 0)):
            break  # 0x16 begins the greeting of TLS.
    return read


def saying(*parts: bytes) -> Script:
    """Answer with these bytes and hang up."""

    def script(connection: socket.socket, _head: bytes) -> None:
        for part in parts:
            connection.sendall(part)

    return script


def whole(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client(timeout=5)
    yield made
    made.close()


def failure_of(client: Client, url: str) -> str:
    """The text of a failed call, which must say nothing of the address beyond what is no secret."""
    with pytest.raises(CallFailed) as failed:
        client.call("POST", f"{url}/hook?token={SECRET}", content=b"{}")
    assert SECRET not in str(failed.value)
    assert SECRET not in repr(failed.value)
    return str(failed.value)


@pytest.mark.parametrize(
    "status", ["200 OK", "204 No Content", "404 Not Found", "429 Busy", "500 No", "599 Odd"]
)
def test_any_status_is_an_answer(status: str, client: Client) -> None:
    body = b"" if status.startswith("204") else b"said"
    with Server(saying(whole(status, body, "Retry-After: 7", "X-Message-ID: a1"))) as server:
        answer = client.call("GET", server.url)
    assert (answer.status, answer.body) == (int(status[:3]), body)
    assert (answer.headers["retry-after"], answer.headers["x-message-id"]) == ("7", "a1")
    assert len(server.heads) == 1


def test_what_is_asked_arrives_as_it_was_given(client: Client) -> None:
    with Server(saying(whole("200 OK", b""))) as server:
        client.call(
            "PUT", f"{server.url}/a%20b?c=d%26", headers={"X-Key": "k", "User-Agent": "bot"}, content=b"body"
        )
    head, _, body = server.heads[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /a%20b?c=d%26 HTTP/1.1\r\n")
    assert {b"x-key: k", b"user-agent: bot", b"content-length: 4"} <= {
        line.lower() for line in head.split(b"\r\n")
    }
    assert body == b"body"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(status: str, client: Client) -> None:
    with (
        Server(saying(whole("200 OK", b"elsewhere"))) as elsewhere,
        Server(saying(whole(status, b"", f"Location: {elsewhere.url}/"))) as server,
    ):
        answer = client.call("POST", server.url, content=b"{}")
    assert answer.status == int(status[:3])
    assert (server.connections, elsewhere.connections) == (1, 0)


def test_the_environment_names_no_proxy_and_no_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login bot password {SECRET}\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with (
        Server(saying(whole("200 OK", b"through the proxy"))) as proxy,
        Server(saying(whole("200 OK", b"direct"))) as server,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        client = Client()
        assert client.call("GET", server.url).body == b"direct"
        client.close()
    assert proxy.connections == 0
    assert b"authorization" not in server.heads[0].lower()


def stretched(connection: socket.socket, _head: bytes) -> None:
    """An answer one byte larger than the most, without saying so before."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    block = bytes(1024 * 1024)
    for _ in range(ANSWER_BYTES // len(block)):
        connection.sendall(block)
    connection.sendall(b"x")


@pytest.mark.parametrize(
    "script",
    [
        stretched,
        saying(whole("200 OK", gzip.compress(bytes(ANSWER_BYTES + 1), 1), "Content-Encoding: gzip")),
    ],
    ids=["plain", "compressed"],
)
def test_an_answer_is_cut_at_its_most(script: Script, client: Client) -> None:
    with Server(script) as server:
        assert failure_of(client, server.url) == f"the answer is larger than {ANSWER_BYTES} bytes"


def test_an_answer_is_unpacked_whatever_its_packing_is_called(client: Client) -> None:
    body = b"said " * 1000
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = {
        "gzip": gzip.compress(body), "X-GZIP": gzip.compress(body), "deflate": zlib.compress(body),
        "Deflate": raw.compress(body) + raw.flush(), "identity": body, "unheard-of": body,
    }  # fmt: skip
    for name, content in packed.items():
        with Server(saying(whole("200 OK", content, f"Content-Encoding: {name}"))) as server:
            assert client.call("GET", server.url).body == body, name


def test_a_name_and_password_in_the_address_sign_in(client: Client) -> None:
    with Server(saying(whole("200 OK", b""))) as server:
        client.call("GET", server.url.replace("//", "//bot:p%40ss@"))
        client.call("GET", server.url.replace("//", "//bot:p%40ss@"), headers={"Authorization": "Bearer own"})
    first, second = (head.lower() for head in server.heads)
    assert b"authorization: " + b"Basic ".lower() + base64.b64encode(b"bot:p@ss").lower() in first
    assert second.count(b"authorization") == 1
    assert b"bearer own" in second


def test_a_header_that_comes_twice_is_one_list(client: Client) -> None:
    with Server(saying(whole("200 OK", b"", "X-A: 1", "x-a: 2"))) as server:
        assert client.call("GET", server.url).headers["x-a"] == "1, 2"


def test_a_large_answer_below_the_most_is_read_whole(client: Client) -> None:
    body = bytes(4 * 1024 * 1024)
    with Server(saying(whole("200 OK", body))) as server:
        assert client.call("GET", server.url).body == body


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"], ids=["silent", "half"]
)
def test_a_server_that_stops_talking_is_not_waited_for(first: bytes) -> None:
    def script(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(first)
        server.over.wait(PATIENCE)

    client = Client(timeout=0.2)
    with Server(script) as server:
        assert failure_of(client, server.url) == "no answer: ReadTimeout"
    client.close()


def test_an_answer_that_trickles_in_is_not_waited_for() -> None:
    def script(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not server.over.wait(0.02):
            connection.sendall(b"x")

    client = Client(timeout=5, whole=0.2)
    with Server(script) as server:
        assert failure_of(client, server.url) == "the answer took longer than 0 s"
    client.close()


def test_one_call_may_be_less_patient_than_its_client() -> None:
    def silent(_connection: socket.socket, _head: bytes) -> None:
        server.over.wait(PATIENCE)

    def trickles(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not server.over.wait(0.02):
            connection.sendall(b"x")

    client = Client()
    for script in (silent, trickles):
        with Server(script) as server, pytest.raises(CallFailed):
            client.call("GET", server.url, within=0.2)
    with Server(saying(whole("200 OK", b"said"))) as server:
        assert client.call("GET", server.url, within=999).body == b"said"
    client.close()


GARBAGE = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "zeros": bytes(200),
    "status that is none": b"HTTP/1.1 many OK\r\n\r\n",
    "head cut off": b"HTTP/1.1 200 OK\r\nContent-Le",
    "endless head": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 1_000_000,
    "length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "body cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
    "chunks cut off": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "bad gzip": whole("200 OK", b"this is not compressed", "Content-Encoding: gzip"),
    "bad deflate": whole("200 OK", b"\xff" * 20, "Content-Encoding: deflate"),
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_no_answer(said: bytes, client: Client) -> None:
    with Server(saying(said)) as server:
        assert failure_of(client, server.url).startswith("no answer: ")
    # One attempt: the outbox tries again, not the client.
    assert server.connections == 1


def test_garbage_in_headers_is_an_answer(client: Client) -> None:
    with Server(saying(whole("200 OK", b"said", "X-Odd: \xff\xfe", "Retry-After: \xb2"))) as server:
        answer = client.call("GET", server.url)
    assert answer.body == b"said"


def test_a_port_that_nobody_listens_on(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert failure_of(client, url) == "no answer: ConnectError"


def test_a_server_without_tls(client: Client) -> None:
    with Server(saying(b"no TLS here")) as server:
        assert failure_of(client, server.url.replace("http:", "https:")) == "no answer: ConnectError"


@pytest.mark.parametrize(
    "url",
    ["", "no address", "http://", "http://[", "http://a:port", "ftp://a", "http://\x00", "http://\udcff"],
)
def test_what_is_no_address(url: str, client: Client) -> None:
    assert failure_of(client, url).startswith("no answer: ")


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "ä", "a\x00"])
def test_a_header_that_cannot_be_sent_never_injects_another(value: str, client: Client) -> None:
    with Server(saying(whole("200 OK", b""))) as server, suppress(CallFailed):
        client.call("GET", server.url, headers={"X-Key": value})
    assert not [head for head in server.heads if b"\r\nx-injected" in head.lower()]


def polite(connection: socket.socket, head: bytes) -> None:
    """Answer one request, and leave the connection open for as long as the client does."""
    while head:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        head = connection.recv(65536)


def test_connections_are_used_again(client: Client) -> None:
    with Server(polite) as server:
        assert [client.call("GET", server.url).body for _ in range(5)] == [b"ok"] * 5
        assert server.connections == 1
        client.close()


def test_a_connection_that_the_server_says_it_closes_is_not_used_again(client: Client) -> None:
    closing = saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    with Server(closing) as server:
        assert [client.call("GET", server.url).body for _ in range(3)] == [b"ok"] * 3
    assert server.connections == 3


def test_threads_share_it(client: Client) -> None:
    def script(connection: socket.socket, head: bytes) -> None:
        connection.sendall(whole("200 OK", head.split(b" ")[1]))

    with Server(script) as server, ThreadPoolExecutor(8) as pool:
        paths = [f"/{number}" for number in range(64)]
        bodies = list(pool.map(lambda path: client.call("GET", server.url + path).body.decode(), paths))
    assert bodies == paths


def test_an_answer_as_json() -> None:
    assert Answer(status=200, headers={}, body=b'{"a": [1, null]}').json() == {"a": [1, None]}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000], ids=["empty", "cut", "no text", "deep"]
)
def test_what_is_not_json(body: bytes) -> None:
    with pytest.raises(CallFailed, match="the answer is not JSON"):
        Answer(status=200, headers={}, body=body).json()


@pytest.mark.parametrize(
    "address, public",
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("192.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("example.com", False),
    ],
)
def test_which_addresses_are_of_the_public_internet(address: str, *, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "no.such.name.invalid"])
def test_a_client_for_the_public_internet_calls_nobody_here(host: str) -> None:
    with Server(lambda line, _head: line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server:
        client = Client(public_only=True)
        with pytest.raises(CallFailed, match="ConnectError"):
            client.call("POST", server.url.replace("127.0.0.1", host), content=b"{}")
        client.close()
    assert server.connections == 0
