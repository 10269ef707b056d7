"""The control socket: real sockets, the commands' exit codes, what is refused."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from support import moving
from support.submissions import make_submission

from gateway.cli import inbox, queue
from gateway.control import ControlServer, Verbs, ask
from gateway.errors import GatewayError, permanent, unknown
from gateway.lifecycle import FaxState, OutboxState, ReceivedState
from gateway.model import Content, ReceivedFax, Via, new_id
from gateway.moves import Trigger
from gateway.store import Store, attempts, documents, faxes, intake, outbox, received, tracking, views
from gateway.store.received import Delivery
from gateway.worker.purge import Purge


class Daemon:
    """The part of a daemon that the control socket needs."""

    def __init__(self, store: Store, path: Path) -> None:
        self.store, self.path, self.woken, self.sent = store, path, 0, []
        self.sent_rows: dict[str, str] = {}
        verbs = Verbs(
            store,
            send=self.send,
            wake=self.wake,
            deadline=60,
            status=lambda: {"version": "x"},
            sent_rows=self.rows,
        )
        self.server = ControlServer(path, verbs.table(), max_body=1000)

    def wake(self) -> None:
        self.woken += 1

    async def rows(self, _since: float) -> dict[str, str]:
        return self.sent_rows

    async def send(self, message: bytes, numbers: Sequence[str], user: str, notify: str) -> intake.Accepted:
        if b"refuse" in message:
            raise GatewayError(permanent("5.1.3", "Not a number."))
        self.sent.append((message, list(numbers), user, notify))
        return intake.Accepted(id="Q1", faxes=("Q1-1",))

    async def ask(self, verb: str, body: bytes = b"", **args: object) -> object:
        return await asyncio.to_thread(ask, self.path, verb, args, body)


@pytest.fixture
async def daemon(store: Store, tmp_path: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon(store, tmp_path / "control.sock")
    await daemon.server.start()
    yield daemon
    await daemon.server.stop(1)


async def fax(store: Store, ready: bool = True) -> str:
    accepted = await store.write(
        lambda tx: intake.accept(
            tx,
            make_submission(message_id=f"<{new_id()}>"),
            ["+15552341234"],
            now=1000,
            deadline=9e9,
            window=9,
        )
    )
    if ready:
        (work,) = await store.write(
            lambda tx: documents.claim(tx, owner="t", now=1000, seconds=9, limit=1, idle=True)
        )
        await store.write(
            lambda tx: documents.ready(
                tx,
                work.document,
                content=Content(size=1, file="x"),
                pages=1,
                digest="d",
                page_digests=["a"],
                notes=[],
                now=1000,
            )
        )
    return accepted.faxes[0]


async def move(store: Store, fax_id: str, *targets: FaxState) -> None:
    for target in targets:
        row = await store.read(lambda tx: faxes.get(tx, fax_id))
        if target is FaxState.SUBMITTING:
            await store.write(
                lambda tx, row=row: attempts.begin(
                    tx, row, token="T", deadline=1, snapshot=[], digest="d", lease=50, now=1000
                )
            )
        else:
            await store.write(
                lambda tx, row=row, target=target: moving.move(tx, row, target, now=1000, run_at=9e9)
            )


async def test_only_the_owner_and_the_group_may_connect(daemon: Daemon) -> None:
    assert daemon.path.stat().st_mode & 0o777 == 0o660


async def test_send_takes_the_message_and_knows_the_user(daemon: Daemon) -> None:
    answer = await daemon.ask("send", b"Subject: x\r\n\r\n", numbers=["5552341234"], notify="a@example.com")
    assert answer == {"id": "Q1", "faxes": ["Q1-1"], "repeats": []}
    ((message, numbers, user, notify),) = daemon.sent
    assert (message, numbers, notify) == (b"Subject: x\r\n\r\n", ["5552341234"], "a@example.com")
    assert user


async def test_a_refusal_comes_back_as_the_same_failure(daemon: Daemon) -> None:
    with pytest.raises(GatewayError, match="Not a number") as caught:
        await daemon.ask("send", b"refuse", numbers=["x"])
    assert caught.value.failure.status == "5.1.3"


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b"[" * 50000 + b"\n",
        b'{"verb":"queue.show","args":{"id":["x"]}}\n',
        b'{"verb": 1}\n',
        b'{"verb":"nope"}\n',
        b"{}\n",
    ],
)
async def test_nonsense_is_answered_and_the_next_request_works(daemon: Daemon, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(daemon.path))
    writer.write(line)
    assert json.loads(await reader.readline())["ok"] is False
    writer.close()
    assert (await daemon.ask("status")) == {"version": "x", "faxes": {}, "paused": None}


async def test_a_client_that_sends_nothing_does_not_keep_the_daemon(daemon: Daemon) -> None:
    reader, writer = await asyncio.open_unix_connection(str(daemon.path))
    writer.write(b'{"verb": "send", "body": 10}\n123')
    await writer.drain()
    async with asyncio.timeout(10):
        while not daemon.server.busy:
            await asyncio.sleep(0)
        await daemon.server.stop(60)
        assert await reader.read() == b""
    writer.close()


async def test_a_body_over_the_limit_is_refused(daemon: Daemon) -> None:
    with pytest.raises(GatewayError, match="at most 1000"):
        await daemon.ask("send", b"x" * 1001, numbers=["5552341234"])


def test_no_daemon_is_a_clear_answer(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="Is the daemon running") as caught:
        ask(tmp_path / "none.sock", "status")
    assert caught.value.failure.code == "no_daemon"
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(dead))
    with pytest.raises(GatewayError, match="Is the daemon running"):
        ask(dead, "status")


async def test_cancel_only_before_the_line(daemon: Daemon, store: Store) -> None:
    one = await fax(store)
    assert await daemon.ask("queue.cancel", id=one) == {"id": one, "state": "cancelled"}
    assert daemon.woken == 1
    two = await fax(store)
    await move(store, two, FaxState.SUBMITTING)
    with pytest.raises(GatewayError, match="only a fax that waits"):
        await daemon.ask("queue.cancel", id=two)


async def test_retry_hurries_a_waiting_fax_and_copies_a_failed_one(daemon: Daemon, store: Store) -> None:
    one = await fax(store)
    await move(store, one, FaxState.WAITING)
    await daemon.ask("queue.retry", id=one)
    assert ((await store.read(lambda tx: faxes.get(tx, one))).run_at or 9e9) < 9e9
    await move(store, one, FaxState.FAILED)
    again = await daemon.ask("queue.retry", id=one)
    assert again == {"id": one[:-1] + "2", "state": "accepted", "retry_of": one}
    with pytest.raises(GatewayError, match="cannot be tried again"):
        await daemon.ask("queue.retry", id=one[:-1] + "2")
    with pytest.raises(GatewayError, match="sent again already"):
        await daemon.ask("queue.retry", id=one)


async def test_retry_of_what_never_became_pages_is_refused(daemon: Daemon, store: Store) -> None:
    one = await fax(store, ready=False)
    await move(store, one, FaxState.FAILED)
    with pytest.raises(GatewayError, match="never became pages"):
        await daemon.ask("queue.retry", id=one)


@pytest.mark.parametrize(("as_", "state"), [("sent", "delivered"), ("fail", "failed"), ("resend", "waiting")])
async def test_resolve_a_held_fax(daemon: Daemon, store: Store, as_: str, state: str) -> None:
    one = await fax(store)
    with pytest.raises(GatewayError, match="only a held or unknown"):
        await daemon.ask("queue.resolve", id=one, **{"as": as_})
    await move(store, one, FaxState.SUBMITTING, FaxState.UNKNOWN, FaxState.HELD)
    assert await daemon.ask("queue.resolve", id=one, **{"as": as_}) == {"id": one, "state": state}
    ((shown),) = await daemon.ask("queue.show", id=one)  # type: ignore[misc]
    assert shown["history"][-1]["detail"]["by"]


async def test_what_the_administrator_was_told_of_a_held_fax_is_gone_once_it_is_settled(
    daemon: Daemon, store: Store
) -> None:
    """It may name other faxes to that number, and the sender would be told if this one fails later."""
    one = await fax(store)
    await move(store, one, FaxState.SUBMITTING, FaxState.UNKNOWN)
    held = unknown("4.4.7", "Rows that may be it: 700 (yesterday).", code="held_no_proof")
    row = await store.read(lambda tx: faxes.get(tx, one))
    await store.write(lambda tx: moving.move(tx, row, FaxState.HELD, now=1000, failure=held))
    await daemon.ask("queue.resolve", id=one, **{"as": "resend"})
    (failed,) = await store.write(lambda tx: faxes.expire(tx, now=9.1e10))
    expired = await store.read(lambda tx: faxes.get(tx, failed.id))
    assert expired.state is FaxState.FAILED
    assert "700" not in expired.reason


async def test_a_person_says_which_row_it_is(daemon: Daemon, store: Store) -> None:
    one = await fax(store)
    await move(store, one, FaxState.SUBMITTING, FaxState.UNKNOWN, FaxState.HELD)
    daemon.sent_rows = {"700": "5552341234", "701": "5559999999"}

    async def adopt(row: str) -> object:
        return await daemon.ask("queue.resolve", id=one, **{"as": "sent", "row": row})

    for row in ("699", "701"):
        with pytest.raises(GatewayError, match=f"no sent fax {row} to"):
            await adopt(row)
    await store.write(lambda tx: tracking.learn(tx, tracking.GivesBack.AS_SENT))
    await store.write(lambda tx: tracking.learn_echo(tx, True))
    assert await adopt("700") == {"id": one, "state": FaxState.SENT}
    told = await store.read(tracking.gives_back)
    assert told is tracking.GivesBack.UNLIKE, "its pages did not prove what the person knows"
    assert not await store.read(tracking.echoes)
    ((shown),) = await daemon.ask("queue.show", id=one)  # type: ignore[misc]
    assert (shown["provider_id"], shown["calls"][-1]["provider_id"]) == ("700", "700")
    assert shown["history"][-1]["detail"]["how"] == "person"
    with pytest.raises(GatewayError, match="only a held or unknown"):
        await adopt("700")


async def test_a_row_of_another_fax_is_not_given_away(daemon: Daemon, store: Store) -> None:
    daemon.sent_rows = {"700": "5552341234"}
    first, second = await fax(store), await fax(store)
    await move(store, first, FaxState.SUBMITTING, FaxState.UNKNOWN, FaxState.HELD)
    await daemon.ask("queue.resolve", id=first, **{"as": "sent", "row": "700"})
    await move(store, first, FaxState.DELIVERED)
    await move(store, second, FaxState.SUBMITTING, FaxState.UNKNOWN, FaxState.HELD)
    with pytest.raises(GatewayError, match=f"belongs to fax {first}"):
        await daemon.ask("queue.resolve", id=second, **{"as": "sent", "row": "700"})


async def test_a_queue_id_stands_for_its_only_fax(daemon: Daemon, store: Store) -> None:
    one = await fax(store)
    (shown,) = await daemon.ask("queue.show", id=one[:-2])  # type: ignore[misc]
    assert shown["id"] == one
    assert (await daemon.ask("queue.cancel", id=one[:-2]))["id"] == one  # type: ignore[index]
    with pytest.raises(GatewayError, match="no fax with the id"):
        await daemon.ask("queue.cancel", id="nonsense")
    with pytest.raises(GatewayError, match="no fax with the id"):
        await daemon.ask("queue.show", id="nonsense")


async def see(store: Store) -> ReceivedFax:
    seen = ReceivedFax(
        id=new_id(),
        provider_id="9",
        did="5552341234",
        caller="",
        caller_name="",
        station_id="",
        pages=1,
        seconds=1,
        received_at=1,
        folder="INBOX",
        state=ReceivedState.SEEN,
    )
    await store.write(lambda tx: received.see(tx, [seen], now=1000))
    return seen


async def test_remail_takes_a_parked_fax_up_again(daemon: Daemon, store: Store) -> None:
    seen = await see(store)
    with pytest.raises(GatewayError, match="still on its way"):
        await daemon.ask("inbox.remail", id=seen.id)
    (claimed,) = await store.write(lambda tx: received.claim(tx, owner="t", now=1000, seconds=9, limit=1))
    await store.write(lambda tx: received.parked(tx, claimed, "Gone.", now=1000))
    assert (await daemon.ask("inbox.remail", id=seen.id))["state"] == "seen"  # type: ignore[index]
    assert (await daemon.ask("inbox.show", id=seen.id))["state"] == "seen"  # type: ignore[index]
    assert [row["id"] for row in await daemon.ask("inbox.list")] == [seen.id]  # type: ignore[attr-defined]


async def send_mails(store: Store) -> None:
    def send(tx: sa.Connection) -> None:
        for mail in outbox.claim(tx, owner="m", now=store.now(), seconds=9, limit=9):
            outbox.move(tx, mail, OutboxState.SENT, Trigger.TAKEN, now=1000)
            received.mail_left(tx, mail, OutboxState.SENT, now=1000)

    await store.write(send)


async def shown(daemon: Daemon, command: click.Command, id_: str) -> str:
    result = await asyncio.to_thread(
        CliRunner().invoke, command, ["show", id_, "--socket", str(daemon.path)], catch_exceptions=False
    )
    return result.output


async def test_a_purged_fax_says_so_and_cannot_be_tried_again(daemon: Daemon, store: Store) -> None:
    one = await fax(store)
    await move(store, one, FaxState.FAILED)
    await send_mails(store)
    assert "purged" not in await shown(daemon, queue.command, one)
    await Purge(store, keep=0).step()
    with pytest.raises(GatewayError, match="was purged; send the document anew"):
        await daemon.ask("queue.retry", id=one)
    assert "content: purged 20" in await shown(daemon, queue.command, one)
    assert await store.read(lambda tx: views.faxes_of(tx, one[:-2])) == [one]


async def test_a_purged_received_fax_says_so_and_cannot_be_mailed_again(daemon: Daemon, store: Store) -> None:
    seen = await see(store)
    content, to = Content(size=1, data=b"x"), [Delivery(recipient="a@example.com", via=Via.SMTP)]

    def route(tx: sa.Connection) -> None:
        received.fetched(tx, received.get(tx, seen.id), content=content, digest="d", now=1000)
        received.routed(tx, received.get(tx, seen.id), to, now=1000)

    await store.write(route)
    await send_mails(store)
    await store.write(lambda tx: received.acknowledged(tx, received.get(tx, seen.id), folder="", now=1000))
    assert "purged" not in await shown(daemon, inbox.command, seen.id)
    await Purge(store, keep=0).step()
    with pytest.raises(GatewayError, match="was purged; it cannot be mailed again"):
        await daemon.ask("inbox.remail", id=seen.id, to=["b@example.com"])
    assert "content: purged 20" in await shown(daemon, inbox.command, seen.id)
    assert (await daemon.ask("inbox.show", id=seen.id))["state"] == "acknowledged"  # type: ignore[index]
