"""The chain of directories in a TIFF (TIFF 6.0, section 2; BigTIFF): one for each picture.

Pillow takes a chain that leads beyond the end of the file for one that ends there.
"""

from __future__ import annotations

import struct

_MOST = 100_000


def are_all_there(data: bytes) -> bool:
    """Whether the chain ends as it should, or leads back into itself, and not where the file was cut off."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    if not order or len(data) < 8:
        return False
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    counts, entry, link = ("Q", 20, "Q") if big else ("H", 12, "I")
    at, seen = 8 if big else 4, set[int]()
    try:
        while len(seen) < _MOST:
            (here,) = struct.unpack_from(order + link, data, at)
            if here == 0 or here in seen:
                return True
            seen.add(here)
            (entries,) = struct.unpack_from(order + counts, data, here)
            at = here + struct.calcsize(counts if big else "=H") + entries * entry
    except struct.error:
        return False
    return True
