"""``fax-gateway status``: how the daemon is."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import ask, cell, config_option, json_option, printable, show_json, socket_option


@click.command()
@json_option
@config_option
@socket_option
def command(as_json: bool, config: Path | None, socket: Path | None) -> None:
    """How the daemon is."""
    status = ask(config, socket, "status", {})
    if as_json:
        show_json(status)
        return
    faxes = ", ".join(f"{count} {state}" for state, count in status["faxes"].items()) or "none"
    click.echo(f"fax-gateway {status['version']}, process {status['pid']}, up {status['uptime']:.0f} s")
    click.echo(f"listening on {', '.join(status['listeners']) or 'nothing'}; state in {status['state_dir']}")
    if status["node"]:
        duties = ", ".join(status["duties"]) or "nothing that only one node does"
        click.echo(f"node {status['node']} on {status['database']}; attends to {duties}")
    click.echo(f"open faxes: {faxes}")
    if (pause := status["paused"]) is not None:
        since, until = cell(pause["since"], "since"), cell(pause["until"], "until")
        click.echo(f"nothing is sent since {since}, looked at again {until}: {printable(pause['reason'])}")
