"""Work with files in threads, none of which is left behind: a cancelled task waits for its thread to end.

`asyncio.to_thread` returns at once when its task is cancelled, and the thread goes on: into a file that has
been closed meanwhile, or a directory that is being removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


async def to_end(work: Callable[_Given, _Result], *args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
    """Run `work` in a thread; cancelled or not, it has ended when this returns."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody else asks for it any more
        raise


@contextlib.asynccontextmanager
async def scratch(parent: Path | None = None) -> AsyncIterator[Path]:
    """A private directory; what cannot be removed from it afterwards hides no other failure."""
    made = tempfile.TemporaryDirectory(prefix="fax-gateway-office-", dir=parent, ignore_cleanup_errors=True)
    try:
        yield Path(made.name)
    finally:
        await to_end(made.cleanup)
