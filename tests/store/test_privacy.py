"""What the store keeps stays in it: no value in an error's text, no directory that others can enter."""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.store import Spool, Store, tables
from gateway.store.spool import private_directory


async def test_an_errors_text_does_not_quote_the_row(store: Store) -> None:
    row = {"key": "patient", "value": "the biopsy of Mr Doe"}

    def twice(tx: sa.Connection) -> None:
        for _ in range(2):
            tx.execute(sa.insert(tables.fact), row)

    with pytest.raises(sa.exc.IntegrityError) as caught:
        await store.write(twice)
    for text in (str(caught.value), repr(caught.value)):
        assert "fact" in text
        assert "Doe" not in text
        assert "patient" not in text


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701, 0o700])
def test_a_directory_that_was_open_to_others_is_closed(tmp_path: Path, mode: int) -> None:
    root = tmp_path / "spool"
    root.mkdir()
    root.chmod(mode)
    Spool(root)
    assert root.stat().st_mode & 0o777 == 0o700


def test_a_new_directory_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_directory(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
