"""A zip that is the same bytes wherever it is written, and a reader that believes nothing a zip says.

Members are stored and not compressed: compressors differ from machine to machine, and what is not compressed cannot
swell when it is read.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
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
_READ: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
SWELLS_MOST: Final = 30
"""How much larger than a zip its files may be: what people write and what bots log packs less well."""


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


def unpack(content: bytes) -> tuple[dict[str, bytes], bool]:
    """Give the members of a zip, and whether anything but `pack` wrote it; refuses what is none. Writes no file.

    What somebody unpacked, changed and packed again is read as well, so that the change can be named.
    """
    if len(content) > BYTES_MOST:
        message = f"it is larger than {BYTES_MOST // 1024 // 1024} MB; no bundle is"
        raise Refused(message)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            _refuse(listed, len(content))
            members = {info.filename: archive.read(info) for info in listed if not info.is_dir()}
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        EOFError,
        OSError,
        NotImplementedError,
        ValueError,
        zlib.error,
    ) as error:
        message = f"it is not a readable zip: {' '.join(str(error).split())[:200]}"
        raise Refused(message) from error
    # Something may stand before, behind or between the members, or beside their names, that no reader would show.
    return members, pack(members) != content


def _refuse(listed: list[zipfile.ZipInfo], size: int) -> None:
    if len(listed) > MEMBERS_MOST:
        message = f"it has more than {MEMBERS_MOST} files; no bundle has"
        raise Refused(message)
    if sum(info.file_size for info in listed) > min(size * SWELLS_MOST, BYTES_MOST):
        # Members may share bytes or swell; reading each of them could fill any memory.
        message = "its files claim to be larger than itself"
        raise Refused(message)
    seen: set[str] = set()
    for info in listed:
        name = info.filename.removesuffix("/") if info.is_dir() and not info.file_size else info.filename
        if not _NAME.fullmatch(name) or info.orig_filename != info.filename:
            message = f"no bundle has a file of the name {info.filename[:80]!r}"
            raise Refused(message)
        if info.filename in seen:
            message = f"{info.filename} is in it twice"
            raise Refused(message)
        if info.compress_type not in _READ or info.flag_bits & _ENCRYPTED:
            message = f"{info.filename} is encrypted or packed in a way that is not read here; nothing in a bundle is"
            raise Refused(message)
        seen.add(info.filename)
