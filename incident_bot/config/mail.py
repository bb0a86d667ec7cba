"""The mail server and the sender, as the environment names them. Reads texts, opens nothing, shows no password."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

EXAMPLE: Final = (
    "smtp://USER:PASSWORD@mail.example.com:587?starttls=1 or smtps://USER:PASSWORD@mail.example.com"
)
WRONG: Final = f"write {EXAMPLE}; a / # ? or : in a password is %2F %23 %3F %3A"
SENDER_EXAMPLE: Final = "incidents@example.com or Incident bot <incidents@example.com>"
_PORTS: Final = {"smtp": 587, "smtps": 465}
_ADDRESS: Final = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@(?P<domain>[^@\s]+)"
)
"""The plain form of RFC 5321, section 4.1.2: no quoted local part and, as we do not speak SMTPUTF8, ASCII in it."""
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_SENDER: Final = re.compile(r"(?P<name>[^<>]*)<(?P<boxed>[^<>]+)>|(?P<bare>[^<>\s]+)")
_LOCAL_MOST: Final = 64


class Tls(StrEnum):
    """How the connection to the mail server is protected; a certificate is always checked."""

    IMPLICIT = "implicit"
    """From the first byte: `smtps://` (RFC 8314)."""
    REQUIRED = "required"
    """`?starttls=1`: nothing is said without STARTTLS (RFC 3207)."""
    OPPORTUNISTIC = "opportunistic"
    """`?starttls=opportunistic`: STARTTLS where the server offers it."""
    NEVER = "never"
    """`?starttls=0`: in clear; not with a password, unless the server is this machine."""


_STARTTLS: Final = {
    **dict.fromkeys(("1", "true", "yes", "required"), Tls.REQUIRED),
    "opportunistic": Tls.OPPORTUNISTIC,
    **dict.fromkeys(("0", "false", "no", "never"), Tls.NEVER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed in, and as whom."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def local(self) -> bool:
        """Say whether it is this machine: there a password may go in clear."""
        return is_this_machine(self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One address with the name that people read beside it."""

    name: str
    local: str
    domain: str
    """In the ASCII form of internationalised names."""

    @property
    def address(self) -> str:
        """Give it as SMTP takes it."""
        return f"{self.local}@{self.domain}"


def read_smtp_url(text: str) -> SmtpServer:
    """Read `SMTP_URL`; raises ValueError that says what to write and never shows what was written."""
    if text.count("@") > 1 or not text.isprintable() or " " in text:
        message = "write the @, the spaces and the like of a user or password as %40, %20 …"
        raise ValueError(message)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(WRONG) from None
    if parts.scheme not in _PORTS or not _is_host(host) or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(WRONG)
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if (user is None) != (password is None):
        message = f"has a user without a password, or a password without a user; write {EXAMPLE}"
        raise ValueError(message)
    if not all((part or "").isprintable() for part in (user, password)):
        message = "has control characters in its user or password"
        raise ValueError(message)
    tls = _protection(parts, with_password=password is not None)
    if password is not None and tls is Tls.NEVER and not is_this_machine(host):
        message = "would send the password in clear; write ?starttls=1, or smtps://"
        raise ValueError(message)
    return SmtpServer(host=host, port=port or _PORTS[parts.scheme], tls=tls, user=user, password=password)


def read_sender(text: str) -> Mailbox:
    """Read `INCIDENT_BOT_MAIL_FROM`; raises ValueError that says what to write."""
    written = _SENDER.fullmatch(text) if text.isprintable() else None
    name = (written["name"] or "").strip().strip('"') if written else ""
    found = mailbox(written["boxed"] or written["bare"], name=name) if written else None
    if found is None:
        raise ValueError(f"write {SENDER_EXAMPLE}")
    return found


def mailbox(address: str, *, name: str = "") -> Mailbox | None:
    """Give an address as a mailbox; None where SMTP without extensions cannot carry it (RFC 5321, section 4.1.2)."""
    written = _ADDRESS.fullmatch(address)
    if written is None or len(written["local"]) > _LOCAL_MOST:
        return None
    try:
        domain = written["domain"].encode("idna").decode()
    except UnicodeError:
        return None
    return Mailbox(name=name, local=written["local"], domain=domain) if _DOMAIN.fullmatch(domain) else None


def is_this_machine(host: str) -> bool:
    """Say whether a host name or address means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _DOMAIN.fullmatch(host) is not None
    return True


def _protection(parts: SplitResult, *, with_password: bool) -> Tls:
    asked = parse_qs(parts.query, keep_blank_values=True)
    if not asked:
        if parts.scheme == "smtps":
            return Tls.IMPLICIT
        return Tls.REQUIRED if with_password else Tls.OPPORTUNISTIC
    values = asked.get("starttls", [])
    if len(asked) != 1 or len(values) != 1 or values[0].lower() not in _STARTTLS or parts.scheme == "smtps":
        message = "after the ? only starttls=1, starttls=opportunistic or starttls=0 may stand, and nothing after smtps://"
        raise ValueError(message)
    return _STARTTLS[values[0].lower()]
