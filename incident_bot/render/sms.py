"""Texts as a mobile network carries them: what a text costs in segments, and how to say the most in few. Pure.

A text of GSM-7 characters has 160 to itself or 153 to a segment; one other character makes the whole of it UCS-2, with
70 or 67 (3GPP TS 23.038; https://www.twilio.com/docs/glossary/what-sms-character-limit).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from incident_bot.core.timeline import one_line

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")
"""Two places each."""
_GSM: Final = (160, 153)
_UCS2: Final = (70, 67)
_PLAINER: Final = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "…": "...", "–": "-",
    "—": "-", "‐": "-", "‑": "-", "−": "-", "→": "->", "←": "<-", "⇒": "=>", "≥": ">=", "≤": "<=", "×": "x",
    "•": "-", "·": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " ", "`": "'", "´": "'",
})  # fmt: skip
"""What people's texts are full of, and a network's alphabet lacks."""
HEAD_LEAST: Final = 24


def segments(text: str) -> int:
    """Count the segments that a text is sent in; an empty text is one."""
    widths, (alone, each) = _widths(text)
    if sum(widths) <= alone:
        return 1
    count, used = 1, 0
    for width in widths:
        # Neither an escape sequence nor half of a surrogate pair is parted from the rest of it.
        if used + width > each:
            count, used = count + 1, 0
        used += width
    return count


def plainer(text: str) -> str:
    """Give the text with typographic characters written in those of GSM-7; letters stay what they are."""
    return text.encode(errors="replace").decode().translate(_PLAINER)


def short(needed: Sequence[str], wanted: Iterable[str] = (), *, most: int) -> str:
    """Put lines into at most so many segments: the needed ones, the first cut where it must be, then what fits.

    Where even a short first line leaves no room, needed lines are given up from the last one.
    """
    head, *rest = [plainer(line) for line in needed if line.strip()] or [""]
    while (
        rest and _cut(head, rest, most) != head and len(_cut(head, rest, most)) < min(HEAD_LEAST, len(head))
    ):
        rest.pop()
    lines = [_cut(head, rest, most), *rest]
    for line in wanted:
        candidate = "\n".join([*lines, plainer(line)])
        if line.strip() and segments(candidate) <= most:
            lines.append(plainer(line))
    return "\n".join(lines)


def _cut(head: str, rest: Sequence[str], most: int) -> str:
    """Give the longest beginning of the first line with which the whole fits."""
    if segments("\n".join([head, *rest])) <= most:
        return head
    low, high = 0, min(len(head), most * _GSM[0])
    while low < high:
        middle = (low + high + 1) // 2
        if segments("\n".join([f"{head[:middle].rstrip()}...", *rest])) <= most:
            low = middle
        else:
            high = middle - 1
    return one_line(f"{head[:low].rstrip()}...") if low else ""


def _widths(text: str) -> tuple[list[int], tuple[int, int]]:
    if all(character in _BASIC or character in _EXTENDED for character in text):
        return [2 if character in _EXTENDED else 1 for character in text], _GSM
    return [2 if ord(character) > 0xFFFF else 1 for character in text], _UCS2  # noqa: PLR2004 -- the basic plane
