"""Stage 7: what must not be shown, hidden in one place. Texts in, texts out; nothing else is known here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from incident_bot.core.model import Json, JsonObject

TEXT_MOST: Final = 2000
HIDDEN: Final = "[redacted]"

# Zero-width and direction-changing characters can make a text read as another one.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)

_WORD: Final = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|routing[_-]?key"
    r"|credentials?|signature|authorization)"
)
_PROVIDERS: Final = (
    r"xox[a-z]-|xapp-|gh[pousr]_|github_pat_|glpat-|sk-|sk_live_|rk_live_|AKIA|ASIA|AIza|SG\.|dckr_pat_|npm_"
    r"|hvs\.|glsa_"
)

_VALUE: Final = r"(?!\[redacted\])(?:\"[^\"\n]{1,300}\"|'[^'\n]{1,300}'|[^\s\"',;&]+)"

_WORD_PARTS: Final = ("pass", "pwd", "secret", "token", "key", "credential", "signature", "authorization")
_PROVIDER_PARTS: Final = (
    "xox", "xapp-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk-", "sk_live_", "rk_live_",
    "akia", "asia", "aiza", "sg.", "dckr_pat_", "npm_", "hvs.", "glsa_",
)  # fmt: skip

# Every repetition is bounded, so that no text makes a pattern slow. Each comes with words without which it
# cannot match, in lower case: most texts hold nothing of it, and looking for a word costs a tenth of the pattern.
_SECRETS: Final = tuple(
    (parts, re.compile(pattern, re.IGNORECASE), instead)
    for parts, pattern, instead in (
        (
            ("-----begin",),
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,10000}?(?:-----END [A-Z ]{0,30}-----|\Z)",
            HIDDEN,
        ),
        (
            ("authorization",),
            r"\b(authorization\s{0,3}[:=]\s{0,3}[\"']?)(?:(?:bearer|basic|token|digest)\s{1,3})?[^\s\"',;]+",
            rf"\1{HIDDEN}",
        ),
        (
            ("bearer", "basic"),
            r"\b(bearer|basic)\s{1,3}(?=\S{0,80}[\d=+/])[a-z0-9+/._~=-]{12,}",
            rf"\1 {HIDDEN}",
        ),
        (
            ("://",),
            r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,20}://[^\s/:@]{0,100}:)[^\s/@]{1,200}@",
            rf"\1{HIDDEN}@",
        ),
        (
            ("=",),
            rf"([?&;#](?:key|sig|auth|code|pass|[\w.-]{{0,40}}?{_WORD})=)[^&;\s#\"'<>)]+",
            rf"\1{HIDDEN}",
        ),
        (
            _WORD_PARTS,
            rf"(?<![\w.-])([\w.-]{{0,40}}?{_WORD}[\"']?\s{{0,3}}[:=]\s{{0,3}}){_VALUE}",
            rf"\1{HIDDEN}",
        ),
        (
            ("hooks.slack.com",),
            r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[\w/]+",
            rf"\1{HIDDEN}",
        ),
        (_PROVIDER_PARTS, rf"\b(?-i:{_PROVIDERS})[\w.-]{{12,}}", HIDDEN),
        (("eyj",), r"\b(?-i:eyJ)[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?", HIDDEN),
    )
)
_HINTS: Final = re.compile("|".join(re.escape(part) for parts, _, _ in _SECRETS for part in parts))
"""A text without any of these holds none of that; one look is quicker than one for each of them."""
_RUN_LEAST: Final = 32
_RUN: Final = re.compile(rf"(?<![\w+/])[A-Za-z0-9+]{{{_RUN_LEAST},}}={{0,2}}")
_SECRET_NAME: Final = re.compile(rf"[\w.-]*{_WORD}", re.IGNORECASE)
_FIGURES_LEAST: Final = 3


def visible(text: str) -> str:
    """Give the text without characters that cannot be seen; lines stay lines."""
    # Most texts are one line of ASCII, in which everything can be seen that can be printed.
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub("", text)


def one_line(text: str, most: int = TEXT_MOST) -> str:
    """Give the text on one line, without characters that cannot be seen, cut at `most` with an ellipsis."""
    flat = " ".join(visible(text).split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


def redact(text: str) -> str:
    """Hide credentials, tokens, passwords in addresses and whatever looks like a key."""
    # Other scripts have letters that match ours without regard to case: there every pattern is tried.
    folded = text.lower() if text.isascii() else None
    if folded is None or _HINTS.search(folded):
        for parts, pattern, instead in _SECRETS:
            if folded is None or any(part in folded for part in parts):
                text = pattern.sub(instead, text)
    return _RUN.sub(_hidden_key, text) if len(text) >= _RUN_LEAST else text


def redact_data(value: JsonObject) -> JsonObject:
    """Hide the same in every text of a JSON object, and what stands under a name such as `password`."""
    return {
        key: HIDDEN if part and _SECRET_NAME.fullmatch(key) else _clean(part) for key, part in value.items()
    }


def _hidden_key(run: re.Match[str]) -> str:
    """Hide a long run in both cases with several figures; hashes and trace ids are in one case and stay."""
    text = run.group()
    figures = sum(character.isdigit() for character in text)
    mixed = text.lower() != text and text.upper() != text
    return HIDDEN if mixed and figures >= _FIGURES_LEAST else text


def _clean(value: Json) -> Json:
    """Redact every text inside a JSON value."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return redact_data(value)
    return [_clean(part) for part in value] if isinstance(value, Sequence) else value
