"""Who may own which SENT row: the tracker's view of the Faxes at the provider, without their content."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.lifecycle import CLAIMANTS, FaxState
from gateway.model import Attempt, Document, Fax, Submission
from gateway.store import facts, rows, tables

_GIVES_BACK = "sent:gives_back"
_ECHOES = "sent:echoes"


class GivesBack(enum.StrEnum):
    """What `getFaxMessagePDF` makes of pages that were sent."""

    AS_SENT = "as_sent"
    """The same, bit for bit."""
    REDRAWN = "redrawn"
    """Drawn anew, and recognised."""
    UNLIKE = "unlike"
    """A row of ours, as a person said or as no other was there, was not recognised by its pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """A Fax that may own a row in the SENT folder, with every attempt made for it."""

    fax: Fax
    document: Document
    """Without its content."""
    submission: Submission
    """Without its content."""
    attempts: tuple[Attempt, ...]


def claimants(tx: sa.Connection) -> list[Claimant]:
    """Every Fax that may own a SENT row, oldest first."""
    claiming = sa.and_(tables.among(tables.fax, tables.OPEN), tables.among(tables.fax, CLAIMANTS))
    owners = sa.select(tables.fax.c.submission_id).where(claiming)
    submissions = {
        row.id: rows.submission(row)
        for row in tx.execute(
            sa.select(*rows.bare(tables.submission)).where(tables.submission.c.id.in_(owners))
        )
    }
    documents = {
        row.id: rows.document(row)
        for row in tx.execute(sa.select(*rows.bare(tables.document)).where(tables.document.c.id.in_(owners)))
    }
    calls: defaultdict[str, list[Attempt]] = defaultdict(list)
    ids = sa.select(tables.fax.c.id).where(claiming)
    for row in tx.execute(
        sa.select(tables.attempt)
        .where(tables.attempt.c.fax_id.in_(ids))
        .order_by(tables.attempt.c.fax_id, tables.attempt.c.ordinal)
    ):
        calls[row.fax_id].append(rows.attempt(row))
    return [
        Claimant(
            fax=rows.fax(row),
            document=documents[row.submission_id],
            submission=submissions[row.submission_id],
            attempts=tuple(calls[row.id]),
        )
        for row in tx.execute(sa.select(tables.fax).where(claiming).order_by(tables.fax.c.id))
    ]


def held_since(tx: sa.Connection) -> dict[str, float]:
    """When each held Fax was last given to a person: Fax id → epoch seconds."""
    event, held = tables.event, FaxState.HELD
    ids = sa.select(tables.fax.c.id).where(
        tables.among(tables.fax, tables.OPEN), tables.among(tables.fax, {held})
    )
    found = tx.execute(
        sa.select(event.c.subject_id, sa.func.max(event.c.at).label("at"))
        .where(
            event.c.subject == "fax",
            event.c.subject_id.in_(ids),
            event.c.target == held.value,
            event.c.source != held.value,
        )
        .group_by(event.c.subject_id)
    )
    return {row.subject_id: row.at for row in found}


def attempts_of(tx: sa.Connection, fax_id: str) -> tuple[Attempt, ...]:
    """Every call made for a Fax, oldest first."""
    found = tx.execute(
        sa.select(tables.attempt).where(tables.attempt.c.fax_id == fax_id).order_by(tables.attempt.c.ordinal)
    )
    return tuple(rows.attempt(row) for row in found)


def known_rows(tx: sa.Connection, provider_ids: Sequence[str]) -> dict[str, str]:
    """Which of these SENT rows already belong to an attempt: row id → Fax id."""
    found = tx.execute(
        sa.select(tables.attempt.c.provider_id, tables.attempt.c.fax_id).where(
            tables.attempt.c.provider_id.in_(list(provider_ids))
        )
    )
    return {row.provider_id: row.fax_id for row in found}


def gives_back(tx: sa.Connection) -> GivesBack | None:
    """In what form the provider gives back the pages of sent faxes; None: nobody knows yet."""
    known = facts.get(tx, _GIVES_BACK)
    return None if known is None else GivesBack(known)


def learn(tx: sa.Connection, shown: GivesBack) -> None:
    """A PDF or a person has shown it. Pages that were drawn anew prove less than what is known already."""
    if shown is not GivesBack.REDRAWN or gives_back(tx) is None:
        facts.put(tx, _GIVES_BACK, shown)


def echoes(tx: sa.Connection) -> bool:
    """Whether a token in a station id is known to come back in its row."""
    return bool(facts.get(tx, _ECHOES, False))


def learn_echo(tx: sa.Connection, shown: bool) -> None:
    """One has come back; or a person knew a row of ours that none had proved."""
    facts.put(tx, _ECHOES, shown)
