"""``fax-gateway demo``: the whole circle on loopback, from nothing, with no network and no configuration."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.common import json_option, show_json
from gateway.cli.exits import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.cli.circle import Circle


@click.command()
@click.option("--once", is_flag=True, help="One fax each way, then exit; 0 only if both arrived.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the files here instead of in a new temporary directory.",
)
@json_option
def command(once: bool, directory: Path | None, as_json: bool) -> int:
    """Send one fax and receive one, live, against the simulator; then stay up for your own mail client."""
    from rich.console import Console

    from gateway import journal

    journal.setup(level="warning")
    home = directory or Path(tempfile.mkdtemp(prefix="fax-gateway-demo-"))
    home.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=as_json, highlight=False)
    return asyncio.run(_demo(home, console, once=once, as_json=as_json))


async def _demo(home: Path, console: Console, *, once: bool, as_json: bool) -> int:
    from gateway.cli.circle import running, send_out, take_in

    began = time.monotonic()
    screen = _Screen(console)
    async with running(home) as circle:
        with screen:
            try:
                out = await send_out(circle, screen.say)
                received = await take_in(circle, screen.say)
            except TimeoutError:
                console.print("[red]Something did not arrive in time;[/] the log above says what.")
                return Exit.SOFTWARE
        ok = bool(out["ok"] and received["ok"])
        report = {
            "ok": ok,
            "seconds": round(time.monotonic() - began, 2),
            "directory": str(home),
            "outbound": out,
            "inbound": received,
        }
        if as_json:
            show_json(report)
        else:
            _tell(console, report)
        if not once:
            await _stay(circle, console)
    return Exit.OK if ok else Exit.SOFTWARE


class _Screen:
    """The steps as they happen: direction, state, pages, elapsed."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live
        from rich.table import Table

        self._began = time.monotonic()
        self._table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
        self._table.add_column("", width=11)
        self._table.add_column("What happens", ratio=1, overflow="fold")
        self._table.add_column("Pages", justify="right", no_wrap=True, width=5)
        self._table.add_column("Elapsed", justify="right", no_wrap=True, width=7)
        self._live = Live(self._table, console=console, refresh_per_second=12)

    def __enter__(self) -> None:
        self._live.start(refresh=True)

    def __exit__(self, *_: object) -> None:
        self._live.stop()

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


def _tell(console: Console, report: dict[str, Any]) -> None:
    out, received = report["outbound"], report["inbound"]
    console.print()
    console.print(f"Fax sent:       {out['fax_pdf']}", soft_wrap=True)
    console.print(f"Its receipt:    {out['receipt']}", soft_wrap=True)
    console.print(f"Fax received:   {received['attachment']}", soft_wrap=True)
    console.print(f"Its mail:       {received['mail']}", soft_wrap=True)
    word = "[bold green]Both directions work[/]" if report["ok"] else "[bold red]Something is missing[/]"
    console.print(f"{word} ({report['seconds']} s).")


async def _stay(circle: Circle, console: Console) -> None:
    """Let people try it with their own mail client, until they interrupt."""
    from gateway.cli.circle import CODE, DOMAIN, OUR_NUMBER

    host, port = circle.smtp
    console.print(
        f"""
[bold]Try it yourself:[/] point a mail client's outgoing server at

    server   [bold]{host}[/]   port [bold]{port}[/]   no encryption, no password

and send a mail with a PDF, a picture or just text

    to       [bold]5552348761@{DOMAIN}[/]   (any number; {OUR_NUMBER} comes back in)
    subject  [bold]{CODE}[/] and anything else

Mails that the gateway sends appear in {circle.catcher.directory}
See the queue with: fax-gateway queue list --all --socket {circle.gateway.settings.gateway.control_path}
Press Ctrl-C to end.""",
        soft_wrap=True,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
