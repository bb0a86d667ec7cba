"""The verbs `verdict` and `runbook worked`: what an incident's alerts were worth, and how its runbook did."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident import GiveVerdict, JudgeRunbook
from incident_bot.core.model import Incident, Judged, Verdict
from incident_bot.flow import opinions
from incident_bot.flow.context import Context
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.views import ReplyView
from incident_bot.store import insights

EXAMPLE: Final = "verdict noise HighErrorRate it was the deploy"
WORDS: Final[Mapping[str, Verdict]] = MappingProxyType(
    {
        **{verdict.value: verdict for verdict in Verdict},
        "noisy": Verdict.NOISE,
        "dup": Verdict.DUPLICATE,
        "wrong": Verdict.THRESHOLD,
        "needs": Verdict.RUNBOOK,
    }
)
JUDGED: Final[Mapping[str, Judged]] = MappingProxyType(
    {
        **{judged.value: judged for judged in Judged},
        "works": Judged.WORKED,
        "outdated": Judged.OUTDATED,
        "stale": Judged.OUTDATED,
    }
)
_TWO: Final = (
    "wrong threshold",
    "needs a runbook",
    "needs runbook",
    "out of date",
    "did not work",
    "didn't work",
)


def verdict(ledger: Ledger, incident: Incident, rest: str) -> GiveVerdict:
    """Read `noise [alert] [reason]`; without an alert it is on all alerts of the incident. Raises Refused."""
    word, after = _first(rest)
    found = WORDS.get(word)
    if found is None:
        near = difflib.get_close_matches(word, list(Verdict), n=1)
        hint = f" Did you mean `verdict {near[0]}`?" if near else ""
        words = ", ".join(one.value for one in Verdict)
        raise Refused(f"{word[:40]!r} is no verdict; use one of {words}: `{EXAMPLE}`.{hint}")
    given = opinions.verdicts(ledger.tx, incident.id)
    names = insights.names_of(ledger.tx, incident.id)
    if not names:
        raise Refused(f"{incident.name} has no alerts: a person declared it.")
    chosen = max((name for name in names if _begins(after, name)), key=len, default=None)
    reason = after[len(chosen) :].strip() if chosen else after
    alerts = tuple(name for name in ([chosen] if chosen else names) if given.get(name) is not found)
    return GiveVerdict(verdict=found, alerts=alerts, reason=reason or None)


def runbook(ledger: Ledger, incident: Incident, rest: str) -> JudgeRunbook | None:
    """Read `worked|failed|outdated [reason]`; None where it is something else. Raises Refused without a runbook."""
    word, reason = _first(rest)
    found = JUDGED.get(word)
    if found is None:
        return None
    if incident.runbook is None:
        raise Refused(f"{incident.name} has no runbook; `runbook <path>` says which one was followed.")
    return JudgeRunbook(
        path=incident.runbook,
        judged=found,
        reason=reason or None,
        before=opinions.judged(ledger.tx, incident),
        tell=opinions.owner_to_tell(ledger, incident.runbook) if found is Judged.OUTDATED else None,
    )


def verdicts(context: Context, number: int, *, now: datetime) -> ReplyView:  # noqa: ARG001 -- every reader is given it
    """Answer `verdict`: each alert of the incident with its verdict, or what it looks like."""
    found = opinions.of_incident(context, number)
    name = f"INC-{number}"
    if not found.alerts:
        return ReplyView(text=f"{name} has no alerts: a person declared it.", title="Verdicts", incident=name)
    lines = tuple(
        f"{one.alert}: {one.label or 'no verdict yet'}{f' ({one.reason})' if one.reason else ''}"
        f"{f' – {one.hint}' if one.hint and not one.verdict else ''}"
        for one in found.alerts
    )
    title = f"What the alerts of {name} were worth; `{EXAMPLE}` says it"
    return ReplyView(text="\n".join([f"{title}:", *lines]), title=title, lines=lines, incident=name)


def _first(rest: str) -> tuple[str, str]:
    """Cut off the first word, or the words that belong together."""
    text = rest.strip()
    for phrase in _TWO:
        if text.casefold().startswith(phrase):
            words = {"wrong threshold": "threshold", "out of date": "outdated", "did not work": "failed",
                     "didn't work": "failed"}  # fmt: skip
            return words.get(phrase, "runbook"), text[len(phrase) :].strip(" :–-")
    first, _, after = text.partition(" ")
    return first.casefold().rstrip(":"), after.strip()


def _begins(text: str, name: str) -> bool:
    return text == name or text.startswith(f"{name} ")
