"""The composition root: settings in, a wired application out. The only place that knows every class."""

from __future__ import annotations

import os
import random
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from incident_bot import __version__
from incident_bot.clock import Clock, SystemClock
from incident_bot.config.settings import Settings
from incident_bot.core.errors import Refused
from incident_bot.entrypoints.app import build_app
from incident_bot.entrypoints.auth import refuse_to_bind
from incident_bot.flow import access
from incident_bot.flow.configure import Live, prepare
from incident_bot.flow.context import Context
from incident_bot.flow.intake import Intake
from incident_bot.flow.worker import Worker
from incident_bot.notifiers import NOTIFIERS
from incident_bot.notifiers.base import Notifier
from incident_bot.outgoing import Client
from incident_bot.store.engine import Store
from incident_bot.telemetry import Metrics

BACKLOG: Final = 4096
"""A storm opens thousands of connections at once; the kernel queues them for us."""
DRAIN_SECONDS: Final = 20
SAMPLES: Final = ("rotations", "runbooks", "templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Everything, wired; `start` begins to work, `stop` finishes what was accepted."""

    context: Context
    clock: Clock
    intake: Intake
    worker: Worker
    app: FastAPI

    def start(self) -> None:
        """Record the configuration in force and start the threads."""
        self.context.live.record(now=self.clock.now())
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
) -> Application:
    """Wire an application; raises BadConfiguration, Refused or Unavailable, each saying what to do.

    `exclusive` takes the lock of an SQLite file: one serving process. `notifiers` replaces the ways out, for tests.
    """
    clock = clock or SystemClock()
    current = prepare(settings.config_dir, now=clock.now())
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
    context = Context(
        settings=settings,
        store=store,
        live=Live(current, directory=settings.config_dir, store=store, metrics=metrics),
        notifiers=ways,
        default_channel=settings.default_channel,
        client=client,
        metrics=metrics,
        chance=random.random,
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
    )
    intake = Intake(context, clock.now)
    worker = Worker(context, clock.now)
    return Application(
        context=context,
        clock=clock,
        intake=intake,
        worker=worker,
        app=build_app(context, clock, intake, metrics),
    )


def wire_notifiers(settings: Settings, client: Client, write: Callable[[str], None]) -> dict[str, Notifier]:
    """Build every notifier whose settings are there."""
    values = settings.reveal()
    built = {name: kind.build(values, client, write) for name, kind in NOTIFIERS.items()}
    return {name: notifier for name, notifier in built.items() if notifier is not None}


def print_line(text: str) -> None:
    """Write one block on the standard output, whole."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Server(uvicorn.Server):
    """The HTTP server of one application: it ends the live streams before it waits for connections."""

    def __init__(self, application: Application, config: uvicorn.Config) -> None:
        """Take the application and how to serve it."""
        super().__init__(config)
        self._application = application

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the streams, then let requests under way finish."""
        self._application.app.state.desk.streams.close()
        await super().shutdown(sockets)


def serve(application: Application) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads the configuration. Finishes every accepted delivery."""
    server = make_server(application)
    settings = application.context.settings
    with _stopping(server), running(application), _reloading(application):
        try:
            server.run()
        except SystemExit as error:
            # The reason stands in the log: the server says it and ends the process when it cannot listen.
            message = (
                f"cannot listen on {settings.host}, port {settings.port}: is another program there? "
                "Set INCIDENT_BOT_PORT, or INCIDENT_BOT_HOST, to what is free"
            )
            raise Refused(message) from error


def make_server(application: Application) -> Server:
    """Make the HTTP server; raises Refused where it would be open to others without a token."""
    settings = application.context.settings
    refusal = refuse_to_bind(settings, stored_tokens=access.any_api_token(application.context))
    if refusal:
        raise Refused(refusal)
    config = uvicorn.Config(
        application.app,
        host=settings.host,
        port=settings.port,
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return Server(application, config)


@contextmanager
def running(application: Application) -> Iterator[None]:
    """Run the threads for the length of the block."""
    application.start()
    try:
        yield
    finally:
        application.stop()


@contextmanager
def _stopping(server: Server) -> Iterator[None]:
    """Let SIGTERM and SIGINT do no more than end the server, before and after it listens to them itself.

    When it has ended it raises the signal again for whoever was in charge before; left to the system, that would kill
    the process before what was accepted is finished, with a status that reads as a failure.
    """

    def on_stop(_number: int, _frame: object) -> None:
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, on_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _reloading(application: Application) -> Iterator[None]:
    def reload() -> None:
        application.context.live.reload(now=application.clock.now())

    def on_hangup(_number: int, _frame: object) -> None:
        # A signal handler runs between two instructions of any code: the work is done elsewhere.
        threading.Thread(target=reload, name="reload", daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, on_hangup)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def offline(settings: Settings, *, clock: Clock | None = None) -> Iterator[Context]:
    """Wire what answers from the configuration alone, for the length of the block: nothing of ours is opened."""
    clock = clock or SystemClock()
    current = prepare(settings.config_dir, now=clock.now())
    metrics = Metrics(__version__)
    store = Store.open("sqlite://")
    client = Client()
    ways = wire_notifiers(settings, client, print_line)
    try:
        yield Context(
            settings=settings,
            store=store,
            live=Live(current, directory=settings.config_dir, store=store, metrics=metrics),
            notifiers=ways,
            default_channel=settings.default_channel,
            client=client,
            metrics=metrics,
            chance=random.random,
            owner="offline",
        )
    finally:
        client.close()
        store.close()


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
