"""The whole circle: from a mail's DATA to the provider's answer, beside the floor of the same work."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bench import corpus, load
from bench.floor import Floor, Spent
from bench.mails import CODE, DOMAIN, SENDER, Mails, file_mails
from bench.report import Row, compared
from gateway import journal
from gateway.app import Gateway
from gateway.config import Settings, from_dict
from gateway.simulator import PASSWORD, USERNAME, Catcher, Simulator
from gateway.simulator.ledger import Record

_OUR_NUMBER = "5552341234"
_PATIENCE = 60.0
_WARM_UP = 2
_QUICK_ROUNDS, _ROUNDS = 9, 60
_QUICK_FAXES, _FAXES = 30, 400
_SENDERS = 10
"""Mails at a time in the measurement of throughput."""
_TIME_SCALE = 200.0
_QUIET = 0.3
"""Seconds before each measurement, for what still follows the one before."""
_NO_LIMIT = 1e9
"""Calls a minute: with the limit that suits the provider, the limit would be all there is to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """What runs."""

    gateway: Gateway
    simulator: Simulator
    catcher: Catcher
    floor: Floor
    mails: Mails

    async def one(self) -> float:
        """One mail on an idle gateway; seconds from its DATA to the answered fax."""
        await asyncio.sleep(_QUIET)
        mail, receipts = next(self.mails), len(self.catcher.messages)
        answer = asyncio.create_task(self._until_answered(1))
        sent = await load.send(self.gateway.smtp.addresses[0], mail)
        answered = await answer
        await self._until_receipts(receipts + 1)
        return answered - sent.began

    async def many(self, count: int) -> float:
        """`count` mails, as fast as they are taken; answered faxes per second."""
        receipts = len(self.catcher.messages)
        answer = asyncio.create_task(self._until_answered(count))
        began = time.perf_counter()
        await load.rate(self.gateway.smtp.addresses[0], itertools.islice(self.mails, count), _SENDERS)
        answered = await answer
        await self._until_receipts(receipts + count)
        return count / (answered - began)

    async def least(self) -> Spent:
        """The floor of one mail, on an idle gateway."""
        await asyncio.sleep(_QUIET)
        mail = next(self.mails)
        return await self.floor.fax(
            b"".join(mail.content), mail.recipient.partition("@")[0], sender=SENDER, redact=CODE
        )

    async def _until_answered(self, count: int) -> float:
        """When so many more faxes have been answered by the simulator."""
        first = len(self.simulator.ledger)

        def enough(simulator: Simulator) -> bool:
            return sum(map(_is_answered, itertools.islice(simulator.ledger, first, None))) >= count

        await self.simulator.wait_for(enough, _PATIENCE)
        return time.perf_counter()

    async def _until_receipts(self, count: int) -> None:
        """Let the work after the answer end, so that it does not slow down what is measured next."""
        await self.catcher.wait_for(lambda _: len(self.catcher.messages) >= count, _PATIENCE)


async def run(directory: Path, *, quick: bool) -> list[Row]:
    """From a mail with a one-page PDF to the answered fax, against the floor of the same work.

    Gateway, simulator, mail catcher and load share one process and one loop; the renderer's helper is
    another. Each fax goes to a number of its own. The floor pays for the same simulator and renderer.
    """
    circle: list[float] = []
    least: list[Spent] = []
    faxes = _QUICK_FAXES if quick else _FAXES
    async with _running(directory) as site:
        for number in range(_WARM_UP + (_QUICK_ROUNDS if quick else _ROUNDS)):
            if number % 2:  # neither is always the second
                seconds, spent = await site.one(), await site.least()
            else:
                spent, seconds = await site.least(), await site.one()
            if number >= _WARM_UP:
                circle.append(seconds * 1000)
                least.append(spent)
        before = _resident_mb(os.getpid())
        rates = [await site.many(faxes) for _ in range(1 if quick else 3)]
        memory = [
            Row(measure="RSS of gateway, simulator and load before throughput, MB", value=before),
            Row(measure="RSS of gateway, simulator and load at the end, MB", value=_resident_mb(os.getpid())),
        ]
        if (pid := site.gateway.renderer.helper_pid) is not None:
            memory.append(Row(measure="RSS of the renderer's helper, MB", value=_resident_mb(pid)))
    whole = [spent.recorded * 1000 for spent in least]
    to_answer = [spent.answered * 1000 for spent in least]
    return [
        *compared("circle, one page", "ms", circle, whole, "floor", must=1.5, aim=1.15),
        *compared("circle, one page, floor without the last commit", "ms", circle, to_answer, "floor")[1:],
        Row(
            measure=f"throughput, {_SENDERS} senders, one page each, faxes/s", value=statistics.median(rates)
        ),
        *memory,
    ]


@contextlib.asynccontextmanager
async def _running(directory: Path) -> AsyncIterator[_Site]:
    with (directory / "gateway.log").open("w") as log:
        journal.setup(stream=log)  # what the daemon writes by default, also a cost
        async with (
            Catcher(directory / "mails") as catcher,
            Simulator(smtp=catcher.address, time_scale=_TIME_SCALE) as simulator,
        ):
            gateway = Gateway(_settings(directory, simulator, catcher))
            await gateway.supervisor.start()
            floor = Floor(
                directory / "floor", renderer=gateway.renderer, client=gateway.client, from_number=_OUR_NUMBER
            )
            try:
                yield _Site(
                    gateway=gateway,
                    simulator=simulator,
                    catcher=catcher,
                    floor=floor,
                    mails=file_mails(await asyncio.to_thread(corpus.invoice, 1)),
                )
            finally:
                floor.close()
                await gateway.supervisor.stop()


def _settings(directory: Path, simulator: Simulator, catcher: Catcher) -> Settings:
    host, port = catcher.address
    settings = from_dict(
        {
            "gateway": {
                "hostname": "gw.example.com",
                "domains": [DOMAIN],
                "state_dir": str(directory / "state"),
            },
            "voipms": {
                "url": simulator.url,
                "username": USERNAME,
                "password": PASSWORD,
                "from_number": _OUR_NUMBER,
            },
            "smtp": {"listener": [{"address": "127.0.0.1:0"}]},
            "sender": [{"name": "anna", "addresses": [SENDER], "code": CODE}],
            "fax": {"track_interval": 0.5},
            "mail": {"host": host, "port": port, "sender": f"fax@{DOMAIN}"},
        }
    )
    # Beyond what the file may say.
    unlimited = settings.voipms.model_copy(update={"calls_per_minute": _NO_LIMIT})
    return settings.model_copy(update={"voipms": unlimited})


def _is_answered(record: Record) -> bool:
    return record.method == "sendFaxMessage" and record.accepted and record.answer == "success"


def _resident_mb(pid: int) -> float:
    """Resident memory of a process, shared pages included (proc(5), statm)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
