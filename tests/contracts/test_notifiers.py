"""What every notifier must do, whichever it is: a new one gets these tests by its line in the registry.

A notifier that speaks HTTP also needs a row in `WIRED`: how its settings lead to our receiver.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import structlog
from structlog.testing import capture_logs

from incident_bot.config.channels import CHANNELS
from incident_bot.config.settings import Settings, variable
from incident_bot.core.model import Person
from incident_bot.flow import deliver
from incident_bot.notifiers import NOTIFIERS, Notifier, twilio
from incident_bot.notifiers.base import (
    GiveUp,
    GiveUpReason,
    Message,
    Receipt,
    RetryLater,
    retry_after_header,
)
from incident_bot.outgoing import SEND_MOST_SECONDS, SEND_SECONDS, TIMEOUT_SECONDS, Client
from incident_bot.telemetry import configure_logging
from tests.fakes.slack.state import BOT_TOKEN
from tests.fakes.slack.workspace import Workspace
from tests.fakes.smtp import MailServer
from tests.fakes.webhook import MISBEHAVIOURS, Behaviour, Received, WebhookServer, answers, closes

LogLevel = str
ENVIRONMENT = Path(__file__).resolve().parents[2] / "docs/reference/environment.md"
NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
SECRET = "s3cr3t-of-the-signature"
PATH = "/hook/s3cr3t-of-the-path"
QUERY = "token=s3cr3t-of-the-query"
ROUTING_KEY = "s3cr3t0123456789abcdef0123456789"


@dataclass(frozen=True)
class Wire:
    """How a notifier that speaks HTTP and our receiver find and understand each other."""

    settings: Callable[[str], Mapping[str, str]]
    """With which it reaches the receiver at an address."""
    key: Callable[[Received], str]
    """By what its provider knows a message again."""
    taken: bytes = b"{}"
    """What its provider answers to what it takes."""
    says_so: bool = False
    """Whether an answer without that is no receipt: something else may have given it."""
    content_type: str = "application/json"
    tells_channels: bool = True
    """Whether a message need not be for a person."""


def _twilio(url: str) -> Mapping[str, str]:
    return {
        "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
        "TWILIO_AUTH_TOKEN": SECRET,
        "TWILIO_FROM": "+4915735980000",
        "INCIDENT_BOT_TWILIO_API_URL": url,
        "INCIDENT_BOT_PUBLIC_URL": "https://bot.example.com",
    }


WIRED: Mapping[str, Wire] = {
    "pagerduty": Wire(
        lambda url: {"PAGERDUTY_ROUTING_KEY": ROUTING_KEY, "INCIDENT_BOT_PAGERDUTY_EVENTS_URL": url},
        key=lambda request: str(json.loads(request.body)["dedup_key"]),
        taken=b'{"status": "success", "dedup_key": "k"}',
        says_so=True,
    ),
    "sms": Wire(
        _twilio,
        key=lambda request: parse_qs(request.body.decode())["StatusCallback"][0],
        taken=b'{"sid": "SM1"}',
        says_so=True,
        content_type="application/x-www-form-urlencoded",
        tells_channels=False,
    ),
    "voice": Wire(
        _twilio,
        key=lambda request: parse_qs(request.body.decode())["Url"][0],
        taken=b'{"sid": "CA1"}',
        says_so=True,
        content_type="application/x-www-form-urlencoded",
        tells_channels=False,
    ),
    "webhook": Wire(
        lambda url: {
            "INCIDENT_BOT_WEBHOOK_URL": f"{url}{PATH}?{QUERY}",
            "INCIDENT_BOT_WEBHOOK_SECRET": SECRET,
        },
        key=lambda request: request.headers["idempotency-key"],
    ),
}
SILENT = {"stdout"}
"""Those that call nobody."""
OTHERWISE = {"mail", "slack"}
"""Those that speak another protocol, or answer in words of their own, with contract tests of their own beside these:
`test_mail.py`, `test_slack.py`."""

ALICE = Person(
    id="alice",
    name="Alice Example",
    time_zone="Europe/Berlin",
    contacts={
        "mail": "alice@example.com",
        "pagerduty": "PALICE1",
        "slack": "U0ALICE",
        "sms": "+4915100000001",
        "voice": "+4915100000001",
    },
)
MESSAGE = Message(
    key="page:1:1:0:0:alice:webhook",
    kind="page",
    recipient="alice",
    person=ALICE,
    subject="P1: 5xx above 5 %",
    text="P1: 5xx above 5 %\nTake it: ack INC-1",
    url="https://bot.example.com/incidents/INC-1",
    facts={"incident": "INC-1", "step": 0},
)

TAKEN = (200, 201, 202, 203, 204, 299)
LATER = (408, 409, 423, 425, 429, 500, 501, 502, 503, 504, 507, 511, 599)
NEVER = {
    **dict.fromkeys((400, 402, 405, 413, 415, 422, 451, 300, 301, 304, 307), GiveUpReason.REFUSED),
    **dict.fromkeys((401, 403, 407), GiveUpReason.AUTH),
    **dict.fromkeys((404, 410), GiveUpReason.ADDRESS),
}

over_http = pytest.mark.parametrize("name", sorted(WIRED))
every = pytest.mark.parametrize("name", sorted(NOTIFIERS))


@pytest.fixture
def receiver() -> Iterator[WebhookServer]:
    with WebhookServer() as server:
        yield server
        assert not server.complaints


@pytest.fixture
def wire(receiver: WebhookServer) -> Iterator[Callable[..., Notifier]]:
    """Build a notifier that calls the receiver."""
    with ExitStack() as stack:

        def build(
            name: str,
            *,
            url: str | None = None,
            without: str | None = None,
            patience: float = TIMEOUT_SECONDS,
        ) -> Notifier:
            client = Client(timeout=patience, whole=2 * patience)
            stack.callback(client.close)
            values: dict[str, str] = {}
            if name in WIRED:
                values.update(WIRED[name].settings(url or receiver.url))
                receiver.usual = answers(200, WIRED[name].taken)
                receiver.content_type = WIRED[name].content_type
            elif name == "mail":
                server = stack.enter_context(MailServer())
                values.update({"SMTP_URL": server.url(), "INCIDENT_BOT_MAIL_FROM": "bot@example.com"})
            elif name == "slack":
                workspace = stack.enter_context(Workspace(NOW.timestamp, rates=False))
                workspace.person("U0ALICE", "Alice Example")
                values.update({"SLACK_BOT_TOKEN": BOT_TOKEN, "INCIDENT_BOT_SLACK_API_URL": workspace.url})
            values.pop(without or "", None)
            notifier = NOTIFIERS[name].build(values, client, lambda _text: None)
            assert notifier is not None
            return notifier

        yield build


def outcome(notifier: Notifier, message: Message = MESSAGE) -> str | GiveUpReason:
    """`sent`, `later` or the reason for giving up; anything else that is raised breaks the contract."""
    try:
        receipt = notifier.send(message)
    except RetryLater:
        return "later"
    except GiveUp as problem:
        return problem.reason
    assert isinstance(receipt, Receipt)
    return "sent"


def test_every_notifier_is_wired_here() -> None:
    assert set(WIRED) | SILENT | OTHERWISE == set(NOTIFIERS)


@every
def test_its_name_may_stand_in_a_persons_rules(name: str) -> None:
    assert NOTIFIERS[name].name == name
    assert name in CHANNELS


@every
def test_its_settings_are_known_and_documented(name: str) -> None:
    reference = ENVIRONMENT.read_text(encoding="utf-8")
    known = {variable(field) for field in Settings.model_fields}
    for setting in NOTIFIERS[name].settings:
        assert setting in known, f"{setting} is no setting"
        assert f"| `{setting}` |" in reference, f"docs/reference/environment.md does not name {setting}"


@over_http
def test_it_is_not_built_without_its_settings(name: str) -> None:
    client = Client()
    assert NOTIFIERS[name].build({}, client, lambda _text: None) is None
    client.close()


@every
def test_it_reaches_nobody_who_left(name: str, wire: Callable[..., Notifier]) -> None:
    notifier = wire(name)
    assert notifier.reaches(ALICE)
    assert not notifier.reaches(replace(ALICE, active=False))


@over_http
@pytest.mark.parametrize("status", [*TAKEN, *LATER, *NEVER])
def test_what_it_makes_of_each_status_with_exactly_one_attempt(
    name: str, status: int, receiver: WebhookServer, wire: Callable[..., Notifier]
) -> None:
    headers = {"Location": f"{receiver.url}/elsewhere"}
    receiver.plan.append(answers(status, WIRED[name].taken if status in TAKEN else b"{}", headers=headers))
    expected = "sent" if status in TAKEN else "later" if status in LATER else NEVER[status]
    if status == 204 and WIRED[name].says_so:
        expected = "later"
    assert outcome(wire(name)) == expected
    assert len(receiver.received) == 1, "exactly one attempt, and no redirect is followed"


@over_http
@pytest.mark.parametrize(
    "header, after",
    [
        ("120", timedelta(minutes=2)),
        (" 7 ", timedelta(seconds=7)),
        ("0", timedelta(0)),
        ("999999999999", timedelta(days=1)),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("9" * 5000, None),
        (None, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read(
    name: str,
    status: int,
    header: str | None,
    after: timedelta | None,
    receiver: WebhookServer,
    wire: Callable[..., Notifier],
) -> None:
    receiver.plan.append(answers(status, headers={"Retry-After": header} if header else {}))
    with pytest.raises(RetryLater) as problem:
        wire(name).send(MESSAGE)
    asked = problem.value.after
    assert asked == after or (header is not None and len(header) > 100 and asked == timedelta(days=1))


def test_retry_after_of_any_digits() -> None:
    assert retry_after_header("٣") in (None, timedelta(seconds=3))
    assert retry_after_header("") is None


@over_http
def test_every_attempt_of_one_message_carries_the_same_key(
    name: str, receiver: WebhookServer, wire: Callable[..., Notifier]
) -> None:
    notifier = wire(name)
    receiver.plan.extend([answers(503), closes])
    assert [outcome(notifier) for _ in range(3)] == ["later", "later", "sent"]
    (key,) = {WIRED[name].key(one) for one in receiver.received}
    assert key
    assert len({one.body for one in receiver.received}) == 1


def test_the_message_arrives_whole_and_signed(receiver: WebhookServer, wire: Callable[..., Notifier]) -> None:
    receiver.plan.append(answers(200, headers={"X-Message-Id": "m-17"}))
    assert wire("webhook").send(MESSAGE) == Receipt(provider_id="m-17")
    (request,) = receiver.received
    body = json.loads(request.body)
    assert (body["key"], body["kind"], body["recipient"]) == (MESSAGE.key, "page", "alice")
    assert (body["subject"], body["text"], body["url"]) == (MESSAGE.subject, MESSAGE.text, MESSAGE.url)
    assert body["facts"] == MESSAGE.facts
    signature = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-incident-bot-signature"] == f"sha256={signature}"
    assert SECRET not in request.body.decode()


def test_without_a_secret_nothing_is_signed(receiver: WebhookServer, wire: Callable[..., Notifier]) -> None:
    wire("webhook", without="INCIDENT_BOT_WEBHOOK_SECRET").send(MESSAGE)
    assert "x-incident-bot-signature" not in receiver.received[0].headers


def test_a_provider_id_without_end_is_cut(receiver: WebhookServer, wire: Callable[..., Notifier]) -> None:
    receiver.plan.append(answers(200, headers={"X-Message-Id": "x" * 5000}))
    assert len(wire("webhook").send(MESSAGE).provider_id or "") <= 200


@over_http
@pytest.mark.parametrize("behaviour", MISBEHAVIOURS)
def test_whatever_the_receiver_does_only_two_things_are_raised(
    name: str, behaviour: str, receiver: WebhookServer, wire: Callable[..., Notifier]
) -> None:
    receiver.plan.append(MISBEHAVIOURS[behaviour])
    notifier = wire(name)
    outcome(notifier)
    assert len(receiver.received) == 1
    # A connection that was left open may turn out to be dead at its next use; that is tried again.
    assert "sent" in [outcome(notifier), outcome(notifier)], "the next message is not hurt by it"


@over_http
def test_a_receiver_that_never_answers_or_never_ends_costs_bounded_time(
    name: str, receiver: WebhookServer, wire: Callable[..., Notifier]
) -> None:
    receiver.plan.extend([receiver.hangs, receiver.trickles])
    notifier = wire(name, patience=0.3)
    assert outcome(notifier) == "later"
    assert outcome(notifier) == "later"


def test_a_call_ends_before_its_lease_does() -> None:
    # S2: connecting, writing and the last read come on top of the reading.
    assert timedelta(seconds=SEND_MOST_SECONDS) < deliver.LEASE
    assert timedelta(seconds=4 * SEND_SECONDS) < deliver.LEASE


def test_both_calls_of_a_later_text_end_before_the_lease_does() -> None:
    assert timedelta(seconds=4 * (twilio.ASK_SECONDS + twilio.AGAIN_SECONDS)) < deliver.LEASE


@over_http
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid", "http://[::1]:1"])
def test_an_address_where_nobody_is(name: str, url: str, wire: Callable[..., Notifier]) -> None:
    assert outcome(wire(name, url=url)) == "later"


ODD_MESSAGES = {
    "half of a surrogate pair": replace(MESSAGE, subject="\ud800", text="half \udfff of a pair"),
    "a name in another script": replace(
        MESSAGE, key="message:opened:1:#事故:3", kind="opened", recipient="#事故", person=None
    ),
    "a key of two lines": replace(MESSAGE, key="message:opened:1:#a\r\nX-Evil: 1:3"),
    "nothing": replace(MESSAGE, subject="", text="", url=None, facts={}, person=None),
    "controls": replace(MESSAGE, text="bell \x07 nul \x00 escape \x1b[31m"),
    "very long": replace(MESSAGE, text="x" * 1_000_000),
}


@every
@pytest.mark.parametrize("odd", ODD_MESSAGES)
def test_whatever_the_message_holds_it_goes_out(
    name: str, odd: str, receiver: WebhookServer, wire: Callable[..., Notifier]
) -> None:
    message = ODD_MESSAGES[odd]
    to_channels = name in SILENT or (name in WIRED and WIRED[name].tells_channels)
    reached = to_channels or message.person is not None
    assert outcome(wire(name), message) == ("sent" if reached else GiveUpReason.ADDRESS)
    for request in receiver.received:
        assert "\n" not in WIRED[name].key(request)
        assert "x-evil" not in request.headers


@over_http
def test_different_keys_stay_different(
    name: str, receiver: WebhookServer, wire: Callable[..., Notifier]
) -> None:
    notifier = wire(name)
    keys = ["message:#事故", "message:#事件", "message:%23", "message:#"]
    for key in keys:
        notifier.send(replace(MESSAGE, key=key))
    assert len({WIRED[name].key(one) for one in receiver.received}) == len(keys)


@over_http
@pytest.mark.parametrize("behaviour", [closes, answers(401), answers(503), answers(302), answers(200)])
def test_no_secret_is_told(
    name: str,
    behaviour: Behaviour,
    receiver: WebhookServer,
    wire: Callable[..., Notifier],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    receiver.plan.append(behaviour)
    notifier = wire(name)
    told = [repr(notifier), str(notifier)]
    with capture_logs() as logs:
        try:
            notifier.send(MESSAGE)
        except (RetryLater, GiveUp) as problem:
            told += [str(problem), repr(problem), str(problem.__cause__)]
    assert "s3cr3t" not in " ".join([*told, caplog.text, str(logs)])


@pytest.fixture
def log_lines() -> Iterator[Callable[[LogLevel], StringIO]]:
    """Have everything logged as the product does at a level; gives where it is written."""
    root, library, before = logging.getLogger(), logging.getLogger("httpx2"), structlog.get_config()
    handlers, levels = root.handlers[:], (root.level, library.level)

    def begin(level: LogLevel) -> StringIO:
        lines = StringIO()
        configure_logging(level=level, stream=lines)
        return lines

    yield begin
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    library.setLevel(levels[1])
    structlog.configure(**before)


@over_http
@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_secret_is_logged_by_the_library_below(
    name: str, level: LogLevel, wire: Callable[..., Notifier], log_lines: Callable[[LogLevel], StringIO]
) -> None:
    lines = log_lines(level)
    wire(name).send(MESSAGE)
    assert "s3cr3t" not in lines.getvalue()


@over_http
def test_it_is_safe_to_call_from_several_threads(
    name: str, receiver: WebhookServer, wire: Callable[..., Notifier]
) -> None:
    notifier = wire(name)
    messages = [replace(MESSAGE, key=f"k{number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda message: outcome(notifier, message), messages)) == {"sent"}
    assert len({WIRED[name].key(one) for one in receiver.received}) == len(messages)


@pytest.mark.parametrize("problem", [BrokenPipeError(), ValueError("closed file"), OSError("disk full")])
def test_an_output_that_cannot_be_written_is_tried_again(problem: Exception) -> None:
    def write(_text: str) -> None:
        raise problem

    client = Client()
    notifier = NOTIFIERS["stdout"].build({}, client, write)
    client.close()
    assert notifier is not None
    with pytest.raises(RetryLater):
        notifier.send(MESSAGE)


def test_stdout_prints_each_message_as_one_block() -> None:
    printed: list[str] = []
    client = Client()
    notifier = NOTIFIERS["stdout"].build({}, client, printed.append)
    client.close()
    assert notifier is not None
    notifier.send(MESSAGE)
    (block,) = printed
    assert block.startswith("── page to alice ── P1: 5xx above 5 %")
    assert "   Take it: ack INC-1" in block
