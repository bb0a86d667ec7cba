"""The commands around an incident's record: its timeline as a document."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """How a timeline is written down."""

    CSV = "csv"
    MD = "md"
    JSON = "json"


class View(StrEnum):
    """How much of a timeline is written down."""

    FULL = "full"
    CURATED = "curated"
