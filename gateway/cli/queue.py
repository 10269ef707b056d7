"""``fax-gateway queue``: what is on its way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from gateway.cli.inputs import limit_option

_COLUMNS = {
    "id": "ID",
    "state": "State",
    "number": "To",
    "sender": "From",
    "pages_sent": "Pages",
    "attempts": "Tries",
    "created": "Accepted",
    "reason": "Reason",
}


@click.group()
def command() -> None:
    """See and change what is on its way out."""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Finished faxes too.")
@limit_option
@json_option
@config_option
@socket_option
def list_(everything: bool, limit: int, as_json: bool, config: Path | None, socket: Path | None) -> None:
    """List open faxes."""
    rows = ask(config, socket, "queue.list", {"all": everything, "limit": limit})
    if as_json:
        show_json(rows)
    else:
        show_table(rows, _COLUMNS, "No fax is waiting.")


@command.command()
@click.argument("id_", metavar="ID")
@json_option
@config_option
@socket_option
def show(id_: str, as_json: bool, config: Path | None, socket: Path | None) -> None:
    """Show a fax, or every fax of a mail, with calls and history."""
    faxes = ask(config, socket, "queue.show", {"id": id_})
    if as_json:
        show_json(faxes)
        return
    for fax in faxes:
        _details(fax)


def _details(fax: dict[str, Any]) -> None:
    for key, value in fax.items():
        if key not in ("calls", "history", "document", "purged"):
            click.echo(f"{key:>12}: {cell(value, key)}")
    if fax.get("purged"):  # a daemon that was not restarted yet does not say
        click.echo(f"{'content':>12}: purged {cell(fax['purged'], 'purged')}")
    for call in fax["calls"]:
        row = f", row {call['provider_id']}" if call["provider_id"] else ""
        outcome = call["outcome"] or "no answer yet"
        line = f"{call['attempt']}, {cell(call['started'], 'started')}: {outcome}{row}"
        click.echo(f"{'call':>12}: {printable(line)}")
    for event in fax["history"]:
        detail = " ".join(f"{key}={value}" for key, value in event["detail"].items() if value)
        arrow = f"{event['source'] or 'new'} → {event['target']}"
        what = f"{arrow} ({event['trigger']})" if event.get("trigger") else arrow
        click.echo(f"{'history':>12}: {cell(event['at'], 'at')} {what} {printable(detail)}".rstrip())
    click.echo()


def _change(verb: str, args: dict[str, Any], as_json: bool, config: Path | None, socket: Path | None) -> None:
    result = ask(config, socket, verb, args)
    if as_json:
        show_json(result)
    else:
        click.echo(f"{result['id']} is {result['state']}.")


@command.command()
@click.argument("id_", metavar="ID")
@json_option
@config_option
@socket_option
def cancel(id_: str, as_json: bool, config: Path | None, socket: Path | None) -> None:
    """Stop a fax that is not on the line yet."""
    _change("queue.cancel", {"id": id_}, as_json, config, socket)


@command.command()
@click.argument("id_", metavar="ID")
@json_option
@config_option
@socket_option
def retry(id_: str, as_json: bool, config: Path | None, socket: Path | None) -> None:
    """Try a waiting fax now, or send a failed one again as a new fax."""
    _change("queue.retry", {"id": id_}, as_json, config, socket)


@command.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--sent",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[ROW]",
    help="It went out; with ROW, the id of that sent fax, its result is read from there.",
)
@click.option("--fail", is_flag=True, help="It did not go out, and must not any more.")
@click.option("--resend", is_flag=True, help="It did not go out: send it again.")
@json_option
@config_option
@socket_option
def resolve(
    id_: str,
    sent: str | None,
    fail: bool,
    resend: bool,
    as_json: bool,
    config: Path | None,
    socket: Path | None,
) -> None:
    """Say what became of a held fax."""
    chosen = {"sent": sent is not None, "fail": fail, "resend": resend}
    words = [word for word, given in chosen.items() if given]
    if len(words) != 1:
        raise click.UsageError("Say one of --sent, --fail and --resend.")
    args = {"id": id_, "as": words[0], "row": sent or ""}
    _change("queue.resolve", args, as_json, config, socket)
