"""Stage 4: the life cycle of an incident. Command + state → events; event + state → state. Never acts.

`open_incident`, `decide` and `observe` give a `Decision`; its incident is always `evolve` folded over its
events. The table of the life cycle is `TRANSITIONS`. Whom to page is decided a layer above, in
`core.escalation`.
"""

from incident_bot.core.incident.commands import (
    Acknowledge,
    AddItem,
    AddNote,
    AssignLead,
    AssignRole,
    AttachRunbook,
    Cancel,
    Command,
    Escalate,
    FinishItem,
    PageSomebody,
    PostUpdate,
    Reopen,
    Resolve,
    SavePostmortem,
    SetImpact,
    SetPhase,
    SetSeverity,
    SetTitle,
    Snooze,
    Unacknowledge,
)
from incident_bot.core.incident.deciding import decide
from incident_bot.core.incident.ending import takes_alerts
from incident_bot.core.incident.facts import progress_from_json, progress_to_json
from incident_bot.core.incident.lifecycle import LIFE_CYCLE_KINDS, TRANSITIONS, begin, evolve, replay
from incident_bot.core.incident.observations import (
    AckDue,
    AlertsAttached,
    AlertsRefired,
    AlertsRepeated,
    AlertsResolved,
    AttachedAlert,
    HoldOver,
    MessageFailed,
    Observation,
    Opening,
    PageFailed,
    PageSent,
    Paused,
    Resumed,
    SnoozeOver,
)
from incident_bot.core.incident.observing import observe
from incident_bot.core.incident.opening import open_incident
from incident_bot.core.incident.rules import ACK_GRACE, AutoResolve, Decision, Repage, Rules

__all__ = [
    "ACK_GRACE",
    "LIFE_CYCLE_KINDS",
    "TRANSITIONS",
    "AckDue",
    "Acknowledge",
    "AddItem",
    "AddNote",
    "AlertsAttached",
    "AlertsRefired",
    "AlertsRepeated",
    "AlertsResolved",
    "AssignLead",
    "AssignRole",
    "AttachRunbook",
    "AttachedAlert",
    "AutoResolve",
    "Cancel",
    "Command",
    "Decision",
    "Escalate",
    "FinishItem",
    "HoldOver",
    "MessageFailed",
    "Observation",
    "Opening",
    "PageFailed",
    "PageSent",
    "PageSomebody",
    "Paused",
    "PostUpdate",
    "Reopen",
    "Repage",
    "Resolve",
    "Resumed",
    "Rules",
    "SavePostmortem",
    "SetImpact",
    "SetPhase",
    "SetSeverity",
    "SetTitle",
    "Snooze",
    "SnoozeOver",
    "Unacknowledge",
    "begin",
    "decide",
    "evolve",
    "observe",
    "open_incident",
    "progress_from_json",
    "progress_to_json",
    "replay",
    "takes_alerts",
]
