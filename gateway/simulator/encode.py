"""The loose wire: typed rows become JSON the way the live service writes it.

The service mixes strings and numbers, writes a list of one row as a bare object, leaves empty lists out, dots
its own numbers and gives wall-clock dates without a zone. Which of these habits show is a `WireMode`, so that
a client can be tried against each of them. Everything here is pure.
"""

from __future__ import annotations

import base64
import enum
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from gateway.simulator.redraw import Kept
from gateway.simulator.rows import Caller, Did, Label, Note, Phone

MAX_EXACT_DIGITS = 15
"""Digits that a JSON number keeps in every reader (IEEE 754 doubles)."""


class Numbers(enum.StrEnum):
    """How numbers, flags and digit-only words are written."""

    STRINGS = "strings"
    NATIVE = "native"
    MIXED = "mixed"
    """Both at once: the same field differs from row to row, as the live service does."""


class Dotted(enum.StrEnum):
    """Which telephone numbers are written as ``647.948.4755``."""

    NEVER = "never"
    OWN = "own"
    """The account's own numbers in ``getFaxNumbersInfo``: seen live."""
    ALL = "all"


class Noise(enum.StrEnum):
    """What disturbs base64."""

    NONE = "none"
    LINES = "lines"
    """A line break after each 76 characters (RFC 2045), and one at the end."""
    DATA_URI = "data_uri"
    """``data:application/pdf;base64,`` in front."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireMode:
    """The habits of one wire. The defaults are what was observed on the live service."""

    numbers: Numbers = Numbers.STRINGS
    dotted: Dotted = Dotted.OWN
    e164: bool = False
    """Numbers with ``+1`` in front, as an account in E.164 mode has them."""
    bare_rows: bool = False
    """A list of one row is that row, without the list."""
    missing_lists: bool = False
    """An empty result is ``success`` without the list instead of ``no_message`` and its kin."""
    display_callers: bool = True
    """``Name <number>`` where a name is known."""
    hours: bool = False
    """Durations always as ``h:mm:ss`` instead of ``m:ss`` below an hour."""
    null_msg: bool = False
    """``null`` instead of an empty ``msg``."""
    station_echo: bool = True
    """Sent faxes show the caller's ``station_id``; otherwise the sender's number."""
    base64_noise: Noise = Noise.NONE
    kept: Kept = Kept.AS_SENT
    """The PDFs of sent faxes."""
    zone: str = "America/New_York"


MODES: Mapping[str, WireMode] = MappingProxyType(
    {
        "live": WireMode(),
        "plain": WireMode(dotted=Dotted.NEVER, display_callers=False),
        "native": WireMode(numbers=Numbers.NATIVE, dotted=Dotted.NEVER),
        "mixed": WireMode(numbers=Numbers.MIXED, hours=True),
        "bare": WireMode(bare_rows=True),
        "missing": WireMode(missing_lists=True),
        "dotted": WireMode(dotted=Dotted.ALL),
        "e164": WireMode(e164=True, dotted=Dotted.NEVER),
        "silent-station": WireMode(station_echo=False),
        "noisy": WireMode(
            numbers=Numbers.MIXED,
            dotted=Dotted.ALL,
            bare_rows=True,
            missing_lists=True,
            hours=True,
            null_msg=True,
            station_echo=False,
            base64_noise=Noise.LINES,
        ),
        "redrawn": WireMode(station_echo=False, kept=Kept.REDRAWN),
        "standard": WireMode(station_echo=False, kept=Kept.STANDARD),
        "data-uri": WireMode(base64_noise=Noise.DATA_URI, null_msg=True),
    }
)
"""Named modes, for the command line and for tests that walk them all."""


def parse_mode(spec: str | Mapping[str, Any], base: WireMode | None = None) -> WireMode:
    """A mode from its name, or from changes to `base` (JSON, keys as in `WireMode`, or ``mode`` for a name).

    Raises:
        ValueError: an unknown name, key or value.
    """
    if isinstance(spec, str):
        if spec not in MODES:
            raise ValueError(f"unknown wire mode {spec!r}; known: {', '.join(MODES)}")
        return MODES[spec]
    changes = dict(spec)
    start = parse_mode(str(changes.pop("mode"))) if "mode" in changes else base or WireMode()
    enums = {"numbers": Numbers, "dotted": Dotted, "base64_noise": Noise, "kept": Kept}
    known = {field.name for field in fields(WireMode)}
    if unknown := set(changes) - known:
        raise ValueError(f"unknown wire keys {sorted(unknown)}; known: {', '.join(sorted(known))}")
    for key, value in changes.items():
        if key in enums:
            changes[key] = enums[key](value)
        elif key == "zone":
            ZoneInfo(str(value))
        elif not isinstance(value, bool):
            raise ValueError(f"wire key {key!r} is true or false, not {value!r}")
    return replace(start, **changes)


def encode_answer(answer: Mapping[str, object], mode: WireMode) -> bytes:
    """A whole answer as the body of an HTTP response, escaped like PHP's ``json_encode``."""
    text = json.dumps(encode_fields(answer, mode), separators=(",", ":"))
    return text.replace("/", "\\/").encode("ascii")


def encode_fields(answer: Mapping[str, object], mode: WireMode) -> dict[str, object]:
    """An answer as plain JSON values; empty lists disappear when the mode leaves them out."""
    out: dict[str, object] = {}
    for name, value in answer.items():
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            if value or not mode.missing_lists:
                out[name] = encode_list(value, mode)
        else:
            out[name] = encode_value(name, value, mode)
    return out


def encode_list(rows: Sequence[object], mode: WireMode) -> object:
    """Rows as a JSON array, or a lone row bare. Lists of plain values (``dids``) always stay arrays."""
    encoded = [
        encode_row(row, mode, index) if is_dataclass(row) else encode_value("", row, mode, index)
        for index, row in enumerate(rows)
    ]
    if mode.bare_rows and len(rows) == 1 and is_dataclass(rows[0]):
        return encoded[0]
    return encoded


def encode_row(row: object, mode: WireMode, index: int = 0) -> dict[str, object]:
    """One row of `gateway.simulator.rows`; `index` is its place in the list (it moves the mixed mode)."""
    if not is_dataclass(row):
        raise TypeError(f"not a row: {type(row).__name__}")
    return {
        field.name.removesuffix("_"): encode_value(field.name, getattr(row, field.name), mode, index)
        for field in fields(row)
    }


def encode_value(name: str, value: object, mode: WireMode, index: int = 0) -> object:
    """One value by its type; `name` and `index` only decide sides in the mixed mode."""
    native = _native(name, index, mode)
    match value:
        case None:
            return None
        case bool():
            return int(value) if native else str(int(value))
        case int():
            return value if native else str(value)
        case Decimal():
            return float(value) if native else f"{value:f}"
        case timedelta():
            return encode_duration(value, mode)
        case datetime():
            return encode_date(value, mode)
        case bytes():
            return encode_base64(value, mode)
        case Caller():
            return encode_caller(value, mode)
        case Phone():
            return encode_phone(value, mode, native=native)
        case Label():
            return _number_or_text(value, native=native)
        case Note():
            return None if mode.null_msg and not value else str(value)
        case str():
            return value
        case _ if is_dataclass(value):
            return encode_row(value, mode, index)
    raise TypeError(f"no wire form for {type(value).__name__}")


def encode_date(moment: datetime, mode: WireMode) -> str:
    """Wall clock of the server's zone, without a zone: ``2016-01-01 00:00:00``.

    The hour that daylight saving repeats is written twice alike, as the service does.
    """
    if moment.tzinfo is None:
        raise ValueError("a date of the simulator knows its zone")
    return moment.astimezone(ZoneInfo(mode.zone)).strftime("%Y-%m-%d %H:%M:%S")


def encode_duration(duration: timedelta, mode: WireMode) -> str:
    """``m:ss``, and ``h:mm:ss`` from one hour on or when the mode always has hours."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    if mode.hours or minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}"


def encode_caller(caller: Caller, mode: WireMode) -> str:
    """A caller id: digits, or ``Name <digits>``."""
    number = str(encode_phone(caller.number, mode, native=False))
    return f"{caller.name} <{number}>" if caller.name and mode.display_callers else number


def encode_phone(number: Phone, mode: WireMode, *, native: bool) -> str | int:
    """A telephone number: dotted, with ``+1``, as a JSON number or plain. Only NANP is dressed up."""
    if len(number) == 10 and number.isdecimal():
        if mode.dotted is Dotted.ALL or (mode.dotted is Dotted.OWN and isinstance(number, Did)):
            return f"{number[:3]}.{number[3:6]}.{number[6:]}"
        if mode.e164:
            return f"+1{number}"
    return _number_or_text(number, native=native)


def encode_base64(data: bytes, mode: WireMode) -> str:
    """Base64 with the mode's noise."""
    if mode.base64_noise is Noise.LINES:
        return base64.encodebytes(data).replace(b"\n", b"\r\n").decode("ascii")
    text = base64.b64encode(data).decode("ascii")
    return f"data:application/pdf;base64,{text}" if mode.base64_noise is Noise.DATA_URI else text


def _native(name: str, index: int, mode: WireMode) -> bool:
    if mode.numbers is Numbers.MIXED:
        return (zlib.crc32(name.encode()) + index) % 2 == 0
    return mode.numbers is Numbers.NATIVE


def _number_or_text(word: str, *, native: bool) -> str | int:
    """Digits as a JSON number where that loses nothing: no leading zero, not too long."""
    canonical = word.isascii() and word.isdigit() and (word == "0" or not word.startswith("0"))
    return int(word) if native and canonical and len(word) <= MAX_EXACT_DIGITS else str(word)
