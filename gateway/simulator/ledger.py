"""The ledger: every call, with what was accepted, and never a secret or a page."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

SECRETS = frozenset({"security_code"})
CREDENTIALS = frozenset({"api_username", "api_password"})


@dataclass(slots=True, kw_only=True)
class Record:
    """One call. It is written when the call arrives, and completed when it is answered."""

    n: int
    at: str
    """ISO 8601, UTC."""
    verb: str
    """HTTP method."""
    client: str
    method: str = ""
    """Function of the API, empty if none was named."""
    params: dict[str, object] = field(default_factory=dict)
    """As received, without credentials and codes; ``file`` is its digest, size and pages."""
    test: bool = False
    fate: str = ""
    answer: str = ""
    """``status`` of the answer, or what was done instead: ``http 502``, ``empty``, ``html``, ``reset``…"""
    accepted: bool = False
    """The call took effect. For `sendFaxMessage`: a fax was made."""
    message: str | None = None
    """Number of the message it made (the first id it shows)."""

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)


class Ledger:
    """All calls in order."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._count = 0

    def open(self, *, at: datetime, verb: str, client: str) -> Record:
        """Write down that a call arrived."""
        self._count += 1
        record = Record(n=self._count, at=at.isoformat(), verb=verb, client=client)
        self.records.append(record)
        return record

    def calls(self, method: str) -> list[Record]:
        """The calls of one function."""
        return [record for record in self.records if record.method == method]

    def clear(self) -> None:
        """Forget all; numbers go on."""
        self.records.clear()


def without_secrets(params: Mapping[str, str]) -> dict[str, object]:
    """Parameters as they may be kept: codes starred, the file replaced by what identifies it."""
    kept: dict[str, object] = {}
    for name, value in params.items():
        if name in CREDENTIALS or name == "method":
            continue
        if name in SECRETS:
            kept[name] = "***"
        elif name == "file":
            kept[name] = identify(value)
        else:
            kept[name] = value
    return kept


def identify(file: str) -> dict[str, object]:
    """Digest (SHA-256, hex) and size of the decoded file; of the text itself if it is not base64."""
    try:
        data = base64.b64decode(file, validate=True)
    except (binascii.Error, ValueError):
        data = file.encode()
    return {"digest": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
