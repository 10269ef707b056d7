"""What the commands may ask: the queue, the inbox, a fax from the shell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

import sqlalchemy as sa

from gateway import phone
from gateway.control.server import Handler, Peer
from gateway.errors import GatewayError, permanent, temporary
from gateway.lifecycle import FINAL, SENDABLE, DocumentState, FaxState, ReceivedState
from gateway.model import Fax, ReceivedFax, Via
from gateway.moves import Trigger
from gateway.store import Store, documents, faxes, outbox, received, tracking, views
from gateway.store.intake import Accepted
from gateway.store.received import Delivery

Send = Callable[[bytes, Sequence[str], str, str], Awaitable[Accepted]]
"""message, numbers, user, address to notify → what it became."""

_MOST_ROWS = 10_000
"""Rows of one listing."""
RESOLUTIONS: Mapping[str, FaxState] = {
    "sent": FaxState.DELIVERED,
    "fail": FaxState.FAILED,
    "resend": FaxState.WAITING,
}
"""What a person may find out about a held Fax."""
SentRows = Callable[[float], Awaitable[Mapping[str, str]]]
"""Since when (epoch seconds) → destinations of the provider's sent faxes by the ids of their rows."""


class Verbs:
    """The handlers, bound to one store. `wake` is called after every change."""

    def __init__(
        self,
        store: Store,
        *,
        send: Send,
        wake: Callable[[], None],
        deadline: float,
        status: Callable[[], Mapping[str, Any]],
        sent_rows: SentRows,
    ) -> None:
        self._store = store
        self._send = send
        self._wake = wake
        self._deadline = deadline
        self._status = status
        self._sent_rows = sent_rows

    def table(self) -> dict[str, Handler]:
        """Verb → handler."""
        return {
            "status": self.status,
            "send": self.send,
            "queue.list": self.queue_list,
            "queue.show": self.queue_show,
            "queue.cancel": self.queue_cancel,
            "queue.retry": self.queue_retry,
            "queue.resolve": self.queue_resolve,
            "inbox.list": self.inbox_list,
            "inbox.show": self.inbox_show,
            "inbox.remail": self.inbox_remail,
        }

    async def status(self, _peer: Peer, _args: Mapping[str, Any], _body: bytes) -> dict[str, Any]:
        """How the daemon is."""
        paused = await self._store.read(lambda tx: views.paused(tx, now=self._store.now()))
        return {**self._status(), "faxes": await self._store.read(views.counts), "paused": paused}

    async def send(self, peer: Peer, args: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        """Queue a fax: `numbers`, `notify`, the message as body."""
        accepted = await self._send(body, list(args["numbers"]), peer.user, str(args.get("notify", "")))
        return {"id": accepted.id, "faxes": accepted.faxes, "repeats": accepted.repeats}

    async def queue_list(self, _peer: Peer, args: Mapping[str, Any], _body: bytes) -> list[dict[str, Any]]:
        """Open Faxes, or all."""
        everything, limit = bool(args.get("all")), min(int(args.get("limit", 200)), _MOST_ROWS)
        return await self._store.read(lambda tx: views.queue_list(tx, everything=everything, limit=limit))

    async def queue_show(self, _peer: Peer, args: Mapping[str, Any], _body: bytes) -> list[dict[str, Any]]:
        """One Fax by its id, or every Fax of a queue id."""

        def look(tx: sa.Connection) -> list[dict[str, Any]]:
            ids = views.faxes_of(tx, _id(args)) or [_id(args)]
            return [shown for id_ in ids if (shown := views.queue_show(tx, id_)) is not None]

        return await self._store.read(look) or _no_such("fax", _id(args))

    async def queue_cancel(self, peer: Peer, args: Mapping[str, Any], _body: bytes) -> dict[str, Any]:
        """Stop a Fax that is not on the line yet."""

        def cancel(tx: sa.Connection) -> dict[str, Any]:
            fax = _fax(tx, _id(args))
            if fax.state not in SENDABLE:
                raise _refuse(f"Fax {fax.id} is {fax.state}; only a fax that waits can be cancelled.")
            faxes.move(
                tx,
                fax,
                FaxState.CANCELLED,
                Trigger.CANCEL,
                now=self._store.now(),
                failure=permanent("5.7.0", "It was cancelled before it was sent.", code="cancelled"),
                by=peer.user,
            )
            return {"id": fax.id, "state": FaxState.CANCELLED}

        return await self._change(cancel)

    async def queue_retry(self, peer: Peer, args: Mapping[str, Any], _body: bytes) -> dict[str, Any]:
        """Try a waiting Fax now, or send a finished one again as a new Fax."""

        def retry(tx: sa.Connection) -> dict[str, Any]:
            fax, now = _fax(tx, _id(args)), self._store.now()
            if fax.state is FaxState.WAITING:
                if not faxes.hurry(tx, fax, now=now, deadline=now + self._deadline, by=peer.user):
                    raise _refuse(f"Fax {fax.id} is being tried just now.")
                return {"id": fax.id, "state": fax.state}
            if fax.state not in FINAL or fax.state is FaxState.DELIVERED:
                hint = " Use: queue resolve" if fax.state is FaxState.HELD else ""
                raise _refuse(f"Fax {fax.id} is {fax.state} and cannot be tried again.{hint}")
            if (later := faxes.successor(tx, fax)) is not None:
                raise _refuse(f"Fax {fax.id} is sent again already, as {later}.")
            document = documents.of(tx, fax.submission_id)
            if document.state is not DocumentState.READY:
                raise _refuse(f"Fax {fax.id} never became pages; send a corrected message instead.")
            if document.content is None:
                raise _refuse(f"The content of fax {fax.id} was purged; send the document anew.")
            new = faxes.again(tx, fax, now=now, deadline=now + self._deadline, by=peer.user)
            return {"id": new, "state": FaxState.ACCEPTED, "retry_of": fax.id}

        return await self._change(retry)

    async def queue_resolve(self, peer: Peer, args: Mapping[str, Any], _body: bytes) -> dict[str, Any]:
        """A person found out what became of a held Fax; with `row`, which of the sent faxes it is."""
        if row := str(args.get("row", "")):
            return await self._adopt(peer, _id(args), row)

        def resolve(tx: sa.Connection) -> dict[str, Any]:
            fax = _fax(tx, _id(args))
            if fax.state not in (FaxState.HELD, FaxState.UNKNOWN):
                raise _refuse(f"Fax {fax.id} is {fax.state}; only a held or unknown fax is resolved.")
            target, now = RESOLUTIONS[str(args["as"])], self._store.now()
            faxes.move(
                tx,
                fax,
                target,
                Trigger.RESOLVE,
                now=now,
                run_at=now if target in SENDABLE else None,
                failure=_PERSON_SAYS_FAILED if target is FaxState.FAILED else None,
                deadline=now + self._deadline if target in SENDABLE else None,
                by=peer.user,
            )
            return {"id": fax.id, "state": target}

        return await self._change(resolve)

    async def _adopt(self, peer: Peer, id_: str, row: str) -> dict[str, Any]:
        """The row is the Fax's: it is followed like any other."""
        seen = await self._store.read(lambda tx: _fax(tx, id_, lock=False))  # a reader locks nothing
        destination = (await self._sent_rows(seen.created)).get(row)
        if destination is None or not phone.same(destination, seen.number):
            raise _refuse(f"The account has no sent fax {row} to {seen.number} since then.")

        def adopt(tx: sa.Connection) -> dict[str, Any]:
            fax, now = _fax(tx, id_), self._store.now()
            if fax.state not in (FaxState.HELD, FaxState.UNKNOWN):
                raise _refuse(f"Fax {fax.id} is {fax.state}; only a held or unknown fax is resolved.")
            owner = tracking.known_rows(tx, [row]).get(row, fax.id)
            if owner != fax.id:
                raise _refuse(f"Row {row} belongs to fax {owner}.")
            if any(row in attempt.snapshot for attempt in tracking.attempts_of(tx, fax.id)):
                raise _refuse(f"Row {row} was there before fax {fax.id} was sent.")
            evidence = faxes.Evidence(provider_id=row, how="person")
            try:
                faxes.move(
                    tx,
                    fax,
                    FaxState.SENT,
                    Trigger.RESOLVE,
                    now=now,
                    run_at=now,
                    evidence=evidence,
                    by=peer.user,
                )
            except faxes.LineTakenError:
                raise _refuse("Another fax to this number is on the line; try again later.") from None
            tracking.learn(tx, tracking.GivesBack.UNLIKE)
            tracking.learn_echo(tx, False)
            return {"id": fax.id, "state": FaxState.SENT}

        return await self._change(adopt)

    async def inbox_list(self, _peer: Peer, args: Mapping[str, Any], _body: bytes) -> list[dict[str, Any]]:
        """Received faxes."""
        limit = min(int(args.get("limit", 200)), _MOST_ROWS)
        return await self._store.read(lambda tx: views.inbox_list(tx, limit=limit))

    async def inbox_show(self, _peer: Peer, args: Mapping[str, Any], _body: bytes) -> dict[str, Any]:
        """One received fax, with the path of our copy."""
        found = await self._store.read(lambda tx: views.inbox_show(tx, _id(args)))
        if found is None:
            _no_such("received fax", _id(args))
        if found["file"]:
            try:
                found["file"] = str(await asyncio.to_thread(self._store.inbox.get, found["file"]))
            except OSError as error:
                sentence = "The stored copy of the fax cannot be read just now."
                raise GatewayError(temporary("4.3.0", sentence, code=type(error).__name__)) from error
        return found

    async def inbox_remail(self, peer: Peer, args: Mapping[str, Any], _body: bytes) -> dict[str, Any]:
        """Mail a received fax again, to `to` or to whom it went before; resume a parked one."""

        def remail(tx: sa.Connection) -> dict[str, Any]:
            fax, now = _received(tx, _id(args)), self._store.now()
            before = outbox.of_received(tx, fax.id)
            to = list(args.get("to", ())) or list(dict.fromkeys(mail.recipient for mail in before))
            deliveries = [Delivery(recipient=address, via=Via.SMTP) for address in to]
            if fax.state is ReceivedState.PARKED and (fax.content is None or not to):
                received.resume(tx, fax, now=now, by=peer.user)
            elif fax.state is ReceivedState.ACKNOWLEDGED and fax.content is None:
                raise _refuse(f"The content of received fax {fax.id} was purged; it cannot be mailed again.")
            elif fax.state in (ReceivedState.PARKED, ReceivedState.MAILED, ReceivedState.ACKNOWLEDGED):
                received.routed(tx, fax, deliveries, now=now, by=peer.user)
            else:
                raise _refuse(f"Received fax {fax.id} is {fax.state}: it is still on its way.")
            return {"id": fax.id, "state": received.get(tx, fax.id).state, "to": to}

        return await self._change(remail)

    async def _change(self, work: Callable[[sa.Connection], dict[str, Any]]) -> dict[str, Any]:
        result = await self._store.write(work)
        self._wake()
        return result


def _id(args: Mapping[str, Any]) -> str:
    id_ = args["id"]
    if not isinstance(id_, str):
        raise TypeError("an id is text")
    return id_


_PERSON_SAYS_FAILED = permanent("5.4.7", "A person looked into it.", code="person")


def _refuse(sentence: str) -> GatewayError:
    return GatewayError(permanent("5.5.1", sentence, code="wrong_state"))


def _no_such(what: str, id_: object) -> NoReturn:
    raise GatewayError(permanent("5.1.1", f'There is no {what} with the id "{id_}".', code="not_found"))


def _fax(tx: sa.Connection, id_: str, *, lock: bool = True) -> Fax:
    try:
        return faxes.get(tx, id_, lock=lock)
    except sa.exc.NoResultFound:
        ids = views.faxes_of(tx, id_)
        if len(ids) == 1:
            return faxes.get(tx, ids[0], lock=lock)
        if ids:
            raise _refuse(f"{id_} is several faxes: {', '.join(ids)}. Name one.") from None
        _no_such("fax", id_)


def _received(tx: sa.Connection, id_: str) -> ReceivedFax:
    try:
        return received.get(tx, id_, lock=True)
    except sa.exc.NoResultFound:
        _no_such("received fax", id_)
