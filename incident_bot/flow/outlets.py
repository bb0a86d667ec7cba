"""The ways out under the configuration in force: those that the environment sets up, and those of `channels.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from incident_bot.config.revision import PushChannel, Revision
from incident_bot.flow.configure import Live
from incident_bot.notifiers.base import Notifier


class Outlets(Mapping[str, Notifier]):
    """Every way out by its name. A reload that changes the channels is followed at the next look."""

    def __init__(
        self, wired: Mapping[str, Notifier], live: Live, make: Callable[[PushChannel], Notifier]
    ) -> None:
        """Take what is set up for good, the configuration in force, and what makes a channel of it."""
        self._wired = wired
        self._live = live
        self._make = make
        self._known: tuple[Revision | None, Mapping[str, Notifier]] = (None, wired)

    def __getitem__(self, name: str) -> Notifier:
        """Give the way out of this name."""
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        """Give the names."""
        return iter(self._all())

    def __len__(self) -> int:
        """Say how many there are."""
        return len(self._all())

    def _all(self) -> Mapping[str, Notifier]:
        # One tuple, exchanged whole: threads that look at once make the same thing twice at worst.
        revision, known = self._known
        current = self._live.current.revision
        if revision is not current:
            made = {name: self._make(channel) for name, channel in current.channels.items()}
            known = {**made, **self._wired}
            self._known = (current, known)
        return known
