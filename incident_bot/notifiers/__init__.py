"""The registry of notifiers: one line a notifier."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from incident_bot.notifiers import mail, pagerduty, slack, stdout, twilio, webhook
from incident_bot.notifiers.base import Notifier, NotifierKind

NOTIFIERS: Final[Mapping[str, NotifierKind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            mail.KIND,
            pagerduty.KIND,
            slack.KIND,
            stdout.KIND,
            twilio.SMS,
            twilio.VOICE,
            webhook.KIND,
        )
    }
)
"""Every way out that a person's rules may name."""

__all__ = ["NOTIFIERS", "Notifier", "NotifierKind"]
