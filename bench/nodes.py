"""Workers in processes of their own on one PostgreSQL: claims that skip locked rows, beside claims that wait.

``python -m bench.nodes URL NAME`` is one worker. It is told on standard input how to claim, and for how long.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from bench import bad_day, past, process
from bench.report import Row, compared, say
from bench.verbs import Mail
from gateway.store import Store
from gateway.store.engine import open_postgres
from tests.support.postgres import Cluster, missing

_WORKERS = 8
_FINISHED = 100_000
_A_ROUND = 1_500
"""Mails that one round takes at most."""
_SKIPPING, _WAITING = "SKIP LOCKED", "plain FOR UPDATE"
_QUICK_ROUNDS, _ROUNDS = 7, 31
_SECONDS = 0.7
_FSYNC = 5.0
"""Milliseconds of a flush on a disk without a cache."""

_Rates = dict[str, list[float]]
_Workers = list[subprocess.Popen[str]]


def measure(directory: Path, *, quick: bool, finished: int = _FINISHED) -> list[Row]:
    """Rates of eight workers, in turns, on the disk as it is and on a slow one. Blocks.

    At most `finished` mails have been sent before.
    """
    fast, slow = _no_rates(), _no_rates()
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    if lacking := missing():
        say(f"No figures for PostgreSQL: {lacking}.")
    else:
        owed = 4 * rounds * _A_ROUND
        with _cluster() as (cluster, day):
            url = _database(cluster, directory, finished=min(finished, _FINISHED), owed=owed)
            with _workers(url) as workers:
                _rounds(workers, fast, rounds)
                if day is not None:
                    day.flushes(milliseconds=_FSYNC)
                    _rounds(workers, slow, rounds)
    name = f"claim and complete a mail on PostgreSQL, {_WORKERS} workers"
    return _rows(name, fast) + _rows(f"{name}, with {_FSYNC:.0f} ms for an fsync", slow)


def _no_rates() -> _Rates:
    return {_SKIPPING: [], _WAITING: []}


def _rows(name: str, rates: _Rates) -> list[Row]:
    if not rates[_SKIPPING]:
        return [Row(measure=f"{name}, ratio", value=None, must=2.0, aim=4.0, more=True)]
    return compared(
        name, "mails/s", rates[_SKIPPING], rates[_WAITING], _WAITING, must=2.0, aim=4.0, more=True
    )


@contextlib.contextmanager
def _cluster() -> Iterator[tuple[Cluster, bad_day.BadDay | None]]:
    """A server of its own, and what makes its disk slow if that can be compiled."""
    cluster = Cluster()
    try:
        if reason := bad_day.missing():
            say(f"No figures for a slow disk: {reason}.")
            cluster.start()
            yield cluster, None
            return
        with bad_day.BadDay(cluster.root) as day:
            for file in cluster.root.glob("bad_day*"):  # the server may run as another user
                file.chmod(0o666)
            cluster.start(day.environment)
            yield cluster, day
    finally:
        cluster.remove()


def _database(cluster: Cluster, directory: Path, *, finished: int, owed: int) -> str:
    """The URL of a store with a past."""
    url = cluster.url(cluster.database())
    store = Store(directory, url=url)
    store.open()
    store.close()
    engine = open_postgres(url, options={})
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        past.finished(connection, first=1, last=finished)
        past.owed(connection, first=finished + 1, last=finished + owed)
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()
    return url


@contextlib.contextmanager
def _workers(url: str) -> Iterator[_Workers]:
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(_worker(url, number)) for number in range(_WORKERS)]
        _round(workers, _SKIPPING)  # connections and caches
        yield workers


@contextlib.contextmanager
def _worker(url: str, number: int) -> Iterator[subprocess.Popen[str]]:
    command = process.module("nodes", url, f"node-{number}")
    with subprocess.Popen(  # noqa: S603 - our own words
        command, cwd=process.CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        _told(worker)
        yield worker
        _pipe(worker.stdin).close()


def _rounds(workers: _Workers, rates: _Rates, count: int) -> None:
    for number in range(count):
        for how in sorted(rates, reverse=bool(number % 2)):
            rates[how].append(_round(workers, how))


def _round(workers: _Workers, how: str) -> float:
    """Mails per second of all workers together."""
    for worker in workers:
        print(json.dumps([how, _SECONDS]), file=worker.stdin, flush=True)
    return sum(_told(worker) for worker in workers) / _SECONDS


def _told(worker: subprocess.Popen[str]) -> int:
    line = _pipe(worker.stdout).readline()
    if not line:
        raise RuntimeError("a worker ended early")
    return int(line)


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _work(url: str, name: str) -> None:
    """Claim and complete mails of ours as long as asked to; print how many it were."""
    engine = open_postgres(url, options={})
    waiting = False

    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def _reword(_tx: Any, _cursor: Any, text: str, values: Any, *_: Any) -> tuple[str, Any]:
        return (text.replace("FOR UPDATE SKIP LOCKED", "FOR UPDATE") if waiting else text), values

    with engine.connect() as connection:
        print(0, flush=True)
        for line in sys.stdin:
            how, seconds = json.loads(line)
            waiting, done, end = how == _WAITING, 0, time.monotonic() + seconds
            while time.monotonic() < end:
                mail = Mail(owner=name, now=time.time())
                with connection.begin():
                    mail.claim(connection)
                if mail.claimed:
                    with connection.begin():
                        mail.end(connection)
                    done += 1
            print(done, flush=True)
    engine.dispose()


if __name__ == "__main__":
    _work(*sys.argv[1:])
