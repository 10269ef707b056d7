"""One polled message: from its header block to a verdict that is written down.

The message is read in pieces, so that its size does not matter, and only what was judged goes into the spool.
Works in the mailbox's thread; commits go through the event loop.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from gateway import journal
from gateway.config import Mailbox, Settings
from gateway.errors import GatewayError, Kind, permanent
from gateway.mailin import directive, header, ledger, vouch
from gateway.mailin.code import without_traces
from gateway.mailin.gate import Gate
from gateway.mailin.header import HEADER_BYTES, Fingerprint, Head
from gateway.mailin.imap_session import Session
from gateway.mailin.intake import Intake
from gateway.mailin.policy import Claim, Reason, Refusal, Verdict, find_code
from gateway.mailin.provider import RulesProvider
from gateway.model import Source
from gateway.store import Draft, Store, StoreUnavailableError, mailboxes
from gateway.store.intake import Accepted
from gateway.store.mailboxes import Place

T = TypeVar("T")

_NEVER_ANSWERED = frozenset({Reason.NULL_SENDER, Reason.AUTOMATIC})


class LoopGoneError(Exception):
    """The daemon is ending: there is nobody left to commit."""


class Wait(Protocol):
    """Runs a coroutine on the event loop and blocks this thread until it is done, or `LoopGoneError`."""

    def __call__(self, coroutine: Coroutine[Any, Any, T]) -> T: ...


class Reception:
    """Judges and takes in the messages of one mailbox."""

    def __init__(
        self,
        box: Mailbox,
        *,
        settings: Settings,
        store: Store,
        intake: Intake,
        rules: RulesProvider,
        wait: Wait,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._box = box
        self._settings = settings
        self._store = store
        self._intake = intake
        self._rules = rules
        self._wait = wait
        self._clock = clock
        # Anybody can write anybody's name into From: guesses under an unproved name must not lock out the one
        # it belongs to, neither here nor at the other doors.
        self._gates = {proved: Gate(settings, rules) for proved in (True, False)}

    def receive(self, session: Session, place: Place, size: int) -> mailboxes.Verdict:
        """Accept or refuse one message; the verdict is committed on return.

        `size` is RFC822.SIZE. Raises `GatewayError` (temporary) if it is to be tried again later, one of
        `imap_session.TROUBLE`, or `VanishedError`.
        """
        block = session.header(place.uid, limit=HEADER_BYTES + 1)
        head = header.parse(block)
        subject = ""
        try:
            self._check_size(block, size)
            verdict = self._judge(block, head)
            subject = verdict.subject
            asked = directive.read(
                head.subject, code=verdict.code or "", region=self._settings.gateway.country
            )
            self._check_numbers(verdict, asked.numbers)
            verdict = dataclasses.replace(verdict, subject=asked.subject)
            self._accept(session, place, block, head, verdict, asked.numbers)
        except GatewayError as error:
            if error.failure.kind is not Kind.PERMANENT:
                raise
            self._refuse(place, block, head, error, subject)
            return mailboxes.Verdict.REFUSED
        return mailboxes.Verdict.ACCEPTED

    def recognise(self, session: Session, place: Place) -> mailboxes.Verdict:
        """After a UIDVALIDITY change: repeat the verdict on the same message, or hold an unknown one.

        The message has a new UID; Message-ID and content tell that it is the same. Nobody is told here.
        """
        block = session.header(place.uid, limit=HEADER_BYTES + 1)
        message_id = self._clean(header.parse(block).message_id)
        fingerprint = Fingerprint()
        fingerprint.header(block)
        digests = [fingerprint.hexdigest()]
        if self._wait(self._store.read(lambda tx: ledger.mentions(tx, place.account, message_id))):
            for chunk in session.body(place.uid):
                fingerprint.body(chunk)
            digests.append(fingerprint.hexdigest())
        return self._wait(self._store.write(lambda tx: self._repeat(tx, place, message_id, digests)))

    def _repeat(
        self, tx: sa.Connection, place: Place, message_id: str, digests: list[str]
    ) -> mailboxes.Verdict:
        matches = (mailboxes.by_message(tx, place.account, message_id, digest) for digest in digests)
        entry = next((match for match in matches if match is not None), None)
        verdict = mailboxes.Verdict.HELD if entry is None else entry.verdict
        mailboxes.record(
            tx,
            place,
            verdict,
            message_id=message_id,
            fingerprint=digests[-1] if entry is None else entry.fingerprint,
            submission_id="" if entry is None else entry.submission_id,
            now=self._clock(),
        )
        return verdict

    def _check_size(self, block: bytes, size: int) -> None:
        if header.too_large(block):
            raise Refusal(
                permanent("5.3.4", "The header of the mail is too large. Send it again as a new mail."),
                Reason.HEADER,
            )
        if size > self._box.max_message_bytes:
            raise self._too_large()

    def _too_large(self) -> Refusal:
        most = self._box.max_message_bytes / 1_000_000
        return Refusal(
            permanent("5.3.4", f"The mail is larger than {most:.3g} MB. Send fewer or smaller files."),
            Reason.SIZE,
        )

    def _judge(self, block: bytes, head: Head) -> Verdict:
        """The sender rules, and what a mailbox asks beyond them."""
        sender = _sender(head)
        if not sender and head.return_path != "":
            raise Refusal(
                permanent(
                    "5.7.1", "The mail does not name one sender. Send it from one address of your own."
                ),
                Reason.UNPROVED,
            )
        vouched = bool(vouch.vouched_by(block, sender, self._box.trusted_authserv))
        verdict = self._gates[vouched].judge(
            Claim(envelope_from=sender), head, peer=f"mailbox {self._box.name}"
        )
        proved = vouched or (verdict.code is not None and find_code(head.subject, verdict.code))
        if not proved:
            raise Refusal(
                permanent(
                    "5.7.1",
                    "Nothing proves who sent this mail. Write the security code in the subject.",
                ),
                Reason.UNPROVED,
                identity=sender,
            )
        return verdict

    def _check_numbers(self, verdict: Verdict, numbers: tuple[str, ...]) -> None:
        most = verdict.rule.max_recipients or self._settings.smtp.max_recipients
        if len(numbers) > most:
            raise Refusal(
                permanent("5.5.3", f"One mail may go to {most} fax numbers at most."),
                Reason.RECIPIENTS,
                identity=verdict.identity,
            )
        self._gates[True].permit(verdict.rule, numbers)

    def _accept(
        self,
        session: Session,
        place: Place,
        block: bytes,
        head: Head,
        verdict: Verdict,
        numbers: tuple[str, ...],
    ) -> None:
        now = self._clock()
        with self._store.spool.draft() as draft:
            fingerprint = self._copy(session, place.uid, block, verdict, draft)

            def also(tx: sa.Connection, accepted: Accepted) -> None:
                mailboxes.record(
                    tx,
                    place,
                    mailboxes.Verdict.ACCEPTED,
                    message_id=self._clean(head.message_id),
                    fingerprint=fingerprint,
                    submission_id=accepted.id,
                    now=now,
                )

            self._wait(
                self._intake.accept(
                    source=Source.IMAP,
                    verdict=verdict,
                    head=head,
                    envelope_from=verdict.identity,
                    numbers=numbers,
                    draft=draft,
                    fingerprint=fingerprint,
                    also=also,
                )
            )

    def _copy(self, session: Session, uid: int, block: bytes, verdict: Verdict, draft: Draft) -> str:
        """Stream the message into `draft` without its code; return the fingerprint of the original."""
        fingerprint = Fingerprint()
        fingerprint.header(block)
        _write(draft, header.without_code(block, verdict.code) if verdict.code else block)
        size = len(block)
        for chunk in session.body(uid):
            size += len(chunk)
            if size > self._box.max_message_bytes:  # the server said otherwise
                raise self._too_large()
            fingerprint.body(chunk)
            _write(draft, chunk)
        return fingerprint.hexdigest()

    def _refuse(self, place: Place, block: bytes, head: Head, error: GatewayError, subject: str) -> None:
        sender = _sender(head)
        reason = error.reason if isinstance(error, Refusal) else Reason.NUMBER
        answer = (
            self._box.answer_refusals
            and reason not in _NEVER_ANSWERED
            and not head.auto_submitted
            and head.return_path != ""
            and bool(vouch.vouched_by(block, sender, self._box.trusted_authserv))
        )
        fingerprint = Fingerprint()
        fingerprint.header(block)
        clean = dataclasses.replace(
            head, message_id=self._clean(head.message_id), references=self._clean(head.references)
        )
        self._wait(
            self._store.write(
                lambda tx: ledger.refuse(
                    tx,
                    place,
                    error.failure,
                    head=clean,
                    fingerprint=fingerprint.hexdigest(),
                    answer_to=sender if answer else "",
                    subject=subject,
                    now=self._clock(),
                )
            )
        )
        journal.refused_mail(
            peer=f"mailbox {self._box.name}", sender=sender, reason=reason, status=error.failure.status
        )

    def _clean(self, text: str) -> str:
        """`text` without any code that is in force: nobody knows yet whose mail this is."""
        for rule in self._rules.current():
            if rule.code is not None:
                text = without_traces(text, rule.code)
        return text


def _sender(head: Head) -> str:
    """The one From address, which is also where notices go, or ""."""
    return head.from_addresses[0] if len(set(head.from_addresses)) == 1 else ""


def _write(draft: Draft, chunk: bytes) -> None:
    try:
        draft.write(chunk)
    except OSError as error:  # a full disk is no trouble of the mail server
        raise StoreUnavailableError(error) from error
