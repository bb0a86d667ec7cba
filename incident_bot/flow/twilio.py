"""What Twilio tells us: whether a text or call arrived, what somebody replied, which key they pressed.

Acts as the person whose number it is, through the commands that every other door uses. What a request says is believed
because Twilio signed it: https://www.twilio.com/docs/usage/security
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import structlog

from incident_bot.core.effects import PageKind
from incident_bot.core.errors import Refused
from incident_bot.core.model import Incident, Paging, Person
from incident_bot.core.timeline import one_line, redact
from incident_bot.flow import commands, deliver, together
from incident_bot.flow.context import Context
from incident_bot.flow.sight import known_as
from incident_bot.render import twiml
from incident_bot.render.sms import short
from incident_bot.store import incidents, interventions, outbox
from incident_bot.store.outbox import OutboxRow, RowKind
from incident_bot.store.transaction import LostRace

SOURCE: Final = "sms"
CALL: Final = "voice"
REPLY_SEGMENTS: Final = 2
LOST: Final = frozenset({"undelivered", "failed", "busy", "no-answer", "canceled"})
_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("1", "ack", "acknowledge", "a"), "ack"),
    **dict.fromkeys(("2", "resolve", "resolved", "r"), "resolve"),
}
_KEYS: Final = {"1": "ack", "2": "escalate"}
_NUMBER: Final = re.compile(r"(?:inc-?)?([0-9]{1,12})", re.IGNORECASE)
_OPTING: Final = frozenset({
    "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "start", "unstop", "yes", "help", "info",
})  # fmt: skip
"""Twilio answers these itself: https://www.twilio.com/docs/glossary/what-is-an-opt-out"""
_PORTS: Final = {"https": 443, "http": 80}
HELP: Final = (
    "Reply ACK (or 1) to take all that the last page was about, ACK 42 for one, RESOLVE (or 2) to close it."
)
STRANGER: Final = (
    "This is the number of an on-call bot, and it does not know yours. People are paged from it."
)

log = structlog.get_logger(__name__)

_TEXTS: Final = "twilio:sms"

Fields = Sequence[tuple[str, str]]


def configured(context: Context) -> bool:
    """Say whether there is a token that requests can be checked with."""
    return context.settings.twilio_auth_token is not None


def signed(context: Context, path: str, fields: Fields, signature: str) -> bool:
    """Say whether Twilio signed this request; compares in constant time.

    `path` is the path and query as they came. The address that was signed is the public one, with or without its port.
    """
    token = context.settings.twilio_auth_token
    if token is None:
        return False
    parameters = "".join(f"{name}{value}" for name, value in sorted(set(fields)))
    found = False
    for origin in _origins(context.settings.public_url):
        content = f"{origin}{path}{parameters}".encode(errors="replace")
        wanted = base64.b64encode(hmac.new(token.get_secret_value().encode(), content, hashlib.sha1).digest())
        found |= hmac.compare_digest(wanted, signature.encode(errors="replace"))
    return found


def note_status(context: Context, token: str, fields: Mapping[str, str], *, now: datetime) -> bool:
    """Keep what Twilio says of a text or call; what did not arrive goes to the next channel. False where it knew."""
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or fields.get("CallStatus") or ""
    code = fields.get("ErrorCode") or fields.get("SipResponseCode") or ""
    if not re.fullmatch(r"[a-z-]{1,20}", status):
        return False
    with context.store.write() as tx:
        row = outbox.row_of_key(tx, _key(token))
        if row is None or row.via not in (SOURCE, CALL):
            return False
        fresh = outbox.add_receipt(tx, row.id, status, one_line(code, 20) or None, now=now)
    if fresh and status in LOST:
        reason = f"Twilio: {status}{f' ({one_line(code, 20)})' if code else ''}"
        deliver.undelivered(context, row, reason, now=now)
    return fresh


def answer_text(context: Context, fields: Mapping[str, str], *, now: datetime) -> str:
    """Do what a text says, once, and give the answer as TwiML; what nobody knows is answered once a day and number.

    The same text again gets the same answer, whatever its sender was paged for since.
    """
    sid = fields.get("MessageSid", "")
    with context.store.read() as tx:
        known = interventions.recall(tx, sid, _TEXTS) if sid else None
    if known is not None:
        return twiml.answer(str(known.get("said") or "") or None)
    said = _answer(context, fields, now=now)
    if sid:
        try:
            with context.store.write() as tx:
                interventions.remember(tx, sid, _TEXTS, {"said": said}, now=now)
        except LostRace:
            log.info("a text came twice at once")
    return twiml.answer(said)


def _answer(context: Context, fields: Mapping[str, str], *, now: datetime) -> str | None:
    number, body = fields.get("From", ""), fields.get("Body", "").strip()
    first, _, rest = body.partition(" ")
    word = first.casefold().strip(".!,")
    if fields.get("OptOutType") or word in _OPTING:
        return None
    person = _person(context, number)
    if person is None or word not in _WORDS:
        return _once(context, number, HELP if person else STRANGER, now=now)
    said = _do_text(context, person, _WORDS[word], rest.strip(), fields.get("MessageSid"), now=now)
    return short([said], most=REPLY_SEGMENTS)


def speak(context: Context, token: str, fields: Mapping[str, str], *, action: str, now: datetime) -> str:
    """Say in a call what its page is about, or do what the key says; gives TwiML. `action` is where keys are sent."""
    with context.store.read() as tx:
        row = outbox.row_of_key(tx, _key(token))
        incident = incidents.get(tx, row.incident_id) if row and row.incident_id else None
        several = together.incidents_in(tx, row) if row else []
    person = context.live.current.revision.people.get(row.person or "") if row else None
    if row is None or person is None:
        return twiml.say("This call is out of date. Good bye.")
    if row.kind is not RowKind.PAGE or incident is None:
        return twiml.say("There is a message for you from the on-call bot. Please look at it. Good bye.")
    if len(several) > 1:
        return _speak_of_many(context, row, several, person, fields, action=action, token=token, now=now)
    pressed = fields.get("Digits", "")
    if pressed in _KEYS:
        key = f"{fields.get('CallSid', token)}:{pressed}"
        return twiml.say(_do(context, _KEYS[pressed], incident.id, person, CALL, key, now=now) + " Good bye.")
    if row.page_kind is PageKind.ASK and incident.paging is Paging.ACKNOWLEDGED:
        text = f"{incident.name}: are you still on it? Press 1 for yes."
        return twiml.ask(text, action=action, otherwise="No key was pressed. Good bye.")
    if incident.paging is not Paging.TRIGGERED:
        return twiml.say(_over(context, incident))
    return twiml.ask(
        _read_out(row, incident, person), action=action, otherwise="No key was pressed. Good bye."
    )


def _speak_of_many(
    context: Context,
    row: OutboxRow,
    several: Sequence[Incident],
    person: Person,
    fields: Mapping[str, str],
    *,
    action: str,
    token: str,
    now: datetime,
) -> str:
    """Say how many there are and the worst of them; one key takes all, the other escalates the worst (S7)."""
    left = together.waiting(several)
    if not left:
        return twiml.say(f"Somebody has all {len(several)} incidents already, or they are over. Good bye.")
    pressed = fields.get("Digits", "")
    key = f"{fields.get('CallSid', token)}:{pressed}"
    if pressed == "1":
        return twiml.say(f"{_take(context, left, person, CALL, key, now=now)} Good bye.")
    if pressed in _KEYS:
        return twiml.say(_do(context, _KEYS[pressed], left[0].id, person, CALL, key, now=now) + " Good bye.")
    again = "This call is repeated. " if row.attempts > 1 else ""
    worst = left[0]
    drill = "a drill, " if worst.drill else ""
    text = (
        f"{again}On-call bot for {person.name}. {len(left)} incidents wait for you. The worst: {drill}"
        f"{worst.severity}, {worst.name}. {one_line(redact(worst.title), 200)}. "
        "Press 1 to acknowledge all of them. Press 2 to escalate the worst."
    )
    return twiml.ask(text, action=action, otherwise="No key was pressed. Good bye.")


def _take(
    context: Context,
    wanted: Sequence[Incident],
    person: Person,
    source: str,
    key: str | None,
    *,
    now: datetime,
) -> str:
    own = f"twilio:{key}" if key else None
    seer = known_as(person.id)
    return together.take(context.seen_by(seer), wanted, person.id, source=source, key=own, now=now).said


def _do_text(
    context: Context, person: Person, verb: str, rest: str, sid: str | None, *, now: datetime
) -> str:
    first, _, more = rest.partition(" ")
    found = _NUMBER.fullmatch(first)
    last = [] if found else _last(context, person)
    if len(last) > 1 and verb == "ack":
        return _take(context, last, person, SOURCE, sid, now=now)
    if len(last) > 1:
        return f"The last page was about {len(last)} incidents. Name one: {verb.upper()} {last[0].id}."
    if not found and not last:
        return f"You were not paged for anything open. Name it: {verb.upper()} INC-42."
    number = int(found[1]) if found else last[0].id
    reason = (more if found else rest).strip()
    line = f"{verb} {reason or 'by text message'}" if verb == "resolve" else verb
    return _do(context, line, number, person, SOURCE, sid, now=now)


def _do(
    context: Context, line: str, number: int, person: Person, source: str, key: str | None, *, now: datetime
) -> str:
    try:
        reply = commands.handle(
            context.seen_by(known_as(person.id)),
            line,
            incident=number,
            actor=person.id,
            source=source,
            key=f"twilio:{key}"[:100] if key else None,
            now=now,
        )
    except Refused as problem:
        return str(problem)
    # What to type next is for those who have something to type on.
    return reply.text.partition(" Next:")[0]


def _last(context: Context, person: Person) -> list[Incident]:
    """Give what this person was paged for last: the newest page about something open, else the newest.

    Of a page about several incidents those that nobody has; else those of them that are open.
    """
    with context.store.read() as tx:
        rows = {row.group: row for row in reversed(outbox.pages_told(tx, person.id))}
        told = [found for row in reversed(rows.values()) if (found := together.incidents_in(tx, row))]
    for found in told:
        still_open = [incident for incident in found if incident.paging.is_open]
        if still_open:
            return together.waiting(found) or still_open[:1]
    return told[0][:1] if told else []


def _once(context: Context, number: str, text: str, *, now: datetime) -> str | None:
    key = f"{number}:{now.date().isoformat()}"
    try:
        with context.store.write() as tx:
            if interventions.recall(tx, key, "twilio:help") is not None:
                return None
            interventions.remember(tx, key, "twilio:help", {}, now=now)
    except LostRace:
        return None
    return text


def _read_out(row: OutboxRow, incident: Incident, person: Person) -> str:
    again = "This call is repeated. " if row.attempts > 1 else ""
    drill = "This is a drill. " if incident.drill else ""
    service = f" Service {incident.service}." if incident.service else ""
    return (
        f"{again}{drill}On-call bot for {person.name}. {incident.severity}, {incident.name}. "
        f"{one_line(redact(incident.title), 200)}.{service} Press 1 to acknowledge. Press 2 to escalate."
    )


def _over(context: Context, incident: Incident) -> str:
    people = context.live.current.revision.people
    by = people.get(incident.acknowledged_by or "")
    who = f" by {by.name if by else incident.acknowledged_by}" if incident.acknowledged_by else ""
    word = "acknowledged" if incident.paging is Paging.ACKNOWLEDGED else incident.paging.value
    return f"{incident.name} is {word} already{who}. There is nothing to do. Good bye."


def _person(context: Context, number: str) -> Person | None:
    people = context.live.current.revision.people.values()
    wanted = number.strip()
    found = (one for one in people if one.active and wanted and one.contacts.get("sms") == wanted)
    return next(found, None)


def _key(token: str) -> str:
    """Read what `notifiers.twilio.token_of` wrote; nothing readable gives a key of nobody."""
    try:
        return base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""


def _origins(public_url: str) -> set[str]:
    """Give the address with and without its port: which of them is signed differs between Twilio's products."""
    parts = urlsplit(public_url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or _PORTS.get(parts.scheme, 80)
    return {
        public_url,
        f"{parts.scheme}://{host}{parts.path}",
        f"{parts.scheme}://{host}:{port}{parts.path}",
    }
