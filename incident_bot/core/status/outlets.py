"""How those who follow the status page are told, and where programs that do may be."""

from __future__ import annotations

from enum import StrEnum


class Outlet(StrEnum):
    """How a subscriber is told."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class Reach(StrEnum):
    """Which addresses a subscriber's webhook may have."""

    NOWHERE = "off"
    PUBLIC = "public"
    """https, and addresses of the public Internet: nobody has our network called from outside."""
    ANYWHERE = "any"
    """Addresses of our own network, too: for a page that only our own people can reach."""
