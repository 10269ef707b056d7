"""``python daemon.py CONFIG [POINT]``: the real daemon, which kills itself (-9) at a named point.

POINT is ``module:function:before`` or ``…:after``, and maybe ``:N``: the first call of that function, or the
Nth, is the end; with ``:N:WORD`` only calls count whose arguments name the word. With ``stop:`` in front it
stands still there (SIGSTOP). The function itself is the product's own: only the moment of the power cut is
added.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def arm(point: str) -> None:
    """Wrap the function that POINT names."""
    number = signal.SIGSTOP if point.startswith("stop:") else signal.SIGKILL
    module_name, path, when, *more = point.removeprefix("stop:").split(":")
    left = [int(more[0]) if more else 1]
    word = more[1] if len(more) > 1 else ""
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original: Callable[..., Any] = getattr(owner, name)

    def die(*arguments: Any) -> None:
        left[0] -= word in repr(arguments)
        if not left[0]:
            os.kill(os.getpid(), number)

    if asyncio.iscoroutinefunction(original):

        @functools.wraps(original)
        async def dying_coroutine(*args: Any, **kwargs: Any) -> Any:
            if when == "before":
                die(args, kwargs)
            try:
                return await original(*args, **kwargs)
            finally:
                die(args, kwargs)

        setattr(owner, name, dying_coroutine)
        return

    @functools.wraps(original)
    def dying(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            die(args, kwargs)
        try:
            return original(*args, **kwargs)
        finally:
            die(args, kwargs)

    setattr(owner, name, dying)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        arm(sys.argv[2])
    from gateway.cli import main

    sys.argv = ["fax-gateway", "serve", "--config", sys.argv[1]]
    main()
