"""What is wrong with a configuration, as values that people and machines can read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Loc = tuple[str | int, ...]
"""Way to a value in the file: table and key names, and 0-based positions in lists."""


def key_text(loc: Loc) -> str:
    """`loc` for people, joined by dots; list items count from 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in loc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to put right, or (as a warning) to know."""

    file: str
    """The configuration file, a secret's file, or ``environment``."""
    line: int | None = None
    """From 1; None where no line is to blame, or without the optional TOML grammar."""
    column: int | None = None
    """From 1, in characters."""
    key: str = ""
    """Dotted key, items counted from 1, such as ``route.1.numbers``; or the environment variable."""
    message: str
    hint: str = ""
    """What to do."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        words = ": ".join(part for part in (place, self.key, self.message) if part)
        return f"{words} ({self.hint})" if self.hint else words


class ConfigError(Exception):
    """The configuration cannot be used. Holds every problem; its text is one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
