"""Decides about silences of an incident's alerts: asked for, changed, lifted; and what sources say of them.

A silence never pages and never stops a page by itself: the source marks its alerts, and the rule `pause_on_silence`
says what that means (row "silence seen by reconciler"). An incident that is over asks to have its silences lifted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.effects import AskSilence, Effect, LiftSilences, Nudge
from incident_bot.core.errors import Refused
from incident_bot.core.incident.facts import written
from incident_bot.core.incident.holding import urgency_of
from incident_bot.core.incident.paging import joined, need_open, shown
from incident_bot.core.incident.rules import Case, Decision
from incident_bot.core.incident.silences import LiftSilence, SilenceAlerts, SilenceTold
from incident_bot.core.model import (
    Incident,
    Json,
    Kind,
    Silence,
    SilenceMatchers,
    incident_name,
    matchers_text,
)
from incident_bot.core.silencing import told

LEAST: Final = timedelta(minutes=1)
MOST: Final = timedelta(days=30)
_NUMBERS_SHOWN: Final = 3


def decide_silence(command: SilenceAlerts | LiftSilence, case: Case) -> Decision:
    """Decide about the silences of an incident; raises Refused with what to type instead."""
    if isinstance(command, SilenceAlerts):
        return silence(command, case)
    return unsilence(command, case)


def may_silence(incident: Incident, until: datetime, *, now: datetime) -> None:
    """Refuse a silence that no incident may have: for so short or so long, or of one that is over."""
    if incident.merged_into is not None:
        into = incident_name(incident.merged_into)
        raise Refused(f"{incident.name} was merged into {into}; silence that one: `silence {into} 2h`.")
    need_open(incident, "nobody is paged for it; type `reopen` if it is not over")
    if until - now < LEAST:
        raise Refused("A silence lasts a minute at least; type for example `silence 30m`.")
    if until - now > MOST:
        raise Refused(
            f"A silence lasts {MOST.days} days at most; type for example `silence 7d`, and mend or remove the alert."
        )


def silence(command: SilenceAlerts, case: Case) -> Decision:
    """Ask the sources to silence its alerts until then; what is silenced already gets that end."""
    incident, until = case.incident, command.until
    may_silence(incident, until, now=case.now)
    known = {(one.source, one.matchers): one.number for one in incident.silences if one.is_on}
    following = 1 + max((one.number for one in incident.silences), default=0)
    asked: list[AskSilence] = []
    extended = 0
    for source, matchers in command.wanted:
        number = known.get((source, matchers))
        extended += number is not None
        if number is None:
            number, following = following, following + 1
        asked.append(
            AskSilence(
                number=number, source=source, matchers=matchers, ends_at=until, by=case.actor, reason=command.reason
            )
        )  # fmt: skip
    described: list[Json] = [
        {"number": one.number, "source": one.source, "matchers": [list(pair) for pair in one.matchers]}
        for one in asked
    ]
    what: list[Json] = [matchers_text(one.matchers) for one in asked]
    others: list[Json] = [incident_name(number) for number in command.hidden.others]
    event = case.event(
        Kind.SILENCE_ASKED,
        {
            "silences": described,
            "what": what,
            "until": written(until),
            "reason": command.reason,
            "firing": command.hidden.total,
            "others": others,
            "extended": extended > 0,
        },
    )
    sources = joined(sorted({one.source for one in asked}))
    said = (
        f"{incident.name} is silenced until {shown(until, case.now)} as soon as {sources} confirms it: "
        f"{_named([one.matchers for one in asked])}. {told(command.hidden)} `unsilence` lifts it."
    )
    return case.decided(said, event, effects=tuple(asked))


def unsilence(command: LiftSilence, case: Case) -> Decision:
    """Ask to have its silences lifted, all or some."""
    incident = case.incident
    there = {one.number: one for one in incident.silences if one.is_on}
    if not there:
        raise Refused(f"{incident.name} has no silence; `silence 2h` makes one.")
    missing = [number for number in command.numbers if number not in there]
    if missing:
        numbers = joined([str(number) for number in there])
        raise Refused(
            f"{incident.name} has no silence {missing[0]}; there is {numbers}: `unsilence` lifts all."
        )
    wanted = [there[number] for number in command.numbers or there]
    numbers_json: list[Json] = [one.number for one in wanted]
    event = case.event(Kind.UNSILENCE_ASKED, {"numbers": numbers_json, "what": [one.what for one in wanted]})
    said = f"{incident.name}: {_lifted(len(wanted))}. What still fires pages again by the usual rules."
    effects = (_lift(wanted, f"{case.actor} asked for it"),)
    return case.decided(said, event, effects=effects)


def lift_all(incident: Incident, reason: str) -> tuple[Effect, ...]:
    """Have every silence of an incident lifted that is over; nothing where it has none."""
    there = [one for one in incident.silences if one.is_on]
    return (_lift(there, reason),) if there else ()


def lifting_words(incident: Incident) -> str:
    """Say that its silences go with it; empty where it has none."""
    number = sum(one.is_on for one in incident.silences)
    return f" {_lifted(number).capitalize()}." if number else ""


def silence_told(observation: SilenceTold, case: Case) -> Decision:
    """Record what became of a silence; whoever asked for it is told where it went wrong."""
    incident, kind = case.incident, observation.kind
    one = next(known for known in incident.silences if known.number == observation.number)
    data: dict[str, Json] = {"number": one.number, "source": one.source, "what": one.what}
    if observation.until is not None:
        data["until"] = written(observation.until)
    if observation.reason is not None:
        data["reason"] = observation.reason
    if observation.again:
        data["again"] = True
    event = case.event(kind, data)
    said = f"{incident.name}: silence {one.number}: {kind.value.replace('_', ' ')}."
    effects = _nudged(observation, case, one) if kind is Kind.SILENCE_FAILED else ()
    return case.decided(said, event, effects=effects)


def _nudged(observation: SilenceTold, case: Case, one: Silence) -> tuple[Effect, ...]:
    name = case.incident.name
    if observation.again:
        text = f"{name}: {one.source} did not take what was asked of its silence ({observation.reason})."
        todo = "It is tried again; the timeline says when it holds."
    else:
        held = f" It holds until {shown(one.ends_at, case.now)} as before." if observation.until else ""
        text = f"{name}: {one.source} does not silence it ({observation.reason}).{held}"
        todo = f"Silence it in {one.source}, or try again: `silence {name} 2h`."
    return (Nudge(person=one.asked_by, text=text, todo=todo, urgency=urgency_of(case.incident)),)


def _lift(there: list[Silence], reason: str) -> LiftSilences:
    return LiftSilences(numbers=tuple(one.number for one in there), reason=reason)


def _lifted(number: int) -> str:
    return "its silence is being lifted" if number == 1 else f"its {number} silences are being lifted"


def _named(matchers: list[SilenceMatchers]) -> str:
    shown_ones = [f"{{{matchers_text(one)}}}" for one in matchers[:_NUMBERS_SHOWN]]
    more = len(matchers) - _NUMBERS_SHOWN
    return joined([*shown_ones, *([f"{more} more"] if more > 0 else [])])
