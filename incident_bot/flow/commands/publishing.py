"""`publish` and `unpublish`: reads the words, looks at what they say, and gives the core command.

What leaks refuses the message, here and again when a draft is sent. What lacks something or sounds like a guess is
only said: whoever publishes decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incident_bot.core.errors import Refused
from incident_bot.core.incident import Publish
from incident_bot.core.incident.facts import maybe_instant, names, text
from incident_bot.core.model import TROUBLES, ComponentState, Event, Incident, JsonObject, Kind
from incident_bot.core.status import PHASES, STATE_WORDS, Draft, Finding, Known, PublicPhase, StatusPage, lint
from incident_bot.flow.commands import arguments
from incident_bot.flow.ledger import Ledger
from incident_bot.flow.slack.announcements import hosts_of
from incident_bot.store import alerts, incidents

YES: Final = frozenset({"yes", "yes!", "confirm", "go"})
NOT_SET_UP: Final = (
    "No status page is set up. Write rotations/status.yaml; `incident-bot init` writes a sample, and "
    "docs/howto/status-page.md says how."
)
_PART: Final = re.compile(r"(?:^|\s)(title|on|as):\s*", re.IGNORECASE)
_PORT: Final = re.compile(r":\d{1,5}$")


def publish(ledger: Ledger, incident: Incident, rest: str, *, now: datetime) -> Publish:
    """Give what is to be published, or kept as a draft; raises Refused for what the public must not read."""
    page = _page(ledger)
    if rest.casefold() in YES:
        return _confirmed(ledger, page, incident)
    shown = page.severities.get(incident.severity)
    if shown is None:
        allowed = ", ".join(page.severities)
        message = f"status.yaml lets {allowed} be published; {incident.name} is {incident.severity}. `sev` changes it."
        raise Refused(message)
    rung = ledger.current.revision.ladder.named(incident.severity)
    words, promised = arguments.promise(rest, default=rung.update_every if rung else None, now=now)
    if not incident.paging.is_open:
        promised = None
    words, parts = _cut(words)
    public = incident.public
    components = _components(page, incident, parts.get("on"))
    state = _state(parts["as"]) if "as" in parts else public.state if public else shown
    facts = facts_of(page, components, state) | {"impact": incident.impact}
    written = ledger.current.templates
    title = parts.get("title") or (
        public.title if public else written.render("status/title.j2", facts).text.strip()
    )
    phase = PHASES[incident.phase]
    said = words or written.render(f"status/{phase.value}.j2", facts).text.strip()
    draft = Draft(
        title=title,
        text=said,
        components=components,
        state=state,
        phase=phase,
        next_update_at=promised,
        first=public is None,
    )
    findings = checked(draft, known(ledger, page, incident))
    return Publish(
        title=title,
        text=said,
        components=components,
        state=state,
        next_update_at=promised,
        confirmed=page.auto and not findings,
        findings=tuple(one.said for one in findings),
        names=page.names(components),
    )


def beside_update(
    ledger: Ledger, incident: Incident, words: str, promised: datetime | None
) -> tuple[bool, str | None]:
    """Say whether an update goes on the status page as well, and where it might and does not, why."""
    page, public = ledger.current.revision.status, incident.public
    if page is None or public is None:
        return False, None
    if not page.auto:
        return False, "The status page keeps what it says; `publish <text>` tells the public."
    draft = Draft(
        title=public.title,
        text=words,
        components=public.components,
        state=public.state,
        phase=PHASES[incident.phase],
        next_update_at=promised,
        first=False,
    )
    found = lint(draft, known(ledger, page, incident))
    if not found:
        return True, None
    why = "; ".join(one.said for one in found)
    return False, f"It is not on the status page: {why}. `publish <text>` tells the public."


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicWords:
    """What the public is told of planned work."""

    title: str
    text: str = ""
    components: tuple[str, ...] = ()
    """By key or name."""


def maintenance(ledger: Ledger, words: PublicWords) -> JsonObject:
    """Give what is kept of it; raises Refused for unknown components and for what the public must not read."""
    page = _page(ledger)
    components = tuple(dict.fromkeys(_component(page, word) for word in words.components))
    draft = Draft(
        title=words.title,
        text=words.text,
        components=components,
        state=ComponentState.UNDER_MAINTENANCE,
        phase=PublicPhase.RESOLVED,
        next_update_at=None,
        first=False,
    )
    checked(draft, known(ledger, page, None))
    return {"title": words.title, "text": words.text, "components": list(components)}


def known(ledger: Ledger, page: StatusPage, incident: Incident | None) -> Known:
    """Give what is known of the inside: people, and the machines that the incident's alerts name."""
    people = ledger.current.revision.people.values()
    episodes = alerts.episodes_of_incident(ledger.tx, incident.id) if incident is not None else []
    hosts = {name for host in hosts_of(episodes) for name in (host, _PORT.sub("", host))}
    return Known(
        people=frozenset(name for one in people for name in (one.id, one.name)),
        hosts=frozenset(hosts),
        allow=page.allow,
    )


def checked(draft: Draft, inside: Known) -> tuple[Finding, ...]:
    """Give what is only lacking; raises Refused for what the public must not read."""
    findings = lint(draft, inside)
    leaks = [one.said for one in findings if one.fault.leaks]
    if leaks:
        message = f"Not published: {'; '.join(leaks)}. Say it again without that."
        raise Refused(message)
    return findings


def facts_of(page: StatusPage, components: tuple[str, ...], state: ComponentState) -> dict[str, object]:
    """Give what templates of the status page may use."""
    named = list(page.names(components))
    joined = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    return {"page": page.name, "components": joined, "state": STATE_WORDS[state].casefold(), "impact": None}


def _page(ledger: Ledger) -> StatusPage:
    page = ledger.current.revision.status
    if page is None:
        raise Refused(NOT_SET_UP)
    return page


def _confirmed(ledger: Ledger, page: StatusPage, incident: Incident) -> Publish:
    """Send the newest draft, as it stands; it is looked at once more, as names may have become known since."""
    drafted = incidents.last_of_kind(ledger.tx, incident.id, Kind.PUBLIC_DRAFTED)
    sent = incidents.last_of_kind(ledger.tx, incident.id, Kind.PUBLISHED)
    if drafted is None or (sent is not None and sent.seq > drafted.seq):
        message = "Nothing waits to be published; type `publish <text>` first, and look at what the public would read."
        raise Refused(message)
    command = _from(drafted)
    draft = Draft(
        title=command.title,
        text=command.text,
        components=command.components,
        state=command.state,
        phase=PHASES[incident.phase],
        next_update_at=command.next_update_at,
        first=incident.public is None,
    )
    checked(draft, known(ledger, page, incident))
    return command


def _from(drafted: Event) -> Publish:
    data = drafted.data
    return Publish(
        title=text(data, "title"),
        text=text(data, "text"),
        components=names(data, "components"),
        state=ComponentState(text(data, "state")),
        next_update_at=maybe_instant(data, "next_update_at"),
    )


def _cut(words: str) -> tuple[str, Mapping[str, str]]:
    """Cut `text title: … on: … as: …` up; the parts may stand in any order behind the text."""
    found = list(_PART.finditer(words))
    ends = [*(match.start() for match in found[1:]), len(words)]
    parts = (
        {
            match[1].casefold(): words[match.end() : end].strip()
            for match, end in zip(found, ends, strict=True)
        }
        if found
        else {}
    )
    empty = next((name for name, value in parts.items() if not value), None)
    if empty is not None:
        message = (
            f"Something is missing after `{empty}:`; type for example `publish Cards fail. on: Checkout`."
        )
        raise Refused(message)
    return (words[: found[0].start()] if found else words).strip(), parts


def _components(page: StatusPage, incident: Incident, said: str | None) -> tuple[str, ...]:
    if said is None:
        if incident.public is not None:
            return incident.public.components
        return page.standing_for(incident.service, incident.team)
    return tuple(dict.fromkeys(_component(page, part.strip()) for part in said.split(",")))


def _component(page: StatusPage, word: str) -> str:
    component = page.named(word)
    if component is None:
        there = ", ".join(one.name for one in page.components)
        message = f"The status page has no component {word[:60]!r}; there are {there}."
        raise Refused(message)
    return component.key


def _state(said: str) -> ComponentState:
    word = said.casefold().replace(" ", "_").replace("-", "_")
    for state in TROUBLES:
        if len(word) > 1 and state.value.startswith(word):
            return state
    there = ", ".join(f"`as: {state.value.partition('_')[0]}`" for state in TROUBLES)
    message = f"{said[:40]!r} is no state; use {there}."
    raise Refused(message)
