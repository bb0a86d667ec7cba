"""The composition root: settings in, a wired application out. The only place that knows every class."""

from __future__ import annotations

import os
import random
import secrets
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from incident_bot import __version__
from incident_bot.clock import Clock, ServerClock, SystemClock
from incident_bot.config.loader import LookAhead
from incident_bot.config.revision import PushChannel
from incident_bot.config.secrets import read_secret
from incident_bot.config.settings import Settings
from incident_bot.core.errors import Refused
from incident_bot.core.lanes import Lanes, Pacing
from incident_bot.flow.configure import Live, prepare
from incident_bot.flow.context import Context
from incident_bot.flow.history import Records
from incident_bot.flow.intake import Intake
from incident_bot.flow.outlets import Outlets
from incident_bot.flow.replay import Heard, SilentNotifier, silent_notifiers
from incident_bot.flow.signin import OIDC, SLACK
from incident_bot.flow.slack.pacing import SENT, Paced
from incident_bot.flow.takeover import take_back
from incident_bot.flow.worker import Worker
from incident_bot.notifiers import NOTIFIERS
from incident_bot.notifiers.base import Notifier
from incident_bot.notifiers.push import PushNotifier
from incident_bot.notifiers.slack import SlackNotifier
from incident_bot.openid import Provider
from incident_bot.outgoing import Client
from incident_bot.render.slack.manifest import SIGN_IN as SLACK_SIGN_IN
from incident_bot.slack_api import URL as SLACK_URL
from incident_bot.slack_api import Slack
from incident_bot.store.engine import Store
from incident_bot.store.server_time import latest_recorded, server_time
from incident_bot.store.transaction import Unavailable
from incident_bot.telemetry import Metrics

if TYPE_CHECKING:
    from fastapi import FastAPI

SAMPLES: Final = ("rotations", "runbooks", "templates")


@dataclass(frozen=True, kw_only=True)
class Application:
    """Everything, wired; `start` begins to work, `stop` finishes what was accepted."""

    context: Context
    clock: Clock
    intake: Intake
    worker: Worker

    @cached_property
    def app(self) -> FastAPI:
        """The HTTP interface, wired when it is first asked for: most commands have no use for it."""
        from incident_bot.entrypoints.app import build_app  # noqa: PLC0415 -- half of a command's start-up time

        return build_app(self.context, self.clock, self.intake, self.context.metrics)

    def start(self) -> None:
        """Record the configuration in force, take up what an earlier process left, and start the threads."""
        self.context.live.record(now=self.clock.now())
        take_back(self.context, now=self.clock.now())
        self.intake.start()
        self.worker.start()

    def stop(self) -> None:
        """Answer every accepted delivery, end the threads, close the database."""
        self.intake.stop()
        self.worker.stop()
        self.close()

    def close(self) -> None:
        """Close what `build` opened."""
        self.context.client.close()
        self.context.store.close()


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    exclusive: bool = False,
    write: Callable[[str], None] | None = None,
    notifiers: Mapping[str, Notifier] | None = None,
    push: Callable[[PushChannel], Notifier] | None = None,
    pacings: Mapping[str, Pacing] | None = None,
    sealed: bool = False,
) -> Application:
    """Wire an application; raises BadConfiguration, Refused or Unavailable, each saying what to do.

    `exclusive` takes the lock of an SQLite file: one serving process. `notifiers` replaces the ways out, and their
    `pacings` the paces, for tests, and `push` what makes one of a channel of the configuration.
    `sealed` keeps it from asking anything outside, and its messages from carrying more than their text.
    """
    current = prepare(settings.config_dir, now=(clock or SystemClock()).now())
    metrics = Metrics(__version__)
    client = Client()
    ways = dict(notifiers) if notifiers is not None else wire_notifiers(settings, client, write or print_line)
    if settings.default_channel not in ways:
        message = (
            f"INCIDENT_BOT_DEFAULT_CHANNEL is {settings.default_channel}, which is not set up; "
            f"set up are: {', '.join(sorted(ways))}"
        )
        raise Refused(message)
    store = Store.open(settings.database_url.get_secret_value(), exclusive=exclusive)
    store.upgrade()
    kept = Kept.given(clock) if clock else wire_clock(store)
    live = Live(current, directory=settings.config_dir, store=store, metrics=metrics)
    context = Context(
        settings=settings,
        store=store,
        live=live,
        notifiers=Outlets(ways, live, push or _pushing(client)),
        kinds={} if sealed else NOTIFIERS,
        default_channel=settings.default_channel,
        client=client,
        metrics=metrics,
        chance=random.random,
        # What happens elsewhere is told page by page: nobody reads it on a telephone.
        lanes=Lanes(wire_pacings(settings) if notifiers is None else pacings or {}, folding=not sealed),
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        slack=None if sealed else wire_slack(settings, client),
        openid={} if sealed else wire_sign_in(settings, client),
        sealed=sealed,
        clock_offset=kept.offset,
    )
    _keep_pace(ways, context, kept.clock)
    intake = Intake(context, kept.clock.now)
    worker = Worker(context, kept.clock.now, follow=kept.follow)
    return Application(
        context=context,
        clock=kept.clock,
        intake=intake,
        worker=worker,
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A clock, how far the machine's own is ahead of it, and what keeps it right, where something has to."""

    clock: Clock
    offset: Callable[[], timedelta] = timedelta
    follow: Callable[[], timedelta] | None = None

    @classmethod
    def given(cls, clock: Clock) -> Kept:
        """Take a clock that somebody hands in; only a real one has anything to do with the machine's."""
        return cls(clock, clock.offset) if isinstance(clock, SystemClock) else cls(clock)


def wire_clock(store: Store) -> Kept:
    """Give the clock that all who share this database agree on (S8): the server's, or with SQLite this machine's."""
    with store.read() as tx:
        latest = latest_recorded(tx)
        if store.dialect == "sqlite":
            own = SystemClock(latest=latest)
            return Kept(own, own.offset)
        clock = ServerClock(partial(server_time, tx), latest=latest)

    def follow() -> timedelta:
        with store.read() as tx:
            return clock.follow(partial(server_time, tx))

    return Kept(clock, clock.offset, follow)


def wire_notifiers(settings: Settings, client: Client, write: Callable[[str], None]) -> dict[str, Notifier]:
    """Build every notifier whose settings are there."""
    values = settings.reveal()
    built = {name: kind.build(values, client, write) for name, kind in NOTIFIERS.items()}
    return {name: notifier for name, notifier in built.items() if notifier is not None}


def wire_pacings(settings: Settings) -> dict[str, Pacing]:
    """Give how fast each way out may be used under these settings."""
    values = settings.reveal()
    return {name: kind.pacing(values) for name, kind in NOTIFIERS.items()}


def _pushing(client: Client) -> Callable[[PushChannel], Notifier]:
    """Make channels that find their tokens in the environment of this process."""
    return lambda channel: PushNotifier(client, channel, secret=_variable)


def _variable(name: str) -> str | None:
    try:
        found = read_secret(os.environ, name)
    except ValueError:
        # It is named where it is needed: a file that cannot be read is as if it were not there.
        return None
    return found.get_secret_value() if found is not None else None


def _keep_pace(ways: Mapping[str, Notifier], context: Context, clock: Clock) -> None:
    """Have the pages in Slack share the lanes of all other calls: a message has its place, what goes before it not."""
    for way in ways.values():
        if isinstance(way, SlackNotifier):
            way.keep_pace(lambda slack: Paced(context, slack, clock.now, placed=SENT))


def wire_slack(settings: Settings, client: Client) -> Slack | None:
    """Give the workspace that the settings name, if they name one."""
    token = settings.slack_bot_token
    if token is None:
        return None
    return Slack(client, token=token.get_secret_value(), url=settings.slack_api_url or SLACK_URL)


def wire_sign_in(settings: Settings, client: Client) -> dict[str, Provider]:
    """Give the providers that people sign in with, by the word in the address."""
    found: dict[str, Provider] = {}
    oidc, slack = settings.oidc_client_secret, settings.slack_client_secret
    if settings.oidc_issuer is not None and settings.oidc_client_id is not None and oidc is not None:
        found[OIDC] = Provider(
            client,
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=oidc.get_secret_value(),
            scopes=("openid", "email", "profile"),
        )
    if settings.slack_client_id is not None and slack is not None:
        found[SLACK] = Provider(
            client,
            issuer=settings.slack_issuer,
            client_id=settings.slack_client_id,
            client_secret=slack.get_secret_value(),
            scopes=SLACK_SIGN_IN,
        )
    return found


def print_line(text: str) -> None:
    """Write one block on the standard output, whole."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def running(application: Application) -> Iterator[None]:
    """Run the threads for the length of the block."""
    application.start()
    try:
        yield
    finally:
        application.stop()


@contextmanager
def offline(settings: Settings, *, clock: Clock | None = None) -> Iterator[Context]:
    """Wire what answers from the configuration on disk, for the length of the block, without changing anything.

    Where the configured database is there, what was in force before and the overrides made at run time count, too.
    """
    clock = clock or SystemClock()
    current = prepare(settings.config_dir, now=clock.now(), ahead=LookAhead.NEVER, try_templates=False)
    metrics = Metrics(__version__)
    known = _recorded(settings)
    store = known or Store.open("sqlite://")
    client = Client()
    ways = wire_notifiers(settings, client, print_line)
    live = Live(current, directory=settings.config_dir, store=store, metrics=metrics)
    try:
        yield Context(
            settings=settings,
            store=store,
            live=live,
            notifiers=Outlets(ways, live, _pushing(client)),
            default_channel=settings.default_channel,
            client=client,
            metrics=metrics,
            chance=random.random,
            owner="offline",
            records=Records(kept=store is known),
        )
    finally:
        client.close()
        store.close()


@contextmanager
def rehearsal(
    settings: Settings, *, clock: Clock, heard: Heard, notifiers: Mapping[str, Notifier] | None = None
) -> Iterator[Application]:
    """Wire a private application on an empty database in memory, from which nothing reaches anybody.

    None of its threads runs: whoever moves the clock hands in what is delivered and does what falls due.
    """
    private = settings.model_copy(update={"database_url": SecretStr("sqlite://")})
    ways = notifiers if notifiers is not None else silent_notifiers(heard)
    application = build(
        private,
        clock=clock,
        notifiers=ways,
        push=lambda channel: SilentNotifier(channel.name, heard),
        sealed=True,
    )
    application.context.live.record(now=clock.now())
    try:
        yield application
    finally:
        application.close()


@contextmanager
def records(settings: Settings) -> Iterator[Store | None]:
    """Open the configured database for reading, for the length of the block; None where there is none to read."""
    store = _recorded(settings)
    try:
        yield store
    finally:
        if store is not None:
            store.close()


def _recorded(settings: Settings) -> Store | None:
    """Give the configured database where there is one with today's schema; says why where that is a surprise."""
    store: Store | None = None
    reason = "it has another version's schema; run `incident-bot db upgrade`"
    try:
        store = Store.find(settings.database_url.get_secret_value())
        if store is None:
            return None
        current, newest = store.schema_state()
        if current == newest:
            return store
        if current is None:
            store.close()
            return None
    except (Refused, Unavailable) as error:
        reason = str(error)
    if store is not None:
        store.close()
    sys.stderr.write(f"answering from the files alone, without overrides made at run time: {reason}\n")
    return None


def write_samples(directory: Path) -> list[Path]:
    """Write the sample configuration into a directory; raises Refused rather than replace a file."""
    source = samples()
    files = [path for name in SAMPLES for path in sorted((source / name).rglob("*")) if path.is_file()]
    wanted = {directory / path.relative_to(source): path for path in files}
    existing = [target for target in wanted if target.exists()]
    if existing:
        message = f"{existing[0]} exists already; give an empty directory, nothing was written"
        raise Refused(message)
    try:
        for target, path in wanted.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    except OSError as error:
        message = f"{error.filename} cannot be written: {error.strerror}; give a directory that is yours"
        raise Refused(message) from error
    return list(wanted)


def samples() -> Path:
    """Give where the sample configuration is: in the package when installed, beside it in a clone."""
    packaged = Path(__file__).parent / "samples"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent
