"""Claimants and SENT rows for the matching tests, with short ways to say what matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gateway.faxout.decisions import Policy
from gateway.faxout.interpret import Standing
from gateway.faxout.match import SentRow
from gateway.lifecycle import DocumentState, FaxState
from gateway.model import Attempt, Document, Fax
from gateway.store.tracking import Claimant
from gateway.voipms import Caller, FaxMessage
from support.submissions import make_submission

NUMBER = "+15551230001"
LINE = "5551230001"
"""`NUMBER` as the provider writes it."""
T0 = 1_000_000.0
"""When the first call was made."""
OURS = ("page-1", "page-2")
POLICY = Policy(skew=600, settle=600, hold_after=3600, held_for=7 * 86400)


def attempt(ordinal: int = 1, *, outcome: str = "success", started: float = T0, **changes: object) -> Attempt:
    values: dict[str, object] = {
        "id": ordinal,
        "fax_id": "F",
        "ordinal": ordinal,
        "started": started,
        "token": f"TOKEN00{ordinal}",
        "deadline": started + 1000,
        "snapshot": (),
        "digest": "d",
        "outcome": outcome,
        "outcome_at": started + 10 if outcome else None,
    }
    return Attempt(**{**values, **changes})  # type: ignore[arg-type]


def claimant(
    state: FaxState = FaxState.SENT,
    *attempts: Attempt,
    id_: str = "F",
    number: str = NUMBER,
    pages: tuple[str, ...] = OURS,
    resend_unknown: bool = False,
    deadline: float = T0 + 86400,
) -> Claimant:
    calls = attempts or (
        attempt(outcome={FaxState.SENT: "success", FaxState.SUBMITTING: ""}.get(state, "sending")),
    )
    submission = make_submission(id=f"S{id_}", resend_unknown=resend_unknown)
    return Claimant(
        fax=Fax(
            id=id_,
            submission_id=submission.id,
            number=number,
            state=state,
            created=T0 - 60,
            deadline=deadline,
            attempts=len(calls),
        ),
        document=Document(
            id=submission.id, state=DocumentState.READY, pages=len(pages), digest="d", page_digests=pages
        ),
        submission=submission,
        attempts=calls,
    )


def row(id_: str = "1", standing: Standing = Standing.ARRIVED, **changes: object) -> SentRow:
    values: dict[str, object] = {
        "id": id_,
        "destination": LINE,
        "standing": standing,
        "pages": 2,
        "latest": T0 + 5,
    }
    return SentRow(**{**values, **changes})  # type: ignore[arg-type]


def message(id_: str = "1", status: str = "SUCCESS", msg: str = "", **changes: object) -> FaxMessage:
    values: dict[str, object] = {
        "id": id_,
        "folder": "SENT",
        "date": datetime.fromtimestamp(T0, UTC),
        "wall_date": "",
        "callerid": Caller(number="5552341234"),
        "stationid": "",
        "destination": LINE,
        "description": "",
        "pages": 2,
        "duration": timedelta(seconds=76),
        "status": status,
        "msg": msg,
        "rate": Decimal("0.029"),
        "total": Decimal("0.058"),
    }
    return FaxMessage(**{**values, **changes})  # type: ignore[arg-type]
