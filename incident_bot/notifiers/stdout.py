"""Notifier `stdout`: prints each message on the process's standard output. For a first day, demos and drills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from incident_bot.core.model import Person
from incident_bot.notifiers.base import Message, Notifier, NotifierKind, Receipt, RetryLater
from incident_bot.outgoing import Client


class StdoutNotifier:
    """Prints; everybody is in reach."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Take what prints one block of text."""
        self._write = write

    def send(self, message: Message) -> Receipt:
        """Print the message as one block, so that blocks of several threads do not mix."""
        head = f"── {message.kind} to {message.recipient} ── {message.subject}"
        text = "\n".join([head, *("   " + line for line in message.text.splitlines()), ""])
        try:
            self._write(text.encode(errors="replace").decode())
        except (OSError, ValueError) as error:  # a broken pipe, a closed or a full output
            reason = f"the standard output cannot be written: {type(error).__name__}"
            raise RetryLater(reason) from error
        return Receipt()

    def reaches(self, person: Person) -> bool:
        """Say yes."""
        return person.active


def _build(values: Mapping[str, str], client: Client, write: Callable[[str], None]) -> Notifier:
    del values, client
    return StdoutNotifier(write)


KIND: Final = NotifierKind(name="stdout", build=_build)
