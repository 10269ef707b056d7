"""What several commands share: the configuration option, the control socket, tables and JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])

_COMMANDING = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What JSON lets through but a terminal may obey: DEL, the C1 controls, changes of the writing direction."""

_TIMES = frozenset(
    {
        "created",
        "run_at",
        "finished",
        "received_at",
        "at",
        "started",
        "outcome_at",
        "since",
        "until",
        "purged",
    }
)
_NUMBERS = frozenset({"number", "did", "caller"})
_SHRINKING = frozenset({"sender", "reason"})
_NARROW = 12
"""Cells that a shrinking column keeps."""
_GAP = 2
"""Cells between two columns."""
_WIDE = 10_000


def config_option(function: F) -> F:
    """``--config F``."""
    return click.option("--config", type=click.Path(path_type=Path), help="Configuration file.", metavar="F")(
        function
    )


def socket_option(function: F) -> F:
    """``--socket S``, for a daemon whose configuration this user may not read."""
    return click.option(
        "--socket", type=click.Path(path_type=Path), help="The daemon's control socket.", metavar="S"
    )(function)


def json_option(function: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON with stable keys.")(function)


def ask(config: Path | None, socket: Path | None, verb: str, args: dict[str, Any], body: bytes = b"") -> Any:
    """Ask the daemon. Raises `GatewayError`, or `ConfigError` if the socket must be looked up and cannot."""
    from gateway.control import client

    return client.ask(socket or control_path(config), verb, args, body)


def control_path(config: Path | None) -> Path:
    """Where the daemon's socket is, by the configuration; by the defaults where none is installed."""
    from gateway.config import default_path, load
    from gateway.config.account import RUNTIME_DIR

    path = config or default_path()
    if config is None and not path.exists():
        return RUNTIME_DIR / "control.sock"
    return load(path).settings.gateway.control_path


def show_json(value: Any, *, err: bool = False) -> None:
    """Data for machines, on standard output; on standard error where the output itself goes there."""
    text = json.dumps(value, indent=2, default=str, ensure_ascii=False)
    click.echo(_COMMANDING.sub(lambda found: f"\\u{ord(found[0]):04x}", text), err=err)


def show_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], empty: str) -> None:
    """A table for people: `columns` maps keys to headings.

    One line a row. On a terminal that is too narrow the columns of `_SHRINKING` are cut with an ellipsis;
    ids, numbers and states never are, and in a pipe nothing is.
    """
    if not rows:
        click.echo(empty, err=True)
        return
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    needed = 0
    for key, heading in columns.items():
        shrinks = key in _SHRINKING
        widest = max(cell_len(text) for text in (heading, *(cell(row.get(key), key) for row in rows)))
        kept = min(widest, _NARROW) if shrinks else widest
        table.add_column(heading, no_wrap=not shrinks, min_width=kept)
        needed += kept + _GAP
    for row in rows:
        table.add_row(*(Text(cell(row.get(key), key), no_wrap=True, overflow="ellipsis") for key in columns))
    screen = console()
    screen.width = max(screen.width, needed)  # a terminal narrower than this breaks the lines itself
    screen.print(table)


def console(*, stderr: bool = False) -> Console:
    """Where tables and steps go; as wide as needed where it is not a terminal."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=None if terminal else _WIDE, highlight=False, emoji=False)


def cell(value: Any, key: str) -> str:
    """One value for people: times are local, with their offset; numbers are grouped."""
    if value is None or value == "":
        return "-"
    if key in _TIMES:
        return datetime.fromtimestamp(value).astimezone().isoformat(" ", "seconds")
    if key in _NUMBERS:
        return printable(_number(str(value)))
    return printable(str(value))


def printable(text: str) -> str:
    """`text`, which strangers may have written, in one line and with nothing that a terminal would obey.

    White space becomes a space; a control, such as the escape of a sequence, shows as U+FFFD.
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def _number(text: str) -> str:
    """The same form wherever it came from; a caller's id that is no number stays as it is."""
    from gateway import phone

    try:
        return phone.national(phone.parse(text))
    except GatewayError:
        return text
