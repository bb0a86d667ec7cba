"""Signals as a terminal hands them on, whatever started the tests.

A shell's background job ignores SIGINT, and nohup SIGHUP; programs that tests start would inherit that and could
not be interrupted.
"""

import signal


def pytest_configure() -> None:
    """Have both signals do what they do by default, in this process and in those that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
