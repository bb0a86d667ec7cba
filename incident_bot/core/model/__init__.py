"""Values shared by the stages. Frozen, slotted, keyword-only; instants are aware UTC, durations are `timedelta`."""

from incident_bot.core.model.alert import (
    Alert,
    Delivery,
    Disposition,
    Episode,
    Flag,
    Labels,
    Rejected,
    Status,
)
from incident_bot.core.model.copying import copied
from incident_bot.core.model.incident import (
    Acks,
    Event,
    Incident,
    Kind,
    LeadOffer,
    Paging,
    Phase,
    Progress,
    Running,
    Tick,
    incident_name,
)
from incident_bot.core.model.items import Item, ItemKind, Outcome
from incident_bot.core.model.json import Json, JsonObject, rfc3339
from incident_bot.core.model.marks import Mark
from incident_bot.core.model.noise import Bucket, Change, Flapping, FlappingRule, StormRule, Tally
from incident_bot.core.model.people import (
    ContactRule,
    Ladder,
    Person,
    Service,
    Severity,
    Target,
    TargetKind,
    Team,
    Urgency,
    paging_service,
)
from incident_bot.core.model.reminders import PromiseRules, Reminders, Told
from incident_bot.core.model.review import FollowUpType, Review, ReviewState
from incident_bot.core.model.silences import Silence, SilenceMatchers, SilenceState, matchers_text
from incident_bot.core.model.status import TROUBLES, ComponentState, Public
from incident_bot.core.model.verdicts import Judged, Verdict

__all__ = [
    "TROUBLES",
    "Acks",
    "Alert",
    "Bucket",
    "Change",
    "ComponentState",
    "ContactRule",
    "Delivery",
    "Disposition",
    "Episode",
    "Event",
    "Flag",
    "Flapping",
    "FlappingRule",
    "FollowUpType",
    "Incident",
    "Item",
    "ItemKind",
    "Json",
    "JsonObject",
    "Judged",
    "Kind",
    "Labels",
    "Ladder",
    "LeadOffer",
    "Mark",
    "Outcome",
    "Paging",
    "Person",
    "Phase",
    "Progress",
    "PromiseRules",
    "Public",
    "Rejected",
    "Reminders",
    "Review",
    "ReviewState",
    "Running",
    "Service",
    "Severity",
    "Silence",
    "SilenceMatchers",
    "SilenceState",
    "Status",
    "StormRule",
    "Tally",
    "Target",
    "TargetKind",
    "Team",
    "Tick",
    "Told",
    "Urgency",
    "Verdict",
    "copied",
    "incident_name",
    "matchers_text",
    "paging_service",
    "rfc3339",
]
