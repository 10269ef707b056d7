"""Each behaviour of the store on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store import Store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))])
def store_url(request: pytest.FixtureRequest) -> str:
    """What `Store` takes as `url`."""
    url: str = request.getfixturevalue("database") if request.param == "postgresql" else ""
    return url


@pytest.fixture
async def store(tmp_path: Path, store_url: str) -> AsyncIterator[Store]:
    store = Store(tmp_path / "state", url=store_url)
    store.open()
    yield store
    store.close()


@pytest.fixture
async def nodes(tmp_path: Path, database: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two stores on one database."""
    stores = Store(tmp_path / "a", url=database), Store(tmp_path / "b", url=database)
    for store in stores:
        store.open()
    yield stores
    for store in stores:
        store.close()
