"""The settings' tables and keys as data, derived from the classes: for overlays, hints and the example."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from gateway.config.problems import Loc
from gateway.config.settings import Settings
from gateway.config.types import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the file."""

    path: tuple[str, ...]
    """Names as in the file: ``("smtp", "listener")``."""
    model: type[Section]
    many: bool
    """Whether it is an array of tables, ``[[...]]``."""

    @property
    def header(self) -> str:
        """The table's header line."""
        name = ".".join(self.path)
        return f"[[{name}]]" if self.many else f"[{name}]"

    def fields(self) -> dict[str, FieldInfo]:
        """The table's own keys, without the tables in it."""
        return {key: field for key, field in _keys(self.model) if _section(field.annotation) is None}

    def secrets(self) -> list[str]:
        """Keys that hold a secret; each may also be given as ``<key>_file``."""
        return [key for key, field in self.fields().items() if _mentions(field.annotation, SecretStr)]

    def files(self) -> list[str]:
        """Keys that name the file of a secret."""
        return [f"{key}_file" for key in self.secrets()]

    def keys(self) -> list[str]:
        """Every key that may stand in the file, tables included."""
        return [key for key, _ in _keys(self.model)] + self.files()


def is_list(field: FieldInfo) -> bool:
    """Whether the field takes a TOML array."""
    return typing.get_origin(field.annotation) is tuple


def table_at(loc: Loc) -> Table | None:
    """The table `loc` points into or at; None for the top of the file."""
    names = tuple(part for part in loc if isinstance(part, str))
    for length in range(len(names), 0, -1):
        if (table := _BY_PATH.get(names[:length])) is not None:
            return table
    return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word nearest to `word`, or nothing."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {match[0]}?" if match else ""


def _keys(model: type[Section]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _section(annotation: Any) -> type[Section] | None:
    """The table a field holds, alone or as a tuple of them."""
    if typing.get_origin(annotation) is tuple:
        annotation = typing.get_args(annotation)[0]
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _mentions(annotation: Any, wanted: type) -> bool:
    return annotation is wanted or any(_mentions(part, wanted) for part in typing.get_args(annotation))


def _tables(model: type[Section], path: tuple[str, ...]) -> Iterator[Table]:
    for key, field in _keys(model):
        if (section := _section(field.annotation)) is not None:
            yield Table(path=(*path, key), model=section, many=is_list(field))
            yield from _tables(section, (*path, key))


TABLES: tuple[Table, ...] = tuple(_tables(Settings, ()))
"""Every table, in the order of the classes."""
_BY_PATH = {table.path: table for table in TABLES}
