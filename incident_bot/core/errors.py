"""The exception tree: what is refused, and what can never be read.

Expected outcomes (muted, nobody on call, duplicate) are values with a reason, not exceptions. Only these raise::

    IncidentBotError
    ├── Refused                a request that cannot be done now; the text says what to do instead
    │   ├── NotFound           the named thing does not exist
    │   └── NotAllowed         the caller's credentials do not reach this far
    ├── Unreadable             foreign data that is not what it claims to be; names the first wrong field
    └── BadConfiguration       a configuration set that is refused whole; carries every problem
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


class IncidentBotError(Exception):
    """Something that this product refuses or cannot read."""

    def __init__(self, message: str | None = None) -> None:
        """Take the docstring of the class as the message when none is given."""
        super().__init__(message or (type(self).__doc__ or "").strip())


class Refused(IncidentBotError):
    """This cannot be done now."""


class NotFound(Refused):
    """There is no such thing."""


class NotAllowed(Refused):
    """These credentials do not reach this far."""


class Unreadable(IncidentBotError):
    """The body is not of this source's shape."""

    def __init__(self, path: str, reason: str) -> None:
        """Name the first wrong field as a JSON path, `$.alerts[2].labels`, and what is wrong with it."""
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Whom and when a problem of the time ahead is about; the first occasion of several."""

    schedule: str
    person: str | None = None
    layer: str | None = None
    start: datetime
    end: datetime
    count: int = 1
    """How many occasions there are."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in the configuration; `str()` is the line that people read: `file:line: message`."""

    file: str
    line: int
    message: str
    severity: str = "error"
    """`error` refuses the whole set; `warning` is shown and lets it pass; `note` is shown to who asks."""
    kind: str = "format"
    """What the configuration calls it where it can be weighed (R16); `format` is always weighed alike."""
    concern: Concern | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Give `file:line: message`, with the word `warning` where it does not refuse the set."""
        note = "" if self.severity == "error" else f"{self.severity}: "
        return f"{self.file}:{self.line}: {note}{self.message}"


class BadConfiguration(IncidentBotError):
    """The configuration has problems; nothing of it was applied."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Carry every problem of the set, errors and warnings alike."""
        errors = [str(problem) for problem in problems if problem.severity == "error"]
        super().__init__("\n".join(errors) or self.__doc__)
        self.problems = problems
