"""Files spoilt by lot: the same number spoils in the same way every time."""

from __future__ import annotations

import random
from collections.abc import Sequence

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def spoilt(seeds: Sequence[bytes], number: int) -> bytes:
    """One of some good files with a few things wrong with it."""
    lot = random.Random(number)
    data = bytearray(lot.choice(seeds))
    for _ in range(lot.choice((1, 1, 2, 4, 16))):
        data = bytearray(_once(data, seeds, lot))
    return bytes(data)


def _once(data: bytearray, seeds: Sequence[bytes], lot: random.Random) -> bytes:
    size = len(data)
    at, length = lot.randrange(size + 1), lot.choice((1, 2, 4, 16, 256, 4096))
    match lot.randrange(8):
        case 0:  # a bit falls over
            if size:
                data[at % size] ^= 1 << lot.randrange(8)
            return bytes(data)
        case 1:  # other bytes
            return data[:at] + lot.randbytes(length) + data[at + length :]
        case 2:  # a number that nobody expects
            width, order = lot.choice((1, 2, 4)), lot.choice(("big", "little"))
            value = lot.choice(_NUMBERS) & ((1 << 8 * width) - 1)
            return data[:at] + value.to_bytes(width, order) + data[at + width :]
        case 3:  # the end is missing
            return bytes(data[:at])
        case 4:  # a piece is missing
            return data[:at] + data[at + length :]
        case 5:  # a piece comes again
            return data[: at + length] + data[at:]
        case 6:  # a piece of another file
            other = lot.choice(seeds)
            begin = lot.randrange(len(other) + 1)
            return data[:at] + other[begin : begin + length] + data[at:]
        case _:  # a digit of a number written out
            digits = [place for place, byte in enumerate(data[:65536]) if 48 <= byte <= 57]
            if digits:
                data[lot.choice(digits)] = lot.choice(b"0123456789-")
            return bytes(data)
