"""`announce:` of `routing.yaml`: which channels are told of which moments of which incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from incident_bot.config.documents import Flag, SeverityWord, Shape, nearest
from incident_bot.config.people import ChannelName
from incident_bot.config.revision import TOLD, AnnounceRule
from incident_bot.core.effects import Moment
from incident_bot.core.model import Ladder

MOMENTS: Final[Mapping[str, Moment]] = {
    "open": Moment.OPENED,
    "update": Moment.UPDATE,
    "resolve": Moment.RESOLVED,
    "reopen": Moment.REOPENED,
    "flapping": Moment.FLAPPING,
    "missed": Moment.MISSED,
    "postmortem": Moment.POSTMORTEM,
    "meta": Moment.META,
}
"""The words of `on:`."""


def _moment(value: object) -> object:
    if isinstance(value, str) and value in MOMENTS:
        return MOMENTS[value]
    if isinstance(value, Moment):
        return value
    raise ValueError(f'unknown moment "{value}"{nearest(str(value), MOMENTS)}')


class AnnounceShape(Shape):
    """One announcement rule."""

    channel: ChannelName
    severities: list[SeverityWord] = Field(default_factory=list)
    on: list[Annotated[Moment, BeforeValidator(_moment)]] = sorted(TOLD)
    public: Flag = False


def build_announce(shapes: Sequence[AnnounceShape], ladder: Ladder) -> tuple[AnnounceRule, ...]:
    """Give the announcement rules in their order."""
    return tuple(
        AnnounceRule(
            channel=rule.channel,
            severities=frozenset(name for word in rule.severities if (name := severity_name(word, ladder))),
            on=tuple(dict.fromkeys(rule.on)),
            public=rule.public,
        )
        for rule in shapes
    )


def severity_name(word: str | None, ladder: Ladder) -> str | None:
    """Give the severity's own name for a word that may be an alias."""
    rung = ladder.named(word) if word else None
    return rung.name if rung else None
