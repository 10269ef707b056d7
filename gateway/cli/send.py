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
from gateway.cli.exits import CommandError, Exit
from gateway.cli.inputs import Address


@click.command()
@click.option("--to", "numbers", multiple=True, required=True, metavar="N", help="Fax number; repeatable.")
@click.option("--text", help="Text for the first page; - reads standard input.")
@click.option("--subject", default="", help="Kept with the fax and shown in its receipt.")
@click.option("--notify", type=Address(), metavar="ADDRESS", help="Who gets the receipt by mail.")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@config_option
@socket_option
def command(
    numbers: tuple[str, ...],
    text: str | None,
    subject: str,
    notify: str | None,
    files: tuple[Path, ...],
    as_json: bool,
    config: Path | None,
    socket: Path | None,
) -> None:
    """Queue FILEs as one fax to each number."""
    text = _piped_text() if text == "-" else _spelled(text or "")
    if not files and not text.strip():
        raise click.UsageError("There is nothing to fax: name a file, or give --text with some text.")
    body = _message(files, text, _spelled(subject)).as_bytes(policy=SMTP)
    accepted = ask(config, socket, "send", {"numbers": list(numbers), "notify": notify or ""}, body)
    if as_json:
        show_json(accepted)
        return
    click.echo(f"queued as {accepted['id']}")
    for repeat in accepted["repeats"]:
        click.echo(
            f"This repeats fax {repeat}, which is open or was delivered; nothing new was queued.", err=True
        )


def _piped_text() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(
            "The text on standard input is not UTF-8; convert it, or save it as a .txt file and send that.",
            Exit.DATA,
        ) from None


def _spelled(text: str) -> str:
    """An argument as text; bytes in it that the locale cannot read become question marks."""
    return text.encode(errors="replace").decode()


def _message(files: tuple[Path, ...], text: str, subject: str) -> EmailMessage:
    """The files as the mail that a person would have sent, so that they take the same way."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain="fax-gateway.invalid")
    message.set_content(text)
    for file in files:
        kind, _ = mimetypes.guess_type(file.name)
        maintype, _, subtype = (kind or "application/octet-stream").partition("/")
        message.add_attachment(
            file.read_bytes(), maintype=maintype, subtype=subtype, filename=_spelled(file.name)
        )
    return message
