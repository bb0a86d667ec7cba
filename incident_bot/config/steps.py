"""Rows of the escalation matrix, wherever they are written: steps, their targets, their severities."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from incident_bot.config.documents import Duration, Flag, Name, Names, Shape, misplaced, nearest
from incident_bot.config.durations import format_duration
from incident_bot.core.escalation import Step
from incident_bot.core.model import Target, TargetKind

FORMS: Final = ("on_call", "lead", "manager", "team")
KEY_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""`payments` stands for the environment variable PAGERDUTY_ROUTING_KEY_PAYMENTS."""
_FIELDS: Final = {
    TargetKind.PERSON: ("person", "people"),
    TargetKind.SCHEDULE: ("schedule", "schedules"),
    TargetKind.TEAM: ("team", "teams"),
}


def _target(value: object, info: ValidationInfo) -> Target:
    if isinstance(value, Target):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text such as on_call, lead or person/alice")  # noqa: TRY004 -- pydantic collects ValueError
    try:
        target = Target.parse(value)
    except ValueError as error:
        hint = nearest(value, FORMS) if "/" not in value else ""
        raise ValueError(f"{error}{hint if 'mean' in hint else ''}") from None
    if target.kind is TargetKind.PAGERDUTY and not KEY_NAME.fullmatch(target.name):
        message = (
            "is not the name of a routing key: small letters, figures and hyphens, such as pagerduty/payments"
        )
        raise ValueError(f'"{target.name}" {message}')
    kind, field = _FIELDS.get(target.kind, ("", ""))
    names: frozenset[str] | None = getattr(info.context, field, None)
    if names is not None and target.name not in names:
        raise ValueError(f'unknown {kind} "{target.name}"{nearest(target.name, names)}')
    return target


def _rung(value: str, info: ValidationInfo) -> str:
    names = info.context
    if not isinstance(names, Names) or names.rungs is None or value in names.rungs:
        return value
    if names.severities and value.casefold() in names.severities:
        raise ValueError(f'"{value}" is not how the severity is called here{nearest("", names.rungs)}')
    raise ValueError(f'unknown severity "{value}"{nearest(value, names.rungs)}')


RungName = Annotated[str, AfterValidator(_rung)]
"""A severity by its own name: an alias here would let two rows stand for one severity."""
AcksWord = Literal["any", "each"]
"""Whose acknowledgement stops the paging: that of any who was paged, or of each of them."""
TargetName = Annotated[Target, BeforeValidator(_target)]


class StepShape(Shape):
    """One step of a row."""

    page: list[TargetName] = Field(min_length=1)
    after: Duration = timedelta(0)
    id: Name | None = None
    round_robin: Flag = False


def _increasing(steps: list[StepShape]) -> list[StepShape]:
    for index, (earlier, later) in enumerate(pairwise(steps), start=1):
        if later.after <= earlier.after:
            spoken = format_duration(earlier.after)
            raise misplaced((index,), f"after must be later than the step before, which comes at {spoken}")
    return steps


def _named_apart(steps: list[StepShape]) -> list[StepShape]:
    seen: dict[str, int] = {}
    for index, step in enumerate(steps):
        first = seen.setdefault(step.id, index) if step.id is not None else index
        if first != index:
            raise misplaced(
                (index, "id"), f'"{step.id}" is the id of step {first + 1} already; an id names one'
            )
    return steps


Row = Annotated[
    list[StepShape], Field(min_length=1), AfterValidator(_increasing), AfterValidator(_named_apart)
]


def build_row(row: list[StepShape]) -> tuple[Step, ...]:
    """Give a row as the escalation takes it."""
    return tuple(
        Step(
            after=step.after,
            targets=tuple(dict.fromkeys(step.page)),
            id=step.id,
            round_robin=step.round_robin,
        )
        for step in row
    )
