"""Rows as the model's frozen values."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gateway.lifecycle import DocumentState, FaxState, OutboxState, ReceivedState
from gateway.model import (
    Attempt,
    Content,
    Document,
    Fax,
    MailKind,
    OutboxMail,
    ReceivedFax,
    Source,
    Submission,
    Via,
)

Row = sa.Row[Any]


def bare(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    """Columns of `table` with empty content: memory is bounded by the number of Faxes, not by their pages."""
    empty: dict[str, sa.ColumnElement[Any]] = {
        "content": sa.null().label("content"),
        "content_file": sa.null().label("content_file"),
        "content_size": sa.literal_column("0").label("content_size"),
    }
    return [empty.get(column.name, column) for column in table.c]


def _content(row: Row) -> Content:
    return Content(size=row.content_size, data=row.content, file=row.content_file)


def content_values(content: Content) -> dict[str, object]:
    """Column values of `content`."""
    return {"content": content.data, "content_file": content.file, "content_size": content.size}


def submission(row: Row) -> Submission:
    return Submission(
        id=row.id,
        source=Source(row.source),
        identity=row.identity,
        rule=row.rule,
        envelope_from=row.envelope_from,
        message_id=row.message_id,
        references=row.references,
        subject=row.subject,
        fingerprint=row.fingerprint,
        from_number=row.from_number,
        from_name=row.from_name,
        station_id=row.station_id,
        max_pages=row.max_pages,
        resend_unknown=row.resend_unknown,
        receipts=row.receipts,
        received_at=row.received_at,
        content=_content(row),
    )


def document(row: Row) -> Document:
    has_content = row.content is not None or row.content_file is not None
    return Document(
        id=row.id,
        state=DocumentState(row.state),
        content=_content(row) if has_content else None,
        pages=row.pages,
        digest=row.digest,
        page_digests=tuple(row.page_digests),
        deaths=row.deaths,
        notes=tuple(row.notes),
        fence=row.fence,
    )


def fax(row: Row) -> Fax:
    return Fax(
        id=row.id,
        submission_id=row.submission_id,
        number=row.number,
        state=FaxState(row.state),
        created=row.created,
        run_at=row.run_at,
        deadline=row.deadline,
        attempts=row.attempts,
        tries=row.tries,
        fence=row.fence,
        lease_until=row.lease_until,
        provider_id=row.provider_id,
        pages=row.pages,
        seconds=row.seconds,
        cost=row.cost,
        reason=row.reason,
        code=row.code,
        status=row.status,
        finished=row.finished,
        retry_of=row.retry_of,
    )


def attempt(row: Row) -> Attempt:
    return Attempt(
        id=row.id,
        fax_id=row.fax_id,
        ordinal=row.ordinal,
        started=row.started,
        token=row.token,
        deadline=row.deadline,
        snapshot=tuple(row.snapshot),
        digest=row.digest,
        outcome=row.outcome,
        outcome_at=row.outcome_at,
        provider_id=row.provider_id,
    )


def received(row: Row) -> ReceivedFax:
    has_content = row.content is not None or row.content_file is not None
    return ReceivedFax(
        id=row.id,
        provider_id=row.provider_id,
        did=row.did,
        caller=row.caller,
        caller_name=row.caller_name,
        station_id=row.station_id,
        pages=row.pages,
        seconds=row.seconds,
        received_at=row.received_at,
        folder=row.folder,
        state=ReceivedState(row.state),
        content=_content(row) if has_content else None,
        digest=row.digest,
        reason=row.reason,
        run_at=row.run_at,
        attempts=row.attempts,
        fence=row.fence,
    )


def outbox(row: Row) -> OutboxMail:
    return OutboxMail(
        id=row.id,
        key=row.key,
        kind=MailKind(row.kind),
        recipient=row.recipient,
        facts=row.facts,
        message_id=row.message_id,
        created=row.created,
        state=OutboxState(row.state),
        via=Via(row.via),
        received_id=row.received_id,
        attempts=row.attempts,
        run_at=row.run_at,
        reason=row.reason,
        fence=row.fence,
    )
