"""The way in: reads the file, lays the other sources over it, validates, reports every problem at once."""

from __future__ import annotations

import copy
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.config import sources
from gateway.config.checks import check
from gateway.config.locate import Position, nearest, positions
from gateway.config.problems import ConfigError, Loc, Problem, key_text
from gateway.config.schema import TABLES, did_you_mean, table_at
from gateway.config.settings import Settings

DEFAULT_PATH = Path("/etc/fax-gateway/config.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A usable configuration, and what its owner should know about it."""

    settings: Settings
    warnings: tuple[Problem, ...]


def default_path(environ: Mapping[str, str] | None = None) -> Path:
    """$FAX_GATEWAY_CONFIG, else config.toml among systemd's credentials, else `DEFAULT_PATH`."""
    environ = os.environ if environ is None else environ
    if named := environ.get("FAX_GATEWAY_CONFIG"):
        return Path(named)
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(directory) / "config.toml"
        if credential.exists():
            return credential
    return DEFAULT_PATH


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Settings from `path`, the environment (`os.environ` unless given) and systemd credentials.

    Raises ConfigError with every problem there is; a text that is not TOML has just that one.
    """
    environ = os.environ if environ is None else environ
    text = _read(path)
    data = _parse(path, text)
    overlay = sources.apply(data, environ, path.parent)
    report = _Report(str(path), positions(text), overlay.origins)
    for trouble in overlay.troubles:
        report.add(trouble.loc, trouble.message, trouble.hint, fatal=trouble.fatal, source=trouble.source)
    if overlay.literals and _exposed(path, environ):
        hint = f"chmod 600 {path}, or use a secret file"
        report.add(overlay.literals[0], "is a secret in a file that others can read", hint, fatal=False)
    context = {"base": path.parent}
    try:
        settings = Settings.model_validate(data, context=context)
        faulty: list[Loc] = []
    except ValidationError as error:
        details = _own_faults(error.errors(include_url=False, include_context=False, include_input=False))
        for detail in details:
            report.add(detail["loc"], *_in_words(detail, data))
        faulty = [detail["loc"] for detail in details]
        settings = salvage(data, faulty, context)
    faulty += [trouble.loc for trouble in overlay.troubles if trouble.fatal and trouble.loc]
    faulty += [(*loc[:-1], str(loc[-1]).removesuffix("_file")) for loc in faulty if loc]
    for finding in check(settings):
        if not any(_overlap(loc, bad) for loc in (finding.loc, *finding.about) for bad in faulty):
            report.add(finding.loc, finding.message, finding.hint, fatal=finding.fatal)
    if report.errors:
        raise ConfigError(_in_order(report.errors))
    return Loaded(settings=settings, warnings=tuple(_in_order(report.warnings)))


class _Report:
    """Collects problems and gives each its place."""

    def __init__(self, file: str, found: dict[Loc, Position], origins: dict[Loc, str | Loc]) -> None:
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self._file = file
        self._found = found
        self._origins = origins

    def add(self, loc: Loc, message: str, hint: str = "", *, fatal: bool = True, source: str = "") -> None:
        origin = source or self._origins.get(loc, loc)
        if isinstance(origin, tuple):
            line, column = nearest(self._found, origin) or (None, None)
            key = key_text(origin)
            problem = Problem(file=self._file, line=line, column=column, key=key, message=message, hint=hint)
        elif origin.startswith(sources.PREFIX):
            problem = Problem(file="environment", key=origin, message=message, hint=hint)
        else:
            problem = Problem(file=origin, key=key_text(loc), message=message, hint=hint)
        (self.errors if fatal else self.warnings).append(problem)


def _in_order(problems: list[Problem]) -> list[Problem]:
    """By line; what has none comes last."""
    return sorted(
        problems, key=lambda problem: (problem.line is None, problem.line or 0, problem.column or 0)
    )


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        hint = "name another with --config or $FAX_GATEWAY_CONFIG"
        raise ConfigError([Problem(file=str(path), message=f"{error.strerror}", hint=hint)]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            [Problem(file=str(path), line=line, column=1, message="is not UTF-8 text")]
        ) from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
    # Raised outside the handler: the original quotes the text, which may hold a secret.
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", words)
    lines = text.split("\n")
    line, column = (len(lines), len(lines[-1]) + 1)
    if place is not None and place[1]:
        line, column = int(place[1]), int(place[2])
    message = words[: place.start()] if place is not None else "is not TOML"
    raise ConfigError([Problem(file=str(path), line=line, column=column, message=f"TOML: {message}")])


def _own_faults(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without lists that are too short only because pydantic does not count their faulty items."""
    locs = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(len(loc) > len(detail["loc"]) and _overlap(loc, detail["loc"]) for loc in locs)
    ]


def _in_words(detail: ErrorDetails, data: dict[str, Any]) -> tuple[str, str]:
    """A pydantic error as message and hint. The value itself is never quoted here."""
    loc, kind = detail["loc"], detail["type"]
    table = table_at(loc)
    if kind == "extra_forbidden":
        return _unknown(loc)
    if kind == "missing":
        return "is missing", ""
    if kind in ("too_short", "string_too_short"):
        return "must not be empty", ""
    value = _at(data, loc)
    if table is not None and _path(loc) == table.path:
        if table.many and isinstance(value, dict):
            return f"may stand several times, so its header is {table.header}", ""
        if not table.many and isinstance(value, list):
            return f"stands once, so its header is {table.header}", ""
        return f"must be a table, {table.header}", ""
    message = re.sub(r"^(Input should be|Value should have)", "must be", detail["msg"])
    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        return "must be text", "put it in quotes"
    return message[:1].lower() + message[1:], ""


def _unknown(loc: Loc) -> tuple[str, str]:
    word, table = str(loc[-1]), table_at(loc[:-1])
    if table is None:
        tables = [one.path[0] for one in TABLES if len(one.path) == 1]
        return "no such table", _elsewhere(word) or did_you_mean(word, tables)
    return f"no such key in {table.header}", did_you_mean(word, table.keys()) or _elsewhere(word)


def _elsewhere(word: str) -> str:
    headers = [table.header for table in TABLES if word in table.keys()]  # noqa: SIM118 - a method of Table
    return f"there is one in {' and '.join(headers)}" if headers else ""


def salvage(data: dict[str, Any], faulty: Iterable[Loc], context: dict[str, Any]) -> Settings:
    """Settings without the faulty values, so that the rest can still be checked in the same run.

    A required value is replaced by its example; findings that rest on it are dropped by the caller.
    """
    rest = copy.deepcopy(data)
    for loc in faulty:
        table = table_at(loc)
        depth = len(table.path) + (table.many and len(loc) > len(table.path)) if table is not None else 0
        if table is None or len(loc) <= depth:
            _remove(rest, loc)
            continue
        key = str(loc[depth])
        _remove(rest, loc[: depth + 1])
        info = table.fields().get(key)
        item = _at(rest, loc[:depth])  # gone, if something around it is wrong too
        if isinstance(item, dict) and info is not None and info.is_required():
            item[key] = info.examples[0] if info.examples else None
    return Settings.model_validate(rest, context=context)


def _at(data: Any, loc: Loc) -> Any:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _remove(data: dict[str, Any], loc: Loc) -> None:
    parent = _at(data, loc[:-1])
    if isinstance(parent, dict):
        parent.pop(loc[-1], None)
    elif isinstance(parent, list):
        # Not an item alone: those behind it would move up and be blamed for each other's faults.
        _remove(data, loc[:-1])


def _path(loc: Loc) -> tuple[str, ...]:
    return tuple(part for part in loc if isinstance(part, str))


def _overlap(one: Loc, other: Loc) -> bool:
    """Whether one is the other or lies inside it."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _exposed(path: Path, environ: Mapping[str, str]) -> bool:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    # systemd guards that directory; its ACLs look like group bits.
    guarded = directory is not None and Path(directory) in path.parents
    return not guarded and sources.readable_by_others(path)
