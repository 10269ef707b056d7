"""Unpacking what is in Flate, for the sake of knowing whether it can be unpacked to its end."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

CHUNK = 1 << 18
MOST_KEPT = 16 << 20
"""Bytes of a stream that are given to whoever wants to read them."""
_FLUSHED, _BLANK = b"\x00\x00\xff\xff", b"\r\n\t "
"""How a Flate stream ends that was flushed and not closed, as some writers leave it (RFC 1979, 2.1)."""


@dataclass(frozen=True, slots=True)
class Inflated:
    """What became of a Flate stream."""

    found: int
    """Bytes that could be unpacked, as far as they were wanted."""
    broken: bool
    """Whether it breaks off before as many as were wanted, instead of ending."""
    wrong: bool
    """Whether it ends with a checksum that is not that of its content. None at all is not wrong."""


def inflated(packed: bytes, most: int, into: list[bytes] | None = None) -> Inflated:
    """Unpack a Flate stream (RFC 1950) for the sake of knowing whether it can be, up to `most` bytes.

    `into`: where what is found goes, unless that is much.
    """
    if len(packed) < 2 or packed[0] & 0x0F != zlib.DEFLATED or int.from_bytes(packed[:2]) % 31:
        return Inflated(0, broken=True, wrong=False)
    unpack, found, checksum = zlib.decompressobj(-zlib.MAX_WBITS), 0, 1
    try:
        for at in range(2, len(packed), CHUNK):
            waiting = packed[at : at + CHUNK]
            while waiting or unpack.unconsumed_tail:
                piece = unpack.decompress(waiting, CHUNK)
                found += len(piece)
                checksum = zlib.adler32(piece, checksum)
                if into is not None and found <= MOST_KEPT:
                    into.append(piece)
                if unpack.eof:
                    stated = (unpack.unused_data + packed[at + CHUNK : at + CHUNK + 4])[:4]
                    wrong = len(stated) == 4 and int.from_bytes(stated) != checksum
                    return Inflated(found, broken=False, wrong=wrong)
                if found > most:
                    return Inflated(found, broken=False, wrong=False)
                waiting = unpack.unconsumed_tail
        found += len(unpack.flush())
        if unpack.eof or packed.rstrip(_BLANK).endswith(_FLUSHED):
            return Inflated(found, broken=False, wrong=False)
    except zlib.error:
        pass
    return Inflated(found, broken=found < most, wrong=False)
