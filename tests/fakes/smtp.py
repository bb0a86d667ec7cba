"""A strict mail server on a real port: aiosmtpd's protocol, and a look at every letter as a picky server takes it.

It fails on command, one entry of `plan` a connection: `{"RCPT": "550 5.1.1 unknown"}` answers so at that stage,
`DROP` hangs up there, `HANG` says nothing more, `TRICKLE` says a byte now and then.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Literal, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

DROP, HANG, TRICKLE = "(drop)", "(hang)", "(trickle)"
USER, PASSWORD = "bot", "s3cr3t-of-the-mail"
KNOWN_HEADERS = frozenset({
    "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted",
    "x-auto-response-suppress", "x-priority", "importance", "mime-version", "content-type",
    "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post",
})  # fmt: skip
ONCE = ("from", "to", "subject", "date", "message-id", "auto-submitted")


@dataclass(frozen=True)
class Letter:
    """One letter that was taken."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    tls: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=default)

    def part(self, kind: Literal["plain", "html"]) -> str:
        """The text of its plain or its HTML part."""
        found = self.message.get_body((kind,))
        assert found is not None
        text: str = found.get_content()
        return text.replace("\r\n", "\n")


class MailServer:
    """The server; `tls` is `starttls`, `implicit` or nothing."""

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, implicit: bool = False, sign_in: bool = False
    ) -> None:
        self.tls = tls
        self.implicit = implicit
        self.sign_in = sign_in
        self.without: set[str] = set()
        """What it does not offer although it could, such as `AUTH` or `STARTTLS`."""
        self.plan: deque[Mapping[str, str]] = deque()
        self.letters: list[Letter] = []
        self.complaints: list[str] = []
        self.connections = 0
        self.dialogues: list[Dialogue] = []
        self._loop = asyncio.new_event_loop()
        context = tls if implicit else None
        listening = self._loop.create_server(lambda: Dialogue(self), "127.0.0.1", 0, ssl=context)
        self._server = self._loop.run_until_complete(listening)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def url(self, *, host: str = "localhost", query: str = "", user: str | None = None) -> str:
        """The `SMTP_URL` that leads here."""
        account = f"{user or USER}:{PASSWORD}@" if self.sign_in else ""
        return f"{'smtps' if self.implicit else 'smtp'}://{account}{host}:{self.port}{query}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for dialogue in self.dialogues:
            dialogue.hang_up()
        await asyncio.sleep(0.02)


class Dialogue(SMTP):
    """One connection."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self.behaviour: Mapping[str, str] = server.plan.popleft() if server.plan else {}
        self.greeted = False
        server.connections += 1
        offered = None if server.implicit or "STARTTLS" in server.without else server.tls
        super().__init__(
            Desk(server, self),
            hostname="mail.test",
            tls_context=offered,
            require_starttls=offered is not None,
            auth_require_tls=offered is not None,
            authenticator=self.checked,
            loop=server._loop,
        )
        server.dialogues.append(self)

    async def push(self, status: Any) -> None:
        if not self.greeted:
            self.greeted = True
            status = await self.behaves("greeting") or status
        await super().push(status)

    async def behaves(self, stage: str) -> str | None:
        """What it was told to do at this stage; None is to go on as usual."""
        answer = self.behaviour.get(stage)
        if answer == DROP:
            self.hang_up()
            await asyncio.sleep(3600)
        if answer == HANG:
            await asyncio.sleep(3600)
        while answer == TRICKLE:
            self._writer.write(b"2")
            await asyncio.sleep(0.02)
        return answer

    def hang_up(self) -> None:
        """Break off, without a word."""
        for transport in (self.transport, self._original_transport):
            if transport is not None:
                # A TLS transport that was closed twice has let go of its protocol, and has nothing to abort.
                with suppress(AttributeError):
                    cast("asyncio.Transport", transport).abort()

    def checked(
        self, _server: SMTP, session: Session, _envelope: Envelope, mechanism: str, login: object
    ) -> AuthResult:
        assert isinstance(login, LoginPassword), mechanism
        if session.ssl is None and not self.server.implicit and self.server.tls is not None:
            self.server.complaints.append("a password came before TLS")
        good = (login.login.decode(), login.password.decode()) == (USER, PASSWORD)
        return AuthResult(success=good, handled=False, auth_data=login.login.decode())


class Desk:
    """What looks at each step."""

    def __init__(self, server: MailServer, dialogue: Dialogue) -> None:
        self.server = server
        self.dialogue = dialogue

    async def handle_EHLO(  # noqa: N802 -- the name is aiosmtpd's
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        answer = await self.dialogue.behaves("EHLO")
        if answer:
            return [answer]
        kept = [line for line in responses if line[4:].split()[0] not in self.server.without]
        return kept if self.server.sign_in else [line for line in kept if not line[4:].startswith("AUTH")]

    async def handle_MAIL(  # noqa: N802 -- the name is aiosmtpd's
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self.dialogue.behaves("MAIL")
        if answer:
            return answer
        if self.server.sign_in and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 -- the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = await self.dialogue.behaves("RCPT")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        content = cast("bytes", envelope.original_content)
        wrong = complaints_about(content, eight_bit="BODY=8BITMIME" in envelope.mail_options)
        self.server.complaints.extend(wrong)
        if wrong:
            return f"550 5.6.0 {wrong[0]}"
        answer = await self.dialogue.behaves("DATA")
        if answer:
            return answer
        self.server.letters.append(
            Letter(
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                content=content,
                tls=session.ssl is not None or self.server.implicit,
                user=str(session.auth_data) if session.authenticated else None,
            )
        )
        # It acts, and then the answer may still be lost.
        return await self.dialogue.behaves("taken") or f"250 2.0.0 OK queued as Q{len(self.server.letters)}"


def complaints_about(content: bytes, *, eight_bit: bool) -> list[str]:
    """What is wrong with a letter by RFC 5321 and RFC 5322, and what no letter of ours ever has."""
    found = []
    if re.search(rb"(?<!\r)\n|\r(?!\n)", content):
        found.append("a bare CR or LF")
    if any(len(line) > 998 for line in content.split(b"\r\n")):
        found.append("a line of more than 998 bytes")
    if not eight_bit and any(byte > 127 for byte in content):
        found.append("8 bit without 8BITMIME")
    if b"\x00" in content:
        found.append("a NUL")
    message = message_from_bytes(content, policy=default)
    names = [name.lower() for name in message.keys()]  # noqa: SIM118 -- a name may come twice
    found += [f"{name} comes {names.count(name)} times" for name in ONCE if names.count(name) != 1]
    found += [f"there is a header {name}" for name in set(names) - KNOWN_HEADERS]
    for part in message.walk():
        found += [f"a defect: {defect!r}" for defect in part.defects]
    for name in message.keys():  # noqa: SIM118 -- as above
        found += [f"{name} is malformed: {defect!r}" for defect in message[name].defects]
    if not re.fullmatch(r"<[0-9a-f]{32}@[A-Za-z0-9.-]+>", str(message["message-id"] or "").strip()):
        found.append(f"no proper Message-ID: {message['message-id']}")
    return found
