"""`slack`: what the app in Slack is to be."""

from __future__ import annotations

import json
from enum import StrEnum
from io import StringIO
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML

from incident_bot.cli.wiring import settings
from incident_bot.clock import SystemClock
from incident_bot.config.loader import LookAhead, load
from incident_bot.core.errors import Refused
from incident_bot.flow.signin import SLACK, callback
from incident_bot.render.slack.manifest import Door, manifest

slack_app = typer.Typer(no_args_is_help=True, help="The app in Slack.")


class Form(StrEnum):
    """How the manifest is printed; Slack takes both."""

    YAML = "yaml"
    JSON = "json"


@slack_app.callback()
def _group() -> None:
    """Keep `manifest` a command of its own name."""


@slack_app.command("manifest")
def slack_manifest(
    form: Annotated[Form, typer.Option("--format", help="yaml or json.")] = Form.YAML,
    socket: Annotated[
        bool | None,
        typer.Option(
            "--socket/--address",
            help="How Slack reaches the bot; without it, at INCIDENT_BOT_PUBLIC_URL where that is set and is https.",
        ),
    ] = None,
    sign_in: Annotated[
        bool | None,
        typer.Option(
            "--sign-in/--no-sign-in",
            help="Whether people may sign in to the console with Slack; without it, where SLACK_CLIENT_ID is set.",
        ),
    ] = None,
) -> None:
    """Print the app's manifest, for "Create an app from a manifest". Example: incident-bot slack manifest --socket"""
    found = settings()
    address = f"{found.public_url}/slack/events"
    reachable = found.public and address.startswith("https://") and found.slack_app_token is None
    if socket is False and not address.startswith("https://"):
        message = "Slack calls https addresses only: set INCIDENT_BOT_PUBLIC_URL to one, or use --socket without any"
        raise Refused(message)
    door = Door(address=address if (reachable if socket is None else not socket) else None)
    asked = found.slack_client_id is not None if sign_in is None else sign_in
    if sign_in and not (found.public and address.startswith("https://")):
        message = "Slack sends people back to https addresses only: set INCIDENT_BOT_PUBLIC_URL to one for --sign-in"
        raise Refused(message)
    back = callback(found, SLACK) if asked and found.public else None
    revision = load(found.config_dir, now=SystemClock().now(), ahead=LookAhead.NEVER)
    made = manifest(revision.chat, door, sign_in=back)
    typer.echo(json.dumps(made, indent=2, ensure_ascii=False) if form is Form.JSON else _yaml(made))


def _yaml(made: dict[str, Any]) -> str:
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # the library types its default alone
    text = StringIO()
    writer.dump(made, text)
    return text.getvalue().rstrip("\n")
