"""The tables. Their classes only define them: all work is done with Core statements over the tables named here."""

from incident_bot.store.tables.access import SessionTable, SignInTable
from incident_bot.store.tables.alerts import DeliveryTable, EpisodeTable, GroupTable
from incident_bot.store.tables.base import Base, table_of
from incident_bot.store.tables.calendars import CalendarLinkTable
from incident_bot.store.tables.changes import ChangeEventTable
from incident_bot.store.tables.chat import EvidenceTable, HeardTable, NameTable
from incident_bot.store.tables.graphs import CaptureTable, GraphTable
from incident_bot.store.tables.handoffs import OfferTable, TapLinkTable, TapTable, WatchTable
from incident_bot.store.tables.incidents import (
    BucketTable,
    EventTable,
    IncidentTable,
    PostmortemTable,
    ProofTable,
    TurnTable,
)
from incident_bot.store.tables.interventions import (
    AnswerTable,
    AuditTable,
    MaintenanceTable,
    OverrideTable,
    RevisionTable,
    TokenTable,
)
from incident_bot.store.tables.links import AckLinkTable
from incident_bot.store.tables.mirrors import MirrorTable
from incident_bot.store.tables.queue import (
    AttemptTable,
    CircuitTable,
    LaneTable,
    OutboxTable,
    ReceiptTable,
    TimerTable,
)
from incident_bot.store.tables.rooms import RoomTable, SeenTable
from incident_bot.store.tables.silences import SilenceTable
from incident_bot.store.tables.subscribers import NewsTable, NoticeTable, SubscriberTable

METADATA = Base.metadata

ack_link = table_of(AckLinkTable)
answer = table_of(AnswerTable)
attempt = table_of(AttemptTable)
audit = table_of(AuditTable)
calendar_link = table_of(CalendarLinkTable)
capture = table_of(CaptureTable)
change_event = table_of(ChangeEventTable)
circuit = table_of(CircuitTable)
delivery = table_of(DeliveryTable)
episode = table_of(EpisodeTable)
event = table_of(EventTable)
evidence = table_of(EvidenceTable)
followup_proof = table_of(ProofTable)
graph = table_of(GraphTable)
group = table_of(GroupTable)
incident = table_of(IncidentTable)
lane = table_of(LaneTable)
maintenance = table_of(MaintenanceTable)
outbox = table_of(OutboxTable)
override = table_of(OverrideTable)
pagerduty_schedule = table_of(MirrorTable)
postmortem = table_of(PostmortemTable)
reach_tap = table_of(TapTable)
receipt = table_of(ReceiptTable)
revision = table_of(RevisionTable)
room = table_of(RoomTable)
session = table_of(SessionTable)
sign_in = table_of(SignInTable)
silence = table_of(SilenceTable)
slack_heard = table_of(HeardTable)
slack_name = table_of(NameTable)
slack_seen = table_of(SeenTable)
status_news = table_of(NewsTable)
status_notice = table_of(NoticeTable)
step_turn = table_of(TurnTable)
storm_bucket = table_of(BucketTable)
subscriber = table_of(SubscriberTable)
swap_offer = table_of(OfferTable)
tap_link = table_of(TapLinkTable)
timer = table_of(TimerTable)
token = table_of(TokenTable)
watched_schedule = table_of(WatchTable)

__all__ = [
    "METADATA",
    "ack_link",
    "answer",
    "attempt",
    "audit",
    "calendar_link",
    "capture",
    "change_event",
    "circuit",
    "delivery",
    "episode",
    "event",
    "evidence",
    "followup_proof",
    "graph",
    "group",
    "incident",
    "lane",
    "maintenance",
    "outbox",
    "override",
    "pagerduty_schedule",
    "postmortem",
    "reach_tap",
    "receipt",
    "revision",
    "room",
    "session",
    "sign_in",
    "silence",
    "slack_heard",
    "slack_name",
    "slack_seen",
    "status_news",
    "status_notice",
    "step_turn",
    "storm_bucket",
    "subscriber",
    "swap_offer",
    "tap_link",
    "timer",
    "token",
    "watched_schedule",
]
