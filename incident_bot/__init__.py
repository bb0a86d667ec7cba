"""incident_bot turns alerts into incidents, pages the right person, and writes down what happened.

The package is a functional core (``core``), which decides, inside a thin shell, which remembers (``store``)
and acts (``flow``, ``notifiers``). ``docs/architecture.md`` draws the map; nothing of it is imported here but
the choice of the clocks' rules, which has to come before any zone is read (R3).
"""

from importlib.metadata import PackageNotFoundError, version

from incident_bot import timezones as timezones

__all__ = ["__version__"]

try:
    __version__ = version("incident-bot")
except PackageNotFoundError:  # A source tree on the path without an installation, for instance in a zip.
    __version__ = "0+unknown"
