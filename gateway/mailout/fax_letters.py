"""What a sender is told about a Fax: its result, that it is on hold, that it was there before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from gateway.lifecycle import FaxState
from gateway.mailout import spell
from gateway.mailout.facts import FaxFacts
from gateway.mailout.letter import Letter, Row, Tone

_TELL_ADMIN = "tell the administrator of this gateway and quote the fax id below"
_TRY_AGAIN = f"To try again, send your mail once more. If it fails again, please {_TELL_ADMIN}."
_ADMIN_FIRST = f"Please {_TELL_ADMIN}; after that, send your mail once more."
_CHECK_NUMBER = "Check the number, then send your mail to the right one."

_ADVICE: Mapping[str, str] = {
    # The line (`gateway.faxout.interpret`)
    "busy": "Check the number, then send your mail once more later.",
    "no_answer": "Check the number, then send your mail once more later.",
    "no_fax": "",
    "dropped": "If it breaks again, have the recipient check their fax machine.",
    "rejected": "Ask the recipient whether they take faxes from your number.",
    # The document room
    "document_empty": "Attach a document or write some text, and send a new mail.",
    "pages_damaged": f"If it fails again, please {_TELL_ADMIN}.",
    # The provider (`gateway.voipms.statuses`); it gets pages of our making, whatever was attached
    "invalid_file": _TRY_AGAIN,
    "missing_file": _TRY_AGAIN,
    "no_base64file": _TRY_AGAIN,
    "invalid_dst": _CHECK_NUMBER,
    "invalid_number": _CHECK_NUMBER,
    "invalid_to_number": _CHECK_NUMBER,
    "missing_number": _CHECK_NUMBER,
    "non_sufficient_funds": _ADMIN_FIRST,
}
"""By the machine's word for the failure, where its sentence leaves open what the sender can do."""
_ADVICE_BY_STATUS: Mapping[str, str] = {
    "4.3.5": _ADMIN_FIRST,
    "5.5.4": _ADMIN_FIRST,
    **dict.fromkeys(("5.1.1", "5.1.3", "5.3.4", "5.6.0", "5.6.1", "5.6.3", "5.6.5", "5.7.1"), ""),
}
"""By enhanced status code (RFC 3463), for all other words. Empty: these sentences end with what to do."""


def receipt(facts: FaxFacts, zone: ZoneInfo) -> Letter:
    """The final notice of a Fax."""
    words = _WORDS.get(facts.state or FaxState.UNCONFIRMED, _unconfirmed)
    return words(facts, _rows(facts, zone))


def held(facts: FaxFacts, zone: ZoneInfo) -> Letter:
    """A Fax waits for a person."""
    to = spell.number(facts.number)
    return Letter(
        subject=_subject(facts, "on hold"),
        badge="On hold",
        title=f"Fax to {to} is on hold",
        tone=Tone.WARN,
        # The reason is written for the administrator, who gets it in an alert.
        lead=f"Nobody can tell at the moment whether your fax to {to} arrived. "
        "It is not sent again by itself, so that it does not arrive twice.",
        advice="Ask the recipient whether it arrived. The administrator of this gateway was asked to look at "
        "it too; you get another mail as soon as the matter is settled.",
        rows=_rows(facts, zone),
    )


def duplicate(facts: FaxFacts) -> Letter:
    """A repeat made no second Fax."""
    to = spell.number(facts.number)
    return Letter(
        subject=_subject(facts, "was accepted before"),
        badge="Already accepted",
        title=f"This fax to {to} was accepted before",
        tone=Tone.INFO,
        lead="The same mail came in again while its first copy is still being faxed or has arrived. "
        "No second fax was made; the first one goes its way.",
        advice="To fax it once more on purpose, write it as a new mail instead of sending the old one again, "
        "or give the old one a header X-Fax-Repeat with a value that it did not have before.",
        rows=_filled(_to(facts), Row(label="First fax id", value=facts.fax_id)),
    )


def _delivered(facts: FaxFacts, rows: tuple[Row, ...]) -> Letter:
    to = spell.number(facts.number)
    all_of = _pages(facts)
    return Letter(
        subject=_subject(facts, "delivered"),
        badge="Delivered",
        title=f"Fax to {to} delivered",
        tone=Tone.GOOD,
        lead=f"Your fax to {to} was delivered" + (f": {all_of}." if all_of else "."),
        rows=rows,
        notes=facts.notes,
    )


def _partial(facts: FaxFacts, rows: tuple[Row, ...]) -> Letter:
    to = spell.number(facts.number)
    arrived = facts.pages or 0
    missing = spell.pages(arrived + 1, facts.pages_sent) if facts.pages_sent > arrived else "the rest"
    return Letter(
        subject=_subject(facts, "partly delivered"),
        badge="Partly delivered",
        title=f"Fax to {to} only partly delivered",
        tone=Tone.WARN,
        lead=f"The line reports success for {arrived} of {spell.count(facts.pages_sent, 'page')}. "
        f"Most likely {missing} did not arrive; the report counts pages and does not say which.",
        advice="Nothing is sent again by itself. Ask the recipient what is missing and send only those pages "
        "in a new mail.",
        rows=rows,
        notes=facts.notes,
    )


def _failed(facts: FaxFacts, rows: tuple[Row, ...]) -> Letter:
    to = spell.number(facts.number)
    if facts.attempts == 0:
        happened = f"Your fax to {to} could not be sent; nothing went out."
    elif facts.pages and facts.pages_sent:
        happened = f"Your fax to {to} failed after {facts.pages} of {spell.count(facts.pages_sent, 'page')}."
    else:
        happened = f"Your fax to {to} was not delivered."
    advice = _ADVICE.get(facts.code, _ADVICE_BY_STATUS.get(facts.status, _TRY_AGAIN))
    return Letter(
        subject=_subject(facts, "not delivered"),
        badge="Not delivered",
        title=f"Fax to {to} not delivered",
        tone=Tone.BAD,
        lead=_sentences(happened, facts.reason),
        advice=advice,
        rows=rows,
        notes=facts.notes,
    )


def _cancelled(facts: FaxFacts, rows: tuple[Row, ...]) -> Letter:
    to = spell.number(facts.number)
    return Letter(
        subject=_subject(facts, "cancelled"),
        badge="Cancelled",
        title=f"Fax to {to} cancelled",
        tone=Tone.INFO,
        lead=f"Your fax to {to} was cancelled before it was sent.",
        advice="If you did not expect this, ask the administrator of this gateway.",
        rows=rows,
    )


def _unconfirmed(facts: FaxFacts, rows: tuple[Row, ...]) -> Letter:
    to = spell.number(facts.number)
    return Letter(
        subject=_subject(facts, "unconfirmed"),
        badge="Unconfirmed",
        title=f"Fax to {to} unconfirmed",
        tone=Tone.WARN,
        lead=f"Nobody can tell whether your fax to {to} arrived, and nothing more will be found out.",
        advice="Ask the recipient. If it did not arrive, send your mail once more; "
        "if it did, a second one would be a duplicate.",
        rows=rows,
    )


_WORDS: Mapping[FaxState, Callable[[FaxFacts, tuple[Row, ...]], Letter]] = {
    FaxState.DELIVERED: _delivered,
    FaxState.PARTIAL: _partial,
    FaxState.FAILED: _failed,
    FaxState.CANCELLED: _cancelled,
    FaxState.UNCONFIRMED: _unconfirmed,
}


def _subject(facts: FaxFacts, result: str) -> str:
    """The result first, then the sender's own subject, by which they know the mail."""
    start = f"Fax to {spell.number(facts.number)} {result}"
    return f"{start}: {facts.subject}" if facts.subject else start


def _sentences(*parts: str) -> str:
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)


def _pages(facts: FaxFacts) -> str:
    if facts.pages is not None and facts.pages_sent:
        return f"{facts.pages} of {spell.count(facts.pages_sent, 'page')}"
    known = facts.pages if facts.pages is not None else facts.pages_sent
    return spell.count(known, "page") if known else ""


def _to(facts: FaxFacts) -> Row:
    full = spell.e164(facts.number)
    return Row(label="To", value=spell.number(facts.number), href=f"tel:{full}" if full else "")


def _rows(facts: FaxFacts, zone: ZoneInfo) -> tuple[Row, ...]:
    """The table of a notice; what is not known is left out."""
    return _filled(
        _to(facts),
        Row(label="From", value=spell.number(facts.from_number) if facts.from_number else ""),
        Row(label="Pages", value=_pages(facts)),
        Row(label="Duration", value=spell.duration(facts.seconds) if facts.seconds else ""),
        Row(label="Cost", value=spell.money(facts.cost)),
        Row(label="Attempts", value=str(facts.attempts)),
        Row(label="Accepted", value=spell.moment(facts.created, zone) if facts.created else ""),
        Row(label="Finished", value=spell.moment(facts.finished, zone) if facts.finished else ""),
        Row(label="Status", value=" ".join(part for part in (facts.status, facts.code) if part)),
        Row(label="Fax id", value=facts.fax_id),
    )


def _filled(*rows: Row) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.value)
