"""What the daemon knows about a mail before it is accepted: the facts of its header block. Pure.

The block is bounded (`HEADER_BYTES`, `HEADER_LINES`), so that everything here is done on the event loop.
"""

from __future__ import annotations

import email.policy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import ObsoleteHeaderDefect

from gateway.mailin.fields import Field, bare_cr, decode, split
from gateway.mailin.fingerprint import Fingerprint
from gateway.mailin.redact import cleaned, without_code

__all__ = [
    "HEADER_BYTES",
    "HEADER_LINES",
    "Fingerprint",
    "Head",
    "addresses",
    "bare_cr",
    "beginning",
    "cleaned",
    "facts",
    "parse",
    "split",
    "too_large",
    "without_code",
]

HEADER_BYTES = 256 * 1024
HEADER_LINES = 2000
"""Larger header blocks are refused, not cut: what is judged and what is stored must be the same."""

_SENDERS = 16
"""From fields, and addresses in them, that are looked at; nobody has that many."""
_ADDRESSES = 512
"""Characters of all From fields together that are parsed: the parser's time grows with the square."""
_ADDR_SPEC = re.compile(r"[^\s<>()\[\],;:\\\"@]+@[^\s<>()\[\],;:\\\"@]+")
_PLAIN = re.compile(rf"[^<>()\",;:]*<({_ADDR_SPEC.pattern})>")
"""``Name <address>``, also with an unquoted address as name, which devices write and the parser misreads."""
_BARE = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
"""An address that every parser reads as it stands; the library's takes as long as for all other fields."""
_MSG_ID = re.compile(r"<[^<>\s]{1,250}>")
_REFERENCES = 20
"""Ids kept of a thread: the newest ones (RFC 5322, 3.6.4 lets long lists be cut)."""
_AUTOMATIC_PRECEDENCE = frozenset({"bulk", "list", "junk", "auto_reply"})
_REPORTS = frozenset({"multipart/report", "message/delivery-status", "message/disposition-notification"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Facts of a header block; texts are decoded and unfolded, ids keep their angle brackets."""

    subject: str = ""
    from_addresses: tuple[str, ...] = ()
    """Every addr-spec of From, lower case; empty when From is missing or cannot be read without doubt."""
    message_id: str = ""
    references: str = ""
    in_reply_to: str = ""
    return_path: str | None = None
    """Lower case; ``""`` is the null sender, None means that there is no such field."""
    content_type: str = "text/plain"
    auto_submitted: bool = False
    """A program wrote this mail: a reply of its own, a list, a report (RFC 3834, 2; RFC 2919)."""


def parse(block: bytes) -> Head:
    """Read a header block, with or without the empty line that ends it. Junk gives empty facts, no error."""
    return facts(split(block))


def facts(fields: Sequence[Field]) -> Head:
    """As `parse`, of a block that is split already."""
    content_type = _first(fields, "content-type").partition(";")[0].strip().lower() or "text/plain"
    references = _MSG_ID.findall(_first(fields, "references"))
    return Head(
        subject=decode(_first(fields, "subject")),
        from_addresses=addresses([field.text for field in fields if field.name == "from"]),
        message_id=_msg_id(_first(fields, "message-id")),
        references=" ".join(references[-_REFERENCES:]),
        in_reply_to=_msg_id(_first(fields, "in-reply-to")),
        return_path=_return_path(fields),
        content_type=content_type,
        auto_submitted=_automatic(fields, content_type),
    )


def too_large(block: bytes) -> bool:
    """Whether a header block exceeds what is judged."""
    return len(block) > HEADER_BYTES or block.count(b"\n") > HEADER_LINES


def beginning(block: bytes) -> bytes:
    """The whole lines at the front of a block, within the limits: of one too large, what may be looked at."""
    lines = block[:HEADER_BYTES].split(b"\n", HEADER_LINES)[:-1]
    return b"".join(line + b"\n" for line in lines)


def addresses(values: Sequence[str]) -> tuple[str, ...]:
    """The addr-specs of address lists, lower case; empty if any part of them is not clearly an address.

    The limits hold for all of them together: a hundred fields must not take a hundred times as long.
    """
    if len(values) > _SENDERS:
        return ()
    plain = [_PLAIN.fullmatch(value) or _BARE.fullmatch(value) for value in values]
    if sum(len(value) for value, match in zip(values, plain, strict=True) if not match) > _ADDRESSES:
        return ()
    lists = [
        (match[match.lastindex or 0].lower(),) if match else _parsed(value)
        for value, match in zip(values, plain, strict=True)
    ]
    found = tuple(address for one in lists for address in one)
    return found if all(lists) and len(found) <= _SENDERS else ()


def _parsed(text: str) -> tuple[str, ...]:
    try:
        header = email.policy.default.header_factory("From", text)
        found = tuple(f"{mailbox.username}@{mailbox.domain}".lower() for mailbox in header.addresses)
        doubtful = any(not isinstance(defect, ObsoleteHeaderDefect) for defect in header.defects)
    except Exception:  # the parser has many ways to stumble over junk (RecursionError is one)
        return ()
    return () if doubtful or not all(map(_ADDR_SPEC.fullmatch, found)) else found


def _return_path(fields: Sequence[Field]) -> str | None:
    values = [field.text for field in fields if field.name == "return-path"]
    return values[0].strip(" <>").lower() if values else None


def _msg_id(text: str) -> str:
    match = _MSG_ID.search(text)
    return match[0] if match else ""


def _automatic(fields: Sequence[Field], content_type: str) -> bool:
    submitted = [_keyword(field) for field in fields if field.name == "auto-submitted"]
    return (
        any(word != "no" for word in submitted)
        or any(field.name == "precedence" and _keyword(field) in _AUTOMATIC_PRECEDENCE for field in fields)
        or any(field.name in ("list-id", "x-autoreply", "x-autorespond") for field in fields)
        or content_type in _REPORTS
    )


def _keyword(field: Field) -> str:
    """The first word, without parameters and comments."""
    return re.split(r"[\s;(]", field.text, maxsplit=1)[0].lower()


def _first(fields: Sequence[Field], name: str) -> str:
    return next((field.text for field in fields if field.name == name), "")
