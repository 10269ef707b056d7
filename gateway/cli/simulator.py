"""``fax-gateway simulator``: the VoIP.ms fax API on its own, until a signal ends it."""

from __future__ import annotations

import asyncio
import signal

import click

from gateway.simulator import MODES, PASSWORD, USERNAME, Simulator


class Address(click.ParamType[tuple[str, int]]):
    """``HOST:PORT``; an IPv6 host in brackets."""

    name = "host:port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Host and port."""
        host, colon, port = str(value).rpartition(":")
        if not colon or not port.isdecimal() or not 0 <= int(port) <= 65535:
            self.fail(f"{value!r} is not HOST:PORT, for example 127.0.0.1:8080", param, ctx)
        return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


@click.command(name="simulator")
@click.option("--listen", type=Address(), default="127.0.0.1:8025", show_default=True, help="Where to serve.")
@click.option("--smtp", type=Address(), help="Server for the mails it sends.")
@click.option(
    "--time-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Seconds on the line for each real second.",
)
@click.option(
    "--wire", type=click.Choice(list(MODES)), default="live", show_default=True, help="Habits of the wire."
)
def command(listen: tuple[str, int], smtp: tuple[str, int] | None, time_scale: float, wire: str) -> None:
    """Serve the VoIP.ms fax API with a made-up account and a scriptable line.

    No fax is sent. The control under /_sim/ has no login, so listen on loopback only.
    """

    async def serve() -> None:
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        simulator = Simulator(listen, smtp=smtp, time_scale=time_scale, wire=MODES[wire])
        try:
            await simulator.start()
        except OSError as error:
            raise click.ClickException(
                f"Cannot listen on {listen[0]}:{listen[1]}: {error.strerror or error}. Try another --listen."
            ) from error
        try:
            click.echo(simulator.url)
            click.echo(
                f"account {USERNAME}, API password {PASSWORD}; ledger at {simulator.base_url}/_sim/ledger",
                err=True,
            )
            await ended.wait()
        finally:
            await simulator.stop()

    asyncio.run(serve())
