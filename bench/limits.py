"""What documents may take of the machine: memory, and other people's time."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from bench import hogs
from bench.corpus import invoice
from bench.daemon import Daemon, mail
from bench.report import Peer, Row

_MANY_PAGES = 300
_WARM_UP = 8
_BLOCKS = 4
_MB = 1e6


def memory(peak: int, directory: Path) -> list[Row]:
    """Of the largest child of the corpus, and of the daemon while a child draws very many pages."""
    long = directory / "long.pdf"
    long.write_bytes(invoice(_MANY_PAGES))
    small = mail(_one_page(directory), directory)
    with Daemon(directory) as daemon:
        for _ in range(_WARM_UP):
            daemon.fax(small)
        idle, _ = daemon.memory()
        pages = daemon.file(long)
        _, most = daemon.memory()
    if pages != _MANY_PAGES:
        raise RuntimeError(f"{pages} of {_MANY_PAGES} pages came out")
    return [
        Row(measure="memory of the largest child on the corpus, MB", value=peak / _MB, must=400, aim=200),
        Row(
            measure=f"memory of the daemon over idle, {_MANY_PAGES}-page PDF, MB",
            value=(most - idle) / _MB,
            must=30,
            aim=10,
        ),
    ]


def bad_input(directory: Path, *, faxes: int) -> list[Row]:
    """One-page faxes while hogs are drawn in the other worker, against the same without them."""
    bad = hogs.write(directory)
    small = mail(_one_page(directory), directory)
    alone: list[float] = []
    beside: list[float] = []
    with Daemon(directory) as daemon:
        for _ in range(_WARM_UP):
            daemon.fax(small)
        idle, _ = daemon.memory()
        block = [small] * (faxes // _BLOCKS)
        for number in range(_BLOCKS):
            alone += daemon.beside(block, [])
            turn = number % len(bad)
            beside += daemon.beside(block, bad[turn:] + bad[:turn])
        _, most = daemon.memory()
    return [
        Row(
            measure="bad input: p99 of other faxes, over the same without it",
            value=_p99(beside) / _p99(alone),
            must=1.5,
            peer=Peer(name="without, ms", value=_p99(alone) * 1000),
        ),
        Row(measure="bad input: growth of the daemon's memory, MB", value=(most - idle) / _MB, must=10),
    ]


def _p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[-1]


def _one_page(directory: Path) -> Path:
    path = directory / "one.pdf"
    path.write_bytes(invoice(1))
    return path
