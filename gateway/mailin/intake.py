"""The one door: a judged mail becomes a Submission, its Document and a Fax per number, in one commit.

Every source comes through here. What was begun is finished even if its client is gone: the commit runs in a
task of its own, and a client that missed the answer sends again and is recognised.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from gateway import journal, phone
from gateway.config import Settings
from gateway.errors import GatewayError, permanent
from gateway.mailin.code import without_traces
from gateway.mailin.header import HEADER_BYTES, Fingerprint, Head, parse
from gateway.mailin.policy import Rule, Verdict, permit
from gateway.model import Content, MailKind, Source, Submission, new_id
from gateway.store import Draft, Store, StoreUnavailableError, outbox
from gateway.store.intake import Accepted, Mail, accept_all
from gateway.store.spool import INLINE

Also = Callable[[sa.Connection, Accepted], None]
"""More to write in the transaction of the acceptance."""

_DAY = 86_400

COMMAND = Rule(name="command", code_required=False)
"""The rule of ``fax-gateway send``: who may use the control socket may fax."""


class Intake:
    """Accepts mails. `wake` is called after each commit that made something to do."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        wake: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings
        self._wake = wake
        self._clock = clock
        self._commits: set[asyncio.Task[Accepted] | asyncio.Task[None]] = set()

    def draft(self) -> Draft:
        """Where a mail is written that `accept` may get."""
        return self._store.spool.draft()

    async def accept(
        self,
        *,
        source: Source,
        verdict: Verdict,
        head: Head,
        envelope_from: str,
        numbers: Sequence[str],
        draft: Draft,
        fingerprint: str,
        also: Also | None = None,
        queue_id: str = "",
    ) -> Accepted:
        """Commit a mail for `numbers` (E.164); durable on return.

        Takes over `draft`, which holds the mail without its code, and discards it if need be. `queue_id` is
        for callers that had to name it before. Raises `StoreUnavailableError` or what `also` raised: then
        nothing is accepted. A caller that is cancelled does not undo it.
        """
        code = verdict.code
        submission = Submission(
            id=queue_id or new_id(),
            source=source,
            identity=verdict.identity,
            rule=verdict.rule.name,
            envelope_from=envelope_from,
            message_id=_clean(head.message_id, code),
            references=_clean(head.references, code),
            subject=verdict.subject,
            fingerprint=fingerprint,
            from_number=verdict.rule.from_number,
            from_name=verdict.rule.from_name,
            station_id=verdict.rule.station_id,
            max_pages=verdict.rule.max_pages,
            resend_unknown=verdict.rule.resend_unknown,
            receipts=verdict.rule.receipts,
            received_at=self._clock(),
        )
        commit = asyncio.ensure_future(self._commit(submission, tuple(numbers), draft, also))
        self._commits.add(commit)
        commit.add_done_callback(self._commits.discard)
        return await asyncio.shield(commit)

    async def accept_command(
        self, *, message: bytes, numbers: Sequence[str], user: str, notify: str
    ) -> Accepted:
        """Accept what ``fax-gateway send`` built: a whole message, numbers as people write them.

        `user` is the local user name, `notify` the address for notices or "". Raises `GatewayError`.
        """
        region = self._settings.gateway.country
        dialled = [phone.parse(number, region=region) for number in numbers]
        if not dialled:
            raise GatewayError(permanent("5.5.4", "Name at least one fax number."))
        permit(COMMAND, dialled, self._settings.gateway)
        header, body = split_message(message)
        head = parse(header[:HEADER_BYTES])
        fingerprint = Fingerprint()
        fingerprint.header(header)
        fingerprint.body(body)
        draft = self.draft()
        await write_draft(draft, message)
        return await self.accept(
            source=Source.COMMAND,
            verdict=Verdict(rule=COMMAND, identity=user, subject=head.subject),
            head=head,
            envelope_from=notify,
            numbers=dialled,
            draft=draft,
            fingerprint=fingerprint.hexdigest(),
        )

    def report_guesses(self, rule: str, facts: Mapping[str, str]) -> asyncio.Task[None]:
        """Tell the administrator that somebody guesses codes, at most once a day for each `rule`.

        Call it on the event loop. The task only ends when the notice is queued, or the store refused it.
        """
        task = asyncio.ensure_future(self._report(rule, facts))
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)
        return task

    async def drain(self) -> None:
        """Wait for the commits under way."""
        while self._commits:
            await asyncio.wait(set(self._commits))

    async def _report(self, rule: str, facts: Mapping[str, str]) -> None:
        now = self._clock()

        def work(tx: sa.Connection) -> None:
            outbox.queue(
                tx,
                key=f"lockout:{rule}:{now // _DAY:.0f}",
                kind=MailKind.ALERT,
                recipient=outbox.ADMIN,
                facts={"about": "lockout", **facts},
                now=now,
            )

        try:
            await self._store.write(work)
        except StoreUnavailableError as error:
            journal.store_trouble(reason=error.failure.code)
        else:
            self._wake()

    async def _commit(
        self, submission: Submission, numbers: tuple[str, ...], draft: Draft, also: Also | None
    ) -> Accepted:
        fax = self._settings.fax
        now = submission.received_at
        named = fax.duplicate_window_hours * 3600.0
        window = named if submission.message_id else fax.anonymous_window_minutes * 60.0
        window += self._store.skipped(now - window)

        content = Content(size=0)
        unused = False
        try:
            content = await _keep(draft, submission.id)
            mail = Mail(
                submission=replace(submission, content=content),
                numbers=numbers,
                now=now,
                deadline=now + fax.deadline_hours * 3600.0,
                window=window,
            )
            accepted = await self._write(mail, also)
            unused = not accepted.faxes
        except StoreUnavailableError as error:
            # A COMMIT that failed may still be on disk: then the file stays, and the next start sweeps it if
            # no row names it.
            unused = error.certain
            journal.store_trouble(reason=error.failure.code)
            raise
        except Exception:
            unused = True
            raise
        finally:
            draft.discard()
            if unused and content.file is not None:
                await asyncio.to_thread(self._store.spool.discard, content.file)
        self._wake()
        if accepted.faxes:
            journal.accepted(
                queue_id=accepted.id,
                sender=submission.identity,
                numbers=numbers,
                size=content.size,
                via=submission.source,
            )
        else:
            journal.repeated(queue_id=accepted.id, sender=submission.identity)
        return accepted

    async def _write(self, mail: Mail, also: Also | None) -> Accepted:
        if also is None:
            return await self._store.write_together(accept_all, mail)

        def work(tx: sa.Connection) -> Accepted:
            (accepted,) = accept_all(tx, [mail])
            also(tx, accepted)
            return accepted

        return await self._store.write(work)


async def write_draft(draft: Draft, chunk: bytes) -> None:
    """Append to `draft`; in a thread once that touches the disk. Raises `StoreUnavailableError`."""
    if draft.fits(chunk):
        draft.write(chunk)
        return
    try:
        await asyncio.to_thread(draft.write, chunk)
    except OSError as error:
        raise StoreUnavailableError(error, certain=True) from error


def split_message(message: bytes) -> tuple[bytes, bytes]:
    """Header block with its empty line, and body; lines may end in CRLF or LF."""
    end = _end_of_header(message)
    return message[:end], message[end:]


def _end_of_header(message: bytes) -> int:
    if message.startswith((b"\n", b"\r\n")):
        return message.index(b"\n") + 1
    crlf = message.find(b"\n\r\n")
    lf = message.find(b"\n\n", 0, crlf + 1 if crlf >= 0 else None)
    if lf >= 0:
        return lf + 2
    return crlf + 3 if crlf >= 0 else len(message)


async def _keep(draft: Draft, name: str) -> Content:
    try:
        return await asyncio.to_thread(draft.keep, name) if draft.size > INLINE else draft.keep(name)
    except OSError as error:
        raise StoreUnavailableError(error, certain=True) from error


def _clean(text: str, code: str | None) -> str:
    return without_traces(text, code) if code is not None else text
