"""Whether fax coding (ITU-T T.4, T.6) can be read to its end. Decoders draw what they make of it, and go on.

Rows are counted and no pixel is made, by the C library if there is one (`ccitt.c`, the same step by step).
Each step takes at least a bit, so that it takes no longer than its data is long.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np

from gateway.document import native

_MOST_COLUMNS = 1 << 16
_MOST_IN_PYTHON = 200_000
"""Bytes that Python reads itself, which takes a second."""
_HARDLY, _ROWS = 0.01, 2
"""A page that lacks this share of its rows, or so many of them, shows what it is meant to show."""
_NOISY = 0.05
"""Rows that a call may have spoilt: what fax machines take."""
_MAKEUP = 64
_EOFB, _TAIL = 0x001001, 8
_PASS, _HORIZONTAL, _STRAIGHT = 1, 2, 6
_SPARE = 4
"""Ends of a row that may be looked at beyond its last change."""


@dataclass(frozen=True, slots=True)
class Read:
    """How far coding could be read."""

    rows: int
    bad: int
    """Rows of these that are none, the last one if it is cut off."""
    ended: bool
    """Whether it says that it ends there (EOFB, RTC)."""
    bits: int


def is_damaged(data: bytes, *, columns: int, rows: int, k: int, align: bool = False) -> bool:
    """Whether rows of a page were lost. `k` as in PDF (ISO 32000-2, table 11); `align`: to whole bytes."""
    return is_much(lost(data, columns=columns, rows=rows, k=k, align=align), rows, k)


def lost(data: bytes, *, columns: int, rows: int, k: int, align: bool = False) -> int:
    """How many rows cannot be read; 0 where nobody can tell.

    Rows that are not there are lost if the data breaks off, but not if it ends, or has no end between rows.
    """
    known = read(data, columns=columns, rows=rows, k=k, align=align)
    if known is None or (known.ended and not known.bad):
        return 0
    breaks_off = k < 0 or (known.bad and known.bits >= 8 * len(data))
    return known.bad + (rows - known.rows if breaks_off else 0)


def is_much(lost_rows: int, rows: int, k: int) -> bool:
    """Whether a page that lacks so many of its rows is damaged: a call may have spoilt some in T.4."""
    return lost_rows > max(_ROWS, (_HARDLY if k < 0 else _NOISY) * rows)


def read(data: bytes, *, columns: int, rows: int, k: int, align: bool = False) -> Read | None:
    """Read up to `rows`; None where that is not to be known, or not without the C library.

    Bad rows of T.4 are passed over up to the next end of line; T.6 (`k` below 0) ends with the first.
    """
    if not 0 < columns <= _MOST_COLUMNS or rows <= 0:
        return None
    if native.LIBRARY is None:
        # As long as to draw the page, or more, for what nearly always is whole if it has its end.
        if len(data) > _MOST_IN_PYTHON or (k < 0 and _has_end(data)):
            return None
        return in_python(data, columns, rows, k, align)
    return in_c(native.LIBRARY, data, columns, rows, k, align)


def _has_end(data: bytes) -> bool:
    """Whether T.6 coding has its EOFB, and after it no more than fills up its last bytes."""
    tail = int.from_bytes(data[-_TAIL:])
    return any((tail >> shift) & 0xFFFFFF == _EOFB for shift in range(8 * (_TAIL - 3)))


def in_c(library: ctypes.CDLL, data: bytes, columns: int, rows: int, k: int, align: bool) -> Read:
    """See `read`."""
    scratch, found = np.empty(2 * columns + 16, np.int32), np.empty(4, np.int64)
    tables = (_WHITE.ctypes.data, _BLACK.ctypes.data, _MODES.ctypes.data)
    library.fax_ccitt(
        data, len(data), columns, rows, k, align, *tables, scratch.ctypes.data, found.ctypes.data
    )
    return Read(int(found[0]), int(found[1]), bool(found[2]), int(found[3]))


def in_python(data: bytes, columns: int, rows: int, k: int, align: bool) -> Read:
    """See `read`."""
    reader = _Reader(data, columns)
    above: list[int] | None = [columns] * _SPARE
    count = bad = 0
    ended = False
    while count < rows and reader.at < reader.size:
        flat, ends = k == 0, 0
        if align:
            reader.at = (reader.at + 7) // 8 * 8
        if k < 0:
            ended = reader.peek(12) == 1
        else:
            while reader.at < reader.size and reader.peek(11) == 0 and reader.end_of_line():
                ends += 1
                if k > 0:
                    flat = reader.flag()
            if k > 0 and not ends:
                flat = reader.flag()
            ended = ends > 1 and count > 0
        if ended or reader.at >= reader.size:
            break
        row = reader.one_way() if flat else reader.two_ways(above or [])
        count += 1
        if row is not None and reader.at <= reader.size:
            above = row
            continue
        bad += 1
        if k < 0:
            break
        while reader.at < reader.size and reader.peek(11) != 0:
            reader.at += 1
    return Read(count, bad, ended, min(reader.at, reader.size))


class _Reader:
    """Bits, and the rows that they mean: where the colour changes, even ones to black."""

    def __init__(self, data: bytes, columns: int) -> None:
        self._data = data + bytes(4)
        self._columns = columns
        self.at, self.size = 0, 8 * len(data)

    def peek(self, bits: int) -> int:
        """The next bits; zeros beyond the end."""
        byte, used = divmod(self.at, 8)
        word = int.from_bytes(self._data[byte : byte + 3].ljust(3, b"\0"))
        return word >> (24 - used - bits) & ((1 << bits) - 1)

    def flag(self) -> bool:
        """The next bit."""
        bit = self.peek(1)
        self.at += 1
        return bool(bit)

    def end_of_line(self) -> bool:
        """Go to behind the next end of line, if there is one."""
        while self.at < self.size and not self.peek(1):
            self.at += 1
        if self.at >= self.size:
            return False
        self.at += 1
        return True

    def one_way(self) -> list[int] | None:
        """A row by itself (T.4, 4.1); None where it cannot be read."""
        row: list[int] = []
        here = 0
        while here < self._columns:
            length = self._run(black=len(row) % 2)
            here += length
            if length < 0 or here > self._columns or len(row) > self._columns:
                return None
            row.append(here)
        return row + [self._columns] * _SPARE

    def two_ways(self, above: list[int]) -> list[int] | None:
        """A row by the one above it (T.4, 4.2; T.6, 2.2)."""
        row: list[int] = []
        here, b, start = 0, 0, True
        while here < self._columns:
            entry = int(_MODES[self.peek(7)])
            if not entry or len(row) > self._columns:
                return None
            self.at += entry & 7
            while not start and above[b] <= here and above[b] < self._columns:
                b += 2
            start = False
            mode = entry >> 3
            if mode == _PASS:
                here = above[b + 1]
            elif mode == _HORIZONTAL:
                for _ in range(2):
                    length = self._run(black=len(row) % 2)
                    here += length
                    if length < 0 or here > self._columns:
                        return None
                    row.append(here)
            else:
                after = above[b] + mode - _STRAIGHT
                if not here <= after <= self._columns:
                    return None
                here = after
                row.append(here)
                b = b - 1 if b else 1
        return row + [self._columns] * _SPARE

    def _run(self, *, black: int) -> int:
        length, table = 0, _BLACK if black else _WHITE
        while True:
            entry = int(table[self.peek(13)])
            if not entry:
                return -1
            self.at += entry & 15
            length += entry >> 4
            if entry >> 4 < _MAKEUP:
                return length


def _table(bits: int, codes: dict[str, int]) -> list[int]:
    """What any next `bits` begin with: the meaning and, in its lowest bits, the length of the code."""
    table = [0] * (1 << bits)
    for code, entry in codes.items():
        first = int(code, 2) << (bits - len(code))
        for at in range(first, first + (1 << (bits - len(code)))):
            table[at] = entry
    return table


def _runs(codes: str) -> np.ndarray:
    """By length of the run: 0 to 63, then multiples of 64 up to 1728, and what both colours share."""
    lengths = [*range(64), *range(64, 1729, 64), *range(1792, 2561, 64)]
    pairs = zip((codes + _SHARED).split(), lengths, strict=True)
    return np.array(_table(13, {code: run << 4 | len(code) for code, run in pairs}), np.uint16)


_SHARED = """
00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 000000010110
000000010111 000000011100 000000011101 000000011110 000000011111
"""
_WHITE = _runs(
    """
    00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 110101
    101010 101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100
    0011000 00000010 00000011 00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111
    00101000 00101001 00101010 00101011 00101100 00101101 00000100 00000101 00001010 00001011 01010010
    01010011 01010100 01010101 00100100 00100101 01011000 01011001 01011010 01011011 01001010 01001011
    00110010 00110011 00110100 11011 10010 010111 0110111 00110110 00110111 01100100 01100101 01101000
    01100111 011001100 011001101 011010010 011010011 011010100 011010101 011010110 011010111 011011000
    011011001 011011010 011011011 010011000 010011001 010011010 011000 010011011
    """
)
_BLACK = _runs(
    """
    0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111
    000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111
    00000101000 00000010111 00000011000 000011001010 000011001011 000011001100 000011001101 000001101000
    000001101001 000001101010 000001101011 000011010010 000011010011 000011010100 000011010101
    000011010110 000011010111 000001101100 000001101101 000011011010 000011011011 000001010100
    000001010101 000001010110 000001010111 000001100100 000001100101 000001010010 000001010011
    000000100100 000000110111 000000111000 000000100111 000000101000 000001011000 000001011001
    000000101011 000000101100 000001011010 000001100110 000001100111 0000001111 000011001000
    000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100 0000001101101
    0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011 0000001110100
    0000001110101 0000001110110 0000001110111 0000001010010 0000001010011 0000001010100 0000001010101
    0000001011010 0000001011011 0000001100100 0000001100101
    """
)
_MODES = np.array(
    _table(
        7,
        {
            code: mode << 3 | len(code)
            for mode, code in enumerate(
                ("0001", "001", "0000010", "000010", "010", "1", "011", "000011", "0000011"), _PASS
            )
        },
    ),
    np.uint8,
)
"""Pass, horizontal, and vertical from three to the left to three to the right (T.4, table 4)."""
