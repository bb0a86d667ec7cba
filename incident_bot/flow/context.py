"""What every use case is handed: the store, the live configuration, the ways out. Built by `bootstrap` alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from incident_bot.config.settings import Settings
from incident_bot.core.access import Warrant
from incident_bot.core.lanes import Lanes
from incident_bot.flow.configure import Live
from incident_bot.flow.graphs.wellbeing import Wellbeing
from incident_bot.flow.history import Records
from incident_bot.flow.measures import Measures
from incident_bot.flow.probes import Probes
from incident_bot.flow.sight import EVERYTHING, Seer
from incident_bot.flow.signals import Signals
from incident_bot.flow.slack.ear import Ear
from incident_bot.flow.trouble import Trouble
from incident_bot.notifiers.base import Notifier, NotifierKind
from incident_bot.openid import Provider
from incident_bot.outgoing import Client
from incident_bot.slack_api import Slack
from incident_bot.store.engine import Store
from incident_bot.telemetry import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The wired parts that use cases work with; shared by all threads."""

    settings: Settings
    store: Store
    live: Live
    notifiers: Mapping[str, Notifier]
    default_channel: str
    """The notifier for channel messages, and for people none of whose own channels is set up."""
    client: Client
    metrics: Metrics
    chance: Callable[[], float]
    """Draws from [0, 1): jitter."""
    owner: str
    """This process's name on leases."""
    signals: Signals = field(default_factory=Signals)
    probes: Probes = field(default_factory=Probes)
    kinds: Mapping[str, NotifierKind] = field(default_factory=dict)
    """What is known of each way out by its name, whether it is set up or not."""
    lanes: Lanes = field(default_factory=Lanes)
    """How fast each way out may be used."""
    records: Records = field(default_factory=Records)
    """What was in force before, for questions about the past."""
    slack: Slack | None = None
    """The workspace in which incidents are worked on; None where there is none."""
    openid: Mapping[str, Provider] = field(default_factory=dict)
    """With whom people sign in, by the word in the address."""
    ear: Ear = field(default_factory=Ear)
    """How well Slack is heard."""
    trouble: Trouble = field(default_factory=Trouble)
    """Whether rows can be written."""
    wellbeing: Wellbeing = field(default_factory=Wellbeing)
    """How the Prometheus of each source answered lately."""
    measures: Measures = field(default_factory=Measures)
    """How long incidents took, as far as it was worked out already."""
    sealed: bool = False
    """Whether nothing outside is asked or told: what happens here is about another time than now, and no message has
    words."""
    clock_offset: Callable[[], timedelta] = timedelta
    """How far the machine's clock is ahead of the time that is handed to the flow; negative where it is behind."""
    seer: Seer = EVERYTHING
    """For whom it is read and written: the bot itself and its operator, or whom a door let in (`flow.sight`)."""

    warrant: Warrant | None = None
    """As whom it is acted (`flow.permissions`); None is the bot itself, or a door that has asked already."""

    def acting(self, warrant: Warrant) -> Context:
        """Give the same parts for somebody who acts: what their role does not reach is refused."""
        return replace(self, warrant=warrant)

    def seen_by(self, seer: Seer) -> Context:
        """Give the same parts for somebody who looks: what they may not see is not there for them."""
        return replace(self, seer=seer)
