"""The door for Slack: commands, buttons, modals and events, over HTTP and over Socket Mode. Bolt reads, `flow` acts."""

from incident_bot.entrypoints.slack.door import SlackDoor
from incident_bot.entrypoints.slack.route import router

__all__ = ["SlackDoor", "router"]
