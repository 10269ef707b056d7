"""Which version of a mail's text counts where there are several (RFC 2046, 5.1.4). Pure.

The plain one, because it was made to be read without a screen. Not, however, a blank one, nor one that only
says that there is an HTML version. Else the last HTML version, the richest by the standard.
"""

from __future__ import annotations

import re
from email.message import Message

from gateway.document.formats import text
from gateway.document.formats.mail.header import charset, file_name

BODIES = ("text/plain", "text/html")
"""Types of text that become the mail's text."""
_NO_ALTERNATIVES = ("text/calendar", "text/vcard", "text/x-vcard")
"""Types of text that say something else than the text beside them."""
_EXCUSE = re.compile(r"\b(?:html|browser|navigateur|navegador)\b", re.I)
_EXCUSE_CHARACTERS = 400


def children(entity: Message) -> list[Message]:
    """The entities directly inside of `entity`."""
    payload = entity.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def is_attached(leaf: Message) -> bool:
    """Whether a part wants to be a file and not text to be read in place (RFC 2183)."""
    return leaf.get_content_disposition() == "attachment" or bool(file_name(leaf))


def superseded(alternative: Message) -> set[int]:
    """Identities of the text entities in `alternative` that a better version replaces."""
    versions = [[leaf for leaf in child.walk() if _is_text(leaf)] for child in children(alternative)]
    rich = [leaves for leaves in versions if _first(leaves, "text/html") is not None]
    page = _first(rich[-1], "text/html") if rich else None
    plain = [leaves for leaves in versions if _says_something(_first(leaves, "text/plain"), page)]
    best = plain[0] if plain else rich[-1] if rich else None
    if best is None:
        return set()
    return {id(leaf) for leaves in versions if leaves is not best for leaf in leaves}


def _is_text(leaf: Message) -> bool:
    kind = leaf.get_content_type()
    return kind.startswith("text/") and kind not in _NO_ALTERNATIVES and not is_attached(leaf)


def _first(leaves: list[Message], kind: str) -> Message | None:
    return next((leaf for leaf in leaves if leaf.get_content_type() == kind and _payload(leaf).strip()), None)


def _says_something(plain: Message | None, page: Message | None) -> bool:
    if plain is None:
        return False
    said = text.decode(_payload(plain), charset(plain)).strip()
    if page is None or len(said) > _EXCUSE_CHARACTERS or not _EXCUSE.search(said):
        return True
    from gateway.document.formats import html  # see mail.words

    shown = html.to_text(_payload(page), charset(page))
    return len(shown) <= 2 * len(said) and "<img" not in _payload(page).decode("latin-1").lower()


def _payload(leaf: Message) -> bytes:
    payload = leaf.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
