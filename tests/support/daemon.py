"""``python daemon.py CONFIG [POINT]``: the real daemon, which kills itself (-9) at a named point.

POINT is ``module:function:before`` or ``…:after``, and maybe ``:N``: the first call of that function, or the
Nth, is the end. The function itself is the product's own: only the moment of the power cut is added.
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
    module_name, path, when, *nth = point.split(":")
    left = [int(nth[0]) if nth else 1]
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original: Callable[..., Any] = getattr(owner, name)

    def die() -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    if asyncio.iscoroutinefunction(original):

        @functools.wraps(original)
        async def dying_coroutine(*args: Any, **kwargs: Any) -> Any:
            if when == "before":
                die()
            try:
                return await original(*args, **kwargs)
            finally:
                die()

        setattr(owner, name, dying_coroutine)
        return

    @functools.wraps(original)
    def dying(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            die()
        try:
            return original(*args, **kwargs)
        finally:
            die()

    setattr(owner, name, dying)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        arm(sys.argv[2])
    from gateway.cli import main

    sys.argv = ["fax-gateway", "serve", "--config", sys.argv[1]]
    main()
