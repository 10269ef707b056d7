"""Removes the security code from a header block before its first byte reaches the spool.

A field is read the ways a mail program may read it: as it stands, with its encoded words decoded, and with
the percent signs and continuations of RFC 2231 resolved. A field that shows the code in any of them is
rewritten, or dropped when rewriting does not help; all other bytes stay as they are. The boundary of the body
is the one thing that stays even then: it stands in the body as well, and nobody is shown it. A signature that
carries copies of other fields (``z=``, RFC 6376, 3.5) is dropped whole: its verdict is history by now.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

from gateway.mailin import code as codes
from gateway.mailin.fields import Field, decode, encode, split

_SIGNATURES = frozenset({"dkim-signature", "arc-message-signature"})
_COPIES = re.compile(r"(?:\A|;)\s*z\s*=", re.IGNORECASE)
_PARAMETER = re.compile(r';((?:[^;"]|"(?:[^"\\]|\\(?:.|\Z))*(?:"|\Z))*)', re.DOTALL)
_CONTINUED = re.compile(r'"? ?; ?[\w-]+\*\d+\*? ?= ?"?')
_BOUNDARY = re.compile(r"\s*boundary\s*=", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"\s*[\w.+-]+/[\w.+-]+\s*|\s*(?:attachment|inline)\s*", re.IGNORECASE)
_ENCODINGS = ("7bit", "8bit", "binary", "quoted-printable", "base64")


def without_code(block: bytes, code: str) -> bytes:
    """`block` with every field rewritten that holds `code`, or may; the same bytes when none does."""
    return b"".join(field.raw for field in cleaned(split(block), code))


def cleaned(fields: Sequence[Field], code: str) -> list[Field]:
    """As `without_code`, of a block that is split already."""
    suspicious = _suspicious(code)
    looked_at = (_clean(field, code) if suspicious(field) else field for field in fields)
    return [field for field in looked_at if field is not None]


def _suspicious(code: str) -> Callable[[Field], bool]:
    """Tells quickly whether a field may show `code`, or is a signature: few do, and reading them all takes
    long. A fold cannot hide the code, because it leaves a blank.
    """
    if not code.isascii():
        return lambda _: True
    word = code.lower().encode()

    def may_show(field: Field) -> bool:
        raw = field.raw
        return (
            not raw.isascii()
            or word in raw.lower()
            or b"=?" in raw
            or b"%" in raw
            or b"*" in raw
            or field.name in _SIGNATURES
        )

    return may_show


def _clean(field: Field, code: str) -> Field | None:
    if field.name in _SIGNATURES and _COPIES.search(field.text):
        return None
    if not _shows(field, code):
        return field
    if field.name == "content-transfer-encoding" and field.text.lower() in _ENCODINGS:
        return field
    if not field.name or codes.holds(field.name, code):
        return None  # a line that is no field would become part of the one before it
    if field.name in ("content-type", "content-disposition"):
        return _without_parameters(field, code)
    readable = decode(field.text)
    remove = codes.without_words if field.name == "subject" else codes.without_traces
    clean = field._replace(value=encode(remove(readable, code)))
    return None if _shows(clean, code) else clean


def _shows(field: Field, code: str) -> bool:
    if field.name == "subject":
        return any(codes.without_words(text, code) != text for text in _readings(field.text))
    if not field.name:
        return codes.holds(field.text, code)
    return codes.holds(field.name, code) or any(codes.holds(text, code) for text in _readings(field.text))


def _readings(text: str) -> Iterator[str]:
    yield text
    if "=?" in text:
        yield decode(text)
    if "%" in text:
        yield unquote(text)
    if "*" in text:
        joined = _CONTINUED.sub("", " ".join(text.split()))
        yield joined
        yield unquote(joined)


def _without_parameters(field: Field, code: str) -> Field:
    """A structured field without the parameters that show the code, alone or put together."""
    head, _, rest = field.text.partition(";")
    parameters = [match[1] for match in _PARAMETER.finditer(";" + rest)] if rest else []
    kept = [one for one in parameters if _BOUNDARY.match(one) or not _any(one, code)]
    others = ";".join(one for one in kept if not _BOUNDARY.match(one))
    if _any(others, code):
        kept = [one for one in kept if "*" not in one.partition("=")[0]]
    if codes.holds(head, code) and not _MEDIA_TYPE.fullmatch(head):
        head = "application/octet-stream"
    text = ";".join([head, *kept])
    return field._replace(value=b" " + text.strip().encode("utf-8", "replace") + b"\r\n")


def _any(text: str, code: str) -> bool:
    return any(codes.holds(reading, code) for reading in _readings(text))
