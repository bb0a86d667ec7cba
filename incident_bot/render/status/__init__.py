"""The status page as HTML, JSON, Atom and SVG: a board in, texts out. No scripts, and nothing is fetched."""

from incident_bot.render.status.drawings import badge, bars
from incident_bot.render.status.feeds import atom, summary
from incident_bot.render.status.pages import Links, home_page, incident_page, style_of

__all__ = ["Links", "atom", "badge", "bars", "home_page", "incident_page", "style_of", "summary"]
