"""Runs a program's main coroutine so that many small mails take little time: uvloop, threads, rubbish."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_SWITCH = 0.0005
"""Seconds that a thread may compute while another one waits for its turn. With Python's 5 ms the thread that
writes to the database waits for the event loop after each statement, and all senders wait for it."""
_RUBBISH = (10_000, 20, 20)
"""See `gc.set_threshold`: with Python's 700 an eighth of a mail's time goes into looking for rubbish."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on uvloop where it is installed."""
    sys.setswitchinterval(_SWITCH)
    gc.set_threshold(*_RUBBISH)
    try:
        from uvloop import new_event_loop
    except ImportError:
        factory = None
    else:
        factory = new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def settle() -> None:
    """Call it when all is loaded and started: what is there will stay, and is not looked through for rubbish.

    Otherwise all mails wait for that now and then.
    """
    gc.collect()
    gc.freeze()
