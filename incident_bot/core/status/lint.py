"""Looks at a text that is about to become public: what it lacks, and what it must not say. Texts in, findings out.

Two kinds of findings. What *leaks* (names of machines and people, addresses, credentials, links and names from
inside) refuses the text. What is *lacking* or only a guess is said, and whoever publishes decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from incident_bot.core.model import ComponentState
from incident_bot.core.status.publications import PublicPhase
from incident_bot.core.timeline import HIDDEN, redact

NAME_LEAST: Final = 3
"""Shorter names are words of every text."""
TEXT_MOST: Final = 2000
TITLE_MOST: Final = 120


class Fault(StrEnum):
    """What is wrong with a text for the public."""

    IMPACT = "impact"
    SCOPE = "scope"
    NEXT_UPDATE = "next_update"
    GUESS = "guess"
    LENGTH = "length"
    HOST = "host"
    ADDRESS = "address"
    PERSON = "person"
    TOKEN = "token"  # noqa: S105 -- the kind of a finding
    LINK = "link"
    INTERNAL = "internal"

    @property
    def leaks(self) -> bool:
        """Say whether it refuses the text."""
        return self not in (Fault.IMPACT, Fault.SCOPE, Fault.NEXT_UPDATE, Fault.GUESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, in words that say what to do."""

    fault: Fault
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message for the public, before it is one."""

    title: str
    text: str
    components: tuple[str, ...]
    state: ComponentState
    phase: PublicPhase
    next_update_at: datetime | None
    first: bool
    """Whether it is the first that the public reads of this incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the inside."""

    people: frozenset[str] = frozenset()
    """Names and ids of people."""
    hosts: frozenset[str] = frozenset()
    """Names of machines, from the labels of the incident's alerts."""
    allow: frozenset[str] = field(default=frozenset())
    """What the public may read all the same, in lower case."""


_GUESSES: Final = re.compile(
    r"\b(probably|maybe|perhaps|might|may be|could be|presumably|possibly|likely"
    r"|we (?:think|believe|suspect|assume|guess)|suspected"
    r"|seems?|appears? to|should be (?:fixed|resolved|over)|root cause)\b",
    re.IGNORECASE,
)
_IMPACT: Final = re.compile(
    r"\b(fail\w*|slow\w*|error\w*|down|unavailab\w*|unreachab\w*|unable|cannot|can't|not work\w*|delay\w*|degrad\w*"
    r"|interrupt\w*|outage\w*|disrupt\w*|missing|lost|reject\w*|refus\w*|time\w* out|timeouts?|affect\w*|reduced"
    r"|intermittent\w*|longer than|stale|wrong|broken|impact\w*)\b",
    re.IGNORECASE,
)
_LINK: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S{1,500}", re.IGNORECASE)
_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)")
_IPV6: Final = re.compile(
    r"(?<![\w:])(?=[0-9a-f:]{0,39}::|(?:[0-9a-f]{1,4}:){4})[0-9a-f:]{3,39}(?![\w:])", re.IGNORECASE
)
_PHONE: Final = re.compile(r"(?<![\w+])\+\d[\d ()/-]{6,20}\d")
_DOMAIN: Final = re.compile(
    r"(?<![\w.@-])(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,8}"
    r"(?:com|net|org|io|dev|cloud|app|internal|local|lan|corp|intra|svc|cluster|home|test|example|[a-z]{2})(?![\w-])",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(
    r"(?<![\w.:-])(?:[a-z][a-z0-9]{0,40}(?:-[a-z0-9]{1,40}){0,6}-\d{1,6}"
    r"|(?:web|db|app|node|host|srv|server|vm|pg|mysql|postgres|redis|kafka|mongo|prod|stage|worker|api|cache|lb|gw)\d{1,4})"
    r"(?![\w:-])",
    re.IGNORECASE,
)
_MIXED: Final = re.compile(
    r"(?<![\w.:-])[a-z][a-z0-9]{0,40}(?:-[a-z0-9]{1,40}){0,6}"
    r"-(?:[a-z]{1,20}\d{1,6}|(?=\d*[a-z])(?=[a-z]*\d)[a-z0-9]{6,40})(?:-[a-z0-9]{1,40}){0,3}(?![\w:-])",
    re.IGNORECASE,
)
"""`prod-db01`, and what Kubernetes calls a pod: `web-7f9c6d5b4-x2x4z`; not `mid-90s`."""
_OURS: Final = re.compile(r"\bINC-\d{1,9}\b", re.IGNORECASE)
_MENTION: Final = re.compile(r"<[@#!][^>]{1,80}>|(?<![\w.])[@#][a-z][\w.-]{1,60}", re.IGNORECASE)


def lint(draft: Draft, known: Known) -> tuple[Finding, ...]:
    """Give everything that is wrong with a message; what leaks stands first."""
    found = [*_lengths(draft)]
    for words in (draft.title, draft.text):
        found += _leaks(words, known)
    found += _lacking(draft)
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda one: not one.fault.leaks))


def _lengths(draft: Draft) -> Iterator[Finding]:
    for what, words, most in (("title", draft.title, TITLE_MOST), ("text", draft.text, TEXT_MOST)):
        if len(words) > most:
            yield Finding(
                fault=Fault.LENGTH, said=f"the {what} is longer than {most} characters; say it shorter"
            )


def _lacking(draft: Draft) -> Iterator[Finding]:
    over = draft.phase is PublicPhase.RESOLVED
    if draft.first and not _IMPACT.search(f"{draft.title} {draft.text}"):
        said = "it does not say what people notice; write for example that some payments fail"
        yield Finding(fault=Fault.IMPACT, said=said)
    if not draft.components:
        said = "it names no component; add for example `on: Checkout`"
        yield Finding(fault=Fault.SCOPE, said=said)
    if draft.next_update_at is None and not over:
        said = "it does not say when the next update comes; end it with for example `next 30m`"
        yield Finding(fault=Fault.NEXT_UPDATE, said=said)
    guess = _GUESSES.search(f"{draft.title}\n{draft.text}")
    if guess:
        yield Finding(fault=Fault.GUESS, said=f"“{guess[0]}” sounds like a guess; say what is known")


def _leaks(words: str, known: Known) -> Iterator[Finding]:
    if HIDDEN in redact(words) and HIDDEN not in words:
        yield Finding(fault=Fault.TOKEN, said="there is something like a password or key in it; take it out")
    for fault, pattern, advice in _PATTERNS:
        for match in pattern.finditer(words):
            if not _allowed(match[0], known):
                yield Finding(fault=fault, said=f"“{match[0][:60]}” {advice}")
    for host in sorted(known.hosts):
        if len(host) >= NAME_LEAST and not _allowed(host, known) and _stands(host, words, fold=True):
            yield Finding(fault=Fault.HOST, said=f"“{host}” is the name of a machine; say what people use")
    for name in sorted(_names(known.people)):
        if not _allowed(name, known) and _stands(name, words, fold=False):
            yield Finding(
                fault=Fault.PERSON,
                said=f"“{name}” is the name of a person; leave people out, or add the word to `allow:` of status.yaml",
            )


_PATTERNS: Final = (
    (Fault.LINK, _LINK, "is a link; the public may follow only what `allow:` of status.yaml names"),
    (Fault.PERSON, _MAIL, "is an address of a person; leave it out"),
    (Fault.PERSON, _PHONE, "looks like a telephone number; leave it out"),
    (Fault.PERSON, _MENTION, "is a name inside a chat; leave it out"),
    (Fault.ADDRESS, _IPV4, "is an address in a network; leave it out"),
    (Fault.ADDRESS, _IPV6, "is an address in a network; leave it out"),
    (Fault.INTERNAL, _OURS, "is our own name for an incident; leave it out"),
    (
        Fault.HOST,
        _DOMAIN,
        "looks like the name of a machine; if the public knows it, add it to `allow:` of status.yaml",
    ),
    (
        Fault.HOST,
        _NUMBERED,
        "looks like the name of a machine; if the public knows it, add it to `allow:` of status.yaml",
    ),
    (
        Fault.HOST,
        _MIXED,
        "looks like the name of a machine; if the public knows it, add it to `allow:` of status.yaml",
    ),
)


def _names(people: frozenset[str]) -> set[str]:
    """Give what people are called: whole, and each part that is long enough."""
    parts = {part for name in people for part in name.split()}
    return {name.strip() for name in people | parts if len(name.strip()) >= NAME_LEAST}


def _stands(name: str, words: str, *, fold: bool) -> bool:
    if fold:
        name, words = name.casefold(), words.casefold()
    # Thousands of people are looked for, and hardly one is there: making a pattern of each name costs most.
    return name in words and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", words) is not None


def _allowed(found: str, known: Known) -> bool:
    """Say whether the public may read it: as it stands, or as a page or name below what is allowed."""
    word = found.casefold().rstrip(".,;:!?)")
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", word).partition("/")[0]
    return any(one in (word, host) or host.endswith(f".{one}") for one in known.allow)
