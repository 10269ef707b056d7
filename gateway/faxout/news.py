"""What the store is told of a fax: a decision about its row, and what the row says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway import voipms
from gateway.errors import Failure, temporary, unknown
from gateway.faxout.decisions import Decision, Doubt, Expire, Hold, How, Own, Resend
from gateway.faxout.interpret import Verdict, Words, interpret, quote
from gateway.lifecycle import FaxState
from gateway.moves import Trigger
from gateway.store.faxes import Evidence
from gateway.store.tracking import Claimant
from gateway.worker.outcomes import Tracked

_FINAL = {
    Verdict.DELIVERED: FaxState.DELIVERED,
    Verdict.PARTIAL: FaxState.PARTIAL,
    Verdict.FAILED: FaxState.FAILED,
}
_MOST_ROWS = 3
_WHAT_TO_DO = (
    "A person must look: compare with the account's sent faxes or ask the recipient, then say what is true: "
    "fax-gateway queue resolve ID --sent, --sent ROW (that row is it), --fail or --resend."
)
_HELD: Mapping[Doubt, str] = {
    Doubt.NO_PROOF: "The call to VoIP.ms ended without a clear answer; nothing proves whether the fax went.",
    Doubt.NO_ROW: "VoIP.ms accepted the fax, but it has not appeared among the account's sent faxes.",
    Doubt.AMBIGUOUS: "VoIP.ms accepted the fax, but which of several sent faxes it is cannot be proved.",
    Doubt.SLOW: "VoIP.ms still reports no result for this fax.",
    Doubt.UNREAD: "What became of this fax is not known: not all of the account's sent faxes can be read.",
}


def news(
    claimant: Claimant,
    decision: Decision,
    rows: Mapping[str, voipms.FaxMessage],
    *,
    words: Words,
    line_taken: bool,
    now: float,
) -> Tracked | None:
    """What to write about `claimant`; None if there is nothing new.

    `line_taken` says that another fax to the same number is on the line: a held one cannot return to it.
    """
    match decision:
        case Own(row_id=row_id, how=how):
            return _own(claimant, rows[row_id], how, words, may_return=not line_taken, now=now)
        case Hold(doubt=doubt, row_ids=row_ids):
            found = [rows[row_id] for row_id in row_ids if row_id in rows]
            return Tracked(
                claimant=claimant,
                target=FaxState.HELD,
                trigger=Trigger.DOUBT,
                failure=held(doubt, found),
            )
        case Resend():
            failure = temporary(
                "4.4.2",
                "The call to VoIP.ms ended without a clear answer and the fax has not appeared among the "
                "account's sent faxes. It is sent again, as the rule for this sender says.",
                code="resend",
            )
            return Tracked(
                claimant=claimant, target=FaxState.WAITING, trigger=Trigger.RESEND, failure=failure
            )
        case Expire():
            failure = unknown(
                "5.4.7",
                "Nobody could confirm whether the fax was sent. Ask the recipient before sending it again.",
                code="unconfirmed",
            )
            return Tracked(
                claimant=claimant, target=FaxState.UNCONFIRMED, trigger=Trigger.EXPIRED, failure=failure
            )
        case _:
            return None


def held(doubt: Doubt, rows: Sequence[voipms.FaxMessage] = ()) -> Failure:
    """Why a fax waits for a person, what may be its row, and what that person can do."""
    seen = "; ".join(_shown(row) for row in rows[:_MOST_ROWS])
    maybe = f" Rows that may be it: {seen}." if seen else ""
    return unknown("4.4.7", f"{_HELD[doubt]}{maybe} {_WHAT_TO_DO}", code=f"held_{doubt}")


def _shown(row: voipms.FaxMessage) -> str:
    pages = "1 page" if row.pages == 1 else f"{row.pages} pages"
    return f"{row.id} ({row.wall_date}, {pages}, {quote(row.status, row.msg) or 'no result yet'})"


def _own(
    claimant: Claimant, row: voipms.FaxMessage, how: How, words: Words, *, may_return: bool, now: float
) -> Tracked | None:
    fax = claimant.fax
    result = interpret(row.status, row.msg, pages=row.pages, pages_sent=claimant.document.pages, words=words)
    evidence = _evidence(row, how)
    if result.verdict is not Verdict.PENDING:
        return Tracked(
            claimant=claimant,
            target=_FINAL[result.verdict],
            evidence=evidence,
            failure=result.failure,
            cause=result.cause,
        )
    if fax.state is FaxState.UNKNOWN:
        return Tracked(claimant=claimant, target=FaxState.SENT, evidence=evidence)
    if how is How.KNOWN:
        return None
    # Past its deadline it would be held again at once: the person who has it by now keeps it.
    back = fax.state is FaxState.HELD and may_return and now < fax.deadline
    return Tracked(claimant=claimant, target=FaxState.SENT if back else None, evidence=evidence)


def _evidence(row: voipms.FaxMessage, how: How) -> Evidence:
    return Evidence(
        provider_id=row.id,
        pages=row.pages,
        seconds=round(row.duration.total_seconds()),
        cost=f"{row.total:f}" if row.total else "",
        how=how.value,
    )
