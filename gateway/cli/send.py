"""``fax-gateway send --to N FILE...``: queue a fax from the shell."""

from __future__ import annotations

import mimetypes
import sys
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path

import click

from gateway.cli.common import ask, config_option, json_option, show_json, socket_option


@click.command()
@click.option("--to", "numbers", multiple=True, required=True, metavar="N", help="Fax number; repeatable.")
@click.option("--text", help="Text for the first page; - reads standard input.")
@click.option("--subject", default="", help="Kept with the fax and shown in its receipt.")
@click.option("--notify", default="", metavar="ADDRESS", help="Who gets the receipt by mail.")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@config_option
@socket_option
def command(
    numbers: tuple[str, ...],
    text: str | None,
    subject: str,
    notify: str,
    files: tuple[Path, ...],
    as_json: bool,
    config: Path | None,
    socket: Path | None,
) -> None:
    """Queue FILEs as one fax to each number."""
    if not files and text is None:
        raise click.UsageError("Name a file, or give --text.")
    message = _message(files, sys.stdin.read() if text == "-" else text, subject)
    body = message.as_bytes(policy=SMTP)
    accepted = ask(config, socket, "send", {"numbers": list(numbers), "notify": notify}, body)
    if as_json:
        show_json(accepted)
        return
    click.echo(f"queued as {accepted['id']}")
    for repeat in accepted["repeats"]:
        click.echo(
            f"This repeats fax {repeat}, which is open or was delivered; nothing new was queued.", err=True
        )


def _message(files: tuple[Path, ...], text: str | None, subject: str) -> EmailMessage:
    """The files as the mail that a person would have sent, so that they take the same way."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain="fax-gateway.invalid")
    message.set_content(text or "")
    for file in files:
        kind, _ = mimetypes.guess_type(file.name)
        maintype, _, subtype = (kind or "application/octet-stream").partition("/")
        message.add_attachment(file.read_bytes(), maintype=maintype, subtype=subtype, filename=file.name)
    return message
