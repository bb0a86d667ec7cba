from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.bodies import NEVER, alert, delivery, encoded
from tests.e2e.configuration import small, write
from tests.e2e.harness import RunningBot
from tests.e2e.hostile import JSON, Hostile, mutations, table

RECORDED = Path(__file__).resolve().parents[1] / "data" / "alertmanager" / "single-01.json"
TOKEN = "only-for-this-test"


@pytest.fixture
def bot(store_url: str, tmp_path: Path) -> Iterator[RunningBot]:
    with RunningBot(write(tmp_path, small()), database_url=store_url) as running:
        yield running


def send(bot: RunningBot, hostile: Hostile) -> str | None:
    """Post one; gives what is wrong with the answer, or none."""
    headers = {"Content-Type": JSON, **hostile.headers}
    try:
        answer = bot.post("/webhooks/alertmanager", hostile.content, headers)
    except httpx2.TransportError as error:
        return f"{hostile.name}: no answer ({type(error).__name__})"
    shown = f"{hostile.name}: {answer.status_code} {answer.text[:200]!r}"
    if answer.status_code not in hostile.allowed or "Traceback" in answer.text or len(answer.content) > 4096:
        return shown
    told = answer.json()
    if answer.status_code == 200:
        return None if {"delivery", "alerts", "duplicate"} <= set(told) else shown
    if answer.headers["content-type"] != "application/problem+json" or not told["detail"]:
        return shown
    if answer.status_code == 400 and hostile.path is not None:
        path = str(told.get("path"))
        return None if path == "$" or path.startswith(hostile.path) else f"{shown} wrong path"
    return None


def still_serves(bot: RunningBot) -> None:
    answer = bot.deliver(delivery([alert("AfterAll", instance="a")], group="after all"))
    assert (answer.status_code, answer.json()["alerts"], answer.json()["duplicate"]) == (200, 1, False)
    assert [one["labels"].get("alertname") for one in bot.alerts()].count("AfterAll") == 1
    assert not bot.errors()


def test_no_hostile_body_hurts(bot: RunningBot) -> None:
    recorded = RECORDED.read_bytes()
    requests = [*table(recorded), *mutations(recorded)]
    assert len(requests) > 250
    wrong = [problem for one in requests if (problem := send(bot, one))]
    assert not wrong, "\n".join(wrong[:40])
    still_serves(bot)


def _mend(change: Callable[[Any], object]) -> bytes:
    body: Any = delivery([alert("Partly", instance=name) for name in "abc"], group="partly")
    change(body["alerts"])
    return encoded(body)


BAD_ALERTS: dict[str, Callable[[Any], object]] = {
    "no object": lambda alerts: alerts.__setitem__(1, []),
    "no labels": lambda alerts: alerts[1].pop("labels"),
    "a label is a number": lambda alerts: alerts[1]["labels"].update(instance=7),
    "no status": lambda alerts: alerts[1].pop("status"),
    "another status": lambda alerts: alerts[1].update(status="suppressed"),
    "a bad start": lambda alerts: alerts[1].update(startsAt="yesterday"),
    "a start without a zone": lambda alerts: alerts[1].update(startsAt="2026-11-21T00:00:00"),
    "an end that is none": lambda alerts: alerts[1].update(status="resolved", endsAt="never"),
    "labels nested": lambda alerts: alerts[1]["labels"].update(instance={"a": {"b": []}}),
}


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_good_alerts_of_a_partly_bad_body_are_taken(bot: RunningBot) -> None:
    for name, change in BAD_ALERTS.items():
        body = json.loads(_mend(change))
        body["groupKey"] = name
        for one in (body["alerts"][0], body["alerts"][2]):
            one["labels"]["case"] = name
        answer = bot.deliver(body)
        told = answer.json()
        assert (answer.status_code, told["alerts"], told.get("rejected")) == (200, 2, 1), (
            f"{name}: {answer.text}"
        )
        # The second time it is the same delivery: nothing new, and no refusal that would bring it again for ever.
        assert bot.deliver(body).json()["duplicate"], name
    stored = [(one["labels"]["case"], one["labels"]["instance"]) for one in bot.alerts()]
    assert sorted(stored) == sorted((name, instance) for name in BAD_ALERTS for instance in "ac")
    still_serves(bot)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_odd_times_are_taken(bot: RunningBot) -> None:
    starts = [
        NEVER, "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-11-21T00:00:00.123456789+05:30",
        "0001-01-01T00:00:01Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
    ]  # fmt: skip
    for number, start in enumerate(starts):
        one = alert("OddTime", number=str(number)) | {"startsAt": start}
        for status in ("firing", "resolved"):
            body = delivery([one | {"status": status, "endsAt": start}], group=f"odd {number}")
            answer = bot.deliver(body)
            assert answer.status_code in (200, 400), f"{start}: {answer.text}"
    bot.alerts()
    still_serves(bot)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_requests_that_are_no_good_http(bot: RunningBot) -> None:
    good = encoded(delivery([alert("Raw", instance="a")], group="raw"))
    head = b"POST /webhooks/alertmanager HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    length = f"Content-Length: {len(good)}\r\n\r\n".encode()
    raw = {
        "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
        "half a head": head[:40],
        "half a body": head + length + good[: len(good) // 2],
        "two lengths": head + b"Content-Length: 3\r\n" + length + good,
        "a negative length": head + b"Content-Length: -1\r\n\r\n" + good,
        "a length of words": head + b"Content-Length: many\r\n\r\n" + good,
        "a huge length": head + b"Content-Length: 999999999999999\r\n\r\n" + good,
        "bad chunks": head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + good,
        "chunks and a length": head + b"Transfer-Encoding: chunked\r\n" + length + good,
        "an endless header": head + b"X-Long: " + b"x" * 300_000,
        "a strange method": b"BREW" + head[4:] + length + good,
        "a path that climbs": head.replace(b"alertmanager", b"../../etc/passwd") + length + good,
        "a path with NUL": head.replace(b"alertmanager", b"alert%00manager") + length + good,
        "a long path": head.replace(b"alertmanager", b"a" * 9000) + length + good,
        "HTTP/0.9": b"GET /webhooks/alertmanager\r\n\r\n",
    }
    for name, content in raw.items():
        answered = _raw(bot.port, content)
        assert not answered.startswith(b"HTTP/1.1 5"), f"{name}: {answered[:200]!r}"
        assert b"Traceback" not in answered, name
    still_serves(bot)


def _raw(port: int, content: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.settimeout(0.3)
        try:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            answered = b""
            while part := connection.recv(65536):
                answered += part
        except OSError:
            return b""
        return answered


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_credentials_are_asked_for(store_url: str, tmp_path: Path) -> None:
    good = encoded(delivery([alert("Guarded", instance="a")], group="guarded"))
    wrong: dict[str, dict[str, str]] = {
        "none": {},
        "another token": {"Authorization": "Bearer x"},
        "no token": {"Authorization": "Bearer"},
        "another scheme": {"Authorization": f"Digest {TOKEN}"},
        "no base 64": {"Authorization": "Basic !!!"},
        "no colon": {"Authorization": "Basic YWJj"},
        "a long one": {"Authorization": "Bearer " + "x" * 60_000},
    }
    environment = {"INCIDENT_BOT_INGEST_TOKEN": TOKEN}
    with RunningBot(write(tmp_path, small()), database_url=store_url, environment=environment) as bot:
        for name, headers in wrong.items():
            answer = bot.post("/webhooks/alertmanager", good, headers)
            assert answer.status_code == 401, f"{name}: {answer.text}"
            assert TOKEN not in answer.text
        answer = bot.post("/webhooks/alertmanager", good, {"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        basic = httpx2.BasicAuth("anybody", TOKEN)
        again = httpx2.post(
            f"{bot.url}/webhooks/alertmanager", content=good, auth=basic, headers={"Content-Type": JSON}
        )
        assert (again.status_code, again.json()["duplicate"]) == (200, True)
        assert TOKEN not in bot.log_path.read_text(encoding="utf-8")
        assert not bot.errors()
