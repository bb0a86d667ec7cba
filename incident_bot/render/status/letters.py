"""What those who follow the status page are sent, as text for people and as JSON for programs, and their pages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from incident_bot.core.model import Json, JsonObject
from incident_bot.core.status import STATE_WORDS, Board, News, Outlet, StatusPage
from incident_bot.core.timeline import one_line
from incident_bot.render.status.feeds import incident_of, page_id, work_of
from incident_bot.render.status.pages import Links, common
from incident_bot.render.status.words import day_and_time, plain
from incident_bot.render.templates import Rendered, Templates

SUBJECT_MOST: Final = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One thing to be told."""

    subject: str
    text: str
    payload: JsonObject


def letter(templates: Templates, board: Board, told: News, links: Links) -> Letter:
    """Write one news; the JSON is what Statuspage posts to webhooks, without who gets it."""
    page, work, incident = board.page, told.work, told.incident
    promised = incident.next_update_at if incident and told.update == len(incident.updates) else None
    spans = work is not None and work.called_off_at is None
    facts: dict[str, object] = {
        "page": plain(page.name),
        "heading": told.heading,
        "title": plain(told.title),
        "text": plain(told.text),
        "components": ", ".join(plain(name) for name in page.names(told.components)),
        "state": STATE_WORDS[told.state].casefold(),
        "at": day_and_time(told.at),
        "start": day_and_time(work.start) if work and spans else None,
        "end": day_and_time(work.end) if work and spans else None,
        "next_update": day_and_time(promised) if promised else None,
        "url": links.incident.replace("{id}", incident.id) if incident else links.home,
    }
    payload: dict[str, Json] = {
        "page": {
            "id": page_id(page),
            "status_indicator": board.indicator.value,
            "status_description": board.description,
        },
    }
    if incident is not None:
        payload["incident"] = incident_of(board, incident, links.incident)
    elif work is not None:
        payload["maintenance"] = work_of(board, work)
    return Letter(
        subject=one_line(templates.render("status/mail_subject.j2", facts).text, SUBJECT_MOST),
        text=templates.render("status/mail.j2", facts).text.strip(),
        payload=payload,
    )


def foot(page: StatusPage, unsubscribe: str) -> str:
    """Give what stands below every letter, whatever the templates say."""
    return (
        f"You get this because you asked for news of {plain(page.name)}.\nNothing more, please: {unsubscribe}"
    )


def ask_to_confirm(templates: Templates, page: StatusPage, components: Collection[str], url: str) -> Letter:
    """Write the letter that asks whether somebody wants to be told."""
    named = page.names(tuple(components))
    facts = {"page": plain(page.name), "components": ", ".join(plain(one) for one in named), "url": url}
    return Letter(
        subject=one_line(f"Confirm that you want news of {plain(page.name)}", SUBJECT_MOST),
        text=templates.render("status/confirm.j2", facts).text.strip(),
        payload={"page": {"id": page_id(page)}, "confirm": url},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form in which somebody asks, as it was filled in."""

    address: str = ""
    url: str = ""
    ticked: frozenset[str] = frozenset()


def subscribe_page(
    templates: Templates,
    board: Board,
    links: Links,
    *,
    title: str,
    action: str,
    outlets: Sequence[Outlet] = (),
    said: str = "",
    button: str = "",
    form: Form | None = None,
) -> tuple[Rendered, str]:
    """Write a page with a form or a button on it, and the policy that lets it send them to us alone."""
    facts = {**common(templates, board, links), "title": title, "action": action, "said": plain(said)}
    policy = str(facts["policy"]).replace("form-action 'none'", "form-action 'self'")
    ticked = form.ticked if form else frozenset()
    facts |= {
        "policy": policy,
        "button": button,
        "form": form is not None,
        "mail": Outlet.MAIL in outlets,
        "webhook": Outlet.WEBHOOK in outlets,
        "address": plain(form.address) if form else "",
        "url": plain(form.url) if form else "",
        "components": [
            {"key": one.key, "name": plain(one.name), "ticked": one.key in ticked}
            for one in board.page.components
        ],
    }
    return templates.render("status/subscribe.html.j2", facts), policy


def webhook_body(payload: JsonObject, *, unsubscribe: str, at: str) -> JsonObject:
    """Give what is posted to one program."""
    return {"meta": {"unsubscribe": unsubscribe, "generated_at": at}, **payload}


__all__ = [
    "Form",
    "Letter",
    "ask_to_confirm",
    "foot",
    "letter",
    "subscribe_page",
    "webhook_body",
]
