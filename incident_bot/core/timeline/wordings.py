"""Stage 7: one plain sentence for every kind of event. Never fails on what an event's data holds.

A wording is a text with fields. `{name}` is a fact of the event; `{name|else}` says what stands in for a
missing one. A part in square brackets is left out when any of its fields is missing; `{flag?}` and `{flag!}`
print nothing and keep their part only when the flag is set, or is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from incident_bot.core.model import Event, Json, Kind
from incident_bot.core.timeline.naming import with_names
from incident_bot.core.timeline.redaction import one_line, redact

LISTED_MOST: Final = 5

WORDINGS: Final[Mapping[Kind, str]] = {
    Kind.OPENED: "Opened[ as {severity}][ for team {team}][: {title}][ (firing: {alerts})][; {reason}]",
    Kind.DECLARED: "{who} declared the incident[ as {severity}][ for team {team}][: {title}]",
    Kind.ALERT_ATTACHED: "Also firing: {alerts|another alert}[; adopted by the storm, instead of incidents: {adopted}]",
    Kind.ALERT_RESOLVED: "No longer firing: {alerts|an alert}[; {still_firing} still firing]",
    Kind.ALERT_REFIRED: "Firing again: {alerts|an alert}",
    Kind.STEP: (
        "Escalation[ step {step_no}][ of {of}][ (round {round_no})] pages {people|its people}"
        "[; quiet hours hold back {held}][; no channel reaches {unreachable}][; away: {away}]"
        "[; next step at {next_at}]"
    ),
    Kind.NOBODY: "Nobody to page[ at step {step_no}][ for {target}][: {reason}]",
    Kind.FELL_BACK: "The {resort|fallback} is paged[: {people}][, {reason}][; quiet hours hold back {held}]",
    Kind.EXHAUSTED: "Escalation exhausted[ after {rounds}][: {reason}][; last resort: {people}]",
    Kind.PAUSED: "Escalation paused[ until {until}][: {reason}]",
    Kind.RESUMED: "Escalation resumed[: {reason}]",
    Kind.PAGE_PLANNED: "Page planned for {person|somebody}[ by {via}][ at {due_at}][ ({reason})]",
    Kind.PAGE_SENT: (
        "Paged {person|somebody}[ by {via}][ at attempt {retry}]"
        "[ in one message with {beside}][ and {beside_more} more]"
        "[{sent_after_ack?}; it was on its way already when paging stopped]"
    ),
    Kind.PAGE_FAILED: "Could not page {person|somebody}[ by {via}][: {cause}]",
    Kind.PAGE_DIVERTED: "{via|A channel} is down, {instead|the next one} instead[ for {person}][: {cause}]",
    Kind.PAGES_CANCELLED: "Waiting pages taken back[ from {people}][ ({count})][: {reason}]",
    Kind.MESSAGE_FAILED: "A message could not be sent[ to {place}][: {cause}]",
    Kind.ACKNOWLEDGED: (
        "{taker} acknowledged[, with {others}][, until {until}][, waiting for {waiting_for}]"
        "[; no answer in time from {missing}]"
    ),
    Kind.TIMER_PARKED: "What was due[ ({timer})] failed too often and is set aside; somebody has to look[: {cause}]",
    Kind.ALSO_ACKNOWLEDGED: "{taker} acknowledged as well",
    Kind.PART_ACKNOWLEDGED: "{taker} took it[, waiting for {awaited}]",
    Kind.PART_GIVEN_BACK: "{who} gave their part back[, waiting for {awaited}][; {left} still on it]",
    Kind.CANNOT: "{who} cannot take it[: {reason}]",
    Kind.STEPS_EDITED: (
        "The steps[ of {severity}] were edited[ in revision {revision}]"
        "[; those to come are the new ones: {follow}][; the frozen ones stay: {kept}]"
    ),
    Kind.STILL_ON_IT: "{person|Whoever has it} was asked whether they still have it",
    Kind.CONFIRMED: "{who} still has it[, until {until}][, waiting for {waiting_for}]",
    Kind.ACK_EXPIRED: "Nobody answered whether they still have it; paging goes on",
    Kind.UNACKNOWLEDGED: "{who} gave the acknowledgement back[: {reason}]; paging starts again",
    Kind.SNOOZED: "{who} snoozed the incident[ until {until}][: {reason}]",
    Kind.WOKEN: "The snooze ended[: {reason}]; paging starts again",
    Kind.ESCALATED: "{who} escalated: the next step is paged[ ({reason})]",
    Kind.REPAGED: "Paging began again[ at step {step_no}][: {reason}]",
    Kind.PAGED: "{who} asked for {wanted|somebody}[: {reason}]",
    Kind.SEVERITY_CHANGED: (
        "Severity changed[ from {old}][ to {new}] by {who}[: {reason}][; the steps are those of {steps} now]"
    ),
    Kind.PHASE_CHANGED: "Phase changed[ from {old}][ to {new}] by {who}",
    Kind.TITLE_CHANGED: "Title changed[ from “{old}”][ to “{new}”] by {who}",
    Kind.IMPACT_CHANGED: "{who} described the impact[: {said}]",
    Kind.UPDATE_POSTED: "{who} posted an update[: {text}][ (next update by {next_update_at})]",
    Kind.LEAD_ASSIGNED: "{person|Nobody} leads the incident[, handed over by {handed_over_by}]",
    Kind.HANDOFF_OFFERED: "{who} offered the lead to {person|somebody}[, until {until}][; no longer to {instead_of}]",
    Kind.HANDOFF_REMINDED: "{person|Somebody} was asked once more to take the lead[, until {until}]",
    Kind.HANDOFF_DECLINED: (
        "[{taken_back?}{who} took the offer of the lead back][{taken_back!}{who} did not take the lead][; {lead} leads]"
    ),
    Kind.HANDOFF_EXPIRED: "{person|Somebody} did not answer the offer of the lead[; {lead} leads]",
    Kind.ROLE_ASSIGNED: "{person|Nobody} is {role|a responder}",
    Kind.NOTE: (
        "[{retracted?}Taken back: ]{who} noted: {text|nothing}[ (edited{edited?})]"
        "[; {files}][ (put here by {pinned_by})]"
    ),
    Kind.NOTE_EDITED: "{who} edited a note[: {text}][ (it was: {was})]",
    Kind.NOTE_RETRACTED: "A note of {author|somebody} was taken back by {who}[: {reason}]",
    Kind.ITEM_ADDED: (
        "{who} recorded {item|an item}[ {number}][: {text}][ (for {owner})][ (due {due})][; to undo: {undo}]"
    ),
    Kind.ITEM_DONE: "{who} completed {item|item}[ {number}][: {text}]",
    Kind.THEORY_CONFIRMED: "{who} confirmed theory[ {number}][: {text}][; {why}]",
    Kind.THEORY_RULED_OUT: "{who} ruled out theory[ {number}][: {text}][; {why}]",
    Kind.RUNBOOK_FOUND: "Runbook found[: {book}][ ({reason})]",
    Kind.TAKEN_BACK: "{who} took back {what|what they said}[ {number}][: {text}]",
    Kind.STEP_TICKED: "{who} did step[ {number}] of the runbook[: {text}][ ({done} of {of})]",
    Kind.STEP_UNTICKED: "{who} took back that step[ {number}] of the runbook is done[: {text}][ ({done} of {of})]",
    Kind.FIRES_ON: "Resolved by hand, and {firing|an alert} fired on: `reopen` if it is not over",
    Kind.RESOLVE_OFFERED: "Nothing fires any more[ except {firing}]: somebody may resolve the incident",
    Kind.RESOLVED: (
        "[{auto?}Resolved by itself][{auto!}{who} resolved the incident]"
        "[ while {firing} still fired][: {reason}]"
    ),
    Kind.REOPENED: "[{auto?}Reopened by itself][{auto!}{who} reopened the incident][: {reason}]",
    Kind.CANCELLED: "{who} cancelled the incident[: {reason}]",
    Kind.POSTMORTEM_SAVED: "{who} saved the post-mortem",
    Kind.POSTMORTEM_SET: (
        "{who} set the post-mortem[: owner {owner}][, reviewers {reviewers}][, due {due}]"
    ),
    Kind.POSTMORTEM_MOVED: "{who} {how|moved} the post-mortem[ by {reviewers}][: {reason}]",
    Kind.FOLLOWUP_PROVEN: "Follow-up {number|} is proven: its condition holds[: {text}][ ({reason})]",
    Kind.FOLLOWUP_REOPENED: "Follow-up {number|} is open again: its condition does not hold[: {text}][ ({reason})]",
    Kind.MERGED: "{who} merged this into {name|another incident}[: {reason}]",
    Kind.MERGED_HERE: "{name|Another incident} was merged into this[: {title}][, with {alerts}][; {reason}]",
    Kind.UNMERGED: "{who} took this out[ of {of}] again; it goes on as {name|a new incident}[: {reason}]",
    Kind.UNMERGED_HERE: (
        "{name|Another incident} was taken out of this again[, with {alerts}][; it goes on as {goes_on_as}]"
    ),
    Kind.SPLIT_OFF: (
        "{who} took out {alerts|alerts}[; they go on in {name}][: {reason}][; {still_firing} still firing here]"
    ),
    Kind.FLAPPING: "Flapping[: {reason}]",
    Kind.FLAPPING_OVER: "No longer flapping[: {reason}]",
    Kind.PROMISE_DUE: "{person|Somebody} was reminded of the update promised[ for {next_update_at}]",
    Kind.PROMISE_MISSED: "The update promised[ for {next_update_at}][ by {by}] has not come[; {person} was told]",
    Kind.NAGGED: "{person|Somebody} was reminded[: {reason}]",
    Kind.REMINDERS_SET: "{who} {how|changed} the reminders[ until {until}]",
    Kind.SILENCE_ASKED: (
        "{who} [{extended?}moves the end of the silence][{extended!}silences {what|its alerts}][ until {until}]"
        "[: {reason}][; it hides {firing} firing now][, some of {others}]"
    ),
    Kind.SILENCED: "Silence {number|of its alerts} holds[ in {from}][ until {until}][: {what}]",
    Kind.SILENCE_FAILED: (
        "What was asked of silence {number|of its alerts} was not done[ in {from}][: {cause}]"
        "[; it is tried again{again?}][; it holds until {until} as before]"
    ),
    Kind.UNSILENCE_ASKED: "{who} lifts the silence[: {what}]",
    Kind.SILENCE_LIFTED: "Silence {number|of its alerts} is lifted[: {cause}]",
    Kind.SILENCE_GONE: "Somebody lifted silence {number|of its alerts} in {from|its source}",
    Kind.SILENCE_ENDED: "Silence {number|of its alerts} has ended: what still fires pages by the usual rules",
    Kind.SILENCE_ENDING: "The silence ends[ at {until}][: {what}][; {person} was told]",
    Kind.MADE_PRIVATE: "{who} made this private",
    Kind.MADE_PUBLIC: "{who} made this public",
    Kind.PUBLIC_DRAFTED: "{who} drafted a message for the status page[: {text}]",
    Kind.PUBLISHED: "{who} published on the status page[: {text}][ (next update by {next_update_at})]",
    Kind.UNPUBLISHED: "{who} took the incident off the status page[: {reason}]",
    Kind.MILESTONE_SET: (
        "{who} [{set_to?}set][{set_to!}left to the record] the time of “{what|a milestone}”[ to {set_to}]"
        "[; it was {set_before}][: {reason}]"
    ),
    Kind.VERDICT_GIVEN: "{who} calls {alert|an alert}[ {what}][: {reason}]",
    Kind.RUNBOOK_JUDGED: "{who} says of the runbook[ {path}][: {what}][ – {reason}]",
}  # fmt: skip

_PARTS: Final = re.compile(r"\[([^\]]*)\]|([^\[]+)")
_FIELD: Final = re.compile(r"\{(\w+)([?!])?(?:\|([^}]*))?\}")
_PEOPLE: Final = frozenset({
    "person", "people", "by", "owner", "pinned_by", "author", "wanted", "unreachable", "away", "others", "missing",
    "awaited", "left", "handed_over_by", "instead_of", "lead", "reviewers",
})  # fmt: skip
_OWN_REASONS: Final = frozenset({Kind.PAGES_CANCELLED, Kind.REPAGED})
"""Whose reasons are the bot's own words, with people by their ids."""
_INSTANTS: Final = frozenset({"until", "due", "next_at", "due_at", "next_update_at", "set_to", "set_before"})
_ACTORS: Final = {
    "alertmanager": "Alertmanager",
    "prometheus": "Prometheus",
    **dict.fromkeys(("escalation", "delivery", "worker", "reconciler", "system"), "the bot"),
}


def describe(event: Event, names: Mapping[str, str] | None = None) -> str:
    """Say what happened in one sentence, with people by their names where given; never raises."""
    facts = _Facts(event=event, names=names or {})
    parts = [_part(optional, facts, may_drop=True) if optional else _part(plain, facts, may_drop=False)
             for optional, plain in _PARTS.findall(WORDINGS[event.kind])]  # fmt: skip
    return one_line(redact(_begun("".join(parts))))


def _part(wording: str, facts: _Facts, *, may_drop: bool) -> str:
    """Fill the fields of one part; an optional part with a missing fact is dropped."""
    pieces: list[str] = []
    end = 0
    for field in _FIELD.finditer(wording):
        pieces.append(wording[end : field.start()])
        end = field.end()
        name, mark, instead = field.groups()
        value = facts.text(name)
        if mark:
            present, value = (bool(value) == (mark == "?")), ""
        else:
            value = value or instead or ""
            present = bool(value)
        if may_drop and not present:
            return ""
        pieces.append(value)
    return "".join([*pieces, wording[end:]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What one event knows, as words; the empty text where it knows nothing."""

    event: Event
    names: Mapping[str, str]

    def text(self, name: str) -> str:
        """Give one fact, computed or straight from the data."""
        match name:
            case "who":
                return self._actor()
            case "auto":
                return "yes" if self.event.data.get("auto") is True or self._is_bot() else ""
            case "next_at":
                return self._words(name, self.event.data.get(name) or self._progress().get(name))
            case "resort":
                return self._words("to", self.event.data.get("to")).replace("_", " ")
            case "taker":
                return self.text("by") or self._actor()
            case "step_no" | "retry" | "round_no" | "rounds":
                return self._number(name)
            case "held":
                return self._held()
            case "from":
                return self._words("source", self.event.data.get("source"))
            case "cause" | "wanted" | "said" | "old" | "new" | "book" | "place" | "item":
                return self._first(name)
            case "alerts" | "firing" | "still_firing" | "people":
                return self._listed(name)
        return self._words(name, self.event.data.get(name))

    def _actor(self) -> str:
        known = self.names.get(self.event.actor) or _ACTORS.get(self.event.actor)
        return known or one_line(self.event.actor) or "somebody"

    def _is_bot(self) -> bool:
        return self.event.actor in _ACTORS or self.event.actor == self.event.source

    def _progress(self) -> Mapping[str, Json]:
        progress = self.event.data.get("progress")
        return progress if isinstance(progress, Mapping) else {}

    def _number(self, name: str) -> str:
        """Count from one, as people do; a first attempt and a first round are not worth a word."""
        key = {"step_no": "step", "retry": "attempt", "round_no": "loop", "rounds": "loops"}[name]
        value = self.event.data.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            return self._words(key, value)
        match name:
            case "step_no":
                return str(value + 1)
            case "round_no":
                return str(value + 1) if value else ""
            case "retry":
                return str(value) if value > 1 else ""
        return f"{value} round{'' if value == 1 else 's'}"

    def _held(self) -> str:
        """Give who is not told before their quiet hours end, and when that is."""
        held = self.event.data.get("held")
        waits = [one for one in held if isinstance(one, Mapping)] if isinstance(held, list | tuple) else []
        words = (f"{self._thing(one)} until {self._words('until', one.get('until'))}" for one in waits)
        return _enumerated(list(words))

    def _first(self, name: str) -> str:
        """Give the first known of the facts that can stand for this one."""
        keys = {
            "cause": ("error", "reason"),
            "wanted": ("people", "person", "targets", "target"),
            "said": ("impact", "text", "to"),
            "old": ("from", "was"),
            "new": ("to", "title", "severity", "phase"),
            "book": ("title", "path", "runbook"),
            "place": ("channel", "to", "target"),
            "item": ("kind",),
        }[name]
        word = next((text for key in keys if (text := self._words(key, self.event.data.get(key)))), "")
        return _ITEMS.get(word, word)

    def _listed(self, name: str) -> str:
        """Give a list, or the number that stands in its place."""
        value = self.event.data.get(name)
        if (name == "still_firing" and value == 0) or (name == "alerts" and self._says_the_title(value)):
            return ""
        if name == "firing" and isinstance(value, int) and not isinstance(value, bool):
            return {0: "", 1: "one alert"}.get(value, f"{value} alerts")
        return self._words(name, value)

    def _says_the_title(self, alerts: Json) -> bool:
        """Say whether an incident was opened by one alert that is called as it is: once is enough."""
        data = self.event.data
        one = alerts[0] if isinstance(alerts, Sequence) and len(alerts) == 1 else None
        is_same = isinstance(one, Mapping) and one.get("title") == data.get("title")
        return self.event.kind is Kind.OPENED and is_same

    def _words(self, name: str, value: Json) -> str:
        """Put one value of the data into words."""
        if value is None or value is False:
            return ""
        if isinstance(value, str):
            return self._named(name, one_line(value))
        if isinstance(value, Mapping):
            return self._thing(value)
        if isinstance(value, Sequence):
            words = (self._words(name, part) for part in value)
            return _enumerated(list(dict.fromkeys(filter(None, words))))
        return "yes" if value is True else str(value)

    def _named(self, name: str, text: str) -> str:
        if name in _PEOPLE:
            return self.names.get(text, text)
        if name == "reason" and self.event.kind in _OWN_REASONS:
            return with_names(text, self.names)
        return _clock(text, self.event.happened_at) if name in _INSTANTS else text

    def _thing(self, value: Mapping[str, Json]) -> str:
        """Name an alert or a person by what is known of it."""
        person = value.get("person")
        if isinstance(person, str):
            return self.names.get(person) or one_line(person)
        title = next(
            (str(value[key]) for key in ("title", "name", "id", "fingerprint") if value.get(key)), ""
        )
        severity = value.get("severity")
        return one_line(f"{title} ({severity})" if title and severity else title)


def _begun(sentence: str) -> str:
    """Begin a sentence about the bot with a capital letter; what people are called stays as it is."""
    return sentence[:1].upper() + sentence[1:] if sentence.startswith(("the bot", "somebody")) else sentence


_ITEMS: Final = {"task": "task", "followup": "follow-up", "change": "temporary change"}


def _enumerated(words: Sequence[str]) -> str:
    """Join as people do, and count what is too much to read."""
    shown = list(words[:LISTED_MOST])
    if len(words) > LISTED_MOST:
        shown.append(f"{len(words) - LISTED_MOST} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _clock(text: str, beside: datetime) -> str:
    """Give an instant as UTC clock time, with the date when it is of another day; other texts stay."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return text
    if instant.tzinfo is None:
        return text
    instant = instant.astimezone(UTC)
    same_day = instant.date() == beside.astimezone(UTC).date()
    return f"{instant:%H:%M} UTC" if same_day else f"{instant:%Y-%m-%d %H:%M} UTC"
