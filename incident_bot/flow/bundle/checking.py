"""Checks a bundle that somebody handed over, with nothing but the bundle. Writes no file, and asks nobody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from incident_bot.core.errors import Refused
from incident_bot.core.model import Json, incident_name
from incident_bot.flow.bundle.archive import unpack
from incident_bot.flow.bundle.manifest import MANIFEST, Head, Manifest, read_manifest
from incident_bot.flow.bundle.parts import CHAIN, TIMELINE
from incident_bot.store import incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A bundle that is as it was made."""

    incident: str
    files: int
    entries: int
    hidden: int
    """Entries in which a secret is hidden: their own hash cannot be worked out, only that of the entry behind it."""
    seal: str
    head: str

    @property
    def words(self) -> str:
        """Say it in one line."""
        blind = f", {self.hidden} of them with something hidden" if self.hidden else ""
        return f"{self.incident}: {self.files} files and a chain of {self.entries} entries{blind}, all as they were"


def check(content: bytes) -> Checked:
    """Check every file, that nothing is missing or extra, and the hash chain; raises Refused with what is wrong."""
    members, anew = unpack(content)
    written = members.pop(MANIFEST, None)
    if written is None:
        message = f"it has no {MANIFEST}: it is no bundle"
        raise Refused(message)
    manifest = read_manifest(written)
    _files(members, manifest)
    try:
        hidden = _chain(members, manifest)
    except RecursionError as error:
        message = f"{CHAIN} is nested too deep to be read"
        raise Refused(message) from error
    if anew:
        message = "its files are as they were, but it was packed anew or holds bytes beside them; ask for the first one"
        raise Refused(message)
    return Checked(
        incident=incident_name(manifest.incident),
        files=len(members),
        entries=manifest.chain.entries,
        hidden=hidden,
        seal=hashlib.sha256(written).hexdigest(),
        head=manifest.chain.head,
    )


def _files(members: Mapping[str, bytes], manifest: Manifest) -> None:
    listed = {one.name: one for one in manifest.files}
    missing, extra = sorted(listed.keys() - members.keys()), sorted(members.keys() - listed.keys())
    if len(listed) != len(manifest.files):
        message = f"{MANIFEST} names a file twice"
        raise Refused(message)
    if missing:
        message = f"{missing[0]} is missing"
        raise Refused(message)
    if extra:
        message = f"{extra[0]} does not belong to it"
        raise Refused(message)
    for name, one in sorted(listed.items()):
        found = members[name]
        if len(found) != one.bytes or hashlib.sha256(found).hexdigest() != one.sha256:
            message = f"{name} was changed: it is not the file that the manifest names"
            raise Refused(message)


def _chain(members: Mapping[str, bytes], manifest: Manifest) -> int:
    """Work the chain out anew; gives how many entries have something hidden."""
    said: Head = manifest.chain
    if said.broken_at is not None:
        message = f"the record was broken at entry {said.broken_at} already when the bundle was made"
        raise Refused(message)
    links, told = _list(members, CHAIN, None), _list(members, TIMELINE, "items")
    previous, hidden = "", 0
    for number, link in enumerate(links, 1):
        entry = {name: value for name, value in link.items() if name not in ("hash", "hidden")}
        blind = link.get("hidden") is True
        fits = entry.get("seq") == number and entry.get("incident") == manifest.incident
        if not fits or (not blind and incidents.digest_of(entry, previous) != link.get("hash")):
            message = f"the hash chain is broken at entry {number}"
            raise Refused(message)
        previous, hidden = str(link.get("hash")), hidden + blind
    if (len(links), previous) != (said.entries, said.head):
        message = "the hash chain does not end where the manifest says"
        raise Refused(message)
    if [(one.get("seq"), one.get("hash")) for one in told] != [
        (one["seq"], one.get("hash")) for one in links
    ]:
        message = f"{TIMELINE} does not tell the entries of the hash chain"
        raise Refused(message)
    return hidden


def _list(members: Mapping[str, bytes], name: str, key: str | None) -> list[dict[str, Json]]:
    try:
        found = json.loads(members[name])
        listed = found[key] if key else found
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        message = f"{name} is missing or cannot be read"
        raise Refused(message) from error
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        message = f"{name} does not hold a list of entries"
        raise Refused(message)
    return listed
