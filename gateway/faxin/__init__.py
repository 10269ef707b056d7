"""Received faxes: found at the provider, fetched, routed, filed there once they were mailed. Never deleted.

`Poller` finds them; `Handler` takes each one a step further.
"""

from gateway.faxin.handle import Handler
from gateway.faxin.poll import Poller

__all__ = ["Handler", "Poller"]
