"""The status page in a folder, for any web server: it is there when everything of ours is not.

Each file is put in its place whole, the first page last; what is no longer part of the page goes. A folder with
anything else in it is left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from incident_bot.flow.context import Context
from incident_bot.flow.status import followers
from incident_bot.flow.status.files import folder_files, public_links
from incident_bot.flow.status.reading import read_board

MANIFEST: Final = ".incident-bot-status.json"
"""Which files are ours."""
_ANY: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger(__name__)


class Folder:
    """One folder that shows the page."""

    def __init__(self, context: Context, path: Path) -> None:
        """Write nothing yet."""
        self._context = context
        self._path = path
        self._digest = ""
        self._refused = ""
        self._seen: object = None

    def write(self, *, now: datetime) -> bool:
        """Bring the folder up to date; say whether anything was written. Never raises for what the disk refuses."""
        current = self._context.live.current
        page = current.revision.status
        if page is None:
            return False
        shown = read_board(self._context, current, page, now=now)
        # Drawing costs more than reading, and most of the time nothing has changed.
        seen = (
            current.revision.id,
            replace(shown, at=_ANY),
            [one.runs(now) for one in shown.maintenance],
            [one.is_overdue(now) for one in shown.open],
        )
        if seen == self._seen:
            return False
        doors = f"{self._context.settings.public_url}{followers.DOOR}"
        subscribe = doors if followers.outlets(self._context) else None
        links = public_links(page.url, folder=True)
        files = folder_files(current.templates, shown, links, subscribe=subscribe)
        digest = _digest(files)
        if digest == self._digest:
            self._seen = seen
            return False
        try:
            self._replace(files)
        except OSError as problem:
            self._context.metrics.status_writes.labels(result="failed").inc()
            if str(problem) != self._refused:
                # Once, as it is tried again every few seconds; the metric counts on.
                log.error(  # noqa: TRY400 -- where in our code it was refused is nobody's concern
                    "the status page cannot be written; give a folder that is empty or was written before",
                    folder=str(self._path),
                    error=str(problem),
                )
            self._refused = str(problem)
            return False
        self._digest, self._refused, self._seen = digest, "", seen
        self._context.metrics.status_writes.labels(result="written").inc()
        return True

    def _replace(self, files: Mapping[str, bytes]) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        ours = self._ours()
        # What is about to be written is ours from now on, even if it ends half way.
        _put(self._path / MANIFEST, json.dumps(sorted({*ours, *files})).encode())
        for name, body in files.items():
            target = self._path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _put(target, body)
        for name in ours - files.keys():
            (self._path / name).unlink(missing_ok=True)
        _put(self._path / MANIFEST, json.dumps(sorted(files)).encode())

    def _ours(self) -> frozenset[str]:
        """Give the names of our files; raises OSError for a folder that is somebody else's."""
        manifest = self._path / MANIFEST
        if manifest.is_file():
            try:
                named = json.loads(manifest.read_bytes())
            except ValueError:
                return frozenset()
            return frozenset(one for one in named if isinstance(one, str) and _harmless(one))
        if any(self._path.iterdir()):
            raise OSError(f"{self._path} has files in it that are not ours")
        return frozenset()


def _harmless(name: str) -> bool:
    """Say whether a name from the manifest stays below the folder."""
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts


def _put(target: Path, body: bytes) -> None:
    """Put a file in its place whole: whoever reads it has the old one or the new one."""
    handle, name = tempfile.mkstemp(prefix=".status-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        # A web server runs as somebody else.
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _digest(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, body in sorted(files.items()):
        whole.update(f"{name}\0{len(body)}\0".encode())
        whole.update(body)
    return whole.hexdigest()
