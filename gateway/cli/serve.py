"""``fax-gateway serve``: the daemon."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import click

from gateway.cli.common import config_option

_PR_SET_DUMPABLE = 4  # prctl(2)


@click.command()
@config_option
def command(config: Path | None) -> None:
    """Run the daemon until SIGTERM; a second signal forces."""
    from gateway import __version__, journal, loop
    from gateway.app import Gateway
    from gateway.config import default_path, load

    _keep_private()
    loaded = load(config or default_path())
    settings = loaded.settings
    log = settings.log
    journal.setup(level=log.level, format=log.format, mask_numbers=log.mask_numbers)
    for secret in settings.secrets():
        journal.register_secret(secret)
    for warning in loaded.warnings:
        journal.configured(problem=str(warning))

    async def serve() -> None:
        gateway = Gateway(settings)

        def ready() -> None:
            loop.settle()
            journal.started(
                version=__version__,
                listeners=gateway.status()["listeners"],
                mailboxes=gateway.status()["mailboxes"],
            )

        await gateway.supervisor.run(ready=ready)

    loop.run(serve())
    journal.stopped()


def _keep_private() -> None:
    """Nothing of this process for other users, nor its memory for other processes of its own user.

    A process that is not dumpable leaves no core file and cannot be traced or read through /proc (ptrace(2)).
    """
    os.umask(0o077)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
