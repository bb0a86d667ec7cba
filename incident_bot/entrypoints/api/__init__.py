"""The HTTP interface for programs: `/api/v1`, health and metrics. Turns views into JSON; decides nothing."""

from incident_bot.entrypoints.api.calendars import router as calendars
from incident_bot.entrypoints.api.changes import router as changes
from incident_bot.entrypoints.api.files import router as files
from incident_bot.entrypoints.api.graphs import router as graphs
from incident_bot.entrypoints.api.incidents import router as incidents
from incident_bot.entrypoints.api.insights import router as insights
from incident_bot.entrypoints.api.load import router as load
from incident_bot.entrypoints.api.operations import router as operations
from incident_bot.entrypoints.api.papers import router as papers
from incident_bot.entrypoints.api.people import router as people
from incident_bot.entrypoints.api.postmortems import router as postmortems
from incident_bot.entrypoints.api.records import router as records
from incident_bot.entrypoints.api.state import router as state
from incident_bot.entrypoints.api.subscribers import router as subscribers

ROUTERS = (
    incidents,
    files,
    graphs,
    records,
    postmortems,
    papers,
    changes,
    people,
    calendars,
    load,
    insights,
    operations,
    state,
    subscribers,
)

__all__ = ["ROUTERS"]
