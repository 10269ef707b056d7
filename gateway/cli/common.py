"""What several commands share: the configuration option, the control socket, tables and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


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


def show_json(value: Any) -> None:
    """Data for machines, on standard output."""
    click.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def show_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], empty: str) -> None:
    """A table for people: `columns` maps keys to headings."""
    if not rows:
        click.echo(empty, err=True)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(row.get(key), key)) for key in columns))
    Console().print(table)


def cell(value: Any, key: str) -> str:
    """One value for people; keys that are times are shown as local time."""
    if value is None or value == "":
        return "-"
    if key in ("created", "run_at", "finished", "received_at", "at", "started", "outcome_at"):
        return datetime.fromtimestamp(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return str(value)
