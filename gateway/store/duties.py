"""What only one of the nodes does at a time: fenced leases by name, in the database.

A holder renews its lease while it lives; when it dies, another takes over after the lease, with a higher
fence. Whatever the holder writes passes `guard`, so that one that was stopped and goes on writes nothing.
"""

from __future__ import annotations

import sqlalchemy as sa

from gateway.errors import GatewayError, temporary
from gateway.lifecycle import SENDABLE
from gateway.store import dialect, documents, leases, tables

_t = tables.duty
NODE = "node:"


class DutyLostError(GatewayError):
    """Another node does this by now; nothing was written."""

    def __init__(self, name: str) -> None:
        super().__init__(temporary("4.3.0", f"Another node has taken over: {name}.", code="duty_lost"))


def take(tx: sa.Connection, name: str, *, owner: str, now: float, seconds: float) -> int | None:
    """Take or renew a duty for `seconds`; its fence, or None while another owner has it."""
    free = sa.or_(_t.c.owner == owner, _t.c.until < now)
    fence: int | None = tx.execute(
        sa.update(_t)
        .where(_t.c.name == name, free)
        .values(
            owner=owner,
            until=now + seconds,
            fence=sa.case((_t.c.owner == owner, _t.c.fence), else_=_t.c.fence + 1),
        )
        .returning(_t.c.fence)
    ).scalar()
    if fence is not None:
        return fence
    row = {"name": name, "owner": owner, "until": now + seconds, "fence": 1}
    return 1 if dialect.insert_new(tx, _t, row, key="name") else None


def of_node(node: str) -> str:
    """The duty to be alive, which every node has for itself."""
    return NODE + node


def silent(tx: sa.Connection, *, now: float) -> list[str]:
    """Nodes that have not renewed that duty in time."""
    names = tx.scalars(sa.select(_t.c.name).where(_t.c.name.startswith(NODE), _t.c.until < now))
    return [name.removeprefix(NODE) for name in names]


def bury(tx: sa.Connection, node: str, *, now: float) -> bool:
    """Take the leases of a silent node from it, so that the others go on with its work at once.

    False if it is not silent any more, or another node was faster.

    If it only stood still, the fences keep it from writing what another has taken up. A Fax in a call stays
    its own, because nobody else can tell what became of it before the attempt's deadline; a Document is
    rendered alone, because it may have killed the node, and is parked when it has killed enough of them.
    """
    gone = tx.execute(sa.delete(_t).where(_t.c.name == of_node(node), _t.c.until < now))
    if gone.rowcount != 1:
        return False
    documents.recover(tx, now=now, node=node)
    fax = tables.fax
    not_calling = fax.c.state.in_(sorted(SENDABLE))
    tx.execute(sa.update(fax).where(leases.of_node(fax, node), not_calling).values(**leases.FREE))
    for table in (tables.received, tables.outbox):
        tx.execute(sa.update(table).where(leases.of_node(table, node)).values(**leases.FREE))
    return True


def release(tx: sa.Connection, name: str, *, owner: str) -> None:
    """Let another node take over at once."""
    tx.execute(sa.update(_t).where(_t.c.name == name, _t.c.owner == owner).values(owner="", until=0.0))


def guard(tx: sa.Connection, name: str, *, owner: str, fence: int) -> None:
    """Raise `DutyLostError` unless `owner` still has the duty; nobody takes it before the commit."""
    held = _t.c.name == name, _t.c.owner == owner, _t.c.fence == fence
    if tx.execute(sa.select(_t.c.name).where(*held).with_for_update(read=True)).first() is None:
        raise DutyLostError(name)
