"""What the end of a child means."""

from __future__ import annotations

import signal

import pytest

from gateway.document import verdict
from gateway.document.values import RendererDied
from gateway.document.wire import Exit, Limits
from gateway.errors import Kind

LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=60)


def end(*, code: int | None = None, by: int | None = None, cpu: float = 1, peak: int = 50 << 20) -> Exit:
    return Exit(code=code, signal=by, cpu_seconds=cpu, peak_bytes=peak)


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (end(by=signal.SIGXCPU, cpu=60), "document_time"),
        (end(by=signal.SIGKILL, cpu=61), "document_time"),
        (end(by=signal.SIGABRT, peak=900 << 20), "document_memory"),
        (end(by=signal.SIGSEGV, peak=600 << 20), "document_memory"),
        (end(code=verdict.EXIT_MEMORY), "document_memory"),
    ],
)
def test_limits_are_the_documents_fault(ended: Exit, code: str) -> None:
    error = verdict.ended_early('The attachment "a.pdf"', ended, LIMITS)
    assert not isinstance(error, RendererDied)
    assert (error.failure.kind, error.failure.status, error.failure.code) == (Kind.PERMANENT, "5.6.5", code)
    assert error.failure.sentence.startswith('The attachment "a.pdf" needs more ')


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (end(by=signal.SIGKILL, peak=900 << 20), "renderer_killed"),
        (end(by=signal.SIGSEGV), "renderer_crashed"),
        (end(by=signal.SIGABRT), "renderer_crashed"),
        (end(code=70), "renderer_crashed"),
        (end(code=0), "renderer_crashed"),
    ],
)
def test_everything_else_may_be_the_machine(ended: Exit, code: str) -> None:
    error = verdict.ended_early("The document", ended, LIMITS)
    assert isinstance(error, RendererDied)
    assert (error.failure.kind, error.failure.code) == (Kind.TEMPORARY, code)


def test_time_is_the_documents_fault_only_if_it_was_used() -> None:
    busy = verdict.out_of_time("The document", end(by=9, cpu=100), 120)
    assert (busy.failure.kind, busy.failure.code) == (Kind.PERMANENT, "document_time")
    starved = verdict.out_of_time("The document", end(by=9, cpu=3), 120)
    assert isinstance(starved, RendererDied)
    assert starved.failure.code == "renderer_hung"
