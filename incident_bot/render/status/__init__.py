"""The status page as HTML, JSON, Atom and SVG: a board in, texts out. No scripts, and nothing is fetched."""

from incident_bot.render.status.drawings import badge, bars
from incident_bot.render.status.feeds import atom, summary
from incident_bot.render.status.letters import (
    Form,
    Letter,
    ask_to_confirm,
    foot,
    letter,
    subscribe_page,
    webhook_body,
)
from incident_bot.render.status.pages import Links, home_page, incident_page, style_of
from incident_bot.render.status.words import day_and_time

__all__ = [
    "Form",
    "Letter",
    "Links",
    "ask_to_confirm",
    "atom",
    "badge",
    "bars",
    "day_and_time",
    "foot",
    "home_page",
    "incident_page",
    "letter",
    "style_of",
    "subscribe_page",
    "summary",
    "webhook_body",
]
