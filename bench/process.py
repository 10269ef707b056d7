"""Whole processes, timed from start to end, on as many cores as are given to them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str]
CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of some processes."""

    seconds: float
    output: str
    """What the last of them printed, where it was asked for."""


def module(name: str, *arguments: object) -> list[str]:
    """The command that runs a module of this package in a fresh Python."""
    return [sys.executable, "-m", f"bench.{name}", *map(str, arguments)]


@contextlib.contextmanager
def cores(count: int | None) -> Iterator[None]:
    """Processes started meanwhile by this thread run on the first `count` cores only; so does the thread."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def run(
    *commands: Command,
    on: int | None = None,
    environment: Mapping[str, str] | None = None,
    keep: bool = True,
    patience: float | None = None,
) -> Ran:
    """Run programs one after the other on `on` cores (None: all); what they print is thrown away or kept.

    Raises `RuntimeError` with a program's words if it fails, `TimeoutError` if it takes longer than
    `patience` seconds.
    """
    output = b""
    with cores(on):
        began = time.perf_counter()
        for command in commands:
            try:
                done = subprocess.run(  # noqa: S603 - our own words
                    command,
                    cwd=CHECKOUT,
                    env={**os.environ, **(environment or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    timeout=patience,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise TimeoutError from error
            if done.returncode != 0:
                words = done.stderr.decode(errors="replace").strip()[-1000:]
                raise RuntimeError(f"{command[0]} ended with {done.returncode}: {words}")
            output = done.stdout or b""
        seconds = time.perf_counter() - began
    return Ran(seconds=seconds, output=output.decode(errors="replace"))
