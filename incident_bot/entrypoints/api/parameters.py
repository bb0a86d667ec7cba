"""Parameters that several routes share: incident names, cursors, pages of a list.

Parses, never looks anything up.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Header, Path, Query
from starlette.exceptions import HTTPException

from incident_bot.core.errors import NotFound

ViewT = TypeVar("ViewT")

PROBLEM_REF: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_CURSOR: Final = "^YmVmb3JlO[A-Za-z0-9_-]{1,30}$"
_NAME: Final = re.compile(r"(?:inc-)?([0-9]{1,12})", re.IGNORECASE)
_CURSOR_MOST: Final = 2**53


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the refusals of a route for OpenAPI; those that every route has come by themselves."""
    every = (*statuses, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY)
    return {
        int(status): {"description": HTTPStatus(status).phrase, "content": PROBLEM_REF} for status in every
    }


def number_of(name: str) -> int:
    """Give the number of `INC-42` or `42`, whatever its case; raises NotFound for anything else."""
    match = _NAME.fullmatch(name)
    if match is None:
        message = f"There is no incident {name[:64]!r}; write INC-42 or 42."
        raise NotFound(message)
    return int(match.group(1))


def incident_number(
    id: Annotated[  # noqa: A002 - the contract calls it id
        str,
        Path(description="`INC-42` or `42`.", json_schema_extra={"pattern": "^([Ii][Nn][Cc]-)?[0-9]{1,12}$"}),
    ],
) -> int:
    """Read the incident's number from the path."""
    return number_of(id)


def before(
    cursor: Annotated[
        str | None, Query(max_length=100, description="From `next`.", json_schema_extra={"pattern": _CURSOR})
    ] = None,
) -> int | None:
    """Read a cursor; raises 400 for one that we never gave."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        kind, _, position = text.partition(":")
        if kind == "before" and position.isdigit() and 0 < int(position) < _CURSOR_MOST:
            return int(position)
    except (ValueError, binascii.Error):
        pass
    raise HTTPException(HTTPStatus.BAD_REQUEST, "This cursor is not one that a list gave; start without it.")


def cursor_after(position: int) -> str:
    """Make the cursor of what comes before this position."""
    return base64.urlsafe_b64encode(f"before:{position}".encode()).decode().rstrip("=")


def cut(
    views: Sequence[ViewT], limit: int, position: Callable[[ViewT], int]
) -> tuple[Sequence[ViewT], str | None]:
    """Split one view more than asked for into a page and the cursor of the next."""
    if len(views) <= limit:
        return views, None
    return views[:limit], cursor_after(position(views[limit - 1]))


Number = Annotated[int, Depends(incident_number)]
Before = Annotated[int | None, Depends(before)]
Limit = Annotated[int, Query(ge=1, le=500)]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a list that is known whole is wanted; all of it where nobody says how much."""

    limit: int | None = None
    start: int = 0

    def of(self, items: Sequence[object]) -> dict[str, object]:
        """Give this part, and the cursor of the next."""
        end = len(items) if self.limit is None else self.start + self.limit
        return {"items": items[self.start : end], "next": cursor_after(end) if end < len(items) else None}


def part(
    cursor: Before,
    limit: Annotated[int | None, Query(ge=1, le=500, description="All, when left out.")] = None,
) -> Part:
    """Read which part of a list is wanted."""
    return Part(limit, cursor or 0)


Portion = Annotated[Part, Depends(part)]
IdempotencyKey = Annotated[
    str | None,
    Header(max_length=200, description="Sending the same key again answers the same and does nothing twice."),
]
