"""How many mails a second the gateway accepts, durably and with its whole policy, beside Postfix."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from bench import load, peers, rooms
from bench.mails import Mails, file_mails, text_mails
from bench.report import Row, compared

_QUICK_ROUNDS = 3
_ROUNDS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One kind of load, and the bars of its ratio to Postfix. Postfix has a process for each connection."""

    name: str
    mails: Mails
    concurrency: int
    count: int
    """Mails of one round with ``--quick``; six times as many without."""
    must: float
    aim: float


async def run(directory: Path, *, quick: bool) -> list[Row]:
    """Durable ingest of small and large mails, against Postfix that holds them.

    Both get the same load from the same generator, in turns; only a process that answers 250 after an fsync
    counts. The gateway runs its SMTP room and its store, without the workers.
    """
    cases = _cases()
    ours: dict[str, list[float]] = {case.name: [] for case in cases}
    theirs: dict[str, list[float]] = {case.name: [] for case in cases}
    async with rooms.smtp(directory) as gateway, peers.postfix(directory) as postfix:
        for address in (gateway, *([postfix.address] if postfix else [])):  # processes and caches
            await load.rate(address, itertools.islice(cases[0].mails, 100), 10)
        for _ in range(_QUICK_ROUNDS if quick else _ROUNDS):
            for case in cases:
                count = case.count if quick else case.count * 6
                ours[case.name].append(await _rate(gateway, case, count))
                if postfix is not None:
                    theirs[case.name].append(await _rate(postfix.address, case, count))
                    postfix.forget()
    peer = postfix.name if postfix else ""
    return [
        row
        for case in cases
        for row in compared(
            case.name,
            "mails/s",
            ours[case.name],
            theirs[case.name],
            peer,
            must=case.must,
            aim=case.aim,
            more=True,
        )
    ]


async def _rate(address: tuple[str, int], case: _Case, count: int) -> float:
    return await load.rate(address, itertools.islice(case.mails, count), case.concurrency)


def _cases() -> list[_Case]:
    small, large = text_mails(5_000), file_mails(b"\x9d\x14\xa7\x31" * (1 << 18))
    bars = [
        ("5 kB", small, 1, 60, 0.8, 1.0),
        ("5 kB", small, 10, 120, 0.8, 1.2),
        ("5 kB", small, 50, 120, 0.8, 1.2),
        ("1 MB", large, 1, 6, 0.6, 0.7),
        ("1 MB", large, 10, 12, 0.6, 0.7),
        ("1 MB", large, 50, 50, 0.4, 0.6),
    ]
    return [
        _Case(
            name=f"ingest of {size} mails, {concurrency} at a time",
            mails=mails,
            concurrency=concurrency,
            count=count,
            must=must,
            aim=aim,
        )
        for size, mails, concurrency, count, must, aim in bars
    ]
