"""The verbs that only look: each answers from the same views as the console and the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from incident_bot.core.model import ItemKind, Json, Review, SilenceState, Tally
from incident_bot.core.postmortem import clock, duration
from incident_bot.core.storm import told
from incident_bot.flow import export, queries
from incident_bot.flow.commands.correcting import milestones
from incident_bot.flow.commands.explaining import answer
from incident_bot.flow.commands.judging import verdicts
from incident_bot.flow.context import Context
from incident_bot.flow.grammar import VERBS, verb_named
from incident_bot.flow.graphs import reading as graphs
from incident_bot.flow.lists import told_apart
from incident_bot.flow.sight import visible
from incident_bot.flow.similar import promised, similar_to
from incident_bot.flow.slack.names import named
from incident_bot.flow.views import AlertView, IncidentView, ItemView, ReplyView, SilenceView, StepView
from incident_bot.render.catchup import at, catch_up
from incident_bot.store import alerts, incidents

SHOWN: Final = 20
CHANGES_SHOWN: Final = 3


def list_open(context: Context, rest: str, *, now: datetime) -> ReplyView:
    """Answer `list`: what is open, and the likeliest next words."""
    state = "all" if rest.strip().casefold() == "all" else "open"
    found = queries.incidents(context, state=state, limit=SHOWN)
    if not found:
        text = "Nothing is open." if state == "open" else "There has been no incident yet."
        return ReplyView(text=f"{text} Declare one with `new <title>`.", title=text)
    lines = tuple(_line(one, now) for one in found)
    text = f"{len(found)} {'open' if state == 'open' else 'newest'}:"
    return ReplyView(
        text="\n".join([text, *lines]), title=text, lines=lines, actions=("ack", "info", "catchup")
    )


def help_on(rest: str) -> ReplyView:
    """Answer `help [verb]`."""
    if rest:
        verb = verb_named(rest.split(maxsplit=1)[0])
        synonyms = f" (also: {', '.join(verb.synonyms)})" if verb.synonyms else ""
        return ReplyView(text=f"`{verb.usage}` – {verb.help}{synonyms}", title=verb.name)
    lines = tuple(f"{verb.usage} – {verb.help}" for verb in VERBS)
    return ReplyView(text="\n".join(lines), title="The words there are", lines=lines)


def info(context: Context, number: int, *, now: datetime) -> ReplyView:
    """Answer `info`: this incident on one card."""
    one = queries.incident(context, number)
    facts = _facts(one, now)
    items = tuple(_item(item) for item in one.items)
    past = promised(similar_to(context, number))
    return _card(one, facts, (*_storm(one), *graphs.lines(context, number), *items, *past))


def firing(context: Context, number: int, *, now: datetime) -> ReplyView:
    """Answer `firing`: what fires now."""
    one = queries.incident(context, number)
    now_firing = [alert for alert in one.alerts if alert.status == "firing"]
    if not now_firing:
        return ReplyView(text=f"Nothing of {one.id} fires now.", title=one.title, incident=one.id)
    telling = told_apart(now_firing)
    lines = tuple(_alert(alert, telling[alert.id], now) for alert in now_firing[:SHOWN])
    more = (f"… and {len(now_firing) - SHOWN} more",) if len(now_firing) > SHOWN else ()
    drawn = graphs.lines(context, number)
    text = f"{len(now_firing)} firing in {one.id}:"
    return ReplyView(
        text="\n".join([text, *lines, *more, *drawn]),
        title=text,
        lines=(*lines, *more, *drawn),
        incident=one.id,
    )


def runbook(context: Context, number: int, *, now: datetime) -> ReplyView:
    """Answer `runbook`: its steps, section by section."""
    one = queries.incident(context, number)
    book = next((book for book in context.live.current.revision.runbooks if book.path == one.runbook), None)
    if book is None:
        urls = [link.url for link in one.links if link.title == "Runbook"]
        hint = (
            f" The alert names {urls[0]}."
            if urls
            else " Add one under runbooks/ with `alerts:` in its front matter."
        )
        return ReplyView(text=f"{one.id} has no runbook.{hint}", title="No runbook", incident=one.id)
    lines: list[str] = []
    for section in book.sections.values():
        lines.append(f"{section.name}:")
        lines.extend(_step(step, now) for step in one.steps if step.section == section.name)
    done = sum(step.done_at is not None for step in one.steps)
    count = f", {done} of {len(one.steps)} done: `tick n`" if one.steps else ""
    text = f"{book.title} (runbooks/{book.path}){count}"
    return ReplyView(text="\n".join([text, *lines]), title=text, lines=tuple(lines), incident=one.id)


def catchup(context: Context, number: int, *, now: datetime) -> ReplyView:
    """Answer `catchup`: all that a late joiner needs, from the record alone."""
    with context.store.read() as tx:
        incident = visible(tx, context.seer, number)
        events = incidents.events(tx, number)
        episodes = alerts.episodes_of_incident(tx, number)
        names = named(context, tx, [incident, *events])
    told = catch_up(incident, events, episodes, names=names, now=now)
    one = queries.incident(context, number)
    changed = tuple(
        f"changed {duration(timedelta(minutes=abs(change.minutes_before)))} "
        f"{'before' if change.minutes_before >= 0 else 'after'} it began: {change.what} ({change.why})"
        for change in one.changes[:CHANGES_SHOWN]
    )
    past = similar_to(context, number)
    before = tuple(f"it happened before: {other.id} {other.title} ({other.why})" for other in past)
    return _card(
        one,
        told.facts,
        (*told.lines, *graphs.lines(context, number), *changed, *before, *promised(past)),
    )


def explain(context: Context, number: int, *, now: datetime) -> ReplyView:
    """Answer `why` about one incident: how it came to this."""
    return why_of(context, "", number, actor="", now=now)


def why_of(context: Context, rest: str, number: int | None, *, actor: str, now: datetime) -> ReplyView:
    """Answer `why` about an incident, `alert …` or a person; raises Refused and NotFound."""
    found = answer(context, rest, number, actor=actor, now=now)
    incident = found.about if found.kind == "incident" else None
    return ReplyView(text=found.text, title="Why", lines=tuple(found.text.splitlines()), incident=incident)


def postmortem(context: Context, number: int, *, now: datetime) -> ReplyView:
    """Answer `postmortem`: where the draft is, and what would help it most."""
    draft = export.draft(context, number, now=now)
    with context.store.read() as tx:
        review = visible(tx, context.seer, number).review
    counted = draft.completeness
    url = f"{context.settings.public_url}/incidents/INC-{number}/postmortem"
    lines = [*_reviewed(review, now), f"{counted.percent} % filled: {counted.done} of {counted.total} parts"]
    lines += [f"most useful blank: {blank}" for blank in counted.missing]
    lines += [f"open question: {question}" for question in draft.questions[:5]]
    lines += [f"write: {url}/edit", f"print: {url}?format=pdf"]
    text = f"The post-mortem: {url}"
    return ReplyView(text="\n".join([text, *lines]), title=text, lines=tuple(lines), incident=f"INC-{number}")


def _reviewed(review: Review | None, now: datetime) -> list[str]:
    """Say where it stands, whose it is, and when it is due."""
    if review is None:
        return []
    said = review.state.words + (f": {review.reason}" if review.reason else "")
    owner = f", owner {review.owner}" if review.owner else ", nobody owns it: `postmortem owner @you`"
    if review.state.is_over:
        return [said]
    late = f", overdue for {duration(now - review.due)}" if review.due and review.due < now else ""
    due = f", due {clock(review.due)}{late}" if review.due else ""
    return [f"{said}{owner}{due}"]


READERS: Final[Mapping[str, Callable[..., ReplyView]]] = {
    "info": info,
    "firing": firing,
    "runbook": runbook,
    "catchup": catchup,
    "why": explain,
    "postmortem": postmortem,
    "milestone": milestones,
    "verdict": verdicts,
}
"""Every verb that looks at one incident."""


def _facts(one: IncidentView, now: datetime) -> tuple[tuple[str, str], ...]:
    facts = [
        ("Severity", one.severity),
        ("Phase", one.phase),
        ("Paging", _paging(one)),
        ("Since", f"{clock(one.opened_at)} ({duration(now - one.opened_at)} ago)"),
        ("Team", one.team),
        ("Firing now", str(one.firing)),
    ]
    facts.extend(("Call, not reached by any channel", f"{call.name} {call.phone}") for call in one.call)
    if one.storm:
        facts.append(("Alert storm", f"route {one.storm}; `split <alert>` takes an alert out"))
    if one.flapping_since:
        facts.append(("Flapping", f"since {clock(one.flapping_since)}: re-fires page nobody"))
    if one.service:
        facts.append(("Service", one.service))
    facts.append(("Lead", _lead(one, now)))
    facts.extend((role.capitalize(), person) for role, person in one.roles.items())
    if one.impact:
        facts.append(("Impact", one.impact))
    facts.extend(
        (
            f"Silence {silence.number}",
            f"{silence.what} until {at(silence.ends_at, now)}{_unconfirmed(silence)}",
        )
        for silence in one.silences
        if silence.on
    )
    if one.runbook:
        done = sum(step.done_at is not None for step in one.steps)
        facts.append(
            ("Runbook", f"{one.runbook}{f', {done} of {len(one.steps)} steps done' if one.steps else ''}")
        )
    if one.next_update_at:
        late = f", overdue for {duration(now - one.next_update_at)}" if one.update_overdue else ""
        facts.append(("Next update by", f"{clock(one.next_update_at)}{late}"))
    if one.public:
        facts.append(("Status page", f"“{one.public}”; `publish <text>` says more, `unpublish` takes it off"))
    if one.reminders_off:
        facts.append(("Reminders", "off: `remind on`"))
    elif one.reminders_until and one.reminders_until > now:
        facts.append(("Reminders", f"snoozed until {clock(one.reminders_until)}"))
    return tuple(facts)


def _unconfirmed(silence: SilenceView) -> str:
    return "" if silence.state == SilenceState.HELD else ", not confirmed yet"


def _lead(one: IncidentView, now: datetime) -> str:
    if one.lead is None:
        return "nobody: `lead @you`"
    ended = one.resolved_at or now
    held = f", {duration(ended - one.lead_since)} in command" if one.lead_since else ""
    return f"{one.lead}{held}" + (f"; offered to {one.offered_to}" if one.offered_to else "")


def _storm(one: IncidentView) -> tuple[str, ...]:
    """Give what a storm has adopted, by alert name and service; the API has the rest of a list that is long."""
    if not one.storm:
        return ()
    lines = tuple(
        told(Tally(name=each.name, service=each.service, firing=each.firing, total=each.total))
        for each in one.tally[:SHOWN]
    )
    left = one.tally[SHOWN:]
    more = (f"… and {len(left)} more names with {sum(each.total for each in left)} alerts",) if left else ()
    return (*lines, *more)


def _paging(one: IncidentView) -> str:
    if one.escalation == "acknowledged":
        return f"acknowledged by {one.acknowledged_by}"
    if one.escalation == "snoozed" and one.snoozed_until:
        return f"snoozed until {clock(one.snoozed_until)}"
    if one.taken_by and one.next_step_at:
        waits = f"waiting for {', '.join(one.awaited)} until {clock(one.next_step_at)}"
        return f"{', '.join(one.taken_by)} took it; {waits}"
    if one.escalation == "triggered" and one.next_step_at:
        what = "last resort again" if one.escalation_state == "exhausted" else f"step {one.next_step}"
        return f"nobody has it yet; {what} at {clock(one.next_step_at)}"
    if one.merged_into:
        return f"merged into {one.merged_into}"
    return one.escalation


def _card(one: IncidentView, facts: tuple[tuple[str, str], ...], lines: tuple[str, ...]) -> ReplyView:
    head = f"{one.id} [{one.severity}] {one.title}"
    text = "\n".join([head, *(f"{name}: {value}" for name, value in facts), *lines])
    ended: dict[str, tuple[Json, ...]] = {"resolved": ("reopen",), "merged": ("unmerge",)}
    actions = ended.get(one.escalation, ("ack", "update", "resolve"))
    return ReplyView(
        text=text,
        title=head,
        facts=facts,
        lines=lines,
        actions=tuple(str(one) for one in actions),
        incident=one.id,
    )


def _line(one: IncidentView, now: datetime) -> str:
    overdue = ", update overdue" if one.update_overdue else ""
    return f"{one.id} [{one.severity}] {one.title} – {_paging(one)}, {duration(now - one.opened_at)} old{overdue}"


def _alert(alert: AlertView, telling: str, now: datetime) -> str:
    name = f"{alert.title} ({telling})" if telling else alert.title
    return f"[{alert.severity}] {name} – since {clock(alert.starts_at)} ({duration(now - alert.starts_at)})"


def _step(step: StepView, now: datetime) -> str:
    done = f" – {step.done_by} {at(step.done_at, now)}" if step.done_at else ""
    return f"  {'☑' if step.done_at else '☐'} {step.number}. {step.text}{done}"


def _item(item: ItemView) -> str:
    state = "done" if item.done_at else "open"
    if item.kind == ItemKind.DECISION:
        state = ""
    elif item.outcome:
        state = item.outcome.replace("_", " ") + (f": {item.why}" if item.why else "")
    owner = f" – {item.owner}" if item.owner else ""
    undo = f" – undo: {item.undo}" if item.undo and not item.done_at else ""
    return f"{item.number}. {item.kind}: {item.text}{owner}{undo}" + (f" ({state})" if state else "")
