"""What people type: mail addresses, limits, passwords. Checked at once, before anything is asked or done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from gateway.cli.exits import CommandError, Exit

F = TypeVar("F", bound=Callable[..., Any])


class Address(click.ParamType[str]):
    """A mail address, by the rules that the configuration has for one."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """``local@domain``, the domain in lower case."""
        from pydantic import TypeAdapter, ValidationError

        from gateway.config.types import MailAddress

        adapter: TypeAdapter[str] = TypeAdapter(MailAddress)
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            self.fail(f"{error.errors()[0]['msg']}.", param, ctx)


def limit_option(function: F) -> F:
    """``--limit N``."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=200,
        show_default=True,
        help="At most this many, newest first.",
    )(function)


def ask_secret(what: str, *, confirm: bool = False) -> str:
    """Ask for a secret without echo; where nobody types, it is the next line of standard input.

    Raises `CommandError` if it is empty or the input ends.
    """
    secret = _typed(what, confirm) if sys.stdin.isatty() else _piped(what)
    return checked_secret(secret, what)


def checked_secret(secret: str, what: str) -> str:
    """`secret`, unless it is empty: `CommandError`."""
    if not secret:
        raise CommandError(f"{what} must not be empty.", Exit.USAGE)
    return secret


def _typed(what: str, confirm: bool) -> str:
    try:
        secret: str = click.prompt(
            what, default="", show_default=False, hide_input=True, confirmation_prompt=confirm, err=True
        )
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            raise _ended(what) from error
        raise
    return secret


def _piped(what: str) -> str:
    line = sys.stdin.buffer.readline()
    if not line:
        raise _ended(what)
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise CommandError(f"{what} is not UTF-8 text.", Exit.USAGE) from None


def _ended(what: str) -> CommandError:
    return CommandError(f"{what} is missing: the input ended.", Exit.USAGE)
