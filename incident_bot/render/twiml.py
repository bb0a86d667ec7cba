"""TwiML, the XML in which Twilio is told what to do next: answer a text, say something, wait for a key. Pure."""

from __future__ import annotations

import re
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from incident_bot.core.timeline import one_line

MEDIA_TYPE: Final = "text/xml"
LANGUAGE: Final = "en-GB"
VOICE: Final = "Polly.Amy"
"""One that understands how fast to speak: https://www.twilio.com/docs/voice/twiml/say/text-speech"""
RATE: Final = "85%"
WAIT_SECONDS: Final = 8
SAID_MOST: Final = 600
_ADDRESS: Final = re.compile(r"https?://\S+")
_NUMBERED: Final = re.compile(r"\b(INC|P|SEV)-?([0-9]+)\b", re.IGNORECASE)
_BREATHS: Final = {"INC": "incident", "P": "P", "SEV": "severity"}
_UNREADABLE: Final = re.compile("[^\\x09\\x0a\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What XML 1.0 cannot hold."""


def answer(text: str | None) -> str:
    """Answer a text message, or say nothing."""
    return _document(f"<Message>{_plain(text)}</Message>" if text else "")


def say(text: str) -> str:
    """Say something and hang up."""
    return _document(f"{_say(text)}<Hangup/>")


def ask(text: str, *, action: str, otherwise: str) -> str:
    """Say something twice, slowly, and wait for one key, which is sent to `action`."""
    spoken = f'{_say(text)}<Pause length="1"/>{_say(text)}'
    gather = (
        f'<Gather input="dtmf" numDigits="1" timeout="{WAIT_SECONDS}" method="POST" action={quoteattr(action)}>'
        f"{spoken}</Gather>"
    )
    return _document(f"{gather}{_say(otherwise)}<Hangup/>")


def speakable(text: str) -> str:
    """Give a text as it is spoken: no addresses, names of incidents and severities in words."""
    plain = _ADDRESS.sub("", text).replace("`", "").replace("%", " percent").replace("_", " ")
    return one_line(_NUMBERED.sub(lambda found: f"{_BREATHS[found[1].upper()]} {found[2]}", plain), SAID_MOST)


def _say(text: str) -> str:
    spoken = f'<prosody rate="{RATE}">{_plain(speakable(text))}</prosody>'
    return f'<Say voice="{VOICE}" language="{LANGUAGE}">{spoken}</Say>'


def _document(inner: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inner}</Response>'


def _plain(text: str) -> str:
    return escape(_UNREADABLE.sub("", text))
