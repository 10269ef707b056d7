"""Keeps secrets, codes, subjects and whole telephone numbers out of every log line (design, invariant 7).

Three nets: keys that may never be logged are dropped, registered secrets are replaced wherever they occur
(also inside exception texts and in the finished line), and telephone numbers keep their last four digits.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "[hidden]"
_SHORTEST_SECRET = 4
"""Shorter values would blank out half of every line and are refused by the configuration."""

_NEVER = frozenset({"password", "api_password", "password_hash", "code", "security_code", "subject", "body"})
_NUMBERS = frozenset(
    {"number", "numbers", "to_number", "from_number", "destination", "did", "caller", "callerid"}
)
_NAMES = frozenset(
    {"queue_id", "fax_id", "item_id", "attempt", "message_id", "digest", "timestamp", "version"}
)
"""Identifiers may be all digits; masking would make them useless."""

_PHONE = re.compile(
    r"""(?<![\w.:-])(?:
        \+[1-9](?:[-.\s()]{0,2}\d){6,14}                              # international, with its plus sign
      | (?:1[-.\s]?)?\(?[2-9]\d{2}\)?[-.\s]?[2-9]\d{2}[-.\s]?\d{4}     # North American, however it is grouped
      | \d{10,15}
    )(?![\w:-])""",
    re.VERBOSE | re.ASCII,
)


class _Secrets:
    """The registered values, compiled into one pattern. Registering is rare, scrubbing is constant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
        with self._lock:
            self._values |= {form for form in forms if len(form) >= _SHORTEST_SECRET}
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._pattern = None

    def scrub(self, text: str) -> str:
        pattern = self._pattern
        return pattern.sub(HIDDEN, text) if pattern is not None else text


_secrets = _Secrets()
_masking = True


def register_secret(value: str) -> None:
    """From now on `value` (also URL-quoted, or escaped by repr or JSON) is replaced in every line."""
    _secrets.add(value)


def forget_secrets() -> None:
    """Empties the register, after a reload with other secrets."""
    _secrets.clear()


def scrub(text: str) -> str:
    """`text` without registered secrets."""
    return _secrets.scrub(text)


def mask_numbers(on: bool) -> None:
    """Whether telephone numbers are masked; they are until somebody says otherwise."""
    global _masking
    _masking = on


def mask(number: str) -> str:
    """The last four digits, "…1234"; shorter numbers keep two."""
    digits = re.sub(r"\D", "", number)
    if not _masking or not digits:
        return number
    return "…" + digits[-4 if len(digits) > 6 else -2 :]


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """structlog processor: makes every value of the event fit to be written; drops what has no value."""
    for key in list(event):
        if event[key] is None or key in _NEVER or key.endswith(("_password", "_code")):
            del event[key]
        elif not key.startswith("_"):  # structlog's own, removed before rendering
            event[key] = _clean(key, event[key])
    return event


def _clean(key: str, value: Any) -> Any:
    if type(value) is not str:  # most values are, and the other questions take longer
        if isinstance(value, bool):
            return value
        if isinstance(value, Mapping):
            inner = {str(name): item for name, item in value.items()}
            return dict(redact(None, "", inner))
        if isinstance(value, list | tuple | set | frozenset):
            return [_clean(key, item) for item in value]
        if isinstance(value, int | float):
            return mask(str(value)) if key in _NUMBERS else value
    text = _printable(scrub(str(value)), multiline=key == "exception")
    if key in _NUMBERS:
        return mask(text)
    return _PHONE.sub(lambda match: mask(match[0]), text) if _masking and key not in _NAMES else text


def _printable(text: str, *, multiline: bool) -> str:
    """Control characters escaped: a peer's text must not forge lines or move the reader's cursor."""
    if text.isprintable():
        return text
    kept = "\n" if multiline else ""
    return "".join(char if char.isprintable() or char in kept else ascii(char)[1:-1] for char in text)
