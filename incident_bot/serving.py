"""Serves one application over HTTP until it is told to stop, and finishes what was accepted."""

from __future__ import annotations

import gc
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from incident_bot.bootstrap import Application, running
from incident_bot.core.errors import Refused
from incident_bot.entrypoints.auth import refuse_to_bind
from incident_bot.entrypoints.slack.socket import SocketLine
from incident_bot.flow import access

BACKLOG: Final = 4096
"""A storm opens thousands of connections at once; the kernel queues them for us."""
DRAIN_SECONDS: Final = 20
TURN_SECONDS: Final = 0.001
"""How long one thread computes while another waits: a page leaves while deliveries are being decided."""


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
    sys.setswitchinterval(TURN_SECONDS)
    # What is there now stays until the end: looking through it for garbage would hold up pages for a tenth of a second.
    gc.collect()
    gc.freeze()
    with _stopping(server), running(application), _reloading(application), _socket(application):
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
def _socket(application: Application) -> Iterator[None]:
    """Hear Slack over Socket Mode for the length of the block, where an app-level token is set."""
    door = application.app.state.slack
    token = application.context.settings.slack_app_token
    if door is None or token is None:
        yield
        return
    with SocketLine(door, token.get_secret_value()):
        yield


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
