"""The smallest mail and the smallest received fax that a store takes."""

from gateway.lifecycle import ReceivedState
from gateway.model import Content, ReceivedFax, Source, Submission, new_id


def make_submission(**changes: object) -> Submission:
    """A Submission with every field that matters, changed as wanted."""
    values: dict[str, object] = {
        "id": new_id(),
        "source": Source.SMTP,
        "identity": "anna@example.com",
        "rule": "anna",
        "envelope_from": "anna@example.com",
        "message_id": "<one@example.com>",
        "subject": "Invoice",
        "fingerprint": "f" * 64,
        "received_at": 1000.0,
        "content": Content(size=3, data=b"abc"),
    }
    return Submission(**{**values, **changes})  # type: ignore[arg-type]


def make_received(**changes: object) -> ReceivedFax:
    """A received fax that was just seen, changed as wanted."""
    values: dict[str, object] = {
        "id": new_id(),
        "provider_id": "900",
        "did": "5552341234",
        "caller": "5553458762",
        "caller_name": "",
        "station_id": "",
        "pages": 1,
        "seconds": 30,
        "received_at": 1000.0,
        "folder": "INBOX",
        "state": ReceivedState.SEEN,
    }
    return ReceivedFax(**{**values, **changes})  # type: ignore[arg-type]
