"""Large content on nodes that share a database and no file system."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.postgres import Cluster
from support.submissions import make_submission

from gateway.model import Content, new_id
from gateway.store import Store, StoreUnavailableError, blobs, intake, tables
from gateway.store.spool import INLINE

pytestmark = pytest.mark.peer("postgresql")
LARGE = os.urandom(3 * 512 * 1024 + 17)


async def accept(store: Store, data: bytes) -> Content:
    mail = make_submission(id=new_id(), message_id=f"<{new_id()}>")
    content = await asyncio.to_thread(store.spool.keep, mail.id, data)
    mail = make_submission(id=mail.id, message_id=mail.message_id, content=content)
    await store.write(lambda tx: intake.accept(tx, mail, ["+15552341234"], now=1, deadline=9e9, window=1))
    return content


async def count(store: Store) -> int:
    query = sa.select(sa.func.count()).select_from(tables.blob)
    return await store.read(lambda tx: tx.execute(query).scalar_one())


@pytest.mark.parametrize("size", [INLINE + 1, 512 * 1024, len(LARGE)])
async def test_another_node_reads_what_one_accepted(nodes: tuple[Store, Store], size: int) -> None:
    content = await accept(nodes[0], LARGE[:size])
    assert content.file is not None
    assert not nodes[1].spool.path(content.file).exists()
    assert await asyncio.to_thread(nodes[1].spool.read, content) == LARGE[:size]
    assert nodes[1].spool.path(content.file).exists()
    await nodes[1].write(lambda tx: blobs.drop(tx, "spool", content.file or ""))
    assert await count(nodes[0]) == 0


async def test_small_content_stays_in_its_row(nodes: tuple[Store, Store]) -> None:
    content = await accept(nodes[0], LARGE[:INLINE])
    assert content.data is not None
    assert await count(nodes[0]) == 0


async def test_what_is_not_accepted_is_not_kept(nodes: tuple[Store, Store]) -> None:
    mail = make_submission(content=nodes[0].spool.keep("x", LARGE))

    def refuse(tx: sa.Connection) -> None:
        intake.accept(tx, mail, ["+15552341234"], now=1, deadline=9e9, window=1)
        raise KeyError("mine")

    with pytest.raises(KeyError):
        await nodes[0].write(refuse)
    assert await count(nodes[0]) == 0


async def test_a_file_that_is_cut_short_is_not_accepted(nodes: tuple[Store, Store]) -> None:
    content = nodes[0].spool.keep("x", LARGE)
    os.truncate(nodes[0].spool.path("x"), 99)
    mail = make_submission(content=content)
    with pytest.raises(OSError, match="99 bytes"):
        await nodes[0].write(lambda tx: intake.accept(tx, mail, ["+1"], now=1, deadline=9e9, window=1))
    assert await count(nodes[0]) == 0


async def test_a_cached_file_that_is_not_the_kept_one_is_fetched_anew(nodes: tuple[Store, Store]) -> None:
    content = await accept(nodes[0], LARGE)
    assert content.file is not None
    nodes[1].spool.path(content.file).write_bytes(b"what came too late")
    digest = hashlib.sha256(LARGE).hexdigest()
    assert await asyncio.to_thread(nodes[1].spool.matches, content, digest)
    assert not await asyncio.to_thread(nodes[1].spool.matches, content, "0" * 64)


async def test_the_cache_is_swept_and_trimmed_and_comes_back(nodes: tuple[Store, Store]) -> None:
    content = await accept(nodes[0], LARGE)
    assert content.file is not None
    path = nodes[0].spool.path(content.file)
    await nodes[0].sweep()
    assert list(nodes[0].spool.root.iterdir()) == []
    await asyncio.to_thread(nodes[0].spool.get, content.file)
    nodes[0].spool.trim(60)
    assert path.exists()
    os.utime(path, (1, 1))
    nodes[0].spool.trim(60)
    assert not path.exists()
    assert await asyncio.to_thread(nodes[0].spool.read, content) == LARGE


async def test_a_file_that_is_nowhere_and_a_store_that_is_gone_are_told_apart(
    nodes: tuple[Store, Store], cluster: Cluster
) -> None:
    with pytest.raises(FileNotFoundError):
        await asyncio.to_thread(nodes[0].spool.get, "nowhere")
    await asyncio.to_thread(cluster.stop)
    with pytest.raises(OSError, match="the store is not there"):
        await asyncio.to_thread(nodes[0].spool.get, "nowhere")


async def test_files_stay_files_on_sqlite(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    store.open()
    content = await accept(store, LARGE)
    assert await count(store) == 0
    await store.sweep()
    assert store.spool.read(content) == LARGE
    store.close()
    with pytest.raises(StoreUnavailableError):
        await store.write(lambda tx: None)
