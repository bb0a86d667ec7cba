"""`channels.yaml`: ways out by HTTP that have a name of their own, such as a push service. Tokens stand elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo

from incident_bot.config.documents import Shape, Text, Web, nearest
from incident_bot.config.revision import PushChannel
from incident_bot.config.sources import Variable
from incident_bot.config.tree import Tree

BUILT_IN: Final[Mapping[str, tuple[str, ...]]] = {
    "slack": ("slack",),
    "email": ("mail",),
    "phone": ("sms", "voice"),
    "pagerduty": ("pagerduty",),
}
"""A person's key to the channels whose address it is."""
WITHOUT_ADDRESS: Final = ("webhook", "stdout")
"""Channels that reach everybody: their receiver knows what to do with a person's id."""
CHANNELS: Final = (*(channel for channels in BUILT_IN.values() for channel in channels), *WITHOUT_ADDRESS)

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "idempotency-key"})


def _own_name(value: str) -> str:
    if value in CHANNELS:
        raise ValueError(f'"{value}" is a channel already; give this one another name')
    if not _NAME.fullmatch(value):
        raise ValueError(
            f'"{value}" cannot name a channel; use small letters, figures and hyphens, such as ntfy'
        )
    return value


def _header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError(f'"{value}" cannot name a header')
    if value.lower() in _OURS:
        raise ValueError(f"{value} is written by the bot itself; take it out")
    return value


def _known(value: str, info: ValidationInfo) -> str:
    names: frozenset[str] | None = getattr(info.context, "channels", None)
    if names is not None and value not in names:
        hint = nearest(value, names) if names else "; rotations/channels.yaml has none"
        raise ValueError(f'unknown channel "{value}"{hint}')
    return value


PushName = Annotated[str, AfterValidator(_known)]
"""A channel of `channels.yaml`."""


def way(value: str, info: ValidationInfo) -> str:
    """Give the name of a channel that a rule may name; ValueError where there is none."""
    names: frozenset[str] | None = getattr(info.context, "channels", frozenset())
    if value in CHANNELS or names is None or value in names:
        return value
    hint = {"email": '; did you mean "mail"?', "phone": '; did you mean "sms" or "voice"?'}
    raise ValueError(f'unknown way "{value}"{hint.get(value) or nearest(value, (*CHANNELS, *names))}')


class ChannelShape(Shape):
    """One channel."""

    url: Web
    headers: dict[Annotated[str, AfterValidator(_header)], Text] = Field(default_factory=dict)
    body: Text | None = None
    token_env: Variable | None = None
    secret_env: Variable | None = None


class ChannelsShape(Shape):
    """`rotations/channels.yaml`."""

    channels: dict[Annotated[str, AfterValidator(_own_name)], ChannelShape] = Field(min_length=1)


def build_channels(shape: ChannelsShape | None, tree: Tree | None) -> dict[str, PushChannel]:
    """Give the channels by name, each with the line of its body."""
    if shape is None or tree is None:
        return {}
    return {
        name: PushChannel(
            name=name,
            url=written.url,
            headers=dict(written.headers),
            body=written.body,
            token_env=written.token_env,
            secret_env=written.secret_env,
            file=tree.file,
            line=tree.line(("channels", name, "body" if written.body else "url")),
        )
        for name, written in shape.channels.items()
    }
