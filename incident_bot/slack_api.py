"""Slack's Web API: one call, once, and what came of it as one of four words.

Every method takes a form (https://docs.slack.dev/apis/web-api), so a form is what is sent. Nothing is retried
here: whoever calls keeps what it wants in the database and comes again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import urlencode, urlsplit

from incident_bot.outgoing import Answer, CallFailed, Client

URL: Final = "https://slack.com/api"
WAIT_LEAST: Final = timedelta(seconds=1)
WAIT_MOST: Final = timedelta(hours=1)
LISTED_AGAIN: Final = timedelta(minutes=1)
"""The names of the channels are asked for no sooner than this after the last time."""
_LATER: Final = frozenset({408, 409, 423, 425})
_PASSING: Final = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "ratelimited",
        "team_added_to_org",
    }
)
"""Errors in a 200 that say nothing about the call: Slack itself is unwell."""

Said: TypeAlias = Mapping[str, Any]
"""What Slack answered, without its `ok`."""


class SlackError(Exception):
    """A call did not do what it was to do; the text holds no token."""


class Limited(SlackError):
    """Too many calls of this kind: nothing was done, come again after a while."""

    def __init__(self, method: str, after: timedelta) -> None:
        """Name the method, and how long Slack asks to wait."""
        super().__init__(f"{method}: rate limited for {after.total_seconds():.0f} s")
        self.after = after


class Unanswered(SlackError):
    """No answer, or Slack is unwell: it may have been done or not."""


class Refused(SlackError):
    """Slack says no, and would again; nothing was done."""

    def __init__(self, method: str, error: str, *, needed: str | None = None) -> None:
        """Name Slack's error, and the scope that is missing where it is that."""
        super().__init__(f"{method}: {error}{f' (scope {needed})' if needed else ''}")
        self.method = method
        self.error = error
        self.needed = needed


class Unlisted(Limited):
    """There was no such channel a moment ago: whether there is one now is asked for again when it may be."""

    def __init__(self, name: str, after: timedelta) -> None:
        """Name the channel."""
        super().__init__(f"conversations.list for #{name}", after)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel that the bot can see."""

    id: str
    name: str
    member: bool
    """Whether the bot was in it when the channels were listed."""


class Caller(Protocol):
    """What calls Slack: `Slack` itself, or one that keeps to its pace."""

    def call(self, method: str, **arguments: Any) -> Said:
        """Call a method once."""

    def every(self, method: str, key: str, **arguments: Any) -> list[Any]:
        """Call a method until its last page."""


class Slack:
    """One workspace's Web API with one token; safe to share between threads."""

    def __init__(self, client: Client, *, token: str, url: str = URL) -> None:
        """Take the shared HTTP client, the bot's token and where Slack is."""
        self._client = client
        self._token = token
        self._url = url.rstrip("/")
        self.channels = Channels(self.every)

    def call(self, method: str, **arguments: Any) -> Said:
        """Call a method once; raises Limited, Unanswered or Refused. What is None is left out."""
        return _judge(method, self._ask(method, arguments))

    def scopes(self) -> frozenset[str]:
        """Give what the token may do; empty where Slack does not say. Raises what `call` does."""
        answer = self._ask("auth.test", {})
        _judge("auth.test", answer)
        return frozenset(filter(None, answer.headers.get("x-oauth-scopes", "").replace(" ", "").split(",")))

    def _ask(self, method: str, arguments: Mapping[str, Any]) -> Answer:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "User-Agent": "incident-bot",
        }
        form = {name: _written(value) for name, value in arguments.items() if value is not None}
        content = urlencode(form, errors="replace").encode()
        try:
            return self._client.call("POST", f"{self._url}/{method}", headers=headers, content=content)
        except CallFailed as error:
            raise Unanswered(f"{method}: {error}") from error

    def every(self, method: str, key: str, **arguments: Any) -> list[Any]:
        """Call a method until its last page and give what stands under `key`; a thousand pages at most."""
        found: list[Any] = []
        cursor: str | None = None
        for _ in range(1000):
            said = self.call(method, **arguments, cursor=cursor)
            found.extend(said.get(key) or ())
            cursor = (said.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                break
        return found

    def upload(self, url: str, content: bytes) -> None:
        """Give Slack the bytes of a file where it said; raises Refused or Unanswered. Nothing goes anywhere else."""
        if not self._of_slack(url):
            raise Refused("upload", "not_an_address_of_slack")
        try:
            answer = self._client.call(
                "POST", url, headers={"Content-Type": "application/octet-stream"}, content=content
            )
        except CallFailed as error:
            raise Unanswered(f"upload: {error}") from error
        if answer.status != 200:  # noqa: PLR2004 -- OK
            if answer.status >= 500:  # noqa: PLR2004 -- theirs
                raise Unanswered(f"upload: http_{answer.status}")
            raise Refused("upload", f"http_{answer.status}")

    def _of_slack(self, url: str) -> bool:
        host = urlsplit(url).hostname or ""
        ours = urlsplit(self._url).hostname or ""
        return host == ours or re.fullmatch(r"([a-z0-9-]+\.)*slack\.com", host) is not None

    def download(self, url: str) -> bytes:
        """Fetch a file that only members may see; raises Refused or Unanswered. The token goes to Slack alone."""
        if not self._of_slack(url):
            raise Refused("download", "not_an_address_of_slack")
        try:
            answer = self._client.call("GET", url, headers={"Authorization": f"Bearer {self._token}"})
        except CallFailed as error:
            raise Unanswered(f"download: {error}") from error
        kind = answer.headers.get("content-type", "")
        if answer.status != 200 or kind.startswith("text/html"):  # noqa: PLR2004 -- a page to sign in is no file
            raise Refused("download", f"http_{answer.status}")
        return answer.body


class Channels:
    """The channels by their names, remembered; a name that is not known has them listed, once a minute at most."""

    def __init__(self, every: Callable[..., list[Any]]) -> None:
        """Take what lists them."""
        self._every = every
        self._lock = Lock()
        self._known: dict[str, Channel] = {}
        self._listed_at: datetime | None = None

    def find(
        self, word: str, *, now: datetime, every: Callable[..., list[Any]] | None = None
    ) -> Channel | None:
        """Give a channel by its name, with or without `#`, or by its id; raises Unlisted where that is not sure yet.

        `every` lists them in another way, such as one that keeps to a pace.
        """
        wanted = word.removeprefix("#")
        with self._lock:
            known = self._known.get(wanted)
            if known is not None:
                return known
            since = LISTED_AGAIN if self._listed_at is None else now - self._listed_at
            if timedelta(0) <= since < LISTED_AGAIN:
                raise Unlisted(wanted, LISTED_AGAIN - since)
            self._list(every or self._every)
            self._listed_at = now
            return self._known.get(wanted)

    def forget(self, word: str) -> None:
        """Have a name looked up anew: what it stood for is gone."""
        with self._lock:
            gone = self._known.get(word.removeprefix("#"))
            self._known = {name: one for name, one in self._known.items() if one != gone}

    def _list(self, every: Callable[..., list[Any]]) -> None:
        types = "public_channel,private_channel"
        found = [
            Channel(id=str(one["id"]), name=str(one["name"]), member=one.get("is_member") is True)
            for one in every("conversations.list", "channels", types=types, exclude_archived=True, limit=500)
        ]
        # A name wins over an id that reads the same: ids are in capitals, names never are.
        self._known = {one.id: one for one in found} | {one.name: one for one in found}


def _judge(method: str, answer: Answer) -> Said:
    if answer.status == 429:  # noqa: PLR2004 -- Too Many Requests
        raise Limited(method, _asked(answer))
    if answer.status >= 500 or answer.status in _LATER:  # noqa: PLR2004 -- the 5xx class
        raise Unanswered(f"{method}: Slack answered {answer.status}")
    try:
        said = answer.json()
    except CallFailed as error:
        raise Unanswered(f"{method}: {error}") from error
    if not isinstance(said, dict):
        raise Unanswered(f"{method}: the answer is no object")
    if said.get("ok") is True:
        return said
    word = str(said.get("error") or f"http_{answer.status}")
    if word == "ratelimited":
        raise Limited(method, _asked(answer))
    if word in _PASSING:
        raise Unanswered(f"{method}: {word}")
    raise Refused(method, word, needed=str(said["needed"]) if said.get("needed") else None)


def _asked(answer: Answer) -> timedelta:
    value = answer.headers.get("retry-after", "").strip()
    seconds = int(value[:9]) if value.isdecimal() else 0
    return min(max(timedelta(seconds=seconds), WAIT_LEAST), WAIT_MOST)


def _written(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, separators=(",", ":"))
