"""One campaign: feed, kill, stop, wait until all is quiet, and compare the books."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from support.bad_day import BadDay
from support.postgres import Cluster
from support.process import outside_with
from support.world import SENDER, text_of

from crash import books, clients
from crash.nodes import Node
from crash.scenario import Scenario
from gateway.simulator import Catcher, Simulator
from gateway.store import tables, views

_TIME_SCALE = 100.0
_NOT_CALLED = ("lease_lost", "pages_unreadable", "before_request", "not_called")
_QUIET = 240.0
"""Seconds until nothing moves any more, after the last fault; more is a fax that is stuck."""
_EACH = 0.5
"""The same for each mail: those to the crowded numbers go one after the other."""
_SETTINGS: Mapping[str, Any] = {
    "voipms": {"read_timeout": 2, "write_timeout": 1, "connect_timeout": 1, "calls_per_minute": 600},
    "fax": {
        "track_interval": 0.3,
        "busy_delays": [0.3, 0.5],
        "no_answer_delays": [0.3],
        "voice_delays": [0.3],
        "dropped_delays": [0.3],
        "provider_delays": [0.3, 0.6],
        "least_balance": 0,
        "settle_seconds": 1,
        "hold_after": 5,
        "lease_seconds": 6,
    },
    "receive": {"enabled": False},
    "route": [],
    "gateway": {"admin": []},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How large a campaign is."""

    seed: int
    mails: int
    nodes: int = 1
    clients: int
    rate: float
    """Mails a second, about."""
    mean: float
    """Seconds between two faults, on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a campaign came to."""

    seed: int
    nodes: int
    mails: int
    faxes: int
    calls: int
    faults: Mapping[str, int]
    states: Mapping[str, int]
    lost_replies: int
    put_off: int
    seconds: float
    lost: Sequence[str]
    doubled: Sequence[str]
    held: Sequence[str]
    other: Sequence[str]
    stories: Sequence[Any]
    """What is known of the faxes that are named above."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


async def run(directory: Path, plan: Plan, library: Path, cluster: Cluster | None = None) -> Sums:
    """Run one; several nodes need a PostgreSQL. `library` is what `bench.bad_day` has compiled."""
    began, scenario, faults = time.monotonic(), Scenario(plan.seed), Counter[str]()
    database = cluster.database() if cluster is not None else ""
    url = cluster.url(database) if cluster is not None else ""
    async with (
        Catcher(directory / "mails") as catcher,
        Simulator(smtp=catcher.address, time_scale=_TIME_SCALE) as simulator,
        _nodes(directory, simulator, catcher, plan, url, scenario, library) as nodes,
    ):
        errands = [scenario.errand(number) for number in range(plan.mails)]
        for errand in errands:
            for number in errand.numbers if errand.fates else ():
                simulator.line.script(list(errand.fates), destination=number)
        feeding = asyncio.create_task(
            clients.send_all(
                errands, [node.world.smtp for node in nodes], clients=plan.clients, rate=plan.rate
            )
        )
        fed = asyncio.Event()
        servers = _Servers(simulator, catcher, cluster)
        disturbing = asyncio.create_task(_disturb(scenario, plan, nodes, servers, faults, fed))
        try:
            seen = await feeding
        finally:
            fed.set()
            await disturbing
        for node in nodes:
            await node.settle()
        await _until_quiet(nodes[0], url, plan.mails)
        for node in nodes:
            await node.stop()
        faults.update(died=sum(node.deaths for node in nodes))
        faxes = await asyncio.to_thread(_faxes, directory, url)
        verdict = books.compare(
            {
                f"<{name}@clinic.example.com>": [f"{number}" for number in errand.numbers]
                for name, errand in seen.accepted.items()
            },
            faxes,
            _calls(simulator),
            _notices(catcher, faxes),
        )
        calls = _calls(simulator)
        named = {*verdict.doubled, *verdict.held, *(line.partition(":")[0] for line in verdict.lost)}
        bad = [fax for fax in faxes if fax.id in named]
        stories = await asyncio.to_thread(_stories, directory, url, bad, calls)
    if cluster is not None:
        cluster.drop(database)
    refused = [f"{name}: {said}" for name, said in seen.refused.items()]
    return Sums(
        seed=plan.seed,
        nodes=plan.nodes,
        mails=len(seen.accepted),
        faxes=len(faxes),
        calls=len(calls),
        faults=dict(faults),
        states=dict(Counter(fax.state for fax in faxes)),
        lost_replies=seen.lost_replies,
        put_off=seen.put_off,
        seconds=round(time.monotonic() - began, 1),
        lost=verdict.lost,
        doubled=verdict.doubled,
        held=verdict.held,
        other=[*verdict.other, *refused],
        stories=stories,
    )


@contextlib.asynccontextmanager
async def _nodes(
    directory: Path,
    simulator: Simulator,
    catcher: Catcher,
    plan: Plan,
    url: str,
    scenario: Scenario,
    library: Path,
) -> AsyncIterator[list[Node]]:
    async with contextlib.AsyncExitStack() as stack:
        nodes = []
        for number in range(plan.nodes):
            place = directory / f"node{number}"
            place.mkdir()
            changes = {**_SETTINGS, **({"store": {"url": url, "node": f"node{number}"}} if url else {})}
            world = await stack.enter_async_context(outside_with(place, simulator, catcher, changes))
            day = stack.enter_context(BadDay(place, place / "state", library=library))
            node = Node(world, day, point=scenario.point)
            stack.push_async_callback(node.end)
            await node.start()
            nodes.append(node)
        yield nodes


@dataclass(frozen=True, slots=True)
class _Servers:
    """What the nodes talk to."""

    simulator: Simulator
    catcher: Catcher
    cluster: Cluster | None


async def _disturb(
    scenario: Scenario,
    plan: Plan,
    nodes: Sequence[Node],
    servers: _Servers,
    faults: Counter[str],
    fed: asyncio.Event,
) -> None:
    """One fault after the other, at random, until all mails are in; each is over before the next one."""
    while not fed.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(scenario.until_the_next_fault(plan.mean / plan.nodes)):
                await fed.wait()
                return
        kind, node = scenario.fault(), nodes[scenario.below(len(nodes))]
        if kind == "database" and servers.cluster is None:
            continue
        faults[kind] += 1
        match kind:
            case "kill":
                node.kill()
            case "term":
                node.terminate()
            case "renderer":
                node.kill_renderer()
            case "stop" | "long stop":
                await node.pause(0.5 if kind == "stop" else _SETTINGS["fax"]["lease_seconds"] + 5)
            case "provider":
                await _away(servers.simulator)
            case "mails":
                await _away(servers.catcher)
            case "clock":
                await node.bad_clock(scenario.shift(), 3.0)
            case _ if kind.endswith(" disk"):
                await node.bad_disk(kind, 2.0)
            case "database":
                await asyncio.to_thread(_power_cut, servers.cluster)


def _power_cut(cluster: Cluster | None) -> None:
    assert cluster is not None
    cluster.stop(signal.SIGKILL)
    cluster.start()


async def _away(server: Simulator | Catcher) -> None:
    """Gone for a while: connections break, new ones are refused."""
    await server.stop()
    await asyncio.sleep(1.0)
    await server.start()


async def _until_quiet(node: Node, url: str, mails: int) -> None:
    """Until every fax is final or held, and every notice has left; raises TimeoutError."""
    async with asyncio.timeout(_QUIET + mails * _EACH):
        calm = 0
        while calm < 5:
            moving = await asyncio.to_thread(_moving, node.world.directory / "state", url)
            calm = 0 if moving else calm + 1
            await asyncio.sleep(1.0)


def _moving(state_dir: Path, url: str) -> int:
    """How many faxes and notices are not at their end."""
    over = [*books.FINAL, "held"]
    fax, outbox = tables.fax, tables.outbox
    with _reading(state_dir, url) as tx:
        open_ones = sa.select(sa.func.count()).select_from(fax).where(fax.c.state.not_in(over))
        unsent = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state == "queued")
        return int(tx.execute(open_ones).scalar_one()) + int(tx.execute(unsent).scalar_one())


@contextlib.contextmanager
def _reading(state_dir: Path, url: str) -> Any:
    """A look at the database from outside, beside the daemons."""
    where = url.replace("postgresql://", "postgresql+psycopg://") or f"sqlite:///{state_dir}/gateway.sqlite3"
    engine = sa.create_engine(where)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _faxes(directory: Path, url: str) -> list[books.Fax]:
    fax, mail, pages = tables.fax, tables.submission, tables.document
    called = (
        sa.select(sa.func.count())
        .where(tables.attempt.c.fax_id == fax.c.id, tables.attempt.c.outcome.not_in(_NOT_CALLED))
        .scalar_subquery()
    )
    query = (
        sa.select(
            fax.c.id, mail.c.message_id, fax.c.number, fax.c.state, pages.c.digest, called.label("called")
        )
        .join(mail, mail.c.id == fax.c.submission_id)
        .join(pages, pages.c.id == fax.c.submission_id)
    )
    with _reading(directory / "node0" / "state", url) as tx:
        return [
            books.Fax(
                id=row.id,
                mail=row.message_id,
                number=row.number.removeprefix("+1"),
                state=row.state,
                digest=row.digest,
                attempts=row.called,
            )
            for row in tx.execute(query)
        ]


def _stories(
    directory: Path, url: str, faxes: Sequence[books.Fax], calls: Sequence[books.Call]
) -> list[dict[str, Any]]:
    told = []
    with _reading(directory / "node0" / "state", url) as tx:
        for fax in faxes:
            story = views.queue_show(tx, fax.id) or {}
            made = [asdict(call) for call in calls if (call.number, call.digest) == (fax.number, fax.digest)]
            told.append({**story, "ledger": made})
    return told


def _calls(simulator: Simulator) -> list[books.Call]:
    clock, messages = simulator.world.clock, simulator.world.account.messages
    now, seconds = clock.now(), clock.seconds()
    calls = []
    for record in simulator.ledger:
        file = record.params.get("file")
        if record.method != "sendFaxMessage" or not isinstance(file, dict) or record.test:
            continue
        failed_at, shown = None, False
        if record.accepted and record.message is not None:
            life = messages[int(record.message)].life
            shown = life.shown(seconds) and life.at(seconds).final
            if life.shown_at is not None and life.end.status != "SUCCESS":
                failed_at = max(life.end.at, life.shown_at)
        calls.append(
            books.Call(
                number=str(record.params["to_number"]),
                digest=str(file["digest"]),
                at=seconds - (now - datetime.fromisoformat(record.at)).total_seconds() * _TIME_SCALE,
                answer=record.answer,
                accepted=record.accepted,
                failed_at=failed_at,
                shown=shown,
            )
        )
    return calls


def _notices(catcher: Catcher, faxes: Sequence[books.Fax]) -> list[tuple[str, str]]:
    known = {fax.id for fax in faxes}
    found = []
    for mail in catcher.messages:
        if SENDER in mail.recipients:
            words = set(text_of(mail).split())
            found += [(fax_id, str(mail.message["Message-ID"])) for fax_id in known & words]
    return found
