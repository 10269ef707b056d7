"""What the daemon knows about a mail before it is accepted: the facts of its header block. Pure.

The block is bounded (`HEADER_BYTES`, `HEADER_LINES`), so that everything here is done on the event loop.
"""

from __future__ import annotations

import email.policy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import ObsoleteHeaderDefect

from gateway.mailin.fields import Field, decode, split
from gateway.mailin.fingerprint import Fingerprint
from gateway.mailin.redact import without_code

__all__ = ["HEADER_BYTES", "HEADER_LINES", "Fingerprint", "Head", "parse", "without_code"]

HEADER_BYTES = 256 * 1024
HEADER_LINES = 2000
"""Larger header blocks are refused, not cut: what is judged and what is stored must be the same."""

_ADDRESSES = 1024
"""Characters of an address field that are parsed: the standard parser's time grows with the square."""
_ADDR_SPEC = re.compile(r"[^\s<>()\[\],;:\\\"@]+@[^\s<>()\[\],;:\\\"@]+")
_PLAIN = re.compile(rf"[^<>()\",;:]*<({_ADDR_SPEC.pattern})>")
"""``Name <address>``, also with an unquoted address as name, which devices write and the parser misreads."""
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
    sender: str = ""
    reply_to: str = ""
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
    fields = split(block)
    content_type = _first(fields, "content-type").partition(";")[0].strip().lower() or "text/plain"
    references = _MSG_ID.findall(_first(fields, "references"))
    return Head(
        subject=decode(_first(fields, "subject")),
        from_addresses=_all_addresses(fields, "from"),
        sender=_address(fields, "sender"),
        reply_to=_address(fields, "reply-to"),
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


def addresses(text: str) -> tuple[str, ...]:
    """The addr-specs of an address list, lower case; empty if any part of it is not clearly an address."""
    if (plain := _PLAIN.fullmatch(text)) is not None:
        return (plain[1].lower(),)
    if len(text) > _ADDRESSES:
        return ()
    try:
        header = email.policy.default.header_factory("From", text)
        found = tuple(f"{mailbox.username}@{mailbox.domain}".lower() for mailbox in header.addresses)
        doubtful = any(not isinstance(defect, ObsoleteHeaderDefect) for defect in header.defects)
    except Exception:  # the parser has many ways to stumble over junk (RecursionError is one)
        return ()
    return () if doubtful or not all(map(_ADDR_SPEC.fullmatch, found)) else found


def _all_addresses(fields: Sequence[Field], name: str) -> tuple[str, ...]:
    values = [field.text for field in fields if field.name == name]
    lists = [addresses(value) for value in values]
    return tuple(address for one in lists for address in one) if all(lists) else ()


def _address(fields: Sequence[Field], name: str) -> str:
    return next(iter(addresses(_first(fields, name))), "")


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
