"""What each route asks for: the permission of its dependency, unless a line here says another; or nothing, and why.

A route is declared by depending on `Reader`, `Writer`, `Pipeline`, `Operator` or `Visitor`. A test walks all routes and
fails for one that neither does so nor stands here as public.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from incident_bot.core.access import Permission

USUAL: Final[Mapping[str, Permission]] = {
    "read": Permission.INCIDENT_READ,
    "write": Permission.INCIDENT_ACT,
    "changes": Permission.CHANGE_TELL,
    "admin": Permission.TOKEN_MANAGE,
}
"""By the scope that the dependency asks for; on the console reading is `read` and a form is `write`."""

PERMITS: Final[Mapping[str, Permission]] = {
    # A line is typed by whoever may read; each word of it asks for what it does (`flow.permissions`).
    "POST /incidents/{id}/commands": Permission.INCIDENT_COMMAND,
    "POST /api/v1/incidents/{id}/commands": Permission.INCIDENT_COMMAND,
    "POST /api/v1/commands": Permission.INCIDENT_COMMAND,
    "POST /incidents/{id}/notes": Permission.INCIDENT_COMMAND,
    "POST /incidents/{id}/notes/{seq}": Permission.INCIDENT_COMMAND,
    "POST /incidents/{id}/postmortem/review": Permission.INCIDENT_COMMAND,
    "POST /api/v1/incidents/{id}/graphs": Permission.INCIDENT_COMMAND,
    "POST /api/v1/incidents": Permission.INCIDENT_DECLARE,
    "POST /declare": Permission.INCIDENT_DECLARE,
    "POST /incidents/{id}/postmortem/edit": Permission.POSTMORTEM_EDIT,
    "PUT /api/v1/incidents/{id}/postmortem/document": Permission.POSTMORTEM_EDIT,
    "PUT /api/v1/incidents/{id}/postmortem": Permission.POSTMORTEM_EDIT,
    "POST /api/v1/maintenance": Permission.MAINTENANCE_SET,
    "DELETE /api/v1/maintenance/{id}": Permission.MAINTENANCE_SET,
    "POST /api/v1/calendars": Permission.CALENDAR_LINK,
    "DELETE /api/v1/calendars/{id}": Permission.CALENDAR_LINK,
    "POST /calendars": Permission.CALENDAR_LINK,
    "POST /calendars/{number}/revoke": Permission.CALENDAR_LINK,
    "POST /api/v1/schedules/{name}/overrides": Permission.SCHEDULE_OVERRIDE,
    "DELETE /api/v1/schedules/{name}/overrides/{id}": Permission.SCHEDULE_OVERRIDE,
    "DELETE /api/v1/schedules/{name}/overrides": Permission.SCHEDULE_OVERRIDE,
    "POST /oncall/{schedule}/take": Permission.SCHEDULE_OVERRIDE,
    "POST /oncall/{schedule}/overrides/{number}/end": Permission.SCHEDULE_OVERRIDE,
    "POST /oncall/{schedule}/commands": Permission.INCIDENT_COMMAND,
    "POST /oncall/commands": Permission.INCIDENT_COMMAND,
    "POST /api/v1/oncall/commands": Permission.INCIDENT_COMMAND,
    "POST /-/reload": Permission.CONFIG_RELOAD,
    "POST /sign-out": Permission.OWN,
    "POST /me": Permission.OWN,
    "POST /settings/test": Permission.OWN,
    "POST /settings/sessions/end": Permission.OWN,
    "POST /settings/sessions/{number}/end": Permission.OWN,
    "POST /settings/people/{name}/sign-out": Permission.PEOPLE_SIGN_OUT,
    "GET /settings/tokens": Permission.TOKEN_MANAGE,
    "POST /settings/tokens": Permission.TOKEN_MANAGE,
    "POST /settings/tokens/{number}/revoke": Permission.TOKEN_MANAGE,
    "POST /settings/integrations/{name}/test": Permission.MESSAGE_TEST,
    "POST /settings/configuration/reload": Permission.CONFIG_RELOAD,
    "GET /settings/audit": Permission.AUDIT_READ,
    "GET /settings/audit.csv": Permission.AUDIT_READ,
    "GET /settings/audit.json": Permission.AUDIT_READ,
}
"""What asks for something else than its dependency usually does."""

PUBLIC: Final[Mapping[str, str]] = {
    "GET /openapi.json": "describes the interface, holds no data",
    "GET /health": "for whatever watches the bot; nothing secret",
    "GET /health/live": "for whatever watches the bot; nothing secret",
    "GET /health/ready": "for whatever watches the bot; nothing secret",
    "GET /metrics": "for Prometheus; numbers without names of people",
    "GET /status": "the status page is for everybody",
    "GET /status/incidents/{id}": "the status page is for everybody",
    "GET /status/badge.svg": "the status page is for everybody",
    "GET /status/components/{key}.svg": "the status page is for everybody",
    "GET /status.json": "the status page is for everybody",
    "GET /status.atom": "the status page is for everybody",
    "GET /status/subscribe": "whoever reads the status page may follow it",
    "POST /status/subscribe": "asks the address that it is given; changes nothing else",
    "GET /status/confirm/{token}": "shows a button; the signed token is checked when it is pressed",
    "POST /status/confirm/{token}": "checks the signed token, which was sent to one address",
    "GET /status/unsubscribe/{token}": "shows a button; the signed token is checked when it is pressed",
    "POST /status/unsubscribe/{token}": "checks the signed token, which was sent to one address",
    "GET /static/{name}": "style, script and icons of the pages",
    "GET /favicon.ico": "leads to an icon",
    "GET /sign-in": "who is not signed in yet has to see it",
    "POST /sign-in": "checks the token that it is given",
    "GET /sign-in/{provider}": "leads to the provider; opens nothing",
    "GET /sign-in/{provider}/callback": "checks what the provider answers",
    "GET /sign-in/link/{secret}": "shows a button; the secret in the address is checked when it is pressed",
    "POST /sign-in/link/{secret}": "checks the secret in the address, which opens one session once",
    "GET /ack/{token}": "the secret in the address is for one person and one page",
    "POST /ack/{token}": "the secret in the address is for one person and one page",
    "GET /oncall/tap/{token}": "the secret in the address is for one person and one shift",
    "POST /oncall/tap/{token}": "the secret in the address is for one person and one shift",
    "GET /schedules/{name}.ics": "checks the link's own token, or asks as the API does",
    "GET /teams/{name}.ics": "checks the link's own token, or asks as the API does",
    "GET /people/{name}.ics": "checks the link's own token, or asks as the API does",
    "POST /webhooks/pagerduty": "checks the provider's signature",
    "POST /webhooks/twilio/status": "checks the provider's signature",
    "POST /webhooks/twilio/sms": "checks the provider's signature",
    "POST /webhooks/twilio/voice/{token}": "checks the provider's signature",
    "POST /slack/events": "checks the provider's signature",
}
"""What anybody may ask, each with the reason."""


def asked_of(method: str, path: str, scope: str) -> Permission:
    """Give the permission that a route asks for."""
    return PERMITS.get(f"{method} {path}", USUAL[scope])
