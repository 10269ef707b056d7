"""``fax-gateway inbox``: what came in."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import (
    ask,
    cell,
    config_option,
    json_option,
    printable,
    show_json,
    show_table,
    socket_option,
)
from gateway.cli.inputs import Address, limit_option

_COLUMNS = {
    "id": "ID",
    "state": "State",
    "received_at": "Received",
    "caller": "From",
    "did": "To",
    "pages": "Pages",
    "reason": "Reason",
}


@click.group()
def command() -> None:
    """See and mail again what came in."""


@command.command("list")
@limit_option
@json_option
@config_option
@socket_option
def list_(limit: int, as_json: bool, config: Path | None, socket: Path | None) -> None:
    """List received faxes."""
    rows = ask(config, socket, "inbox.list", {"limit": limit})
    if as_json:
        show_json(rows)
    else:
        show_table(rows, _COLUMNS, "No fax has come in.")


@command.command()
@click.argument("id_", metavar="ID")
@json_option
@config_option
@socket_option
def show(id_: str, as_json: bool, config: Path | None, socket: Path | None) -> None:
    """Show a received fax, where our copy is, and its mails."""
    fax = ask(config, socket, "inbox.show", {"id": id_})
    if as_json:
        show_json(fax)
        return
    for key, value in fax.items():
        if key not in ("mails", "history", "purged"):
            click.echo(f"{key:>12}: {cell(value, key)}")
    if fax.get("purged"):  # a daemon that was not restarted yet does not say
        click.echo(f"{'content':>12}: purged {cell(fax['purged'], 'purged')}")
    for mail in fax["mails"]:
        line = f"{mail['recipient']} by {mail['via']}: {mail['state']} {mail['reason']}"
        click.echo(f"{'mail':>12}: {printable(line)}".rstrip())
    for event in fax["history"]:
        click.echo(
            f"{'history':>12}: {cell(event['at'], 'at')} {event['source'] or 'new'} → {event['target']}"
        )


@command.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--to",
    multiple=True,
    type=Address(),
    metavar="ADDRESS",
    help="Instead of the addresses it went to before.",
)
@json_option
@config_option
@socket_option
def remail(id_: str, to: tuple[str, ...], as_json: bool, config: Path | None, socket: Path | None) -> None:
    """Mail a received fax again, or take up a parked one."""
    result = ask(config, socket, "inbox.remail", {"id": id_, "to": list(to)})
    if as_json:
        show_json(result)
    else:
        click.echo(f"{result['id']} is {result['state']}.")
