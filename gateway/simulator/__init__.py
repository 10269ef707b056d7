"""The VoIP.ms fax API over HTTP with a scriptable telephone line: for demos, tests and dry runs.

`Simulator` serves it in the caller's event loop; ``fax-gateway simulator`` on its own. How it fits together::

    app        front door, parameters (form), the call's fate (line, fate), the answer (encode, rows)
    functions  checks before any function -> methods_*: one group of functions each, on a call
    world      the account, the clock, and what happens by itself: faxes arrive, cost, mails, callbacks
    life       what a sent fax's row says at any second
    ledger     every call, with what was accepted
    remote     the control under ``/_sim/``

Beside it: `catcher`, a small SMTP server that keeps mails, and `sample`, documents to fax.
"""

from gateway.simulator.catcher import Catcher, Caught
from gateway.simulator.encode import MODES, WireMode
from gateway.simulator.fate import FATES, Fate
from gateway.simulator.life import Pace
from gateway.simulator.server import PASSWORD, USERNAME, Simulator
from gateway.simulator.world import Service

__all__ = [
    "FATES",
    "MODES",
    "PASSWORD",
    "USERNAME",
    "Catcher",
    "Caught",
    "Fate",
    "Pace",
    "Service",
    "Simulator",
    "WireMode",
]
