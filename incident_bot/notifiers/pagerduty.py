"""Notifier `pagerduty`: a page is an alert of PagerDuty's Events API v2; what became of it follows under the same key.

PagerDuty decides whom the alert reaches: a page for a person goes to the service of the routing key `default`, one for
`pagerduty/KEY` to the service of that key. Every event is cut to what the API takes, never refused for its size; the
limits are those of https://developer.pagerduty.com/docs/events-api-v2/overview and `trigger-events` beside it.

`pdpyras` writes the events and reads the answers. Its own retries sleep inside the call, so its transport is ours: one
attempt by `outgoing.Client`, and any status but 2xx ends the call before the library sees it.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from requests import PreparedRequest, Response  # noqa: TID251 -- pdpyras's transport is ours
from requests.adapters import BaseAdapter  # noqa: TID251 -- as above

from incident_bot.core.lanes import Pace, Pacing
from incident_bot.core.model import Json, JsonObject, Person, paging_service
from incident_bot.core.timeline import one_line, redact
from incident_bot.notifiers.base import (
    GiveUp,
    GiveUpReason,
    Message,
    Notifier,
    NotifierKind,
    Receipt,
    RetryLater,
    header_value,
    judge,
)
from incident_bot.outgoing import SEND_SECONDS, CallFailed, Client

with warnings.catch_warnings():
    # It says that a successor exists; the lock decides when we change.
    warnings.simplefilter("ignore", UserWarning)
    from pdpyras import ChangeEventsAPISession, EventsAPISession, PDClientError

SessionT = TypeVar("SessionT", EventsAPISession, ChangeEventsAPISession)
NAME: Final = "pagerduty"
ROUTING_KEY: Final = "PAGERDUTY_ROUTING_KEY"
EVENTS_URL: Final = "INCIDENT_BOT_PAGERDUTY_EVENTS_URL"
DEFAULT_URL: Final = "https://events.pagerduty.com"
DEFAULT_KEY: Final = "default"

SUMMARY_MOST: Final = 1024
KEY_MOST: Final = 255
FIELD_MOST: Final = 255
EVENT_BYTES: Final = 512_000
"""Of 512 KB; PagerDuty does not say which kilobyte it means, so the smaller one."""
TEXT_MOST: Final = 20_000
LEFT_OUT: Final = "left out: the event was too large"
CONTEXT_MOST: Final = 20
"""Links and images; the API names no limit, and nobody reads more."""
ERRORS_MOST: Final = 200
EVENTS_A_MINUTE: Final = 120

SEVERITIES: Final = ("critical", "error", "warning", "info")
"""By the rank of our severity: whatever is below the third is `info`."""
CHANGE: Final = "change"
"""The kind of message that is a change event."""
ACTIONS: Final[Mapping[str, str]] = {
    "acknowledge": "acknowledge",
    "resolve": "resolve",
    "ask": "acknowledge",
    "note": "acknowledge",
}
"""What a kind of message asks PagerDuty to do; every other kind triggers an alert.

Somebody has the incident when it is asked whether they still do, or noted that they do: a trigger would ring for it.
"""


class PagerDutyNotifier:
    """Sends events to the services whose routing keys it has."""

    def __init__(self, client: Client, *, url: str, keys: Mapping[str, str]) -> None:
        """Take the shared client, the address of the Events API, and the routing keys by their names."""
        self._client = client
        self._url = url.rstrip("/").removesuffix("/v2/enqueue")
        self._keys = dict(keys)

    def send(self, message: Message) -> Receipt:
        """Send one event once; raises RetryLater for 408, 409, 423, 425, 429, 5xx and no answer, else GiveUp.

        An accepted event of a key that PagerDuty knows already changes nothing there, so a repeat is harmless (S2).
        """
        key = self._keys.get(_service(message.recipient))
        if key is None:
            raise GiveUp(
                GiveUpReason.ADDRESS, f"there is no routing key for {one_line(message.recipient, 80)}"
            )
        if message.kind == CHANGE:
            return self._tell_change(message, key)
        action = ACTIONS.get(message.kind, "trigger")
        dedup_key = _dedup_key(str(message.facts.get("alert_key") or message.key))
        event = _alert(message) if action == "trigger" else {}
        session = self._wired(EventsAPISession(key), key)
        try:
            taken = session.send_event(action, dedup_key=dedup_key, **event)
        except PDClientError as error:
            # Most likely an answer without a dedup_key: something between us and PagerDuty answers for it, and the
            # event may be lost. A repeat costs nothing.
            raise RetryLater(f"PagerDuty's answer is not one: {type(error).__name__}") from error
        return Receipt(provider_id=str(taken)[:KEY_MOST])

    def _tell_change(self, message: Message, key: str) -> Receipt:
        """Send one change event once; it rings for nobody, and a repeat is one more line beside the incidents."""
        session = self._wired(ChangeEventsAPISession(key), key)
        changed = _sayable(_change(message))
        try:
            session.submit(**changed)
        except PDClientError as error:
            raise RetryLater(f"PagerDuty's answer is not one: {type(error).__name__}") from error
        return Receipt()

    def _wired(self, session: SessionT, key: str) -> SessionT:
        session.url = self._url
        session.trust_env = False
        session.max_network_attempts = 0
        transport = _Once(self._client, key)
        session.mount("https://", transport)
        session.mount("http://", transport)
        return session

    def reaches(self, person: Person) -> bool:
        """Say yes to a service whose routing key is set, and to people with an id of PagerDuty's."""
        if paging_service(person.id) is not None:
            return _service(person.id) in self._keys
        return person.active and bool(person.contacts.get(NAME)) and DEFAULT_KEY in self._keys


class _Once(BaseAdapter):
    """A transport for `requests`: exactly one call of ours, bounded in time and size, without proxies or redirects."""

    def __init__(self, client: Client, key: str) -> None:
        super().__init__()
        self._client = client
        self._key = key

    def send(self, request: PreparedRequest, *_args: object, **_options: object) -> Response:
        """Make the call; raises what an answer other than 2xx means, past the library and its sleeping."""
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        headers = {name: _plain(value) for name, value in request.headers.items()}
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        try:
            answer = self._client.call(
                "POST", str(request.url), headers=headers, content=body, within=SEND_SECONDS
            )
        except CallFailed as error:
            raise RetryLater(str(error)) from error
        said = _errors(answer.body).replace(self._key, "…")
        if answer.status == 400 and "routing" in said.lower():  # noqa: PLR2004 -- Bad Request
            raise GiveUp(GiveUpReason.AUTH, f"PagerDuty refuses the routing key: {said}")
        judge(answer.status, answer.headers, who="PagerDuty", said=said)
        response = Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.request = request
        response.url = str(request.url)
        response._content = answer.body  # noqa: SLF001 -- the one way to hand `requests` a body that was read already
        return response

    def close(self) -> None:
        """Leave the shared client open."""


def _alert(message: Message) -> dict[str, Any]:
    """Write a trigger event from a page's facts, or from any other message, within every limit."""
    facts = message.facts
    details: dict[str, Json] = {
        "text": message.text[:TEXT_MOST],
        **_object(facts.get("details")),
    }
    payload: dict[str, Any] = {
        "summary": _cut(one_line(message.subject, SUMMARY_MOST), SUMMARY_MOST) or "A page without a text",
        "source": _word(facts.get("source")) or "incident-bot",
        "severity": _severity(message),
        "custom_details": details,
    }
    for name in ("component", "group", "class"):
        if word := _word(facts.get(name)):
            payload[name] = word
    if opened := _word(facts.get("opened_at")):
        payload["timestamp"] = opened
    event: dict[str, Any] = {"payload": payload, "client": "incident-bot"}
    if message.url:
        event["client_url"] = message.url
    links = _context(facts.get("links"), "href") or ([{"href": message.url}] if message.url else [])
    if links:
        event["links"] = links
    # "This image must be served via HTTPS": one that is not would cost the event nothing but a hole.
    images = [image for image in _context(facts.get("images"), "src") if image["src"].startswith("https://")]
    if images:
        event["images"] = images
    return _fitting(_sayable(event))


def _change(message: Message) -> dict[str, Any]:
    """Write a change event, within the limits of its summary and its size."""
    facts = message.facts
    change: dict[str, Any] = {
        "summary": _cut(one_line(message.subject, SUMMARY_MOST), SUMMARY_MOST) or "A change without a text",
        "source": "incident-bot",
        "custom_details": {"text": message.text[:TEXT_MOST], "revision": _word(facts.get("revision"))},
    }
    if at := _word(facts.get("at")):
        change["timestamp"] = at
    if message.url:
        change["links"] = [{"href": message.url, "text": "incident-bot"}]
    return change


def _severity(message: Message) -> str:
    if message.kind != "page":
        return SEVERITIES[-1]
    rank = message.facts.get("rank")
    # What is not known counts as the worst: a page that is too loud beats one that nobody hears.
    return (
        SEVERITIES[min(rank, len(SEVERITIES) - 1)] if isinstance(rank, int) and rank >= 0 else SEVERITIES[0]
    )


def _fitting(event: dict[str, Any]) -> dict[str, Any]:
    """Leave out what matters least until the event fits: images, links, the largest details."""
    for part in ("images", "links"):
        if _size(event) > EVENT_BYTES:
            event.pop(part, None)
    details: dict[str, Json] = event["payload"]["custom_details"]
    over = _size(event) - EVENT_BYTES
    for name, size in sorted(
        ((name, _size(value)) for name, value in details.items()), key=lambda one: -one[1]
    ):
        if over <= 0:
            break
        over -= size - _size(LEFT_OUT)
        details[name] = LEFT_OUT
    if _size(event) > EVENT_BYTES:
        # It was their number, not their size.
        event["payload"]["custom_details"] = {}
    return event


def _size(value: object) -> int:
    # 2 KB for the keys and the action, which the library adds.
    return len(json.dumps(value)) + 2048


def _sayable(value: Any) -> Any:
    """Replace halves of surrogate pairs, which JSON may bring in and UTF-8 does not have."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {_sayable(key): _sayable(part) for key, part in value.items()}
    return [_sayable(part) for part in value] if isinstance(value, list | tuple) else value


def _context(value: Json, wanted: str) -> list[dict[str, str]]:
    """Give the links or images that have their address, as texts."""
    parts = value if isinstance(value, list | tuple) else ()
    found = [part for part in parts if isinstance(part, Mapping) and isinstance(part.get(wanted), str)]
    return [{name: str(text) for name, text in part.items() if text} for part in found[:CONTEXT_MOST]]


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _word(value: Json) -> str:
    return _cut(one_line(value, FIELD_MOST), FIELD_MOST) if isinstance(value, str) else ""


def _cut(text: str, most: int) -> str:
    return text.encode(errors="replace").decode()[:most]


def _dedup_key(text: str) -> str:
    """Give the key within its limit; different texts stay different."""
    plain = header_value(text)
    if len(plain) <= KEY_MOST:
        return plain
    digest = hashlib.sha256(plain.encode()).hexdigest()
    return plain[: KEY_MOST - len(digest)] + digest


def _service(recipient: str) -> str:
    service = paging_service(recipient)
    return _named(service.contacts[NAME]) if service else DEFAULT_KEY


def _named(name: str) -> str:
    """Give the name of a routing key as it is looked up: variables know neither small letters nor hyphens."""
    return name.casefold().replace("-", "_")


def _errors(body: bytes) -> str:
    """Give what PagerDuty says is wrong, in one short line without secrets."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    errors = read.get("errors") if isinstance(read, dict) else None
    told = "; ".join(str(error) for error in errors) if isinstance(errors, list) else ""
    return one_line(redact(told), ERRORS_MOST)


def _plain(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _build(values: Mapping[str, str], client: Client, write: Callable[[str], None]) -> Notifier | None:
    del write
    keys = {
        _named(name.removeprefix(f"{ROUTING_KEY}_")) if name != ROUTING_KEY else DEFAULT_KEY: key
        for name, key in values.items()
        if name.startswith(ROUTING_KEY)
    }
    return PagerDutyNotifier(client, url=values.get(EVENTS_URL) or DEFAULT_URL, keys=keys) if keys else None


def _pacing(values: Mapping[str, str]) -> Pacing:
    """120 events a minute and key, and one event an incident: each has its own alert there.

    https://developer.pagerduty.com/docs/events-api-v2-overview
    """
    del values
    return Pacing(each=Pace.per_minute(EVENTS_A_MINUTE), lane=_service, folds=False)


KIND: Final = NotifierKind(
    name=NAME, build=_build, settings=(ROUTING_KEY, EVENTS_URL), contact=NAME, pacing=_pacing
)
