"""Stories whose way out is a real notifier that calls a provider in this process, and whose provider calls back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.testclient import TestClient

from incident_bot import bootstrap
from incident_bot.bootstrap import Application
from incident_bot.config.settings import Settings
from incident_bot.notifiers import NOTIFIERS
from incident_bot.outgoing import Client
from tests.plugins.story import Story
from tests.plugins.story_files import documents

PUBLIC_URL = "https://bot.example.com"


class OutsideStory(Story):
    """A story in which some channels are real; `environ` are the variables of these."""

    PACED: tuple[str, ...] = ()
    """The real channels that keep their provider's pace."""

    def __init__(
        self, directory: Path, url: str, environ: Mapping[str, str], real: tuple[str, ...], **changes: str
    ) -> None:
        """Begin with the usual configuration and these changes."""
        self._environ = environ
        self._real = real
        self._clients: list[Client] = []
        super().__init__(directory, url, documents(**changes))  # type: ignore[arg-type]

    def replica(self, *, exclusive: bool = False) -> Application:
        settings = Settings.load(
            {
                "INCIDENT_BOT_DATABASE_URL": self.url,
                "INCIDENT_BOT_CONFIG_DIR": str(self.directory),
                "INCIDENT_BOT_DEFAULT_CHANNEL": "slack",
                "INCIDENT_BOT_PUBLIC_URL": PUBLIC_URL,
                **self._environ,
            }
        )
        client = Client(timeout=1, whole=2)
        self._clients.append(client)
        built = {name: NOTIFIERS[name].build(settings.reveal(), client, print) for name in self._real}
        real = {name: notifier for name, notifier in built.items() if notifier is not None}
        assert len(real) == len(self._real)
        ways = {**self.channels, **real}
        pacings = {name: NOTIFIERS[name].pacing(settings.reveal()) for name in self.PACED}
        application = bootstrap.build(
            settings, clock=self.clock, notifiers=ways, pacings=pacings, exclusive=exclusive
        )
        application.context.live.record(now=self.clock.now())
        application.intake.start()
        self._running.append(application)
        return application

    def client(self) -> TestClient:
        """Somebody on the internet, through the proxy in front of the bot."""
        return TestClient(
            self.application.app, base_url=PUBLIC_URL, client=("203.0.113.9", 50000), follow_redirects=False
        )

    def close(self) -> None:
        super().close()
        for client in self._clients:
            client.close()
