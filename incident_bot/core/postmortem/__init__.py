"""Stage 8: a post-mortem draft from the record, and its refresh. Reads no clock, writes no document."""

from incident_bot.core.milestones import Milestone
from incident_bot.core.postmortem.blameless import Wording, blaming, roles, without_names
from incident_bot.core.postmortem.build import build
from incident_bot.core.postmortem.draft import (
    Block,
    Completeness,
    Draft,
    Gap,
    Header,
    Measures,
    PageFact,
    Row,
    RunbookLike,
    Section,
)
from incident_bot.core.postmortem.graphs import GraphFact
from incident_bot.core.postmortem.merge import Merged, fenced, merge, without_fences
from incident_bot.core.postmortem.threeway import Joined, join, written_by_people
from incident_bot.core.postmortem.words import clock, duration, escape

__all__ = [
    "Block",
    "Completeness",
    "Draft",
    "Gap",
    "GraphFact",
    "Header",
    "Joined",
    "Measures",
    "Merged",
    "Milestone",
    "PageFact",
    "Row",
    "RunbookLike",
    "Section",
    "Wording",
    "blaming",
    "build",
    "clock",
    "duration",
    "escape",
    "fenced",
    "join",
    "merge",
    "roles",
    "without_fences",
    "without_names",
    "written_by_people",
]
