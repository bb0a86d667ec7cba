"""A zip that is the same bytes wherever it is written, and a reader that believes nothing a zip says.

Members are stored and not compressed: compressors differ from machine to machine, and what is not compressed cannot
swell when it is read.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Final

from incident_bot.core.errors import Refused

BYTES_MOST: Final = 256 * 1024 * 1024
MEMBERS_MOST: Final = 20_000
_BEGAN: Final = (1980, 1, 1, 0, 0, 0)
"""The first instant that a zip can hold: when a bundle was made says nothing about the incident."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}(?:/[a-z0-9][a-z0-9._-]{0,99})?")
_RIGHTS: Final = 0o100644 << 16
_UNIX: Final = 3
_ENCRYPTED: Final = 0x1


def pack(members: Mapping[str, bytes]) -> bytes:
    """Give a zip of these members, by name: the same members are the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _BEGAN)
            info.create_system = _UNIX
            info.external_attr = _RIGHTS
            archive.writestr(info, members[name])
    return out.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """Give the members of a zip that `pack` made; anything else is refused in one line. Writes no file."""
    if len(content) > BYTES_MOST:
        message = f"it is larger than {BYTES_MOST // 1024 // 1024} MB; no bundle is"
        raise Refused(message)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            _refuse(listed, len(content))
            members = {info.filename: archive.read(info) for info in listed}
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        EOFError,
        OSError,
        NotImplementedError,
        ValueError,
    ) as error:
        message = f"it is not a readable zip: {' '.join(str(error).split())[:200]}"
        raise Refused(message) from error
    if pack(members) != content:
        # Something stands before, behind or between the members, or beside their names, that no reader would show.
        message = "it holds bytes beside its files: it was packed anew, or something was added to it"
        raise Refused(message)
    return members


def _refuse(listed: list[zipfile.ZipInfo], size: int) -> None:
    if len(listed) > MEMBERS_MOST:
        message = f"it has more than {MEMBERS_MOST} files; no bundle has"
        raise Refused(message)
    if sum(info.file_size for info in listed) > size:
        # Members may share bytes; reading each of them could fill any memory.
        message = "its files claim to be larger than itself"
        raise Refused(message)
    seen: set[str] = set()
    for info in listed:
        if not _NAME.fullmatch(info.filename) or info.orig_filename != info.filename:
            message = f"no bundle has a file of the name {info.filename[:80]!r}"
            raise Refused(message)
        if info.filename in seen:
            message = f"{info.filename} is in it twice"
            raise Refused(message)
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & _ENCRYPTED:
            message = f"{info.filename} is compressed or encrypted, which nothing in a bundle is"
            raise Refused(message)
        seen.add(info.filename)
