"""Reads who is on call by a schedule of PagerDuty's, from its REST API (v2, `GET /oncalls`). Read, never written.

`pdpyras` asks and turns the pages. Its own retries sleep inside the call, so its transport is ours: one attempt a page
by `outgoing.Client`; any answer but 200 ends the reading before the library sees it. A timer has it read again.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from requests import PreparedRequest, Response  # noqa: TID251 -- pdpyras's transport is ours
from requests.adapters import BaseAdapter  # noqa: TID251 -- as above

from incident_bot.core.oncall.mirrored import Stretch
from incident_bot.outgoing import CallFailed, Client

with warnings.catch_warnings():
    # It says that a successor exists; the lock decides when we change.
    warnings.simplefilter("ignore", UserWarning)
    from pdpyras import APISession, PDClientError

DEFAULT_URL: Final = "https://api.pagerduty.com"
PAGE: Final = 100
PAGES_MOST: Final = 50
"""More would be a mistake: five thousand stretches in two weeks, or a list that never ends."""
ENDLESS: Final = "PagerDuty's list does not end"
_OK: Final = 200
_SAID: Final[Mapping[int, str]] = {
    401: "PagerDuty refuses PAGERDUTY_API_KEY",
    403: "PAGERDUTY_API_KEY may not read who is on call",
    404: "PagerDuty has no such schedule",
    429: "PagerDuty is asked too often",
}


def read_on_call(
    client: Client, schedule: str, *, url: str, key: str, since: datetime, until: datetime
) -> tuple[Stretch, ...]:
    """Give every stretch on call of a schedule between two instants; raises CallFailed, never with the key in it."""
    session = APISession(key)
    session.url = url.rstrip("/")
    session.trust_env = False
    session.max_network_attempts = 0
    transport = _Once(client)
    session.mount("https://", transport)
    session.mount("http://", transport)
    asked = {
        "schedule_ids[]": [schedule],
        "since": _utc(since),
        "until": _utc(until),
        "time_zone": "UTC",
    }
    try:
        found = [_stretch(entry) for entry in session.iter_all("/oncalls", params=asked, page_size=PAGE)]
    except (PDClientError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        message = f"PagerDuty's answer is not one: {type(error).__name__}"
        raise CallFailed(message) from error
    return tuple(found)


class _Once(BaseAdapter):
    """A transport for `requests`: exactly one call of ours, bounded in time and size, without proxies or redirects."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._pages = 0

    def send(self, request: PreparedRequest, *_args: object, **_options: object) -> Response:
        """Make the call; raises CallFailed for any answer but 200, past the library and its sleeping."""
        self._pages += 1
        if self._pages > PAGES_MOST:
            raise CallFailed(ENDLESS)
        headers = {name: _plain(value) for name, value in request.headers.items()}
        answer = self._client.call("GET", str(request.url), headers=headers)
        if answer.status != _OK:
            raise CallFailed(_SAID.get(answer.status, f"PagerDuty answered {answer.status}"))
        page = json.loads(answer.body)
        if not isinstance(page, dict) or not isinstance(page.get("more"), bool):
            # The library would take it for the last page.
            raise TypeError("no page of a list")
        response = Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.request = request
        response.url = str(request.url)
        response._content = answer.body  # noqa: SLF001 -- the one way to hand `requests` a body that was read already
        return response

    def close(self) -> None:
        """Leave the shared client open."""


def _stretch(entry: Mapping[str, object]) -> Stretch:
    user = entry["user"]
    level = entry["escalation_level"]
    if not isinstance(user, Mapping) or not isinstance(level, int) or not isinstance(user["id"], str):
        raise TypeError("an entry without its user or level")
    return Stretch(
        user=user["id"],
        name=str(user.get("summary") or user["id"]),
        level=level,
        start=_instant(entry["start"]),
        end=_instant(entry["end"]),
    )


def _instant(text: object) -> datetime | None:
    if text is None:
        return None
    instant = datetime.fromisoformat(str(text))
    if instant.tzinfo is None:
        raise ValueError("an instant without its zone")
    return instant.astimezone(UTC)


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _plain(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
