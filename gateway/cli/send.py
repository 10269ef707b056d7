"""``fax-gateway send --to N FILE...``: queue a fax from the shell."""

from __future__ import annotations

import mimetypes
import re
import sys
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path

import click

from gateway.cli.common import ask, config_option, json_option, show_json, socket_option
from gateway.cli.exits import CommandError, Exit
from gateway.cli.inputs import Address
from gateway.document.formats.sniff import Format, sniff

_HEAD_BYTES = 1 << 16
_BEFORE_HEADER = re.compile(rb"\A[\r\n]*(?:>?From [^\r\n]*\r?\n)?")
"""Blank lines, and the line that begins a mail in a mailbox file (RFC 4155)."""
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.I | re.M)


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
    """Queue FILEs as one fax to each number. A single FILE that is a mail (.eml) is faxed as that mail."""
    text = text_of(text)
    if not files and not text.strip():
        raise click.UsageError("There is nothing to fax: name a file, or give --text with some text.")
    message = message_of(files, text, spelled(subject))
    accepted = ask(config, socket, "send", {"numbers": list(numbers), "notify": notify or ""}, message)
    if as_json:
        show_json(accepted)
        return
    click.echo(f"queued as {accepted['id']}")
    for repeat in accepted["repeats"]:
        click.echo(
            f"This repeats fax {repeat}, which is open or was delivered; nothing new was queued. "
            "A header X-Fax-Repeat with a new value makes it another mail.",
            err=True,
        )


def _piped_text() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(
            "The text on standard input is not UTF-8; convert it, or save it as a .txt file and send that.",
            Exit.DATA,
        ) from None


def text_of(option: str | None) -> str:
    """What ``--text`` says; ``-`` reads standard input."""
    return _piped_text() if option == "-" else spelled(option or "")


def spelled(text: str) -> str:
    """An argument as text; bytes in it that the locale cannot read become question marks."""
    return text.encode(errors="replace").decode()


def message_of(files: Sequence[Path], text: str, subject: str) -> bytes:
    """The files as the mail that a person would have sent, so that they take the same way."""
    if len(files) == 1 and not text.strip() and not subject.strip() and is_mail(files[0]):
        # With an id of its own: the mail may have come in before, and is to be faxed again.
        own = f"Message-ID: {_new_id()}\r\n".encode()
        mail = _BEFORE_HEADER.sub(b"", files[0].read_bytes(), count=1)
        end = _END_OF_HEADER.search(mail)
        block = mail[: end.start() + 2] if end is not None else mail
        return own + _MESSAGE_ID.sub(b"", block) + mail[len(block) :]
    message = EmailMessage(policy=SMTP)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = _new_id()
    message.set_content(text)
    for file in files:
        kind, _ = mimetypes.guess_type(file.name)
        maintype, _, subtype = (kind or "application/octet-stream").partition("/")
        message.add_attachment(
            file.read_bytes(), maintype=maintype, subtype=subtype, filename=spelled(file.name)
        )
    return message.as_bytes()


def is_mail(file: Path) -> bool:
    """Whether a file is a whole mail, by its content."""
    with file.open("rb") as opened:
        return sniff(opened.read(_HEAD_BYTES)) is Format.MAIL


def _new_id() -> str:
    return make_msgid(domain="fax-gateway.invalid")
