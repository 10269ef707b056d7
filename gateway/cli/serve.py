"""``fax-gateway serve``: the daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gateway.cli.common import config_option


@click.command()
@config_option
def command(config: Path | None) -> None:
    """Run the daemon until SIGTERM; a second signal forces."""
    from gateway import __version__, journal
    from gateway.app import Gateway
    from gateway.config import default_path, load

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
            journal.started(
                version=__version__,
                listeners=gateway.status()["listeners"],
                mailboxes=gateway.status()["mailboxes"],
            )

        await gateway.supervisor.run(ready=ready)

    asyncio.run(serve())
    journal.stopped()
