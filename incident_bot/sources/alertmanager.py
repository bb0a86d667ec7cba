"""Prometheus Alertmanager: webhook version 4 in, `/api/v2/alerts` for the reconciler.

Takes every alert that can be read and records the others (I1); never infers anything. The shapes are those of
Alertmanager's `notify/webhook/webhook.go` and of its OpenAPI v2 document.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final, TypeGuard

from incident_bot.core.dedupe import Listed, ListedState, alert_key, delivery_digest
from incident_bot.core.errors import Unreadable
from incident_bot.core.model import Alert, Delivery, Rejected, Status, rfc3339
from incident_bot.outgoing import Answer, CallFailed, Client
from incident_bot.sources.base import HeldSilence, NewSilence, Silence, SilenceRefused, SourceKind

LABELS_MOST: Final = 256
ANNOTATIONS_MOST: Final = 1024
NAME_MOST: Final = 1024
LABEL_VALUE_MOST: Final = 16 * 1024
GROUP_KEY_MOST: Final = 64 * 1024
ALERTS_MOST: Final = 20_000
SHORT: Final = 512
OK: Final = 200
NOT_FOUND: Final = 404
TOO_MANY: Final = 429
SERVER: Final = 500
SAID_MOST: Final = 300

_ESCAPED: Final = str.maketrans(dict.fromkeys(range(55296, 57344), "�"))


def read(body: object, *, source: str, ignore_labels: frozenset[str], now: datetime) -> Delivery:
    """Read a webhook of version 4; raises Unreadable where no alert of it can be read.

    Times are kept to the microsecond. A zero `startsAt` counts as now; a firing alert has no end.
    """
    if not isinstance(body, dict):
        raise Unreadable("$", "expected a JSON object")
    if body.get("version") != "4":
        raise Unreadable("$.version", 'expected "4", the version of Alertmanager\'s webhook')
    receiver = _text(body, "receiver", most=SHORT * 8)
    group_key = _text(body, "groupKey", most=GROUP_KEY_MOST)
    external_url = _text(body, "externalURL", most=SHORT * 8, needed=False)
    truncated = body.get("truncatedAlerts", 0)
    if not isinstance(truncated, int) or isinstance(truncated, bool) or not 0 <= truncated <= 2**31:
        raise Unreadable("$.truncatedAlerts", "expected a number from 0")
    listed = body.get("alerts")
    if not isinstance(listed, list):
        raise Unreadable("$.alerts", "expected a list")
    if len(listed) > ALERTS_MOST:
        raise Unreadable(
            "$.alerts", f"more than {ALERTS_MOST} alerts in one body; set max_alerts at the sender"
        )
    alerts: list[Alert] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(listed):
        try:
            alerts.append(
                _alert(item, f"$.alerts[{index}]", source=source, ignore_labels=ignore_labels, now=now)
            )
        except Unreadable as problem:
            rejected.append(Rejected(path=problem.path, reason=problem.reason))
    if rejected and not alerts:
        raise Unreadable(rejected[0].path, rejected[0].reason)
    return Delivery(
        source=source,
        receiver=receiver,
        group_key=group_key,
        external_url=external_url,
        truncated=truncated,
        alerts=tuple(alerts),
        rejected=tuple(rejected),
        digest=delivery_digest(receiver, group_key, alerts, truncated),
    )


def list_active(
    client: Client, api_url: str, *, source: str, ignore_labels: frozenset[str]
) -> tuple[Listed, ...]:
    """List what an Alertmanager holds, silenced and inhibited alerts included (I10)."""
    url = api_url.rstrip("/") + "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true"
    answer = client.call("GET", url, headers={"Accept": "application/json"})
    if answer.status != OK:
        message = f"Alertmanager's API answered {answer.status}"
        raise CallFailed(message)
    items = answer.json()
    if not isinstance(items, list):
        message = "Alertmanager's API did not answer with a list"
        raise CallFailed(message)
    try:
        return tuple(
            _listed(item, f"$[{index}]", source=source, ignore_labels=ignore_labels)
            for index, item in enumerate(items)
        )
    except Unreadable as problem:
        # A list that is only partly understood must not close anything: absence means "ended" here.
        message = f"Alertmanager's API: {problem}"
        raise CallFailed(message) from problem


def list_silences(client: Client, api_url: str) -> tuple[Silence, ...]:
    """List the silences that hold at an Alertmanager; one that cannot be read is left out."""
    answer = client.call(
        "GET", api_url.rstrip("/") + "/api/v2/silences", headers={"Accept": "application/json"}
    )
    if answer.status != OK:
        message = f"Alertmanager's API answered {answer.status}"
        raise CallFailed(message)
    items = answer.json()
    if not isinstance(items, list):
        message = "Alertmanager's API did not answer with a list"
        raise CallFailed(message)
    found = [silence for item in items if (silence := _silence(item)) is not None]
    return tuple(sorted(found, key=lambda one: (one.ends_at, one.what)))


def _silence(item: object) -> Silence | None:
    status = item.get("status") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(status, dict) or status.get("state") != "active":
        return None
    written = item.get("matchers")
    matchers = (
        [_matcher(one) for one in written if isinstance(one, dict)] if isinstance(written, list) else []
    )
    try:
        ends_at = _time(item.get("endsAt"), "$.endsAt")
    except Unreadable:
        return None
    comment = item.get("comment")
    said = f": {_clean(comment.strip()[:SHORT])}" if isinstance(comment, str) and comment.strip() else ""
    return (
        None if ends_at is None else Silence(what=f"silence {{{', '.join(matchers)}}}{said}", ends_at=ends_at)
    )


def _matcher(written: dict[str, object]) -> str:
    operator = ("=~" if written.get("isEqual", True) else "!~") if written.get("isRegex") else "="
    if not written.get("isRegex") and not written.get("isEqual", True):
        operator = "!="
    name, value = (_clean(str(written.get(key, ""))[:SHORT]) for key in ("name", "value"))
    return f'{name}{operator}"{value}"'


def _alert(item: object, path: str, *, source: str, ignore_labels: frozenset[str], now: datetime) -> Alert:
    if not isinstance(item, dict):
        raise Unreadable(path, "expected an object")
    status = item.get("status")
    if status not in ("firing", "resolved"):
        raise Unreadable(f"{path}.status", 'expected "firing" or "resolved"')
    labels = _labels(item.get("labels"), f"{path}.labels", count=LABELS_MOST, size=LABEL_VALUE_MOST)
    if not labels:
        raise Unreadable(f"{path}.labels", "an alert needs at least one label")
    annotations = _labels(item.get("annotations"), f"{path}.annotations", count=ANNOTATIONS_MOST, size=None)
    starts_at = _time(item.get("startsAt"), f"{path}.startsAt") or now
    firing = status == "firing"
    key = alert_key(source, labels, ignore_labels)
    fingerprint = item.get("fingerprint")
    url = item.get("generatorURL")
    return Alert(
        source=source,
        key=key,
        fingerprint=fingerprint if _plain(fingerprint) else key[:16],
        labels=labels,
        annotations=annotations,
        status=Status.FIRING if firing else Status.RESOLVED,
        starts_at=starts_at,
        ends_at=None if firing else _time(item.get("endsAt"), f"{path}.endsAt") or now,
        generator_url=_clean(url) if isinstance(url, str) else "",
    )


def _listed(item: object, path: str, *, source: str, ignore_labels: frozenset[str]) -> Listed:
    if not isinstance(item, dict):
        raise Unreadable(path, "expected an object")
    status = item.get("status")
    if not isinstance(status, dict):
        raise Unreadable(f"{path}.status", "expected an object")
    starts_at = _time(item.get("startsAt"), f"{path}.startsAt")
    updated_at = _time(item.get("updatedAt"), f"{path}.updatedAt") or starts_at
    if starts_at is None or updated_at is None:
        raise Unreadable(f"{path}.startsAt", "expected a time")
    url = item.get("generatorURL")
    fingerprint = item.get("fingerprint")
    labels = _labels(item.get("labels"), f"{path}.labels", count=LABELS_MOST, size=LABEL_VALUE_MOST)
    return Listed(
        key=alert_key(source, labels, ignore_labels),
        fingerprint=fingerprint if _plain(fingerprint) else "",
        labels=labels,
        annotations=_labels(
            item.get("annotations"), f"{path}.annotations", count=ANNOTATIONS_MOST, size=None
        ),
        starts_at=starts_at,
        ends_at=_time(item.get("endsAt"), f"{path}.endsAt"),
        updated_at=updated_at,
        state=ListedState.SUPPRESSED if status.get("state") == "suppressed" else ListedState.ACTIVE,
        silenced_by=_names(status.get("silencedBy")),
        inhibited_by=_names(status.get("inhibitedBy")),
        generator_url=_clean(url) if isinstance(url, str) else "",
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list) else ()


def _text(body: dict[str, object], name: str, *, most: int, needed: bool = True) -> str:
    value = body.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"$.{name}", "expected text")
    if len(value) > most:
        raise Unreadable(f"$.{name}", f"longer than {most} characters")
    return _clean(value)


def _labels(value: object, path: str, *, count: int, size: int | None) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable(path, "expected an object of texts")
    if len(value) > count:
        raise Unreadable(path, f"more than {count} entries")
    plain = True
    for name, text in value.items():
        if not isinstance(text, str):
            raise Unreadable(f"{path}.{_clean(name[:SHORT])}", "expected text")
        if len(name) > NAME_MOST or (size is not None and len(text) > size):
            raise Unreadable(f"{path}.{_clean(name[:SHORT])}", "too long")
        plain = plain and name.isascii() and text.isascii()
    return value if plain else {_clean(name): _clean(text) for name, text in value.items()}


def _plain(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= NAME_MOST and value.isascii() and value.isprintable()


def _clean(text: str) -> str:
    # JSON may carry half of a surrogate pair, which no database stores.
    return text if text.isascii() else text.translate(_ESCAPED)


def _time(value: object, path: str) -> datetime | None:
    if not isinstance(value, str):
        raise Unreadable(path, "expected a time as RFC 3339 writes it")
    if value.startswith("0001-01-01T00:00:00"):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None or "T" not in value:
            raise Unreadable(path, "expected a time with a zone, as RFC 3339 writes it")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(path, "expected a time as RFC 3339 writes it") from error


class _Silencer:
    """Silences by `/api/v2/silences`; a POST is not idempotent there, so a key in the comment finds what was made."""

    def find(self, client: Client, api_url: str, key: str) -> HeldSilence | None:
        """Give the one whose comment ends in the key, unless it has ended."""
        items = _asked(client, "GET", f"{_root(api_url)}s").json()
        if not isinstance(items, list):
            message = "Alertmanager's API did not answer with a list"
            raise CallFailed(message)
        ours = (one for one in items if isinstance(one, dict) and _comment(one).endswith(f"[{key}]"))
        return next((held for one in ours if (held := _held(one)) is not None), None)

    def look(self, client: Client, api_url: str, number: str) -> HeldSilence | None:
        """Give the one of this id, unless it has ended or was forgotten."""
        answer = client.call("GET", f"{_root(api_url)}/{number}", headers={"Accept": "application/json"})
        if answer.status == NOT_FOUND:
            return None
        item = _good(answer).json()
        return _held(item) if isinstance(item, dict) else None

    def hold(self, client: Client, api_url: str, new: NewSilence, held: HeldSilence | None) -> str:
        """POST it; with the start and the matchers of the one that is held, Alertmanager changes that one."""
        body: dict[str, object] = {
            "matchers": [
                {"name": name, "value": value, "isRegex": False, "isEqual": True}
                for name, value in new.matchers
            ],
            "startsAt": rfc3339(held.starts_at if held else new.starts_at),
            "endsAt": rfc3339(new.ends_at),
            "createdBy": new.created_by,
            "comment": f"{new.comment} [{new.key}]",
        }
        if held is not None:
            body["id"] = held.id
        item = _asked(client, "POST", f"{_root(api_url)}s", json.dumps(body).encode()).json()
        number = item.get("silenceID") if isinstance(item, dict) else None
        if not _plain(number):
            message = "Alertmanager's API did not say which silence it made"
            raise CallFailed(message)
        return number

    def lift(self, client: Client, api_url: str, number: str) -> None:
        """DELETE it; an Alertmanager before 0.26 answers 500 for one that it does not know."""
        answer = client.call("DELETE", f"{_root(api_url)}/{number}")
        if answer.status == NOT_FOUND:
            return
        if answer.status >= SERVER and self.look(client, api_url, number) is None:
            return
        _good(answer)


def _root(api_url: str) -> str:
    return api_url.rstrip("/") + "/api/v2/silence"


def _asked(client: Client, method: str, url: str, content: bytes | None = None) -> Answer:
    headers = {"Accept": "application/json"}
    if content is not None:
        headers["Content-Type"] = "application/json"
    return _good(client.call(method, url, headers=headers, content=content))


def _good(answer: Answer) -> Answer:
    if answer.status == OK:
        return answer
    said = _clean(" ".join(answer.body[:SAID_MOST].decode(errors="replace").split()))
    message = f"Alertmanager's API answered {answer.status}{f': {said}' if said else ''}"
    if answer.status == TOO_MANY or answer.status >= SERVER:
        raise CallFailed(message)
    raise SilenceRefused(message)


def _comment(item: dict[str, object]) -> str:
    comment = item.get("comment")
    return comment if isinstance(comment, str) else ""


def _held(item: dict[str, object]) -> HeldSilence | None:
    status, number = item.get("status"), item.get("id")
    if not isinstance(status, dict) or status.get("state") not in ("active", "pending") or not _plain(number):
        return None
    try:
        starts_at, ends_at = (_time(item.get(name), f"$.{name}") for name in ("startsAt", "endsAt"))
    except Unreadable as problem:
        message = f"Alertmanager's API: {problem}"
        raise CallFailed(message) from problem
    if starts_at is None or ends_at is None:
        return None
    return HeldSilence(id=number, starts_at=starts_at, ends_at=ends_at)


KIND: Final = SourceKind(
    name="alertmanager",
    read=read,
    list_active=list_active,
    list_silences=list_silences,
    silencer=_Silencer(),
)
