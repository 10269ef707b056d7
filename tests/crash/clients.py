"""Mail clients: each sends its mail until the server has answered it, however often the answer gets lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass, field

from support.world import DOMAIN, post

from crash.scenario import Errand

_AGAIN = 0.3
"""Seconds before a client tries again."""


@dataclass(slots=True)
class Seen:
    """What the clients saw."""

    accepted: dict[str, Errand] = field(default_factory=dict)
    """Mails that were answered 250, by name."""
    refused: dict[str, str] = field(default_factory=dict)
    """Mails that were answered 5xx: there should be none."""
    lost_replies: int = 0
    put_off: int = 0
    """Answers of 4xx."""


async def send_all(
    errands: Sequence[Errand], servers: Sequence[tuple[str, int]], *, clients: int, rate: float
) -> Seen:
    """Send every mail, so many at a time and about `rate` a second, to the servers in turns."""
    seen, waiting, turns = Seen(), iter(errands), itertools.cycle(servers)

    async def client() -> None:
        for errand in waiting:
            await asyncio.sleep(clients / rate)
            await _send(errand, turns, seen)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return seen


async def _send(errand: Errand, turns: itertools.cycle[tuple[str, int]], seen: Seen) -> None:
    recipients = [f"{number}@{DOMAIN}" for number in errand.numbers]
    while True:
        try:
            await asyncio.to_thread(post, next(turns), errand.content, recipients)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            if not _is_put_off(code, said, errand, seen):
                return
        except smtplib.SMTPResponseException as error:
            if not _is_put_off(error.smtp_code, error.smtp_error, errand, seen):
                return
        except (OSError, smtplib.SMTPException):
            seen.lost_replies += 1
        else:
            seen.accepted[errand.name] = errand
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.sleep(_AGAIN)


def _is_put_off(code: int, said: bytes | str, errand: Errand, seen: Seen) -> bool:
    if code >= 500:
        seen.refused[errand.name] = f"{code} {said!r}"
        return False
    seen.put_off += 1
    return True
