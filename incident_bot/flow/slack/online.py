"""Whether the workspace allows and knows what the configuration needs: asked now, each finding with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from incident_bot.config.revision import Revision
from incident_bot.config.settings import Settings
from incident_bot.config.tree import Path, Tree, parse
from incident_bot.core.errors import Problem
from incident_bot.outgoing import Client
from incident_bot.render.slack.manifest import SCOPES
from incident_bot.slack_api import URL, Refused, Slack, SlackError

ENVIRONMENT: Final = "environment"
GUIDE: Final = "docs/howto/slack.md"
_TOKENS: Final = {
    "invalid_auth": "is not a token of this workspace; copy it anew from OAuth & Permissions",
    "account_inactive": "is of an app that was removed; install the app again",
    "token_revoked": "was revoked; install the app again",
    "not_authed": "is empty; copy it from OAuth & Permissions",
}


def online(settings: Settings, revision: Revision, client: Client) -> list[Problem]:
    """Ask Slack; gives errors for what will not work, warnings for what will work less well."""
    token = settings.slack_bot_token
    if token is None:
        return [_setting("SLACK_BOT_TOKEN is not set, so there is nothing to ask; " + GUIDE, severity="note")]
    url = settings.slack_api_url or URL
    asking = _Asking(settings, revision, Slack(client, token=token.get_secret_value(), url=url))
    app_token = settings.slack_app_token
    if app_token is not None:
        asking.socket(Slack(client, token=app_token.get_secret_value(), url=url))
    asking.ask()
    return asking.problems


@dataclass(slots=True)
class _Asking:
    settings: Settings
    revision: Revision
    slack: Slack
    problems: list[Problem] = field(default_factory=list)

    def socket(self, slack: Slack) -> None:
        """Try what Socket Mode begins with."""
        try:
            slack.call("apps.connections.open")
        except Refused as refused:
            self.problems.append(
                _setting(
                    f"SLACK_APP_TOKEN is refused ({refused.error}): turn Socket Mode on, and make an app-level token "
                    "with the scope connections:write under Basic Information"
                )
            )
        except SlackError as problem:
            self.problems.append(_setting(f"Slack does not answer: {problem}; try again"))

    def ask(self) -> None:
        """Ask everything else."""
        if self.settings.slack_signing_secret is None and self.settings.slack_app_token is None:
            self.problems.append(
                _setting(
                    "neither SLACK_SIGNING_SECRET nor SLACK_APP_TOKEN is set: commands, buttons and reactions do not "
                    "reach the bot; set the first where Slack reaches it, the second where not"
                )
            )
        try:
            scopes = self.slack.scopes()
            self._scopes(scopes)
            if not scopes or {"channels:read", "groups:read"} <= scopes:
                self._channels()
            if not scopes or "users:read" in scopes:
                self._people()
        except Refused as refused:
            said = _TOKENS.get(refused.error, f"is refused: {refused}")
            self.problems.append(_setting(f"SLACK_BOT_TOKEN {said}"))
        except SlackError as problem:
            self.problems.append(_setting(f"Slack does not answer: {problem}; try again"))

    def _scopes(self, scopes: frozenset[str]) -> None:
        if not scopes:
            return
        for name in sorted(SCOPES.keys() - scopes):
            self.problems.append(
                _setting(
                    f"the app lacks the scope {name}, with which the bot {SCOPES[name]}: add it under OAuth & "
                    "Permissions and install the app again (`incident-bot slack manifest` lists all)"
                )
            )

    def _channels(self) -> None:
        types = "public_channel,private_channel"
        listed = self.slack.every("conversations.list", "channels", types=types, limit=500)
        known = {str(channel.get(key)): channel for channel in listed for key in ("name", "id")}
        for file, path, written in self._named_channels():
            name = written.removeprefix("#")
            channel = known.get(name)
            if channel is None:
                said = (
                    f"Slack shows the bot no channel #{name}: make it, or, where it is private, type "
                    "`/invite @incident-bot` in it"
                )
                self._at(file, path, said)
            elif channel.get("is_archived"):
                self._at(file, path, f"#{name} is archived: unarchive it, or name another channel")
            elif not channel.get("is_member"):
                said = (
                    f"the bot is not in #{name} yet: it joins when it posts, or type `/invite @incident-bot`"
                )
                self._at(file, path, said, severity="warning")

    def _named_channels(self) -> Iterator[tuple[str, Path, str]]:
        for team in self.revision.teams.values():
            if team.slack_channel:
                yield "rotations/teams.yaml", ("teams", team.id, "slack_channel"), team.slack_channel
        if self.settings.default_channel == "slack":
            for number, rule in enumerate(self.revision.announce):
                yield "rotations/routing.yaml", ("announce", number), rule.channel
            if self.revision.handoff.channel:
                yield "rotations/oncall.yaml", ("handoff", "channel"), self.revision.handoff.channel

    def _people(self) -> None:
        file = "rotations/people.yaml"
        members = {str(one.get("id")): one for one in self.slack.every("users.list", "members", limit=200)}
        for person in self.revision.people.values():
            if not person.active:
                continue
            address = person.contacts.get("slack")
            if not address:
                said = "has no `slack`: no page reaches them there, and what they do there is not theirs"
                self._at(file, ("people", person.id), said, severity="warning")
                continue
            wrong = _wrong(members.get(address))
            if wrong:
                said = f"{address} {wrong}: in Slack open the profile, ⋮, Copy member ID"
                self._at(file, ("people", person.id, "slack"), said)

    def _at(self, file: str, path: Path, said: str, *, severity: str = "error") -> None:
        tree = self._tree(file)
        self.problems.append(
            tree.problem(path, said, severity=severity) if tree else Problem(file, 1, said, severity)
        )

    def _tree(self, file: str) -> Tree | None:
        text = self.revision.documents.get(file)
        return parse(text, file=file)[0] if text is not None else None


def _wrong(member: Mapping[str, Any] | None) -> str | None:
    if member is None:
        return "is nobody in this workspace"
    if member.get("deleted"):
        return "is deactivated"
    return "is a bot" if member.get("is_bot") else None


def _setting(said: str, *, severity: str = "error") -> Problem:
    return Problem(ENVIRONMENT, 1, said, severity)
