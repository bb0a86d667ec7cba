"""Stage 8: what only people can write. A prompt is answered once its words are gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PROMPTS: Final[Mapping[int, tuple[str, ...]]] = {
    1: ("In three sentences: what broke, who felt it, what ended it.",),
    2: ("Who was affected, what could they not do, and how many were they?",),
    4: ("Did an alert tell us, or a person? What would have told us sooner?",),
    5: ("What does a reader from another team need to know of this system?",),
    6: ("What changed shortly before: deploys, configuration, traffic, certificates, other teams?",),
    7: ("For each phase: what did people see, what did they think, what did they do?",),
    8: ("Which explanations were considered, and what ruled them in or out?",),
    9: (
        "Which conditions had to come together? Write causes, not names.",
        "What limited the damage?",
    ),
    10: ("What ended the impact, and how was that checked?",),
    12: ("Who should have been told and was not, or was told too late?",),
    13: (
        "What went well?",
        "What went poorly?",
        "Where were we lucky?",
    ),
    15: ("For each follow-up: an owner, a due date, and how we will know that it is done.",),
    16: ("Has this happened before? What did we say then that we would do?",),
}

BLANKS: Final[tuple[tuple[int, int, str], ...]] = (
    (9, 0, "what made it possible (9)"),
    (2, 0, "who was affected (2)"),
    (15, 0, "follow-ups with owner and due date (15)"),
    (1, 0, "the summary (1)"),
    (10, 0, "what ended it (10)"),
    (4, 0, "how it was detected (4)"),
    (6, 0, "what changed before (6)"),
    (13, 1, "what went poorly (13)"),
    (7, 0, "what happened, phase by phase (7)"),
    (8, 0, "what we believed (8)"),
    (13, 0, "what went well (13)"),
    (13, 2, "where we were lucky (13)"),
    (9, 1, "what limited the damage (9)"),
    (12, 0, "who should have been told (12)"),
    (16, 0, "whether it happened before (16)"),
    (5, 0, "background (5)"),
)
"""Every prompt once, by section and place, the most useful first."""
