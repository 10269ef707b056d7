"""Files written into plain text the way it was done before MIME (uuencode, POSIX.1-2017). Pure."""

from __future__ import annotations

import binascii
import re

_BLOCK = re.compile(
    r"^begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n((?:[ -`]{1,100}\r?\n)+?)`?[ ]?\r?\n?end[ ]*\r?$", re.M
)


def split(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text without its uuencoded files, their names and contents. What is no valid file stays text."""
    files: list[tuple[str, bytes]] = []

    def take(found: re.Match[str]) -> str:
        try:
            data = b"".join(map(_line, found[2].splitlines()))
        except binascii.Error:
            return found[0]
        if not data:
            return found[0]
        files.append((found[1].strip(), data))
        return ""

    return (_BLOCK.sub(take, text) if "begin " in text else text), files


def _line(line: str) -> bytes:
    count = (ord(line[0]) - 32) % 64
    # Some encoders leave blanks away at the end of a line, some add a check character.
    wanted = 1 + -(-count // 3) * 4
    return binascii.a2b_uu(line[:wanted].ljust(wanted).encode("ascii"))
