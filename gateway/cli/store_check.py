"""Whether the shared database answers: better told here than by a daemon that waits for it."""

from __future__ import annotations

from pathlib import Path

from gateway.config import Problem, Settings
from gateway.errors import GatewayError


def store_problem(settings: Settings, file: Path) -> Problem | None:
    """Connect to the database of `settings`, which come from `file`; nothing is changed there."""
    if not settings.store.shared:
        return None
    from gateway.store.engine import probe

    try:
        probe(settings.store.url.get_secret_value())
    except GatewayError as error:
        return Problem(
            file=str(file),
            key="store.url",
            message=f"{settings.store.shown} does not answer: {error.failure.sentence}",
            hint="the daemon waits until it does",
        )
    return None
