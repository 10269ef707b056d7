"""Runs a program's main coroutine, on uvloop where it is installed: much quicker for many small mails."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_SWITCH = 0.0005
"""Seconds that a thread may compute while another one waits for its turn. With Python's 5 ms the thread that
writes to the database waits for the event loop after each statement, and all senders wait for it."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`."""
    sys.setswitchinterval(_SWITCH)
    try:
        from uvloop import new_event_loop
    except ImportError:
        factory = None
    else:
        factory = new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
