"""Spans and filters as they stand in addresses: read once, and written back for whatever is linked. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Depends, Query
from starlette.exceptions import HTTPException

from incident_bot.entrypoints.api import schemas

DAYS_MOST: Final = 800
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2200

Days = Annotated[int | None, Query(ge=1, le=DAYS_MOST)]
"""How many days the span has, where it does not say from when."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The words of an address: the same on a page, its charts, its tables and the lists behind it."""

    start: datetime | None = None
    end: datetime | None = None
    team: str = ""
    service: str = ""
    severity: str = ""

    def query(self, **more: object) -> str:
        """Write them as the part of an address behind `?`, without what is not asked for; `more` goes over them."""
        values: dict[str, object] = {
            "from": written(self.start), "to": written(self.end), "team": self.team, "service": self.service,
            "severity": self.severity, **more,
        }  # fmt: skip
        return urlencode({name: value for name, value in values.items() if value not in (None, "")})


def filters(
    start: Annotated[str, Query(alias="from", max_length=40)] = "",
    end: Annotated[str, Query(alias="to", max_length=40)] = "",
    team: schemas.Word = "",
    service: schemas.Word = "",
    severity: schemas.Word = "",
) -> Filters:
    """Read span and filters: `from` and `to` are dates or instants, in UTC unless they say otherwise."""
    return Filters(_read("from", start), _read("to", end), team, service, severity)


def written(instant: datetime | None) -> str | None:
    """Write an instant as an address has it."""
    return None if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(name: str, text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        # A plus that nobody escaped arrives as a space.
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        said = f"{name}={text[:40]!r} is no time; write 2026-11-21 or 2026-11-21T03:45Z."
        raise HTTPException(HTTPStatus.BAD_REQUEST, said)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


Span = Annotated[Filters, Depends(filters)]
