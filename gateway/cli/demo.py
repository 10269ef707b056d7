"""``fax-gateway demo``: the whole circle on loopback, from nothing, with no network and no configuration."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import shutil
import signal
import smtplib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from gateway.cli.common import console as make_console
from gateway.cli.common import json_option, show_json
from gateway.cli.exits import CommandError, Exit, reason_of
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.cli.circle import Circle

_LOG = "log.txt"


@click.command()
@click.option("--once", is_flag=True, help="One fax each way, then exit; 0 only if both arrived.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the files here (an empty or new directory) instead of in a new temporary directory.",
)
@json_option
def command(once: bool, directory: Path | None, as_json: bool) -> int:
    """Send one fax and receive one, live, against the simulator; then stay up for your own mail client."""
    from gateway import journal

    home = _home(directory)
    with _log_file(home / _LOG) as log:
        journal.setup(level="info", stream=log)
        return asyncio.run(_demo(home, make_console(stderr=as_json), once=once, as_json=as_json))


def _home(directory: Path | None) -> Path:
    """An empty directory. Raises `CommandError`."""
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="fax-gateway-demo-"))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise CommandError(f"{directory} is not empty: name an empty or a new directory.", Exit.USAGE)
    except OSError as error:
        raise CommandError(f"The directory cannot be used: {reason_of(error)}", Exit.CANTCREAT) from error
    return directory.absolute()


@contextlib.contextmanager
def _log_file(path: Path) -> Iterator[TextIO]:
    try:
        file = path.open("x", encoding="utf-8", errors="backslashreplace", buffering=1)
    except OSError as error:
        raise CommandError(f"The log cannot be made: {reason_of(error)}", Exit.CANTCREAT) from error
    with file:
        yield file


async def _demo(home: Path, console: Console, *, once: bool, as_json: bool) -> int:
    from gateway import journal
    from gateway.cli.circle import running

    report: dict[str, Any] = {
        "ok": False,
        "reason": "",
        "seconds": 0.0,
        "directory": str(home),
        "log": str(home / _LOG),
        "outbound": None,
        "inbound": None,
    }
    staying = False
    try:
        async with running(home) as circle:
            await _both_ways(circle, _Screen(console), report)
            staying = report["ok"] and not once
            if staying:
                _tell(console, report, as_json=as_json)
                await _stay(circle, console)
    except Exception as error:
        if staying:
            raise
        journal.service_ended(service="demo", error=error)
        report |= {"ok": False, "reason": _reason(error, report)}
    if not staying:
        _tell(console, report, as_json=as_json)
        console.print(_farewell(home), soft_wrap=True)
    return Exit.OK if report["ok"] else Exit.SOFTWARE


async def _both_ways(circle: Circle, screen: _Screen, report: dict[str, Any]) -> None:
    from gateway.cli.circle import send_out, take_in

    began = time.monotonic()
    with screen:
        out = report["outbound"] = await send_out(circle, screen.say)
        received = report["inbound"] = await take_in(circle, screen.say)
    report["seconds"] = round(time.monotonic() - began, 2)
    report["ok"] = bool(out["ok"] and received["ok"])
    if not out["ok"]:
        report["reason"] = f"The fax ended as {out['state']}, or its receipt went astray."
    elif not received["ok"]:
        report["reason"] = f"The received fax ended as {received['state']}, or its mail has no PDF."


def _reason(error: Exception, report: dict[str, Any]) -> str:
    """What went wrong, for people; the log has the rest."""
    if isinstance(error, TimeoutError):
        if report["outbound"] is None:
            return "The mail did not become a delivered fax with a receipt in time."
        return "The received fax was not mailed in time."
    if isinstance(error, GatewayError):
        return str(error)
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The gateway answered {error.smtp_code} to the mail."
    if isinstance(error, OSError):
        return reason_of(error)
    return f"internal error: {type(error).__name__}."


class _Screen:
    """The steps as they happen: direction, state, pages, elapsed."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live
        from rich.table import Table

        self._began = time.monotonic()
        self._table = Table(box=None, pad_edge=False, header_style="bold", expand=console.is_terminal)
        self._table.add_column("", width=11)
        self._table.add_column("What happens", ratio=1, overflow="fold")
        self._table.add_column("Pages", justify="right", no_wrap=True, width=5)
        self._table.add_column("Elapsed", justify="right", no_wrap=True, width=7)
        self._console = console
        self._live = Live(self._table, console=console, refresh_per_second=12)

    def __enter__(self) -> None:
        self._live.start(refresh=True)

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if not self._console.is_terminal:
            self._console.line()  # on a terminal, Live does it

    def say(self, direction: str, what: str, pages: int | None) -> None:
        """One more step."""
        from rich.text import Text

        arrow = Text("mail → fax", "cyan") if direction == "out" else Text("fax → mail", "magenta")
        good = what in ("delivered", "mailed", "acknowledged")
        bad = what in ("failed", "held", "unconfirmed", "parked", "partial")
        self._table.add_row(
            arrow,
            Text(what, style="bold green" if good else "bold red" if bad else ""),
            "" if pages is None else str(pages),
            f"{time.monotonic() - self._began:.1f} s",
        )


def _tell(console: Console, report: dict[str, Any], *, as_json: bool) -> None:
    from rich.markup import escape

    if as_json:
        show_json(report)
        return
    console.print()
    if (out := report["outbound"]) is not None:
        console.print(f"Fax sent:       {escape(out['fax_pdf'])}", soft_wrap=True)
        console.print(f"Its receipt:    {escape(out['receipt'])}", soft_wrap=True)
    if (received := report["inbound"]) is not None:
        console.print(f"Fax received:   {escape(received['attachment'] or 'no PDF')}", soft_wrap=True)
        console.print(f"Its mail:       {escape(received['mail'])}", soft_wrap=True)
    console.print(f"Log:            {escape(report['log'])}", soft_wrap=True)
    if report["ok"]:
        console.print(f"[bold green]Both directions work[/] ({report['seconds']} s).")
    else:
        console.print(f"[bold red]It did not work:[/] {escape(report['reason'])} The log says more.")


def _farewell(home: Path) -> str:
    from rich.markup import escape

    return f"The files stay in {escape(str(home))}; delete it when you are done."


def _own_command() -> str:
    """This program as the reader must type it."""
    typed = Path(sys.argv[0])
    found = shutil.which(typed.name)
    if not typed.is_file() or (found is not None and typed.samefile(found)):
        return "fax-gateway"
    return shlex.quote(str(typed))


async def _stay(circle: Circle, console: Console) -> None:
    """Let people try it with their own mail client, until they interrupt."""
    from rich.markup import escape

    from gateway.cli.circle import CODE, DOMAIN, OUR_NUMBER

    host, port = circle.smtp
    control = shlex.quote(str(circle.gateway.settings.gateway.control_path))
    console.print(
        f"""
[bold]Try it yourself:[/] point a mail client's outgoing server at

    server   [bold]{host}[/]   port [bold]{port}[/]   no encryption, no password

and send a mail with a PDF, a picture or just text

    to       [bold]5552348761@{DOMAIN}[/]   (any number; {OUR_NUMBER} comes back in)
    subject  [bold]{CODE}[/] and anything else

Mails that the gateway sends appear in {escape(str(circle.catcher.directory))}
See the queue with: {escape(f"{_own_command()} queue list --all --socket {control}")}
{_farewell(circle.directory)}
Press Ctrl-C to end.""",
        soft_wrap=True,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
