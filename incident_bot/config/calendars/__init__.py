"""Calendars that layers are fed from: an iCalendar's events as bookings of known people (RFC 5545)."""

from incident_bot.config.calendars.bookings import AHEAD, BACK, BOOKINGS_MOST, Calendar, Feeds, bookings_of
from incident_bot.config.calendars.people import Roll

__all__ = ["AHEAD", "BACK", "BOOKINGS_MOST", "Calendar", "Feeds", "Roll", "bookings_of"]
