"""One Dovecot for the session, one user of it for each test, and the gateway's own rooms."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.dovecot import Account, Cable, Dovecot, missing_peer
from support.office import Office

from gateway.store import Store


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that need Dovecot where there is none, unless peers are required."""
    reason = missing_peer()
    if not reason or os.environ.get("FAX_GATEWAY_REQUIRE_PEERS") == "1":
        return
    for item in items:
        if any(mark.args[:1] == ("dovecot",) for mark in item.iter_markers("peer")):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def _dovecot() -> Iterator[Dovecot]:
    if reason := missing_peer():
        pytest.fail(reason)
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
