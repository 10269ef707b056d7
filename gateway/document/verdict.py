"""What a child's end means for the document it was rendering. Pure."""

from __future__ import annotations

import signal

from gateway.document.values import RendererDied
from gateway.document.wire import Exit, Limits
from gateway.errors import GatewayError, permanent, temporary

_ABORTS = {signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGSEGV, signal.SIGBUS}
"""How PDFium and the C library end when an allocation fails; also how they crash."""
_STARVED = 0.1
"""A child that used less than this share of its time was stopped or starved: not the document's doing."""


EXIT_MEMORY = 100
"""Exit code of a child that Python told about the failed allocation."""


def out_of_time(part: str, end: Exit, seconds: float) -> GatewayError:
    """The wall clock ran out. `end` tells whether the child worked all that time."""
    if end.cpu_seconds < seconds * _STARVED:
        return died(part, "renderer_hung")
    return _too_much(part, f"more time than allowed ({seconds:.0f} seconds)", "document_time")


def ended_early(part: str, end: Exit, limits: Limits) -> GatewayError:
    """The child ended without a result: it hit a limit, crashed, or was killed by somebody."""
    if end.signal == signal.SIGXCPU or end.cpu_seconds >= limits.cpu_seconds:
        what = f"more computing time than allowed ({limits.cpu_seconds} seconds)"
        return _too_much(part, what, "document_time")
    if end.code == EXIT_MEMORY:
        return _out_of_memory(part, limits)
    if end.signal in _ABORTS and end.peak_bytes * 2 >= limits.memory_bytes:
        return _out_of_memory(part, limits)
    return died(part, "renderer_killed" if end.signal == signal.SIGKILL else "renderer_crashed")


def _out_of_memory(part: str, limits: Limits) -> GatewayError:
    """The child ran into its address space limit."""
    return _too_much(part, f"more memory than allowed ({limits.memory_bytes >> 20} MB)", "document_memory")


def died(part: str, code: str) -> RendererDied:
    """The child's end says nothing certain about the document."""
    sentence = (
        f"{part} could not be drawn: the program that draws pages ended unexpectedly. It is tried again."
    )
    return RendererDied(temporary("4.3.0", sentence, code=code))


def _too_much(part: str, what: str, code: str) -> GatewayError:
    sentence = f"{part} needs {what} to be drawn. Print it to a new, simpler PDF and send that."
    return GatewayError(permanent("5.6.5", sentence, code=code))
