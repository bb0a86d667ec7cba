"""Notifier `mail`: hands each message to one SMTP server, as text and HTML, one connection and one attempt a message.

The reader can rely on: every attempt of one message has the same Message-ID (S2), and all messages about one incident
refer to one root, so that a mail program shows them as one thread (RFC 5322, section 3.6.4). The server can rely on:
lines end in CR LF and are short, everything is ASCII, nothing that a message holds becomes a header. A certificate is
always checked; a password goes over TLS, or to this machine.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final

from incident_bot.clock import Clock, SystemClock
from incident_bot.config.mail import Mailbox, SmtpServer, Tls, mailbox, read_sender, read_smtp_url
from incident_bot.core.lanes import Pacing
from incident_bot.core.model import Person
from incident_bot.core.timeline import one_line, redact, visible
from incident_bot.notifiers.base import (
    GiveUp,
    GiveUpReason,
    Message,
    Notifier,
    NotifierKind,
    Receipt,
    RetryLater,
    asked_pace,
)
from incident_bot.outgoing import SEND_MOST_SECONDS, TIMEOUT_SECONDS, Client

URL: Final = "SMTP_URL"
SENDER: Final = "INCIDENT_BOT_MAIL_FROM"
RATE: Final = "INCIDENT_BOT_MAIL_RATE"
CHANNEL: Final = "mail"
DIALOGUE_SECONDS: Final = SEND_MOST_SECONDS - 2 * TIMEOUT_SECONDS
"""Everything that is read is read by then; one more step and the letter itself come on top (S2)."""
TEXT_MOST: Final = 100_000
HTML_MOST: Final = 200_000
"""Characters; a longer page of HTML is left out, the text beside it says the same."""
NAME_MOST: Final = 64
SUBJECT_MOST: Final = 200
URL_MOST: Final = 500
ANSWERS_MOST: Final = 64 * 1024
"""Bytes that a server may say in one call."""
_PROVIDER_ID_MOST: Final = 200
_SAID_MOST: Final = 160

_READY, _HELLO, _SIGNED_IN, _GO_ON, _TAKEN = 220, 250, 235, 334, (250, 251, 252)
_AUTH_CODES: Final = frozenset({530, 534, 535, 538})
_ENHANCED: Final = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_TELLS_NOTHING: Final = frozenset({"AUTH", "DATA"})
"""Stages whose answers may quote the password or the letter, and with it the secret link."""


class MailNotifier:
    """Hands letters to one server; holds no connection between two of them."""

    def __init__(
        self,
        server: SmtpServer,
        sender: Mailbox,
        *,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = TIMEOUT_SECONDS,
        whole: float = DIALOGUE_SECONDS,
    ) -> None:
        """Take the server, the sender, and in seconds how long one step may take and all of them together."""
        self._server = server
        self._sender = sender
        self._clock = clock or SystemClock()
        self._tls = tls or ssl.create_default_context()
        self._timeout = timeout
        self._whole = whole
        name = socket.gethostname()
        # A name that is no domain is refused by some servers; RFC 5321, section 4.1.3 has a form for that.
        self._own_name = name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "[127.0.0.1]"

    def send(self, message: Message) -> Receipt:
        """Hand it in once; raises RetryLater for 4xx and no answer, GiveUp for 5xx, by the stage that refused."""
        to = _mailbox_of(message.person)
        if to is None:
            raise GiveUp(
                GiveUpReason.ADDRESS, f"{message.recipient[:64]!r} has no mail address that can be used"
            )
        letter = compose(message, sender=self._sender, to=to, now=self._clock.now())
        try:
            with self._session() as smtp:
                _taken("MAIL FROM", *smtp.mail(self._sender.address))
                _taken("RCPT TO", *smtp.rcpt(to.address))
                return Receipt(provider_id=_provider_id(_taken("DATA", *smtp.data(letter)), message))
        except smtplib.SMTPDataError as problem:
            raise _refusal("DATA", problem.smtp_code, _bytes(problem.smtp_error)) from None
        except ssl.SSLCertVerificationError as problem:
            raise RetryLater(
                f"the certificate of the mail server is not trusted: {problem.verify_message}"
            ) from None
        except (smtplib.SMTPException, OSError, ValueError) as problem:
            # ValueError: what smtplib says of an answer that is not SMTP, and of a line break in a command.
            raise RetryLater(f"no answer from the mail server: {type(problem).__name__}") from None

    def reaches(self, person: Person) -> bool:
        """Say whether the person has a mail address that SMTP can carry."""
        return person.active and _mailbox_of(person) is not None

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """Give a dialogue in which everything before the letter is said."""
        deadline = time.monotonic() + self._whole
        smtp = smtplib.SMTP(local_hostname=self._own_name, timeout=self._timeout)
        try:
            self._listen(smtp, self._dial(deadline), deadline)
            if self._server.tls is Tls.IMPLICIT:
                self._protect(smtp, deadline)
            _taken("greeting", *smtp.getreply(), expected=(_READY,))
            _taken("EHLO", *smtp.ehlo())
            self._start_tls(smtp, deadline)
            self._sign_in(smtp)
            yield smtp
        finally:
            # Its answer to QUIT changes nothing: nobody waits for it.
            with suppress(smtplib.SMTPException, OSError):
                smtp.putcmd("QUIT")
            smtp.close()

    def _dial(self, deadline: float) -> socket.socket:
        problem: OSError = TimeoutError("it has no address")
        found = socket.getaddrinfo(self._server.host, self._server.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            line = socket.socket(family, kind, protocol)
            line.settimeout(min(left, self._timeout))
            try:
                line.connect(address)
            except OSError as error:
                line.close()
                problem = error
            else:
                return line
        raise problem

    def _listen(self, smtp: smtplib.SMTP, line: socket.socket, deadline: float) -> None:
        smtp.sock = line
        # What was read ahead before TLS began is thrown away with the old reader: nobody can put words in between.
        smtp.file = io.BufferedReader(_Line(line, deadline=deadline, timeout=self._timeout))

    def _protect(self, smtp: smtplib.SMTP, deadline: float) -> None:
        plain = smtp.sock
        if plain is None:
            raise smtplib.SMTPServerDisconnected
        plain.settimeout(self._timeout)
        self._listen(smtp, self._tls.wrap_socket(plain, server_hostname=self._server.host), deadline)

    def _start_tls(self, smtp: smtplib.SMTP, deadline: float) -> None:
        if self._server.tls not in (Tls.REQUIRED, Tls.OPPORTUNISTIC):
            return
        if not smtp.has_extn("starttls"):
            if self._server.tls is Tls.REQUIRED:
                raise GiveUp(
                    GiveUpReason.REFUSED, "the mail server offers no STARTTLS, which SMTP_URL requires"
                )
            return
        _taken("STARTTLS", *smtp.docmd("STARTTLS"), expected=(_READY,))
        self._protect(smtp, deadline)
        # What it offered before TLS may have come from somebody else (RFC 3207, section 4.2).
        smtp.esmtp_features = {}
        _taken("EHLO", *smtp.ehlo())

    def _sign_in(self, smtp: smtplib.SMTP) -> None:
        user, password = self._server.user, self._server.password
        if user is None or password is None:
            return
        if not isinstance(smtp.sock, ssl.SSLSocket) and not self._server.local:
            raise GiveUp(
                GiveUpReason.AUTH, "the mail server offers no STARTTLS; the password is not sent in clear"
            )
        offered = smtp.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            reply = smtp.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password}')}")
        elif "LOGIN" in offered:
            reply = smtp.docmd("AUTH", f"LOGIN {_base64(user)}")
            if reply[0] == _GO_ON:
                reply = smtp.docmd(_base64(password))
        else:
            raise GiveUp(GiveUpReason.AUTH, "the mail server offers neither AUTH PLAIN nor AUTH LOGIN")
        _taken("AUTH", *reply, expected=(_SIGNED_IN,))


class _Line(io.RawIOBase):
    """What the server says: never read past a deadline however slowly it trickles in, nor without end."""

    def __init__(self, line: socket.socket, *, deadline: float, timeout: float) -> None:
        self._line = line
        self._deadline = deadline
        self._timeout = timeout
        self._left = ANSWERS_MOST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0 or self._left <= 0:
            raise TimeoutError
        self._line.settimeout(min(left, self._timeout))
        read = self._line.recv_into(buffer)
        self._left -= read
        return read


def compose(message: Message, *, sender: Mailbox, to: Mailbox, now: datetime) -> bytes:
    """Write the letter as it goes over the line: ASCII, CR LF, no line over 998 (RFC 5322, section 2.1.1)."""
    letter = EmailMessage(policy=SMTP)
    letter["From"] = _address(sender)
    letter["To"] = _address(to)
    letter["Subject"] = _header(message.subject, SUBJECT_MOST)
    letter["Date"] = now
    letter["Message-ID"] = f"<{_digest(message.thread or '', message.key)}@{sender.domain}>"
    if message.thread:
        root = f"<{_digest('thread', message.thread)}@{sender.domain}>"
        letter["In-Reply-To"] = root
        letter["References"] = root
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    if message.urgent:
        letter["X-Priority"] = "1"
        letter["Importance"] = "high"
    if message.unsubscribe_url:
        # One press in the mail program is enough (RFC 2369, RFC 8058).
        letter["List-Unsubscribe"] = f"<{_header(message.unsubscribe_url, URL_MOST)}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter.set_content(_body(_plain(message), TEXT_MOST), cte="quoted-printable")
    if message.html and len(message.html) <= HTML_MOST:
        html = _body(message.html, HTML_MOST)
        letter.add_alternative(html, subtype="html", cte="quoted-printable")
        # Else it is drawn by lot: every attempt is the same letter.
        letter.set_boundary(f"=_{_digest('parts', message.key)}")
    return letter.as_bytes()


def _plain(message: Message) -> str:
    if message.ack_url is None:
        return message.text
    name = message.person.name if message.person else message.recipient
    return f"{message.text.rstrip()}\n\nAcknowledge as {one_line(name, NAME_MOST)}:\n{message.ack_url}\n"


def _body(text: str, most: int) -> str:
    """Give a text without what cannot be seen, with one kind of line break, and bounded."""
    whole = visible("\n".join(text.splitlines())).encode(errors="replace").decode()
    return f"{whole if len(whole) <= most else whole[: most - 1] + '…'}\n"


def _header(text: str, most: int) -> str:
    return one_line(text, most).encode(errors="replace").decode()


def _address(box: Mailbox) -> Address:
    return Address(_header(box.name, NAME_MOST), box.local, box.domain)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _mailbox_of(person: Person | None) -> Mailbox | None:
    return None if person is None else mailbox(person.contacts.get(CHANNEL, ""), name=person.name)


def _taken(stage: str, code: int, text: bytes, *, expected: tuple[int, ...] = _TAKEN) -> bytes:
    """Give what the server said where it agreed; raises what follows where it did not."""
    if code not in expected:
        raise _refusal(stage, code, text)
    return text


def _refusal(stage: str, code: int, text: bytes) -> RetryLater | GiveUp:
    status = _ENHANCED.match(text)
    said = status[1].decode() if status else ""
    if stage not in _TELLS_NOTHING:
        said = one_line(redact(text.decode(errors="replace")), _SAID_MOST)
    detail = f"the mail server answered {code} to {stage}{f': {said}' if said else ''}"
    if not 500 <= code <= 599:  # noqa: PLR2004 -- the 5yz class (RFC 5321, section 4.2.1)
        return RetryLater(detail)
    if stage == "AUTH" or code in _AUTH_CODES:
        return GiveUp(GiveUpReason.AUTH, detail)
    return GiveUp(GiveUpReason.ADDRESS if stage == "RCPT TO" else GiveUpReason.REFUSED, detail)


def _provider_id(text: bytes, message: Message) -> str | None:
    """Give the server's own name for the letter, as the postmaster finds it in the log."""
    said = one_line(text.decode(errors="replace"), _PROVIDER_ID_MOST)
    secret = message.ack_url.rpartition("/")[2] if message.ack_url else None
    return None if secret and secret in said else said or None


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode(errors="replace")


def _build(values: Mapping[str, str], client: Client, write: Callable[[str], None]) -> Notifier | None:
    del client, write
    url, sender = values.get(URL), values.get(SENDER)
    return MailNotifier(read_smtp_url(url), read_sender(sender)) if url and sender else None


def _pacing(values: Mapping[str, str]) -> Pacing:
    return Pacing(total=asked_pace(values, RATE))


KIND: Final = NotifierKind(
    name=CHANNEL,
    build=_build,
    settings=(URL, SENDER, RATE),
    contact="email",
    html=True,
    ack_link=True,
    pacing=_pacing,
)
