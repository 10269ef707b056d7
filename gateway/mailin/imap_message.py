"""One polled message: from its header block to a verdict that is written down.

The message is read in pieces, so that its size does not matter, and only what was judged goes into the spool.
Works in the mailbox's thread; commits go through the event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from gateway import journal
from gateway.config import Mailbox, Settings
from gateway.errors import GatewayError, Kind, permanent
from gateway.mailin import directive, header, vouch
from gateway.mailin.code import without_traces
from gateway.mailin.gate import Gate
from gateway.mailin.header import HEADER_BYTES, Fingerprint, Head
from gateway.mailin.imap_session import Session, VanishedError
from gateway.mailin.intake import Intake
from gateway.mailin.policy import Claim, Reason, Refusal, Verdict, permit
from gateway.mailin.provider import RulesProvider
from gateway.mailin.reception import torn
from gateway.model import Source
from gateway.store import Draft, Store, StoreUnavailableError, ledger, mailboxes
from gateway.store.intake import Accepted
from gateway.store.mailboxes import Place

T = TypeVar("T")


class LoopGoneError(Exception):
    """The daemon is ending: there is nobody left to commit."""


class Wait(Protocol):
    """Runs a coroutine on the event loop and blocks this thread until it is done, or `LoopGoneError`."""

    def __call__(self, coroutine: Coroutine[Any, Any, T]) -> T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    """What is known of a message once its header block is read."""

    place: Place
    size: int
    """RFC822.SIZE; servers may be wrong about it."""
    block: bytes
    """The original header block, or the beginning of one that is too large."""
    too_large: bool
    """Whether that is so."""
    head: Head
    sender: str
    """The one From address, which is also where notices go, or ""."""
    vouched: bool
    """Trusted Authentication-Results speak for the sender."""


class MessageHandler:
    """Judges and takes in the messages of one mailbox.

    Who a mail is from is proved by trusted Authentication-Results or, more weakly, by a From address together
    with its security code. Only the stronger proof lets a mail do without a code, and a refusal be answered.
    """

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
        self._gate = Gate(settings, rules, alarm=self._report_guesses)

    def receive(self, session: Session, place: Place, size: int) -> mailboxes.Verdict:
        """Accept or refuse one message; the verdict is committed on return.

        `size` is RFC822.SIZE. Raises `GatewayError` (temporary) if it is to be tried again later, one of
        `imap_session.TROUBLE`, or `VanishedError`.
        """
        mail = self._open(session, place, size)
        subject = ""
        try:
            self._check_form(mail)
            verdict = self._judge(mail)
            subject = verdict.subject
            asked = directive.read(
                mail.head.subject, code=verdict.code or "", region=self._settings.gateway.country
            )
            self._check_numbers(verdict, asked.numbers)
            self._accept(session, mail, replace(verdict, subject=asked.subject), asked.numbers)
        except GatewayError as error:
            if error.failure.kind is not Kind.PERMANENT:
                raise
            self._refuse(mail, error, subject)
            return mailboxes.Verdict.REFUSED
        return mailboxes.Verdict.ACCEPTED

    def recognise(self, session: Session, place: Place) -> mailboxes.Verdict:
        """After a UIDVALIDITY change: repeat the verdict on the same message, or hold an unknown one.

        The message has a new UID; Message-ID and content tell that it is the same. Nobody is told here.
        """
        mail = self._open(session, place, 0)
        message_id = self._clean(mail.head.message_id)
        fingerprint = self._fingerprint(mail)
        digests = [fingerprint.hexdigest()]  # of a refused message, whose body was never read
        if self._wait(self._store.read(lambda tx: ledger.mentions(tx, place.account, message_id))):
            for chunk in session.body(place.uid):
                fingerprint.body(chunk)
            digests.append(fingerprint.hexdigest())
        return self._wait(
            self._store.write(
                lambda tx: ledger.repeat(
                    tx, place, message_id=message_id, fingerprints=digests, now=self._clock()
                )
            )
        )

    def _open(self, session: Session, place: Place, size: int) -> _Mail:
        block = session.header(place.uid, limit=HEADER_BYTES + 1)
        too_large = header.too_large(block)
        if too_large:
            block = header.beginning(block)
        head = header.parse(block)
        sender = head.from_addresses[0] if len(set(head.from_addresses)) == 1 else ""
        return _Mail(
            place=place,
            size=size,
            block=block,
            too_large=too_large,
            head=head,
            sender=sender,
            vouched=bool(vouch.vouched_by(block, sender, self._box.trusted_authserv)),
        )

    def _check_form(self, mail: _Mail) -> None:
        if mail.too_large:
            raise Refusal(
                permanent("5.3.4", "The header of the mail is too large. Send it again as a new mail."),
                Reason.HEADER,
            )
        if header.bare_cr(mail.block):
            raise Refusal(torn(), Reason.HEADER)
        if mail.size > self._box.max_message_bytes:
            raise self._too_large()

    def _too_large(self) -> Refusal:
        most = self._box.max_message_bytes / 1_000_000
        return Refusal(
            permanent("5.3.4", f"The mail is larger than {most:.3g} MB. Send fewer or smaller files."),
            Reason.SIZE,
        )

    def _judge(self, mail: _Mail) -> Verdict:
        """The sender rules, and what a mailbox asks beyond them: a code, or somebody who vouches."""
        head = mail.head
        if not mail.sender and head.return_path != "":
            raise Refusal(
                permanent("5.7.1", "The mail names no single sender. Send it from one address of your own."),
                Reason.UNPROVED,
            )
        claim = Claim(envelope_from=mail.sender, vouched=mail.vouched, code_needed=not mail.vouched)
        return self._gate.judge(claim, head, peer=f"mailbox {self._box.name}")

    def _check_numbers(self, verdict: Verdict, numbers: Sequence[str]) -> None:
        most = verdict.rule.max_recipients or self._settings.smtp.max_recipients
        if len(numbers) > most:
            raise Refusal(
                permanent("5.5.3", f"One mail may go to {most} fax numbers at most."),
                Reason.RECIPIENTS,
                identity=verdict.identity,
            )
        permit(verdict.rule, numbers, self._settings.gateway)

    def _accept(self, session: Session, mail: _Mail, verdict: Verdict, numbers: Sequence[str]) -> None:
        now = self._clock()
        with self._store.spool.draft() as draft:
            fingerprint = self._copy(session, mail, verdict.code, draft)

            def also(tx: sa.Connection, accepted: Accepted) -> None:
                self._store.check(tx)
                mailboxes.record(
                    tx,
                    mail.place,
                    mailboxes.Verdict.ACCEPTED,
                    message_id=self._clean(mail.head.message_id),
                    fingerprint=fingerprint,
                    submission_id=accepted.id,
                    now=now,
                )

            self._wait(
                self._intake.accept(
                    source=Source.IMAP,
                    verdict=verdict,
                    head=mail.head,
                    envelope_from=verdict.identity,
                    numbers=numbers,
                    draft=draft,
                    fingerprint=fingerprint,
                    also=also,
                )
            )

    def _copy(self, session: Session, mail: _Mail, code: str | None, draft: Draft) -> str:
        """Stream the message into `draft` without its code; return the fingerprint."""
        clean = header.without_code(mail.block, code) if code else mail.block
        fingerprint = Fingerprint()
        fingerprint.header(clean)
        _write(draft, clean)
        size = len(mail.block)
        for chunk in session.body(mail.place.uid):
            size += len(chunk)
            if size > self._box.max_message_bytes:
                raise self._too_large()
            fingerprint.body(chunk)
            _write(draft, chunk)
        if size < mail.size and not session.summaries([mail.place.uid]):
            raise VanishedError  # in the middle: what was read may be half a letter
        return fingerprint.hexdigest()

    def _refuse(self, mail: _Mail, error: GatewayError, subject: str) -> None:
        """Commit a refusal; `subject` is free of the code, or empty while nobody knows what in it is one."""
        head = mail.head
        reason = error.reason if isinstance(error, Refusal) else Reason.NUMBER
        # An answer may reach somebody else than the writer, or a machine that answers in turn (RFC 3834, 2).
        answer = (
            self._box.answer_refusals and mail.vouched and not head.auto_submitted and head.return_path != ""
        )
        fingerprint = self._fingerprint(mail).hexdigest()
        self._wait(
            self._store.write(
                lambda tx: ledger.refuse(
                    tx,
                    mail.place,
                    error.failure,
                    message_id=self._clean(head.message_id),
                    references=self._clean(head.references),
                    fingerprint=fingerprint,
                    answer_to=mail.sender if answer else "",
                    subject=subject,
                    now=self._clock(),
                )
            )
        )
        journal.refused_mail(
            peer=f"mailbox {self._box.name}", sender=mail.sender, reason=reason, status=error.failure.status
        )

    def _fingerprint(self, mail: _Mail) -> Fingerprint:
        """Begun with the header, without the code of whom the mail says it is from: as `_copy` has it."""
        rule = self._rules.current().of_address(mail.sender)
        fingerprint = Fingerprint()
        known = rule is not None and rule.code
        fingerprint.header(header.without_code(mail.block, known) if known else mail.block)
        return fingerprint

    def _report_guesses(self, rule: str, facts: Mapping[str, str]) -> None:
        async def report() -> None:
            await self._intake.report_guesses(rule, facts)

        self._wait(report())

    def _clean(self, text: str) -> str:
        """`text` without any code that is in force: nobody knows yet whose mail this is."""
        for rule in self._rules.current():
            if rule.code is not None:
                text = without_traces(text, rule.code)
        return text


def _write(draft: Draft, chunk: bytes) -> None:
    try:
        draft.write(chunk)
    except OSError as error:  # a full disk is no trouble of the mail server
        raise StoreUnavailableError(error, certain=True) from error
