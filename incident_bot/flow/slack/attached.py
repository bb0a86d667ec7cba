"""Files that come with a message: which are kept, and fetching them with the bot's own token.

They are never made public: Slack gives them to whoever shows the token, and we to whoever may read the incident.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from incident_bot.flow.context import Context
from incident_bot.flow.slack.pacing import Paced
from incident_bot.slack_api import Limited, Refused, Slack, Unanswered
from incident_bot.store import evidence
from incident_bot.store.evidence import File, NewFile

BYTES_MOST: Final = 10 * 1024 * 1024
FILES_MOST: Final = 10
"""Slack takes as many with one message."""
NAME_MOST: Final = 200
KINDS: Final = frozenset(
    {
        "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain", "text/csv",
        "text/markdown", "application/json", "application/x-ndjson", "application/gzip", "application/zip",
    }
)  # fmt: skip
LEASE: Final = timedelta(seconds=90)
FIRST: Final = timedelta(seconds=5)
MOST: Final = timedelta(hours=1)
ATTEMPTS_MOST: Final = 20


def files_of(message: Mapping[str, Any]) -> tuple[NewFile, ...]:
    """Give the files of a message; those that are not fetched say why."""
    found = []
    for file in list(message.get("files") or ())[:FILES_MOST]:
        if not isinstance(file, Mapping) or not file.get("id") or file.get("mode") == "tombstone":
            continue
        kind = str(file.get("mimetype") or "").partition(";")[0].strip().lower()
        size = file.get("size")
        size = size if isinstance(size, int) and size >= 0 else 0
        refused = None
        if size > BYTES_MOST:
            refused = f"larger than {BYTES_MOST // 1024 // 1024} MB; it is in Slack only"
        elif kind and kind not in KINDS:
            refused = f"{kind[:60]} is not kept; it is in Slack only"
        found.append(
            NewFile(
                name=_name(str(file.get("name") or file.get("title") or "")) or str(file["id"])[:NAME_MOST],
                kind=kind or "application/octet-stream",
                size=size,
                source=f"slack:{file['id']}",
                url=str(file.get("url_private_download") or file.get("url_private") or ""),
                refused=refused,
            )
        )
    return tuple(found)


def _name(text: str) -> str:
    """Give a name without folders and line breaks, and without what turns the reading direction round."""
    plain = "".join(" " if unicodedata.category(one).startswith("C") else one for one in text)
    return " ".join(plain.replace("/", "_").replace("\\", "_").split())[:NAME_MOST]


class Fetcher:
    """Fetches files that wait; safe to have several, in several processes."""

    def __init__(self, context: Context, slack: Slack, now: Callable[[], datetime]) -> None:
        """Take the wired parts, the workspace and what reads the clock."""
        self._context = context
        self._slack = slack
        self._now = now

    def step(self) -> bool:
        """Fetch the next file; says whether there was one."""
        with self._context.store.write() as tx:
            file = evidence.claim(tx, owner=self._context.owner, lease=LEASE, now=self._now())
        if file is None:
            return False
        try:
            content = self._slack.download(file.url or self._address(file))
        except Limited as limit:
            self._later(file, limit.after, str(limit), failed=False)
        except Unanswered as problem:
            wait = min(FIRST * 2 ** min(file.attempts, 10), MOST)
            self._later(file, wait * (0.5 + self._context.chance() / 2), str(problem), failed=True)
        except Refused as refused:
            self._later(file, None, str(refused), failed=True)
        else:
            self._keep(file, content)
        return True

    def work(self, *, due: bool) -> bool:
        """Do a step where a file waits."""
        return due and self.step()

    def _address(self, file: File) -> str:
        """Ask for the address of a file that came from another workspace."""
        slack = Paced(self._context, self._slack, self._now)
        said = slack.call("files.info", file=file.source.removeprefix("slack:"))["file"]
        return str(said.get("url_private_download") or said.get("url_private") or "")

    def _keep(self, file: File, content: bytes) -> None:
        if len(content) > BYTES_MOST:
            self._later(file, None, f"larger than {BYTES_MOST // 1024 // 1024} MB", failed=True)
            return
        with self._context.store.write() as tx:
            evidence.fetched(tx, file, content, owner=self._context.owner)

    def _later(self, file: File, wait: timedelta | None, error: str, *, failed: bool) -> None:
        over = wait is None or file.attempts + 1 >= ATTEMPTS_MOST
        due_at = None if over or wait is None else self._now() + wait
        with self._context.store.write() as tx:
            evidence.later(tx, file, owner=self._context.owner, due_at=due_at, error=error, failed=failed)
