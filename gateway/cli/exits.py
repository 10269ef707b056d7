"""Exit codes (sysexits.h) and what people see when something is wrong: a sentence, never a traceback.

A traceback is for bugs only: it names the place for the report, and it goes through the log's redaction.
"""

from __future__ import annotations

import enum
import traceback

import click

from gateway.errors import GatewayError, Kind


class Exit(enum.IntEnum):
    """The codes of sysexits.h that are used."""

    OK = 0
    USAGE = 64
    DATA = 65
    """The document or the request cannot be used."""
    UNAVAILABLE = 69
    """No daemon, no provider."""
    SOFTWARE = 70
    """A bug, or a demo that did not work."""
    CANTCREAT = 73
    """An output file cannot be made."""
    IOERR = 74
    TEMPORARY = 75
    CONFIG = 78


class CommandError(Exception):
    """Ends a command with one sentence on standard error and the exit code `code`."""

    def __init__(self, sentence: str, code: Exit) -> None:
        super().__init__(sentence)
        self.code = code


def complain(sentence: str) -> None:
    """One line on standard error."""
    click.echo(f"fax-gateway: {sentence}", err=True)


def code_of(error: GatewayError) -> Exit:
    """The exit code of a failure."""
    failure = error.failure
    if failure.code in ("no_daemon", "cannot_start", "store_unreachable"):
        return Exit.UNAVAILABLE
    return Exit.DATA if failure.kind is Kind.PERMANENT else Exit.TEMPORARY


def reason_of(error: OSError) -> str:
    """What the system says, with the file if it is known: ``/etc/x: Permission denied.``"""
    what = error.strerror or type(error).__name__
    return f"{error.filename}: {what}." if isinstance(error.filename, str) else f"{what}."


def run(command: click.Command) -> int:
    """Run `command` and return its exit code; expected trouble becomes one line on standard error."""
    try:
        result = command.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except CommandError as error:
        complain(str(error))
        return error.code
    except click.exceptions.Abort:
        return 130
    except GatewayError as error:
        complain(str(error))
        return code_of(error)
    except OSError as error:
        complain(reason_of(error))
        return Exit.IOERR
    except Exception as error:
        # Here, since the commands that use no configuration start in half the time without it.
        from gateway.config.problems import ConfigError
        from gateway.journal.redact import scrub

        if isinstance(error, ConfigError):
            for problem in error.problems:
                click.echo(str(problem), err=True)
            return Exit.CONFIG
        complain(f"internal error: {type(error).__name__}. Please report it with the lines below.")
        click.echo(scrub("".join(traceback.format_exception(error))), err=True, nl=False)
        return Exit.SOFTWARE
    return result if isinstance(result, int) else Exit.OK
