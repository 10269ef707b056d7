"""The least that one fax can cost: its pages, its two calls and its four commits, nothing between them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import phone
from gateway.document import Renderer
from gateway.faxout.sent import FOLDER
from gateway.lifecycle import DocumentState, FaxState
from gateway.model import Content, Document, Fax, Source, Submission, new_id, new_token
from gateway.moves import Trigger
from gateway.store import Store, attempts, documents
from gateway.store.intake import accept
from gateway.voipms import Client, FilePayload

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds from the start."""

    answered: float
    """Until the provider had answered the fax."""
    recorded: float
    """Until that was on disk."""


class Floor:
    """Makes the same with the same parts as the gateway, one after the other, in a store of its own."""

    def __init__(self, directory: Path, *, renderer: Renderer, client: Client, from_number: str) -> None:
        self._store = Store(directory)
        self._store.open()
        self._renderer = renderer
        self._client = client
        self._from_number = from_number

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    async def fax(self, mail: bytes, number: str, *, sender: str, redact: str) -> Spent:
        """Send `mail` to `number` (ten digits)."""
        began = time.perf_counter()
        document, fax = await self._accept(mail, number, sender)
        path = self._store.pages.path(f"{document.id}.pdf")
        rendered = await self._renderer.render_message(mail, path, redact=(redact,))
        await self._store.write(
            lambda tx: documents.ready(
                tx,
                document,
                content=Content(size=rendered.size, file=path.name),
                pages=rendered.pages,
                digest=rendered.digest,
                page_digests=rendered.page_digests,
                notes=rendered.notes,
                now=time.time(),
            )
        )
        day = self._client.local_date(datetime.now(UTC))
        rows = await self._client.get_fax_messages(from_=day - _DAY, to=day + _DAY, folder=FOLDER)
        snapshot = sorted(row.id for row in rows if phone.same(row.destination, fax.number))
        attempt = await self._store.write(
            lambda tx: attempts.begin(
                tx,
                fax,
                token=new_token(),
                deadline=time.time() + self._client.settings.longest_call,
                snapshot=snapshot,
                digest=rendered.digest,
                lease=self._client.settings.longest_call,
                now=time.time(),
            )
        )
        await self._client.send_fax_message(
            to_number=number, from_name="Bench", from_number=self._from_number, file=FilePayload(path)
        )
        answered = time.perf_counter()
        await self._store.write(
            lambda tx: attempts.end(tx, attempt, "success", FaxState.SENT, Trigger.SUCCESS, now=time.time())
        )
        return Spent(answered=answered - began, recorded=time.perf_counter() - began)

    async def _accept(self, mail: bytes, number: str, sender: str) -> tuple[Document, Fax]:
        now, name, dialled = time.time(), new_id(), f"+1{number}"
        submission = Submission(
            id=name,
            source=Source.SMTP,
            identity=sender,
            rule="bench",
            envelope_from=sender,
            message_id=f"<{name}@clinic.example.com>",
            received_at=now,
            content=self._store.spool.keep(name, mail),
        )
        accepted = await self._store.write(
            lambda tx: accept(tx, submission, [dialled], now=now, deadline=now + 3600, window=3600)
        )
        return Document(id=name, state=DocumentState.PENDING), Fax(
            id=accepted.faxes[0], submission_id=name, number=dialled, state=FaxState.ACCEPTED, created=now
        )
