"""How many mails a second the gateway accepts, durably and with its whole policy, beside Postfix."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import load, peers, rooms, slow_disk
from bench.mails import Mails, file_mails, text_mails
from bench.report import Peer, Row, compared

_QUICK_ROUNDS = 3
_ROUNDS = 7
_FSYNC = 5.0
"""Milliseconds of a flush on a disk without a cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One kind of load, and the bars of its ratio to Postfix. Postfix has a process for each connection."""

    size: str
    mails: Mails
    concurrency: int
    count: int
    """Mails of one round with ``--quick``; six times as many without."""
    must: float = 0.0
    aim: float = 0.0

    @property
    def name(self) -> str:
        return f"ingest of {self.size} mails, {self.concurrency} at a time"


@dataclass(slots=True)
class _Rounds:
    """What came of one server's rounds of a case."""

    rates: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """Seconds from the end of a mail's content to its 250, over all rounds."""
    processor: list[float] = field(default_factory=list)
    """Seconds of processor time for a mail."""


async def run(directory: Path, *, quick: bool) -> list[Row]:
    """Durable ingest of small and large mails, against Postfix that holds them, and on a slow disk.

    Both get the same load from the same generator, in turns; only a process that answers 250 after an fsync
    counts. The gateway runs its SMTP room and its store, without the workers.
    """
    small, large = text_mails(5_000), file_mails(b"\x9d\x14\xa7\x31" * (1 << 18))
    factor = 1 if quick else 6
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    async with peers.postfix(directory) as postfix:
        rows = await _against(postfix, directory, _cases(small, large), rounds, factor)
    return rows + await _on_a_slow_disk(directory, small, rounds, factor)


def _cases(small: Mails, large: Mails) -> list[_Case]:
    bars = [
        ("5 kB", small, 1, 60, 0.8, 1.5),
        ("5 kB", small, 10, 240, 1.0, 2.0),
        ("5 kB", small, 50, 240, 1.2, 2.0),
        ("1 MB", large, 1, 6, 0.6, 1.0),
        ("1 MB", large, 10, 12, 0.6, 1.0),
        ("1 MB", large, 50, 50, 0.4, 1.0),
    ]
    return [
        _Case(size=size, mails=mails, concurrency=concurrency, count=count, must=must, aim=aim)
        for size, mails, concurrency, count, must, aim in bars
    ]


async def _against(
    postfix: peers.Postfix | None, directory: Path, cases: Sequence[_Case], rounds: int, factor: int
) -> list[Row]:
    ours: dict[str, _Rounds] = {case.name: _Rounds() for case in cases}
    theirs: dict[str, _Rounds] = {case.name: _Rounds() for case in cases}
    async with rooms.smtp(directory) as gateway:
        for address in (gateway.address, *([postfix.address] if postfix else [])):  # processes and caches
            await load.rate(address, itertools.islice(cases[0].mails, 100), 10)
        for _ in range(rounds):
            for case in cases:
                before = gateway.seconds()
                await _round(gateway.address, case, factor, ours[case.name])
                spent = gateway.seconds() - before
                ours[case.name].processor.append(spent / (case.count * factor))
                if postfix is not None:
                    await _round(postfix.address, case, factor, theirs[case.name])
                    postfix.forget()
    peer = postfix.name if postfix else ""
    rows = [
        row for case in cases for row in _rates(case, ours[case.name].rates, theirs[case.name].rates, peer)
    ]
    busy = next(case for case in cases if case.concurrency == 10)
    return rows + _latency(busy, ours, theirs, peer) + _processor(cases, ours)


async def _round(address: tuple[str, int], case: _Case, factor: int, into: _Rounds) -> None:
    done = await load.run(address, itertools.islice(case.mails, case.count * factor), case.concurrency)
    into.rates.append(done.rate)
    into.waits += done.waits


def _rates(case: _Case, ours: Sequence[float], theirs: Sequence[float], peer: str) -> list[Row]:
    return compared(case.name, "mails/s", ours, theirs, peer, must=case.must, aim=case.aim, more=True)


def _latency(case: _Case, ours: Mapping[str, _Rounds], theirs: Mapping[str, _Rounds], peer: str) -> list[Row]:
    """From the end of the content to the 250, all rounds together: a round has too few for a percentile."""
    rows = []
    for name, quantile in (("median", 50), ("99th percentile", 99)):
        mine, other = (
            [_quantile(waits, quantile) * 1000] if waits else []
            for waits in (ours[case.name].waits, theirs[case.name].waits)
        )
        measure = f"from the end of a {case.size} mail to 250, {case.concurrency} at a time, {name}"
        rows += compared(measure, "ms", mine, other, peer, must=1.0, aim=0.5)
    return rows


def _quantile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _processor(cases: Sequence[_Case], ours: Mapping[str, _Rounds]) -> list[Row]:
    """What is left when the machine is shared and rates say little."""
    return [
        Row(
            measure=f"{case.name}, processor ms for a mail",
            value=statistics.median(ours[case.name].processor) * 1000 or None,
        )
        for case in cases
    ]


async def _on_a_slow_disk(directory: Path, mails: Mails, rounds: int, factor: int) -> list[Row]:
    """Whether mails that wait together share a flush."""
    one, many = (
        _Case(size="5 kB", mails=mails, concurrency=concurrency, count=count)
        for concurrency, count in ((1, 30), (50, 300))
    )
    environment = slow_disk.environment(directory, _FSYNC)
    singly, together = _Rounds(), _Rounds()
    if environment is not None:
        async with rooms.smtp(directory, name="slow", environment=environment) as gateway:
            await load.rate(gateway.address, itertools.islice(mails, 50), 10)
            for _ in range(rounds):
                await _round(gateway.address, one, factor, singly)
                await _round(gateway.address, many, factor, together)
    name = f"{many.name} over {one.concurrency}, with {_FSYNC:.0f} ms for an fsync"
    factors = [more / less for more, less in zip(together.rates, singly.rates, strict=True)]
    alone = Peer(name="one at a time, mails/s", value=statistics.median(singly.rates)) if factors else None
    return [
        Row(
            measure=name,
            value=statistics.median(factors) if factors else None,
            must=8.0,
            aim=20.0,
            more=True,
            peer=alone,
        )
    ]
