"""The status page: which components are how, what the public is told of incidents, and what it must not read. Pure."""

from incident_bot.core.status.board import (
    DAYS,
    INDICATORS,
    STATE_WORDS,
    Board,
    ComponentStatus,
    Day,
    Indicator,
    PublicMaintenance,
    board,
    worst,
)
from incident_bot.core.status.lint import TEXT_MOST, TITLE_MOST, Draft, Fault, Finding, Known, lint
from incident_bot.core.status.page import Component, StatusPage
from incident_bot.core.status.publications import (
    KINDS,
    PHASES,
    End,
    PublicIncident,
    PublicPhase,
    PublicUpdate,
    Stretch,
    publication,
)

__all__ = [
    "DAYS",
    "INDICATORS",
    "KINDS",
    "PHASES",
    "STATE_WORDS",
    "TEXT_MOST",
    "TITLE_MOST",
    "Board",
    "Component",
    "ComponentStatus",
    "Day",
    "Draft",
    "End",
    "Fault",
    "Finding",
    "Indicator",
    "Known",
    "PublicIncident",
    "PublicMaintenance",
    "PublicPhase",
    "PublicUpdate",
    "StatusPage",
    "Stretch",
    "board",
    "lint",
    "publication",
    "worst",
]
