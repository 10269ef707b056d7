"""Statements in the driver's own words give what SQLAlchemy's would, on each database."""

from typing import Any

import pytest
import sqlalchemy as sa
from support.submissions import make_submission

from gateway.store import Store, intake, tables
from gateway.store.prepared import Prepared

INSERT = Prepared(
    sa.insert(tables.attempt).returning(tables.attempt.c.id),
    columns=("fax_id", "ordinal", "started", "token", "deadline", "snapshot", "digest"),
    returns=(tables.attempt.c.id,),
)
ATTEMPTS = Prepared(sa.select(tables.attempt).order_by(tables.attempt.c.id), returns=tuple(tables.attempt.c))
SUBMISSIONS = Prepared(
    sa.select(tables.submission).where(tables.submission.c.id == sa.bindparam("id")).limit(5),
    returns=tuple(tables.submission.c),
)


def attempt(fax_id: str, **changes: Any) -> dict[str, Any]:
    values = {"fax_id": fax_id, "ordinal": 1, "started": 1.5, "token": "secret-token", "deadline": 2.25}
    return {**values, "snapshot": ["7", "ü"], "digest": "d", **changes}


async def accepted(store: Store) -> str:
    submission = make_submission()
    found = await store.write(
        lambda tx: intake.accept(tx, submission, ["+15552341234"], now=1, deadline=9, window=9)
    )
    return found.faxes[0]


async def test_rows_are_those_of_a_select(store: Store) -> None:
    fax = await accepted(store)
    ((number,),) = await store.write(lambda tx: INSERT.fetch(tx, attempt(fax)))
    (row,) = await store.read(lambda tx: ATTEMPTS.fetch(tx, {}))
    (other,) = await store.read(lambda tx: tx.execute(sa.select(tables.attempt)).all())
    assert (row.id, row.snapshot, row.started, row.outcome_at) == (number, ["7", "ü"], 1.5, None)
    assert tuple(row) == tuple(other)
    owner = fax.partition("-")[0]
    (mail,) = await store.read(lambda tx: SUBMISSIONS.fetch(tx, {"id": owner}))
    (same,) = await store.read(lambda tx: tx.execute(sa.select(tables.submission)).all())
    assert mail.resend_unknown is False
    assert tuple(mail) == tuple(same)
    assert await store.read(lambda tx: SUBMISSIONS.fetch(tx, {"id": "none"})) == []


async def test_an_error_is_sqlalchemys_and_quotes_no_value(store: Store) -> None:
    fax = await accepted(store)
    await store.write(lambda tx: INSERT.fetch(tx, attempt(fax)))
    with pytest.raises(sa.exc.IntegrityError) as caught:
        await store.write(lambda tx: INSERT.fetch(tx, attempt(fax)))
    assert "secret-token" not in str(caught.value)
    assert len(await store.read(lambda tx: ATTEMPTS.fetch(tx, {}))) == 1


async def test_a_group_goes_on_after_the_error_of_one(store: Store) -> None:
    fax = await accepted(store)

    def both(tx: sa.Connection) -> int:
        INSERT.fetch(tx, attempt(fax))
        with pytest.raises(sa.exc.IntegrityError), tx.begin_nested():
            INSERT.fetch(tx, attempt(fax))
        INSERT.fetch(tx, attempt(fax, ordinal=2))
        return len(ATTEMPTS.fetch(tx, {}))

    assert await store.write(both) == 2
