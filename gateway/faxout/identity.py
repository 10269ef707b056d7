"""How a fax names its sender: in the API's parameters and on the recipient's paper. Pure."""

from __future__ import annotations

import re
import unicodedata

STATION_ID_LENGTH = 20
"""Characters of a transmitting subscriber identification (ITU-T T.30, TSI)."""
_NAME_LENGTH = 60


def sender_name(*wishes: str, otherwise: str) -> str:
    """The first of `wishes` of which letters or digits are left, else `otherwise`.

    ``from_name`` takes ``[A-Za-z0-9 ]`` only (the text of the status ``invalid_name``): accents are dropped,
    other characters become spaces.
    """
    for wish in wishes:
        letters = "".join(c for c in unicodedata.normalize("NFKD", wish) if not unicodedata.combining(c))
        if name := re.sub(r"[^A-Za-z0-9]+", " ", letters).strip()[:_NAME_LENGTH].rstrip():
            return name
    return otherwise


def station_id(template: str, *, name: str, token: str) -> str | None:
    """`template` with ``{name}`` and ``{token}`` filled in, 20 printable ASCII characters at most.

    The name gives way to the token, which must be whole to prove anything. None for an empty template.
    """
    plain = "".join(char if " " <= char <= "~" else " " for char in template)
    room = STATION_ID_LENGTH - len(plain.replace("{name}", "").replace("{token}", token))
    shortened = name[: max(room, 0)].rstrip()
    text = plain.replace("{name}", shortened, 1).replace("{name}", "").replace("{token}", token)
    return " ".join(text.split())[:STATION_ID_LENGTH].rstrip() or None
