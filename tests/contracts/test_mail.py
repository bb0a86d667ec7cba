"""The notifier `mail` against a real SMTP server: what each answer means, what a letter is like, what stays secret."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from email.utils import getaddresses
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from incident_bot.clock import ManualClock
from incident_bot.config.mail import Mailbox, mailbox, read_sender, read_smtp_url
from incident_bot.core.model import Person
from incident_bot.flow import deliver
from incident_bot.notifiers import NOTIFIERS
from incident_bot.notifiers.base import GiveUp, GiveUpReason, Message, Receipt, RetryLater
from incident_bot.notifiers.mail import ANSWERS_MOST, DIALOGUE_SECONDS, MailNotifier, compose
from incident_bot.outgoing import TIMEOUT_SECONDS, Client
from tests.fakes.certificates import write_certificate
from tests.fakes.smtp import DROP, HANG, PASSWORD, TRICKLE, MailServer, complaints_about

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
SENDER = Mailbox(name="Incident bot", local="incidents", domain="example.com")
ALICE = Person(id="alice", name="Alice Example", contacts={"mail": "alice@example.com"})
TO = Mailbox(name="Alice Example", local="alice", domain="example.com")
TOKEN = "0123456789abcdef" * 3
MESSAGE = Message(
    key="page:1:1:0:0:alice:mail",
    kind="page",
    recipient="alice",
    person=ALICE,
    subject="P1: 5xx above 5 %",
    text="P1: 5xx above 5 %\nTake it: ack INC-1\n.\n..a line with a dot\nÄrger äöü",
    url="https://bot.example.com/incidents/INC-1",
    urgent=True,
    thread="https://bot.example.com/incidents/INC-1 2026-03-03T03:00:00+00:00",
    html="<!DOCTYPE html><html><body><p>Ärger</p></body></html>",
    ack_url=f"https://bot.example.com/ack/{TOKEN}",
)

Wire = Callable[..., MailNotifier]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture(scope="module")
def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def guarded(server_tls: ssl.SSLContext) -> Iterator[MailServer]:
    """A server as most are: STARTTLS first, then a password."""
    with MailServer(tls=server_tls, sign_in=True) as server:
        yield server


def wired(url: str, *, tls: ssl.SSLContext | None = None, patience: float = TIMEOUT_SECONDS) -> MailNotifier:
    return MailNotifier(
        read_smtp_url(url), SENDER, clock=ManualClock(NOW), tls=tls, timeout=patience, whole=2 * patience
    )


def outcome(notifier: MailNotifier, message: Message = MESSAGE) -> str | GiveUpReason:
    """`sent`, `later` or the reason for giving up; anything else that is raised breaks the contract."""
    try:
        receipt = notifier.send(message)
    except RetryLater:
        return "later"
    except GiveUp as problem:
        return problem.reason
    assert isinstance(receipt, Receipt)
    return "sent"


# What a letter looks like.


def test_a_letter_arrives_whole_with_both_parts(server: MailServer) -> None:
    receipt = wired(server.url()).send(MESSAGE)
    assert receipt.provider_id == "2.0.0 OK queued as Q1"
    (letter,) = server.letters
    assert server.complaints == []
    assert (letter.sender, letter.recipients) == ("incidents@example.com", ("alice@example.com",))
    assert letter.part("plain") == f"{MESSAGE.text}\n\nAcknowledge as Alice Example:\n{MESSAGE.ack_url}\n"
    assert letter.part("html") == f"{MESSAGE.html}\n"
    headers = letter.message
    assert headers["From"] == "Incident bot <incidents@example.com>"
    assert headers["To"] == "Alice Example <alice@example.com>"
    assert headers["Subject"] == MESSAGE.subject
    assert headers["Date"] == "Tue, 03 Mar 2026 03:00:00 +0000"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["X-Auto-Response-Suppress"] == "All"
    assert (headers["X-Priority"], headers["Importance"]) == ("1", "high")


def test_what_is_not_urgent_does_not_say_so(server: MailServer) -> None:
    wired(server.url()).send(replace(MESSAGE, urgent=False))
    headers = server.letters[0].message
    assert (headers["X-Priority"], headers["Importance"]) == (None, None)


def test_without_html_or_link_it_is_the_text_alone(server: MailServer) -> None:
    wired(server.url()).send(replace(MESSAGE, html=None, ack_url=None, thread=None))
    (letter,) = server.letters
    assert letter.message.get_content_type() == "text/plain"
    assert letter.part("plain") == f"{MESSAGE.text}\n"
    assert letter.message["References"] is None


def test_every_attempt_is_the_same_letter_and_another_page_another_one(server: MailServer) -> None:
    server.plan.extend([{"taken": DROP}, {}, {}, {}])
    notifier = wired(server.url())
    assert outcome(notifier) == "later", "it was taken, and the answer was lost"
    assert outcome(notifier) == "sent"
    notifier.send(replace(MESSAGE, key="page:1:1:1:0:alice:mail"))
    notifier.send(
        replace(MESSAGE, thread="https://bot.example.com/incidents/INC-1 2027-01-01T00:00:00+00:00")
    )
    first, again, other, later_life = server.letters
    assert first.content == again.content
    ids = {letter.message["Message-ID"] for letter in server.letters}
    assert len(ids) == 3, "a database that begins anew does not repeat the ids of the old one"
    roots = [letter.message["References"] for letter in (first, other, later_life)]
    assert roots[0] == roots[1] != roots[2]
    assert first.message["In-Reply-To"] == roots[0]
    assert roots[0] not in ids


def test_a_secret_that_the_server_repeats_is_not_kept(server: MailServer) -> None:
    server.plan.append({"taken": f"250 OK {TOKEN} is queued"})
    assert wired(server.url()).send(MESSAGE).provider_id is None


WORDS = st.text(st.characters(), max_size=200)
NASTY = "x\r\nBcc: mallory@example.com\r\n\r\n<script>\x00\ud800\u2028Bcc: a@b.c\x85X-Evil: 1\x0b\x1b[31m.\r\n.\r\n"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(subject=WORDS, text=WORDS, html=WORDS, name=WORDS, key=WORDS, thread=WORDS, link=WORDS, bot=WORDS)
@example(subject=NASTY, text=NASTY, html=NASTY, name=NASTY, key=NASTY, thread=NASTY, link=NASTY, bot=NASTY)
def test_nothing_that_a_message_holds_becomes_a_header(
    subject: str, text: str, html: str, name: str, key: str, thread: str, link: str, bot: str
) -> None:
    message = replace(
        MESSAGE,
        subject=subject,
        text=text,
        html=html,
        key=key,
        thread=thread,
        ack_url=link,
        person=replace(ALICE, name=name),
    )
    content = compose(message, sender=replace(SENDER, name=bot), to=replace(TO, name=name), now=NOW)
    assert complaints_about(content, eight_bit=False) == []
    head = content.partition(b"\r\n\r\n")[0].decode()
    unfolded = head.replace("\r\n ", " ").split("\r\n")
    to = next(line for line in unfolded if line.startswith("To: "))
    sender = next(line for line in unfolded if line.startswith("From: "))
    assert [address for _, address in getaddresses([to[4:]])] == ["alice@example.com"]
    assert [address for _, address in getaddresses([sender[6:]])] == ["incidents@example.com"]


@pytest.mark.parametrize(
    "name", ['Żółć, the "boss" <x@y.z>', "事故 (当番)", "a" * 500, "", ";:@,<>", "=?utf-8?q?x?="]
)
def test_a_name_of_any_script_stays_a_name(name: str, server: MailServer) -> None:
    wired(server.url()).send(replace(MESSAGE, person=replace(ALICE, name=name)))
    assert server.complaints == []
    (letter,) = server.letters
    (address,) = letter.message["To"].addresses
    assert address.addr_spec == "alice@example.com"
    if len(name) < 60 and "=?" not in name:
        assert address.display_name == name


def test_a_long_domain_is_no_reason_to_break_an_id() -> None:
    domain = ".".join(["a" * 60] * 4)
    content = compose(MESSAGE, sender=replace(SENDER, domain=domain), to=TO, now=NOW)
    assert complaints_about(content, eight_bit=False) == []


def test_a_letter_is_bounded(server: MailServer) -> None:
    message = replace(MESSAGE, text="ä" * 1_000_000, html="x" * 1_000_000, subject="s" * 10_000)
    assert outcome(wired(server.url()), message) == "sent"
    assert server.complaints == []
    assert len(server.letters[0].content) < 1_000_000
    assert server.letters[0].message.get_content_type() == "text/plain"


# What each answer means.

ANSWERS: Mapping[str, tuple[str, str, str | GiveUpReason]] = {
    "not now": ("greeting", "421 4.3.2 come back later", "later"),
    "no service": ("greeting", "554 5.3.2 no SMTP service here", GiveUpReason.REFUSED),
    "not SMTP": ("greeting", "HTTP/1.1 400 Bad Request", "later"),
    "EHLO unknown": ("EHLO", "502 5.5.1 what?", GiveUpReason.REFUSED),
    "EHLO later": ("EHLO", "451 4.3.0 in a minute", "later"),
    "sender unknown": ("MAIL", "550 5.1.8 who are you?", GiveUpReason.REFUSED),
    "sender must sign in": ("MAIL", "530 5.7.0 Authentication required", GiveUpReason.AUTH),
    "sender later": ("MAIL", "452 4.3.1 disk full", "later"),
    "recipient unknown": ("RCPT", "550 5.1.1 no such user", GiveUpReason.ADDRESS),
    "recipient malformed": ("RCPT", "501 5.1.3 bad address", GiveUpReason.ADDRESS),
    "recipient's box full": ("RCPT", "452 4.2.2 mailbox full", "later"),
    "greylisted": ("RCPT", "450 4.7.1 greylisted", "later"),
    "letter refused": ("DATA", "554 5.7.1 spam", GiveUpReason.REFUSED),
    "letter later": ("DATA", "451 4.7.1 not now", "later"),
    "nonsense": ("DATA", "999 huh", "later"),
    **{
        f"hangs up at {stage}": (stage, DROP, "later")
        for stage in ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "taken")
    },
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_it_makes_of_each_answer_with_exactly_one_attempt(case: str, server: MailServer) -> None:
    stage, answer, expected = ANSWERS[case]
    server.plan.append({stage: answer})
    notifier = wired(server.url())
    assert outcome(notifier) == expected
    assert server.connections == 1, "exactly one attempt"
    assert outcome(notifier) == "sent", "the next message is not hurt by it"
    assert server.complaints == []


@pytest.mark.parametrize("behaviour", [HANG, TRICKLE])
@pytest.mark.parametrize("stage", ["greeting", "EHLO", "RCPT", "taken"])
def test_a_server_that_never_answers_or_never_ends_costs_bounded_time(
    stage: str, behaviour: str, server: MailServer
) -> None:
    server.plan.append({stage: behaviour})
    began = monotonic()
    assert outcome(wired(server.url(), patience=0.2)) == "later"
    assert monotonic() - began < 10


def test_a_server_that_says_too_much_is_not_listened_to(server: MailServer) -> None:
    server.plan.append({"EHLO": "250-" + "x" * 400 + ("\r\n250-" + "x" * 400) * (ANSWERS_MOST // 300)})
    assert outcome(wired(server.url())) == "later"


def test_a_call_ends_before_its_lease_does() -> None:
    # S2: the letter itself may take one more step's time after the deadline of what is read.
    assert timedelta(seconds=DIALOGUE_SECONDS + 2 * TIMEOUT_SECONDS) < deliver.LEASE


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:1", "smtp://no-such-host.invalid:25", "smtps://[::1]:1"])
def test_a_server_that_is_not_there(url: str) -> None:
    assert outcome(wired(url)) == "later"


@pytest.mark.parametrize(
    "contacts",
    [{}, {"mail": ""}, {"mail": "alice"}, {"mail": "a\r\nRCPT TO:<b@c.d>@example.com"}, {"mail": "a@b@c"},
     {"mail": "ärger@example.com"}, {"mail": "a@exa mple.com"}, {"mail": '"a b"@example.com'}, {"mail": "a@-.com"}],
)  # fmt: skip
def test_a_person_without_a_usable_address_is_given_up(contacts: dict[str, str], server: MailServer) -> None:
    person = replace(ALICE, contacts=contacts)
    notifier = wired(server.url())
    assert not notifier.reaches(person)
    assert outcome(notifier, replace(MESSAGE, person=person)) == GiveUpReason.ADDRESS
    assert outcome(notifier, replace(MESSAGE, person=None)) == GiveUpReason.ADDRESS
    assert server.connections == 0


def test_whom_it_reaches() -> None:
    notifier = wired("smtp://localhost")
    assert notifier.reaches(ALICE)
    assert not notifier.reaches(replace(ALICE, active=False))
    assert notifier.reaches(replace(ALICE, contacts={"mail": "o'neill+x@bücher.example"}))


# TLS and passwords.


def test_starttls_and_then_the_password(guarded: MailServer, trusting: ssl.SSLContext) -> None:
    assert outcome(wired(guarded.url(query="?starttls=1"), tls=trusting)) == "sent"
    assert guarded.complaints == []
    assert (guarded.letters[0].tls, guarded.letters[0].user) == (True, "bot")


@pytest.mark.parametrize("query", ["", "?starttls=opportunistic"])
def test_starttls_is_taken_where_it_is_offered(
    query: str, guarded: MailServer, trusting: ssl.SSLContext
) -> None:
    assert outcome(wired(guarded.url(query=query), tls=trusting)) == "sent"
    assert guarded.letters[0].tls


def test_tls_from_the_first_byte(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with MailServer(tls=server_tls, implicit=True) as server:
        assert outcome(wired(server.url(), tls=trusting)) == "sent"
        assert server.letters[0].tls


def test_auth_login_where_there_is_no_auth_plain(guarded: MailServer, trusting: ssl.SSLContext) -> None:
    guarded.without.add("AUTH")
    notifier = wired(guarded.url(), tls=trusting)
    assert outcome(notifier) == GiveUpReason.AUTH
    guarded.without.clear()
    guarded.plan.append({"EHLO": "250-mail.test\r\n250-STARTTLS\r\n250 AUTH LOGIN"})
    assert outcome(notifier) == "sent"
    assert guarded.letters[0].user == "bot"


def test_a_wrong_password_is_final(guarded: MailServer, trusting: ssl.SSLContext) -> None:
    assert outcome(wired(guarded.url(user="somebody"), tls=trusting)) == GiveUpReason.AUTH


def test_a_server_without_starttls_gets_neither_letter_nor_password(
    guarded: MailServer, trusting: ssl.SSLContext
) -> None:
    guarded.without.add("STARTTLS")
    assert outcome(wired(guarded.url(query="?starttls=1"), tls=trusting)) == GiveUpReason.REFUSED
    guarded.sign_in = False
    assert outcome(wired(guarded.url(query="?starttls=opportunistic"), tls=trusting)) == "sent"


@pytest.mark.parametrize("host, trusted", [("localhost", False), ("127.0.0.1", True), ("localhost", True)])
def test_the_certificate_is_checked(
    host: str, trusted: bool, guarded: MailServer, trusting: ssl.SSLContext
) -> None:
    notifier = wired(guarded.url(host=host), tls=trusting if trusted else None)
    assert outcome(notifier) == ("sent" if trusted else "later")
    if not trusted:
        with pytest.raises(RetryLater, match="is not trusted: self-signed certificate"):
            notifier.send(MESSAGE)
        assert guarded.letters == []


def test_a_certificate_for_another_name_is_not_taken(guarded: MailServer, trusting: ssl.SSLContext) -> None:
    notifier = wired(guarded.url(host="localhost.localdomain"), tls=trusting)
    assert outcome(notifier) == "later"
    assert guarded.letters == []


def test_the_registry_trusts_what_the_system_trusts(
    guarded: MailServer, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    client = Client()
    values = {"SMTP_URL": guarded.url(query="?starttls=1"), "INCIDENT_BOT_MAIL_FROM": "bot@example.com"}
    notifier = NOTIFIERS["mail"].build(values, client, lambda _text: None)
    assert notifier is not None
    notifier.send(MESSAGE)
    for name in values:
        rest = {key: value for key, value in values.items() if key != name}
        assert NOTIFIERS["mail"].build(rest, client, lambda _text: None) is None
    client.close()
    assert len(guarded.letters) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"DATA": f"554 5.7.1 we do not like /ack/{TOKEN}"},
        {"RCPT": "550 no"},
        {"taken": DROP},
        {"EHLO": "554 no"},
    ],
)
def test_no_secret_is_told(
    behaviour: dict[str, str], guarded: MailServer, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    guarded.plan.append(behaviour)
    caplog.set_level(logging.DEBUG, logger="incident_bot")
    notifier = wired(guarded.url(), tls=trusting)
    told = [repr(notifier), repr(notifier._server), repr(MESSAGE)]
    with capture_logs() as logs:
        try:
            told.append(repr(notifier.send(MESSAGE)))
        except (RetryLater, GiveUp) as problem:
            told += [str(problem), repr(problem), str(problem.__cause__)]
    everything = " ".join([*told, str(logs)])
    assert PASSWORD not in everything
    assert TOKEN not in everything


def test_it_is_safe_to_call_from_several_threads(server: MailServer) -> None:
    notifier = wired(server.url())
    messages = [replace(MESSAGE, key=f"k{number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda message: outcome(notifier, message), messages)) == {"sent"}
    assert len({letter.message["Message-ID"] for letter in server.letters}) == 24
    assert server.complaints == []


# The settings.


@pytest.mark.parametrize(
    "url, host, port, tls",
    [
        ("smtp://mail.example.com", "mail.example.com", 587, "opportunistic"),
        ("smtp://mail.example.com:25", "mail.example.com", 25, "opportunistic"),
        ("smtp://u:p@mail.example.com", "mail.example.com", 587, "required"),
        ("smtp://u:p@mail.example.com:587?starttls=1", "mail.example.com", 587, "required"),
        ("smtp://u:p@mail.example.com?starttls=opportunistic", "mail.example.com", 587, "opportunistic"),
        ("smtp://mail.example.com/?starttls=0", "mail.example.com", 587, "never"),
        ("smtp://u:p@localhost?starttls=0", "localhost", 587, "never"),
        ("smtps://u:p@mail.example.com", "mail.example.com", 465, "implicit"),
        ("smtp://[::1]:2525", "::1", 2525, "opportunistic"),
    ],
)
def test_a_url_is_read(url: str, host: str, port: int, tls: str) -> None:
    server = read_smtp_url(url)
    assert (server.host, server.port, server.tls) == (host, port, tls)


def test_a_user_and_password_may_hold_anything_escaped() -> None:
    server = read_smtp_url("smtps://bot%40example.com:p%2F%3A%23%3F%40%C3%A9@mail.example.com")
    assert (server.user, server.password) == ("bot@example.com", "p/:#?@é")
    assert "p/:" not in repr(server)


@pytest.mark.parametrize(
    "url, says",
    [
        ("mail.example.com", "write smtp://USER:PASSWORD@"),
        ("http://mail.example.com", "write smtp://USER"),
        ("smtp://", "write smtp://USER"),
        ("smtp://mail.example.com:99999", "write smtp://USER"),
        ("smtp://u:hunter2/x@mail.example.com", "%2F"),
        ("smtp://u:hunter2@x@mail.example.com", "%40"),
        ("smtp://u:hunter2 x@mail.example.com", "%20"),
        ("smtp://u@mail.example.com", "a user without a password"),
        ("smtp://u:hunter2@mail.example.com?starttls=0", "in clear"),
        ("smtp://u:hunter2@mail.example.com?starttls=maybe", "only starttls=1"),
        ("smtp://u:hunter2@mail.example.com?tls=1", "only starttls=1"),
        ("smtps://u:hunter2@mail.example.com?starttls=1", "nothing after smtps://"),
        ("smtp://u:hunter2%0d%0a@mail.example.com", "control characters"),
        ("smtp://mail.example.com/inbox", "write smtp://USER"),
        ("smtp://exa_mple!.com", "write smtp://USER"),
    ],
)
def test_a_wrong_url_says_what_to_write_and_never_what_was_written(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as problem:
        read_smtp_url(url)
    assert says in str(problem.value)
    assert "hunter2" not in str(problem.value)


@pytest.mark.parametrize(
    "text, name, address",
    [
        ("incidents@example.com", "", "incidents@example.com"),
        ("Incident bot <incidents@example.com>", "Incident bot", "incidents@example.com"),
        ('"Störung, Berlin" <x@bücher.example>', "Störung, Berlin", "x@xn--bcher-kva.example"),
    ],
)
def test_a_sender_is_read(text: str, name: str, address: str) -> None:
    sender = read_sender(text)
    assert (sender.name, sender.address) == (name, address)


@pytest.mark.parametrize(
    "text", ["", "incidents", "a@b@c", "a@b, c@d", "x\r\nBcc: a@b.c", "<a@b.c> trailing@x", "ä@b.c"]
)
def test_a_wrong_sender_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write incidents@example\.com"):
        read_sender(text)


@given(st.text(max_size=80))
def test_whatever_is_written_an_address_is_plain_or_none(text: str) -> None:
    for address in (text, f"{text}@example.com", f"alice@{text}"):
        found = mailbox(address)
        assert found is None or (
            found.address.isascii() and found.address.isprintable() and " " not in found.address
        )


def test_one_press_in_the_mail_program_ends_what_somebody_subscribed_to() -> None:
    url = "https://bot.example.com/status/unsubscribe/7-0123456789abcdef"
    asked = replace(MESSAGE, ack_url=None, unsubscribe_url=url)
    headers = message_from_bytes(compose(asked, sender=SENDER, to=TO, now=NOW), policy=default)
    assert headers["List-Unsubscribe"].strip() == f"<{url}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain = message_from_bytes(compose(MESSAGE, sender=SENDER, to=TO, now=NOW), policy=default)
    assert "List-Unsubscribe" not in plain
