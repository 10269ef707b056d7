"""Values that come from elsewhere than the file: environment variables, credentials, secret files.

Order for a secret: systemd credential, ``<key>_file``, environment, literal. For anything else: environment,
literal. Works on the raw dictionary before validation and remembers where each value came from, so that a
problem with it is shown at its source.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.config.problems import Loc
from gateway.config.schema import TABLES, Table, did_you_mean, is_list

PREFIX = "FAX_GATEWAY__"
"""``FAX_GATEWAY__VOIPMS__PASSWORD``; for a named item ``FAX_GATEWAY__SENDER__<NAME>__CODE``."""
_LARGEST_SECRET = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something wrong (or, not `fatal`, worth knowing) about a source."""

    message: str
    hint: str = ""
    loc: Loc = ()
    source: str = ""
    """Other source than the file, see `Overlay.origins`."""
    fatal: bool = True


@dataclass(slots=True, kw_only=True)
class Overlay:
    """What `apply` did beside changing the dictionary."""

    origins: dict[Loc, str | Loc] = field(default_factory=dict)
    """Where a value came from if not its own key: a variable's name, a file's path, or the key to blame."""
    troubles: list[Trouble] = field(default_factory=list)
    literals: list[Loc] = field(default_factory=list)
    """Secrets written into the file itself."""


def apply(data: dict[str, Any], environ: Mapping[str, str], base: Path) -> Overlay:
    """Changes `data` in place: variables laid over it, secrets resolved, ``<key>_file`` keys gone.

    `base` is the directory that relative secret files start from.
    """
    overlay = Overlay()
    for loc, table, item in _items(data):
        for key in table.secrets():
            if isinstance(item.get(key), str) and item[key]:
                overlay.literals.append((*loc, key))
            if key in item and f"{key}_file" in item:
                overlay.troubles.append(
                    Trouble(
                        loc=(*loc, f"{key}_file"), message=f"{key} is given too", hint="keep one of the two"
                    )
                )
    _directories(data, environ)
    _variables(data, environ, overlay)
    directory = environ.get("CREDENTIALS_DIRECTORY")
    for loc, table, item in _items(data):
        for key in table.secrets():
            _secret(loc, key, item, Path(directory) if directory else None, base, overlay)
    return overlay


def _items(data: dict[str, Any]) -> Iterator[tuple[Loc, Table, dict[str, Any]]]:
    """Every table that is present and looks like one, with the way to it."""
    for table in TABLES:
        *parents, name = table.path
        parent: Any = data
        for step in parents:
            parent = parent.get(step) if isinstance(parent, dict) else None
        value = parent.get(name) if isinstance(parent, dict) else None
        if not table.many and isinstance(value, dict):
            yield table.path, table, value
        elif table.many and isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    yield (*table.path, index), table, item


def _directories(data: dict[str, Any], environ: Mapping[str, str]) -> None:
    """systemd's StateDirectory= and RuntimeDirectory= stand in for what the file does not say."""
    section = data.setdefault("gateway", {})
    if not isinstance(section, dict):
        return
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    runtime = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if state:
        section.setdefault("state_dir", state)
    if runtime:
        section.setdefault("control_socket", f"{runtime}/control.sock")


def _variables(data: dict[str, Any], environ: Mapping[str, str], overlay: Overlay) -> None:
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    if not given:
        return
    for table in TABLES:
        if not table.many and len(table.path) == 1:
            data.setdefault(table.path[0], {})
    places: dict[str, tuple[Loc, dict[str, Any], str]] = {}
    lists: set[str] = set()
    for loc, table, item in _items(data):
        if table.many and not isinstance(item.get("name"), str):
            continue
        label = "__".join((*table.path, item["name"])) if table.many else "__".join(table.path)
        stem = PREFIX + re.sub(r"[^A-Z0-9]", "_", label.upper()) + "__"
        fields = table.fields()
        for key in (*fields, *table.files()):
            name = stem + key.upper()
            places[name] = (loc, item, key)
            if key in fields and is_list(fields[key]):
                lists.add(name)
    for name, value in given.items():
        if name in lists:
            trouble = Trouble(source=name, message="is a list, which only the file can hold")
        elif name not in places:
            trouble = Trouble(source=name, message="no such setting", hint=did_you_mean(name, places))
        else:
            loc, item, key = places[name]
            item[key] = value
            overlay.origins[*loc, key] = name
            continue
        overlay.troubles.append(trouble)


def _secret(
    loc: Loc, key: str, item: dict[str, Any], directory: Path | None, base: Path, overlay: Overlay
) -> None:
    file = item.pop(f"{key}_file", None)
    blame = (*loc, f"{key}_file")
    name = item.get("name") if isinstance(loc[-1], int) else None
    dotted = ".".join([*(part for part in loc if isinstance(part, str)), *([str(name)] if name else []), key])
    if directory is not None and "/" not in dotted and (directory / dotted).exists():
        path = directory / dotted
        overlay.origins[*loc, key] = str(path)
        trouble = _read_into(item, key, path)
        if trouble is not None:
            overlay.troubles.append(Trouble(source=str(path), message=trouble))
    elif file is not None:
        overlay.origins[*loc, key] = overlay.origins.get(blame, blame)
        if not isinstance(file, str) or not file:
            overlay.troubles.append(Trouble(loc=blame, message="must be the path of a file, in quotes"))
            return
        path = base / file
        trouble = _read_into(item, key, path)
        if trouble is not None:
            hint = "under systemd pass it with LoadCredential=" if directory is not None else ""
            overlay.troubles.append(Trouble(loc=blame, message=f"{path}: {trouble}", hint=hint))
        elif (directory is None or directory not in path.parents) and readable_by_others(path):
            overlay.troubles.append(
                Trouble(
                    loc=blame, message=f"{path} can be read by others", hint=f"chmod 600 {path}", fatal=False
                )
            )


def _read_into(item: dict[str, Any], key: str, path: Path) -> str | None:
    """Puts the file's content under `key`, one trailing newline stripped; returns what went wrong, if so."""
    item.pop(key, None)
    try:
        # A FIFO or device would block the start for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            return "is not a regular file"
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_SECRET + 1)
    except OSError as error:
        return os.strerror(error.errno) if error.errno else "cannot be read"
    if len(content) > _LARGEST_SECRET:
        return "is too large for a secret"
    try:
        secret = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    if not secret:
        return "is empty"
    item[key] = secret
    return None


def readable_by_others(path: Path) -> bool:
    """Whether anybody but the file's owner may read it."""
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
