"""Ways out that only remember what they were given, and reach whom the real ones would reach."""

from __future__ import annotations

from incident_bot.config.channels import CHANNELS, WITHOUT_ADDRESS
from incident_bot.core.model import Person, TargetKind, paging_service
from incident_bot.notifiers.base import Message, Notifier, Receipt


class Heard:
    """What went out since somebody last looked, over every way."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._messages: list[Message] = []

    def add(self, message: Message) -> None:
        """Remember a message."""
        self._messages.append(message)

    def take(self) -> list[Message]:
        """Give what was not looked at yet, in the order in which it went out."""
        taken, self._messages = self._messages, []
        return taken


class SilentNotifier:
    """Takes every message and tells nobody."""

    def __init__(self, name: str, heard: Heard) -> None:
        """Take the name of the way that it stands for, and what remembers."""
        self._name = name
        self._heard = heard

    def send(self, message: Message) -> Receipt:
        """Remember the message."""
        self._heard.add(message)
        return Receipt()

    def reaches(self, person: Person) -> bool:
        """Say whether the person has what the way needs; whether its settings are there does not count."""
        if paging_service(person.id) is not None:
            return self._name == TargetKind.PAGERDUTY
        return person.active and (self._name in WITHOUT_ADDRESS or bool(person.contacts.get(self._name)))


def silent_notifiers(heard: Heard) -> dict[str, Notifier]:
    """Give one in the place of every way that a person's rules may name, as if all of them were set up."""
    return {name: SilentNotifier(name, heard) for name in CHANNELS}
