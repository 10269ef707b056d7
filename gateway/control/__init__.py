"""The control socket: every command that changes something goes through the daemon, which owns the store.

A request is one JSON line ``{"verb": …, "args": {…}, "body": bytes that follow}``; the answer is one JSON
line, ``{"ok": true, "result": …}`` or ``{"ok": false, "error": {"kind", "status", "sentence", "code"}}``. Who
may connect is decided by the socket's file mode; who did is known from the peer's credentials (SO_PEERCRED).
"""

from gateway.control.client import ask
from gateway.control.server import ControlServer, Peer
from gateway.control.verbs import Verbs

__all__ = ["ControlServer", "Peer", "Verbs", "ask"]
