"""The filters of the list of incidents, as its address has them: those of the console's list, in the same words.

What cannot be read is refused here: a program must not take the whole list for the part that it asked for.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import Depends, Query
from starlette.exceptions import HTTPException

from incident_bot.core.model import Phase
from incident_bot.entrypoints.api import schemas
from incident_bot.flow import incident_list

State = Literal["all", "open", "triggered", "acknowledged", "snoozed", "resolved", "merged"]
TEXT_MOST: Final = incident_list.WORDS_MOST
Paged = Literal["triggered", "acknowledged", "snoozed", "resolved", "merged"]
Flag = Literal["yes", "no", "true", "false"]
Given = Annotated[str | None, Query(max_length=TEXT_MOST, pattern=r"^[^\x00]*$")]


def filters(
    state: State = "all",
    escalation: Annotated[
        Paged | None, Query(description="The same as `state`, in the field's name.")
    ] = None,
    phase: Phase | None = None,
    severity: schemas.Word | None = None,
    team: schemas.Word | None = None,
    service: schemas.Word | None = None,
    alert: Annotated[Given, Query(description="The `alertname` of one of its alerts.")] = None,
    person: Annotated[Given, Query(description="Somebody to whom a page for it went out.")] = None,
    q: Annotated[Given, Query(description="A part of its title, or its number.")] = None,
    start: Annotated[Given, Query(alias="from", description="Opened since: a day or an instant.")] = None,
    end: Annotated[Given, Query(alias="to", description="Opened before; a day counts whole.")] = None,
    slower: Annotated[Given, Query(description="Taken later than `15m` after it opened, or not yet.")] = None,
    drill: Flag | None = None,
    private: Flag | None = None,
) -> incident_list.Query:
    """Read the filters; raises 422 with what cannot be read."""
    given = {
        "state": escalation or state, "phase": phase.value if phase else None, "severity": severity, "team": team,
        "service": service, "alert": alert, "person": person, "q": q, "from": start, "to": end, "slower": slower,
        "drill": drill, "private": private,
    }  # fmt: skip
    asked = incident_list.read({name: value for name, value in given.items() if value})
    if asked.problems:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, " ".join(asked.problems))
    return asked


Filters = Annotated[incident_list.Query, Depends(filters)]
