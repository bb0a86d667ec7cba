"""Why: the way from a delivery to a page, for an incident, an alert or a person, and why nobody was paged.

Reads the record alone, with the configuration that was in force then (R15). One model for every surface: `Chain`.
"""

from incident_bot.flow.why.alerts import explain_alert
from incident_bot.flow.why.incidents import LOOKED_AT, explain, explain_incident
from incident_bot.flow.why.people import explain_person
from incident_bot.flow.why.telling import Chain, Link

__all__ = [
    "LOOKED_AT",
    "Chain",
    "Link",
    "explain",
    "explain_alert",
    "explain_incident",
    "explain_person",
]
