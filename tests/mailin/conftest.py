"""The SMTP door as a fixture; see `support.door`."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from support.door import Site, SiteMaker, configuration

from gateway import journal
from gateway.config import from_dict
from gateway.mailin.intake import Intake
from gateway.mailin.policy import RulesProvider
from gateway.mailin.smtp import SmtpServer
from gateway.store import Store


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh database, made once: the migration takes longer than most tests."""
    store = Store(tmp_path_factory.mktemp("migrated"))
    store.open()
    store.close()
    return store.state_dir / "gateway.sqlite3"


@pytest.fixture
async def store(tmp_path: Path, migrated: Path) -> AsyncIterator[Store]:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    shutil.copy(migrated, state)
    store = Store(state)
    store.open()
    yield store
    store.close()


@pytest.fixture
async def make_site(store: Store) -> AsyncIterator[SiteMaker]:
    async with AsyncExitStack() as stack:

        async def make(*, fetch: Any = None, **changes: Any) -> Site:
            settings = from_dict(configuration(**changes))
            woken: list[None] = []
            intake = Intake(store, settings, wake=lambda: woken.append(None))
            rules = RulesProvider(settings, fetch=fetch)
            server = SmtpServer(settings, intake=intake, rules=rules, login_delay=0.0)
            await server.start()
            stack.push_async_callback(server.stop, 1.0)
            return Site(settings, store, intake, server, woken, stack)

        yield make


@pytest.fixture
async def site(make_site: SiteMaker) -> Site:
    return await make_site()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that anybody logs, at every level."""
    journal.forget_secrets()
    with caplog.at_level(logging.DEBUG):
        yield caplog
