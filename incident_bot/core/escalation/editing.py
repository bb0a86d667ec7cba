"""What an open incident makes of an edit of the steps it was opened with (row "policy or rotation edited").

Only steps with an `id` follow an edit, and only while every one of them that is still to come stands in the new row, in
the same order: then they take its targets and its times. Otherwise, and without ids, the steps stay as they were
frozen. Rounds, fallback, last resort, urgency and `acks` stay frozen always.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from incident_bot.core.escalation.policy import Policy, Step
from incident_bot.core.escalation.stepping import Told
from incident_bot.core.model import Json, Kind, Progress


def renewed(
    policy: Policy, progress: Progress, row: tuple[Step, ...], *, revision: str, since: datetime
) -> tuple[Policy, Told] | None:
    """Give the policy after an edit of its row, and the event that tells of it; None where the row is as it was.

    `row` is what the matrix has for this incident under `revision`, which is in force since then. An edit is looked at
    once; a revision from before the last look says nothing, as a replica may still have it.
    """
    if row == (policy.steps if policy.row is None else policy.row):
        return None
    if policy.row_at is not None and since < policy.row_at:
        return None
    # After the last step comes the first again, in the next round.
    first = progress.step if progress.step < len(policy.steps) else 0
    rest = policy.steps[first:]
    kept = _kept(rest, row)
    steps = policy.steps if kept else (*policy.steps[:first], *_edited(policy.steps[:first], rest, row))
    if not kept and steps == policy.steps:
        return None
    after = replace(policy, steps=steps, row=row, row_at=since)
    data: dict[str, Json] = {
        "revision": revision,
        "severity": policy.severity,
        "follow": [step.id for step in rest if step.id is not None] if not kept else [],
        "kept": kept,
        "policy": after.to_json(),
    }
    return after, (Kind.STEPS_EDITED, data)


def _kept(rest: tuple[Step, ...], row: tuple[Step, ...]) -> str | None:
    """Say why the frozen steps stay, or None where the edited ones take their place."""
    wanted = [step.id for step in rest if step.id is not None]
    if not wanted:
        return "no step to come has an id"
    there = [step.id for step in row]
    gone = [name for name in wanted if name not in there]
    if gone:
        return f"{', '.join(gone)} {'is' if len(gone) == 1 else 'are'} no longer among them"
    order = [there.index(name) for name in wanted]
    return None if order == sorted(order) else f"{', '.join(wanted)} come in another order"


def _edited(done: tuple[Step, ...], rest: tuple[Step, ...], row: tuple[Step, ...]) -> tuple[Step, ...]:
    """Put the row's steps in the place of those with their id; a step without one stays. Times never run backwards."""
    fresh = {step.id: step for step in row if step.id is not None}
    least = max((step.after for step in done), default=timedelta(0))
    steps: list[Step] = []
    for step in rest:
        edited = fresh.get(step.id, step) if step.id is not None else step
        least = max(least, edited.after)
        steps.append(replace(edited, after=least))
    return tuple(steps)
