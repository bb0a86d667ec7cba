"""Silences as Alertmanager keeps them (API v2): refuses what the real one refuses, in its words."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from incident_bot.core.model import rfc3339

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
Answer = tuple[int, Any]


@dataclass(frozen=True)
class Kept:
    """One silence."""

    id: str
    matchers: list[dict[str, Any]]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime

    def state(self, now: datetime) -> str:
        if now < self.starts_at:
            return "pending"
        return "active" if now < self.ends_at else "expired"

    def hides(self, labels: Mapping[str, str]) -> bool:
        return all(_accepts(one, labels.get(one["name"], "")) for one in self.matchers)

    def listed(self, now: datetime) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": {"state": self.state(now)},
            "matchers": self.matchers,
            "startsAt": rfc3339(self.starts_at),
            "endsAt": rfc3339(self.ends_at),
            "updatedAt": rfc3339(self.updated_at),
            "createdBy": self.created_by,
            "comment": self.comment,
        }


class Silences:
    """What one Alertmanager keeps, on the clock that it is handed."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.kept: dict[str, Kept] = {}

    def hiding(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The silences that hide an alert now."""
        now = self.now()
        return tuple(one.id for one in self.kept.values() if one.state(now) == "active" and one.hides(labels))

    def active(self) -> list[Kept]:
        now = self.now()
        return [one for one in self.kept.values() if one.state(now) == "active"]

    def listing(self) -> list[dict[str, Any]]:
        return [one.listed(self.now()) for one in self.kept.values()]

    def get(self, number: str) -> Answer:
        if not _is_uuid(number):
            return 422, {"code": 601, "message": "silenceID in path must be of type uuid"}
        one = self.kept.get(number)
        return (200, one.listed(self.now())) if one else (404, "")

    def delete(self, number: str) -> Answer:
        if not _is_uuid(number):
            return 422, {"code": 601, "message": "silenceID in path must be of type uuid"}
        one = self.kept.get(number)
        if one is None:
            # 0.25; since 0.26 it is 404.
            return 500, "silence not found"
        self._expire(one)
        return 200, ""

    def post(self, content_type: str, body: bytes) -> Answer:
        if content_type != "application/json":
            return 415, {"code": 415, "message": f'unsupported media type "{content_type}"'}
        try:
            told = json.loads(body)
        except ValueError:
            return 400, {"code": 400, "message": "parsing silence body failed"}
        for name in ("matchers", "startsAt", "endsAt", "createdBy", "comment"):
            if told.get(name) is None:
                return 422, {"code": 602, "message": f"silence.{name} in body is required"}
        for one in told["matchers"]:
            if not {"name", "value", "isRegex"} <= one.keys():
                return 422, {"code": 602, "message": "silence.matchers.isRegex in body is required"}
        starts_at, ends_at = (datetime.fromisoformat(told[name]) for name in ("startsAt", "endsAt"))
        now = self.now()
        if starts_at >= ends_at:
            return 400, "start time must be before end time"
        if ends_at < now:
            return 400, "end time can't be in the past"
        if refused := _bad(told["matchers"]):
            return 400, f"silence invalid: {refused}"
        return self._put(told, starts_at, ends_at, now)

    def _put(self, told: dict[str, Any], starts_at: datetime, ends_at: datetime, now: datetime) -> Answer:
        number = told.get("id") or ""
        before = self.kept.get(number)
        if number and before is None:
            return 404, "silence not found"
        new = Kept(
            id=number,
            matchers=[{"isEqual": True, **one} for one in told["matchers"]],
            starts_at=starts_at,
            ends_at=ends_at,
            created_by=told["createdBy"],
            comment=told["comment"],
            updated_at=now,
        )
        if before is not None and _may_change(before, new, now):
            self.kept[number] = new
            return 200, {"silenceID": number}
        if before is not None and before.state(now) != "expired":
            self._expire(before)
        number = str(uuid.uuid4())
        self.kept[number] = replace(new, id=number, starts_at=max(starts_at, now))
        return 200, {"silenceID": number}

    def _expire(self, one: Kept) -> None:
        now = self.now()
        if one.state(now) != "expired":
            self.kept[one.id] = replace(one, ends_at=now, updated_at=now)


def _may_change(before: Kept, new: Kept, now: datetime) -> bool:
    state = before.state(now)
    same_start = abs(before.starts_at - new.starts_at) < timedelta(seconds=1)
    return before.matchers == new.matchers and state == "active" and same_start and new.ends_at >= now


def _accepts(matcher: Mapping[str, Any], value: str) -> bool:
    equal = bool(matcher.get("isEqual", True))
    if matcher["isRegex"]:
        return bool(re.fullmatch(matcher["value"], value)) is equal
    return bool(matcher["value"] == value) is equal


def _bad(matchers: list[dict[str, Any]]) -> str | None:
    if not matchers:
        return "at least one matcher required"
    for one in matchers:
        if not _NAME.fullmatch(one["name"]):
            return f'invalid label matcher: invalid label name "{one["name"]}"'
    if all(_accepts(one, "") for one in matchers):
        return "at least one matcher must not match the empty string"
    return None


def _is_uuid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False
