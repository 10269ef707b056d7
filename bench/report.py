"""Figures and their bars, for people and for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What a figure is compared with: its name, and its own median in the same unit."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. The unit is part of `measure`."""

    measure: str
    value: float | None
    """None: there was nothing to compare with."""
    must: float | None = None
    """The bar; None while the figure has none."""
    aim: float | None = None
    more: bool = False
    """Bars are the least that will do, not the most."""
    peer: Peer | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the bar is met; None without a bar or a value."""
        return self._meets(self.must)

    @property
    def verdict(self) -> str:
        """The same in a word, for the table."""
        if self.ok is None:
            return ""
        if not self.ok:
            return "MISSED"
        return "aim" if self._meets(self.aim) else "ok"

    def _meets(self, bar: float | None) -> bool | None:
        if self.value is None or bar is None:
            return None
        return self.value >= bar if self.more else self.value <= bar

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        peer = None if self.peer is None else {"name": self.peer.name, "value": _rounded(self.peer.value)}
        return {
            "measure": self.measure,
            "value": _rounded(self.value),
            "must": self.must,
            "aim": self.aim,
            "ok": self.ok,
            "peer": peer,
        }


def compared(
    measure: str,
    unit: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    peer: str,
    *,
    must: float | None = None,
    aim: float | None = None,
    more: bool = False,
) -> list[Row]:
    """A figure and its ratio to a peer's, round by round; the bars are the ratio's.

    `theirs` is empty where the peer is missing: both rows say so with a null.
    """
    other = Peer(name=peer, value=statistics.median(theirs)) if theirs else None
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True)) if theirs else None
    return [
        Row(measure=f"{measure}, {unit}", value=statistics.median(ours), more=more, peer=other),
        Row(measure=f"{measure}, ratio", value=ratio, must=must, aim=aim, more=more, peer=other),
    ]


def machine() -> dict[str, Any]:
    """Where and on what it ran. The load is that of the last minute, before the measurement."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def show(machine: dict[str, Any], rows: Sequence[Row], *, as_json: bool) -> None:
    """Print everything on standard output."""
    if as_json:
        click.echo(json.dumps({"machine": machine, "rows": [row.to_json() for row in rows]}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Measure", min_width=32)
    for heading in ("Value", "Must", "Aim", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Peer", justify="right")
    for row in rows:
        peer = "" if row.peer is None else f"{row.peer.name} {_text(row.peer.value)}"
        bars = (
            f"{'≥' if row.more else '≤'} {bar:.3g}" if bar is not None else "" for bar in (row.must, row.aim)
        )
        table.add_row(row.measure, _text(row.value), *bars, row.verdict, peer)
    console = Console(highlight=False)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()), style="dim")
    console.print(table)


def say(text: str) -> None:
    """A word to people, beside the data."""
    click.echo(text, err=True)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3 if abs(value) < 100 else 1)


def _text(value: float | None) -> str:
    rounded = _rounded(value)
    return "-" if rounded is None else f"{rounded:g}" if abs(rounded) < 100 else f"{rounded:,.0f}"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
