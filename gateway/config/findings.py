"""What the checks yield, and the two questions they all ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.config.problems import Loc


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not fit."""

    loc: Loc
    message: str
    hint: str = ""
    fatal: bool = True
    """False: a warning."""
    about: tuple[Loc, ...] = ()
    """Other settings the finding rests on; it is void while one of these is itself wrong."""


def check_file(loc: Loc, path: Path | None) -> Iterator[Finding]:
    if path is None:
        return
    try:
        with path.open("rb"):
            return
    except OSError as error:
        yield Finding(loc=loc, message=f"{path}: {error.strerror}")


def check_unique(locs: Iterable[Loc], values: Iterable[str], what: str) -> Iterator[Finding]:
    """A finding for each repetition, at the later place. Empty values do not count."""
    first: dict[str, Loc] = {}
    for loc, value in zip(locs, values, strict=True):
        if value and value in first:
            yield Finding(loc=loc, message=f"this {what} was given before", about=(first[value],))
        first.setdefault(value, loc)
