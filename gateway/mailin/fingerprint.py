"""Tells whether two mails are the same mail: a digest of the mail without its code and the traces of its way.

Not of the original: the digest is stored beside the mail, which lacks nothing but the code, so whoever steals
the database could put in one code after the other until the digest fits. Two copies of one mail lose the same
words, and so still have the same digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gateway.mailin.fields import Field, split

_TRACES = frozenset(
    {
        "authentication-results",
        "delivered-to",
        "dkim-signature",
        "domainkey-signature",
        "envelope-to",
        "received",
        "received-spf",
        "resent-date",
        "resent-message-id",
        "return-path",
        "x-original-to",
        "x-received",
        "x-uidl",
        "x-virus-scanned",
        "x-virus-status",
    }
)
_TRACE_PREFIXES = ("arc-", "x-spam", "x-rspamd", "x-mozilla-", "x-google-", "x-ms-exchange-", "x-forefront-")
"""Fields that mail servers add, and write differently each time the same mail passes."""


class Fingerprint:
    """Incremental SHA-256: `header` once, with the block without its code, then `body` for each chunk."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def header(self, block: bytes) -> None:
        """Add the header block; trace fields and the empty line at its end do not count."""
        self.fields(split(block))

    def fields(self, fields: Iterable[Field]) -> None:
        """As `header`, of a block that is split already."""
        for field in fields:
            if field.name in _TRACES or field.name.startswith(_TRACE_PREFIXES) or not field.raw.strip():
                continue
            self._digest.update(field.raw)
        self._digest.update(b"\r\n")

    def body(self, chunk: bytes) -> None:
        """Add bytes of the body, however they are cut."""
        self._digest.update(chunk)

    def hexdigest(self) -> str:
        """Of what was added so far."""
        return self._digest.hexdigest()
