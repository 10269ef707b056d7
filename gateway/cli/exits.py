"""Exit codes (sysexits.h) and what people see when something is wrong: a sentence, never a traceback."""

from __future__ import annotations

import enum
import sys

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
    TEMPORARY = 75
    CONFIG = 78


def code_of(error: GatewayError) -> Exit:
    """The exit code of a failure."""
    failure = error.failure
    if failure.code in ("no_daemon", "cannot_start"):
        return Exit.UNAVAILABLE
    return Exit.DATA if failure.kind is Kind.PERMANENT else Exit.TEMPORARY


def run(command: click.Command) -> int:
    """Run `command` and return its exit code; expected trouble becomes one line on standard error."""
    from gateway.config.problems import ConfigError

    try:
        result = command.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Abort:
        return 130
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        return Exit.CONFIG
    except GatewayError as error:
        click.echo(f"fax-gateway: {error}", err=True)
        return code_of(error)
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.OK
    return result if isinstance(result, int) else Exit.OK
