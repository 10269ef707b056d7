"""The smallest mail that a store takes."""

from gateway.model import Content, Source, Submission, new_id


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
