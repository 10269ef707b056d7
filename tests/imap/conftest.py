"""One Dovecot for the session, one user of it for each test, and the gateway's own rooms."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.dovecot import Account, Cable, Dovecot
from support.office import Office

from gateway.store import Store


@pytest.fixture(scope="session")
def _dovecot() -> Iterator[Dovecot]:
    # Not below pytest's own directory: mail processes run as another user and must get through to it.
    with tempfile.TemporaryDirectory(prefix="fax-imap-") as directory:
        Path(directory).chmod(0o755)
        server = Dovecot(Path(directory))
        server.start()
        yield server
        if server.running:
            server.stop()


@pytest.fixture
def dovecot(_dovecot: Dovecot) -> Dovecot:
    if not _dovecot.running:
        _dovecot.start()
    return _dovecot


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return Account(dovecot)


@pytest.fixture
async def cable(dovecot: Dovecot) -> AsyncIterator[Cable]:
    async with Cable(dovecot.port) as relay:
        yield relay


@pytest.fixture
async def office(store: Store, account: Account) -> AsyncIterator[Office]:
    rooms = Office(store, account)
    yield rooms
    await rooms.close()
