"""The manifest of a bundle: its names and shape, and how one that somebody handed over is read."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from incident_bot.core.errors import Refused

MANIFEST: Final = "manifest.json"
FORMAT: Final = "incident-bot bundle"
VERSION: Final = 1

_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Listed(_Strict):
    """One file, as the manifest has it."""

    name: str
    bytes: int
    sha256: _Digest


class Head(_Strict):
    """What the bot said of the hash chain when it made the bundle."""

    entries: int
    head: _Digest | Literal[""]
    broken_at: int | None


class LeftOut(_Strict):
    """What did not come with it, and why."""

    what: str
    reason: str


class Manifest(_Strict):
    """What a bundle says of itself."""

    format: Literal["incident-bot bundle"]
    version: Literal[1]
    incident: int
    as_of: str
    chain: Head
    files: list[Listed]
    hidden: list[str]
    left_out: list[LeftOut]


def read_manifest(content: bytes) -> Manifest:
    """Read a manifest; raises Refused with the first thing that is wrong with it."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"{MANIFEST} is not one of a bundle of version {VERSION}: {place or 'it'}: {first['msg']}"
        raise Refused(message) from error
