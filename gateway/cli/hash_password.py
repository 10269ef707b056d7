"""``fax-gateway hash-password``: an Argon2 hash for a [[user]] table."""

from __future__ import annotations

import click

from gateway.cli.inputs import ask_secret, checked_secret


@click.command("hash-password")
@click.option(
    "--password", help="Shows it in the process list; without this it is asked for, or read from a pipe."
)
def command(password: str | None) -> None:
    """Hash a password for a [[user]] table."""
    from argon2 import PasswordHasher

    if password is None:
        password = ask_secret("Password", confirm=True)
    typed = checked_secret(password, "Password").encode(errors="surrogateescape")
    click.echo(PasswordHasher().hash(typed))
