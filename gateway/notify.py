"""Tells systemd how the daemon is: sd_notify(3) without libsystemd. Elsewhere every call does nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

_SEND_TIMEOUT = 1.0
"""Seconds; the manager drains this socket at once unless the machine is in trouble."""


def notify(*assignments: str, environ: Mapping[str, str] | None = None) -> bool:
    """Sends ``KEY=value`` lines in one datagram to $NOTIFY_SOCKET; a leading ``@`` names an abstract socket.

    Returns whether it was sent. Never raises: a daemon does not fail because nobody listens.
    """
    address = (os.environ if environ is None else environ).get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return False
    message = "\n".join(" ".join(line.splitlines()) for line in assignments)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(_SEND_TIMEOUT)
            channel.connect("\0" + address[1:] if address.startswith("@") else address)
            channel.sendall(message.encode())
    except OSError:
        return False
    return True


def ready(status: str = "") -> bool:
    """Start-up is complete (``READY=1``)."""
    return notify("READY=1", *([f"STATUS={status}"] if status else []))


def stopping(status: str = "") -> bool:
    """The drain has begun (``STOPPING=1``)."""
    return notify("STOPPING=1", *([f"STATUS={status}"] if status else []))


def status(text: str) -> bool:
    """One line for ``systemctl status``."""
    return notify(f"STATUS={text}")


def watchdog() -> bool:
    """The event loop is alive (``WATCHDOG=1``)."""
    return notify("WATCHDOG=1")


def watchdog_interval(environ: Mapping[str, str] | None = None) -> float | None:
    """Seconds between two `watchdog` calls, half of what systemd allows; None when it does not ask."""
    environ = os.environ if environ is None else environ
    microseconds, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or int(microseconds) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 2_000_000
