"""What a mail's header and its parts say in words: names, addresses, file names; fit to be displayed. Pure.

RFC 2047 (encoded words), RFC 2231 (parameters), RFC 5322, 3.4 (addresses). What cannot be decoded is shown as
far as it can be.
"""

from __future__ import annotations

import email
import email.errors
import email.header
import email.policy
import email.utils
import re
from collections.abc import Iterable
from email.message import Message
from typing import Any

from gateway.document.formats import text
from gateway.document.formats.mail.rules import damaged
from gateway.document.wire import displayed
from gateway.errors import GatewayError

_NAME_CHARACTERS = 100
_WORD = re.compile(r"=\?[^?\s]{1,50}\?[bq]\?[^?\s]{0,200}\?=", re.I)
_VALUE_CHARACTERS = 500
_MOST_FIELDS = 20
_UNREADABLE = (LookupError, ValueError, TypeError, AttributeError)
_EXTENDED = re.compile(r';\s*[^\s;="]{1,100}\*[^;="]{0,100}=\s*(?:"(?:\\.|[^"\\])*"|[^;]*)')
"""A parameter in extended form, or a piece of one."""
_READ_CHARACTERS = 10_000
"""Of a field: the library takes a minute for a megabyte of encoded words, whose end nobody would see."""


def parsed(message: bytes, label: str) -> Message:
    """A mail as the library's parser sees it. Raises a refusal for what it cannot see: `label` is damaged."""
    try:
        return email.message_from_bytes(message, policy=email.policy.compat32)
    except (LookupError, ValueError, TypeError, AttributeError):  # of a boundary; see `parameter`
        raise GatewayError(damaged(label)) from None


def mend(entity: Message) -> None:
    """Make text of header fields in bare 8-bit characters (RFC 6532), which the parser keeps as bytes."""
    for name, value in list(entity.raw_items()):
        if isinstance(value, str) and not value.isascii():
            entity.replace_header(name, text.decode(value.encode("utf-8", "surrogateescape"), ""))


def decoded(value: object) -> str:
    """A header's text with its encoded words decoded; ``""`` for None."""
    raw = "" if value is None else str(value)[:_READ_CHARACTERS]
    try:
        if raw.isascii():
            return displayed(_words(raw), _VALUE_CHARACTERS)
        # Encoded words among bare 8-bit characters: the library's decoder escapes the latter.
        return displayed(_WORD.sub(lambda word: _words(word[0]), raw), _VALUE_CHARACTERS)
    except (LookupError, ValueError, email.errors.HeaderParseError):
        return displayed(raw.encode("utf-8", "replace").decode(), _VALUE_CHARACTERS)


def _words(raw: str) -> str:
    return str(email.header.make_header(email.header.decode_header(raw)))


def mailboxes(values: Iterable[object]) -> list[tuple[str, str]]:
    """Display name and address of each mailbox in some address headers; ``""`` for what it does not say."""
    try:
        found = email.utils.getaddresses([str(value)[:_READ_CHARACTERS] for value in values][:_MOST_FIELDS])
    except (RecursionError, ValueError, IndexError):  # comments within comments without end
        return []
    return [(decoded(name), displayed(address, _NAME_CHARACTERS * 2)) for name, address in found]


def file_name(entity: Message) -> str:
    """The name a part gives itself, without folders; by RFC 2231 or as the encoded words many send."""
    for header, parameter_name in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        if value := parameter(entity, parameter_name, header):
            return plain_name(decoded(value))
    return ""


def parameter(entity: Message, name: str, header: str = "Content-Type") -> str:
    """A parameter of a header field; ``""`` where it has none, or one that nobody can read.

    Where it is given twice, in an extended form (RFC 2231) for programs that know it and in a plain one, the
    extended counts if it can be read (RFC 6266, 4.3). The library raises nearly anything for pieces of an
    extended one that contradict each other; the plain one is still there then.
    """
    values = [value for key, value in _parameters(entity, header) if key.lower() == name]
    extended = [value for value in values if isinstance(value, tuple)]
    plain = [value for value in values if isinstance(value, str)]
    for value in (*map(_read, extended), *plain):
        if value:
            return value
    return str(email.utils.collapse_rfc2231_value(extended[0])) if extended else ""


def _parameters(entity: Message, header: str) -> list[tuple[str, Any]]:
    try:
        return list(entity.get_params([], header))
    except _UNREADABLE:
        plain = Message()
        plain[header] = _EXTENDED.sub("", str(entity[header]))
    try:
        return list(plain.get_params([], header))
    except _UNREADABLE:
        return []


def _read(value: tuple[str | None, str | None, str]) -> str:
    """An extended parameter in the charset that it states; ``""`` where it states none, or is in another."""
    charset, _language, octets = value
    try:
        return octets.encode("latin-1").decode(charset or "")
    except (LookupError, ValueError):
        return ""


def charset(entity: Message) -> str:
    """The charset that a text part declares, in small letters."""
    return parameter(entity, "charset").lower()[:40]


def plain_name(name: str) -> str:
    """A file name as somebody sent it, without folders, fit to stand between double quotes."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return displayed(last.replace('"', "'"), _NAME_CHARACTERS)


def content_id(entity: Message) -> str:
    """The part's Content-ID without angle brackets (RFC 2392), or ``""``."""
    value = entity["Content-ID"]
    return "" if value is None else str(value).strip().removeprefix("<").removesuffix(">").strip()[:500]
