"""``fax-gateway hash-password``: an Argon2 hash for a [[user]] table."""

from __future__ import annotations

import click


@click.command()
@click.password_option(help="Asked for when not given; giving it here shows it in the process list.")
def command(password: str) -> None:
    """Hash a password for a [[user]] table."""
    from argon2 import PasswordHasher

    click.echo(PasswordHasher().hash(password))
