"""A fax office: a real store, the real client, and the simulator on loopback, on the simulator's clock."""

from __future__ import annotations

import functools
import hashlib
import io
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from support.plans import PATIENCE, plan
from support.submissions import make_submission

from gateway import voipms
from gateway.config import Settings, from_dict
from gateway.faxout import Submitter, Tracker
from gateway.lifecycle import FaxState
from gateway.model import Fax
from gateway.simulator import PASSWORD, USERNAME, Simulator
from gateway.simulator.ledger import Record
from gateway.store import Store, documents, faxes, intake
from gateway.worker import apply
from gateway.worker.lease import Lease
from gateway.worker.outcomes import SubmitOutcome, Tracked

NUMBER = "+15551230001"
DESTINATION = "5551230001"
FROM_NUMBER = "5552341234"
POLICY = apply.Policy(
    plan=plan((120, 300), no_answer=(120, 300)), patience=PATIENCE, mail_delays=(60,), mail_give_up=3600
)
LEASE = 900.0
DEADLINE = 2 * 86400.0
"""Seconds in which a mail's fax may be begun: longer than any day with its end of daylight saving."""


@functools.cache
def draw_pdf(words: str, pages: int = 2) -> bytes:
    """A PDF of small black-and-white pages that say `words`; the same one every time."""
    images = []
    for page in range(pages):
        image = Image.new("1", (432, 560), 1)
        ImageDraw.Draw(image).text((20, 20), f"{words} {page}", fill=0)
        images.append(image)
    out = io.BytesIO()
    images[0].save(out, format="PDF", save_all=True, append_images=images[1:])
    return out.getvalue()


async def page_digests(pdf: bytes) -> Sequence[str]:
    """Stands for the renderer: equal files have equal pages."""
    return [hashlib.sha256(pdf).hexdigest()]


async def never_alike(_ours: bytes, _theirs: bytes) -> bool:
    """Stands for the renderer: other files have other pages."""
    return False


@dataclass(kw_only=True)
class Office:
    """Everything between an accepted mail and a final state, driven by hand."""

    simulator: Simulator
    store: Store
    client: voipms.Client
    settings: Settings
    page_digests: Callable[[bytes], Any] = page_digests
    alike: Callable[[bytes, bytes], Any] = never_alike
    tracker: Tracker = field(init=False)

    def __post_init__(self) -> None:
        self.submitter = Submitter(
            client=self.client, store=self.store, settings=self.settings, clock=self.now
        )
        self.restart()

    def restart(self) -> None:
        """A new process: nothing but the store is remembered."""
        self.tracker = Tracker(
            client=self.client,
            store=self.store,
            settings=self.settings,
            page_digests=self.page_digests,
            alike=self.alike,
            clock=self.now,
        )

    def now(self) -> float:
        return self.simulator.world.clock.now().timestamp()

    async def accept(
        self, *, pdf: bytes | None = None, inline: bool = True, pages: int = 2, **submission: object
    ) -> Fax:
        """A mail with rendered pages."""
        data = draw_pdf("Ours", pages) if pdf is None else pdf
        values: dict[str, object] = {"received_at": self.now(), "message_id": "", **submission}
        mail, now = make_submission(**values), self.now()
        accepted = await self.store.write(
            lambda tx: intake.accept(tx, mail, [NUMBER], now=now, deadline=now + DEADLINE, window=0)
        )
        (work,) = await self.store.write(
            lambda tx: documents.claim(tx, owner="t", now=now, seconds=9, limit=1, idle=True)
        )
        if inline:
            content = self.store.pages.keep(f"{mail.id}.pdf", data)
        else:
            self.store.pages.path(f"{mail.id}.pdf").write_bytes(data)
            content = self.store.pages.adopt(f"{mail.id}.pdf")
        await self.store.write(
            lambda tx: documents.ready(
                tx,
                work.document,
                content=content,
                pages=pages,
                digest=hashlib.sha256(data).hexdigest(),
                page_digests=[hashlib.sha256(data).hexdigest()],
                notes=[],
                now=now,
            )
        )
        return await self.fax(accepted.faxes[0])

    async def claim(self) -> faxes.Work:
        now = self.now()
        (work,) = await self.store.write(
            lambda tx: faxes.claim(tx, owner="t", now=now, seconds=LEASE, limit=1)
        )
        return work

    async def submit(self, lease: Lease | None = None) -> tuple[faxes.Work, SubmitOutcome]:
        """Claim the next Fax and make its step; nothing is written yet."""
        work = await self.claim()
        return work, await self.submitter.step(work, lease or Lease.lasting(LEASE))

    async def send(self) -> SubmitOutcome:
        """Claim, step, and write the outcome."""
        work, outcome = await self.submit()
        now = self.now()
        await self.store.write(lambda tx: apply.submit(tx, work, outcome, POLICY, now=now))
        return outcome

    async def track(self) -> list[Tracked]:
        """One round of tracking, written."""
        found = await self.tracker.step()
        for one in found:
            await self.store.write(lambda tx, one=one: apply.tracked(tx, one, POLICY, now=self.now()))
        return found

    async def track_after(self, *pauses: float) -> None:
        """Rounds of tracking, each after so many seconds."""
        for pause in pauses:
            self.simulator.advance(pause)
            await self.track()

    async def fax(self, fax_id: str) -> Fax:
        return await self.store.read(lambda tx: faxes.get(tx, fax_id))

    async def state(self, fax: Fax) -> FaxState:
        return (await self.fax(fax.id)).state

    def calls(self, method: str = "sendFaxMessage") -> list[Record]:
        return self.simulator.world.ledger.calls(method)

    def script(self, *fates: Any, method: str | None = None) -> None:
        destination = DESTINATION if method is None else None
        self.simulator.line.script(fates, destination=destination, method=method)


@pytest.fixture(scope="session")
def empty_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with the schema, made once."""
    state = tmp_path_factory.mktemp("faxout") / "state"
    store = Store(state)
    store.open()
    store.close()
    return state


@pytest.fixture
async def store(tmp_path: Path, empty_state: Path) -> AsyncIterator[Store]:
    shutil.copytree(empty_state, tmp_path / "state")
    store = Store(tmp_path / "state")
    store.open()
    yield store
    store.close()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


def make_settings(url: str, **sections: dict[str, object]) -> Settings:
    account = {
        "url": url,
        "username": USERNAME,
        "password": PASSWORD,
        "from_number": FROM_NUMBER,
        "from_name": "Clinic",
        "connect_timeout": 5,
        "write_timeout": 5,
        "read_timeout": 1.5,  # only the calls that are never answered wait for it
        "calls_per_minute": 600,
    }
    sections["voipms"] = account | sections.get("voipms", {})
    return from_dict(sections)


@pytest.fixture
async def open_office(store: Store, simulator: Simulator) -> AsyncIterator[Callable[..., Office]]:
    """Opens the office with other settings."""
    clients: list[voipms.Client] = []

    def open_(**sections: dict[str, object]) -> Office:
        settings = make_settings(simulator.url, **sections)
        account = settings.voipms
        client = voipms.Client(
            url=account.url,
            username=account.username,
            password=account.password.get_secret_value(),
            connect_timeout=account.connect_timeout,
            write_timeout=account.write_timeout,
            read_timeout=account.read_timeout,
            calls_per_minute=60_000,
        )
        clients.append(client)
        return Office(simulator=simulator, store=store, client=client, settings=settings)

    yield open_
    for client in clients:
        await client.aclose()


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    return open_office()
