"""Where a fault of ours happened, without the exceptions' messages: those may quote what people sent."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator

from gateway.errors import GatewayError


def whereabouts(error: BaseException) -> str:
    """The tracebacks of `error` and of what led to it, the oldest first, with the exceptions' names only."""
    return "\n\n".join(_blocks(error, set()))


def _blocks(error: BaseException, seen: set[int]) -> Iterator[str]:
    if id(error) in seen:
        return
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _blocks(earlier, seen)
    frames = "".join(traceback.format_tb(error.__traceback__))
    yield f"Traceback (most recent call last):\n{frames}{_name(error)}"
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _blocks(one, seen)


def _name(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, GatewayError):
        return f"{name} ({error.failure.code or error.failure.status})"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{name} ({errno.errorcode.get(error.errno, error.errno)})"
    return name
