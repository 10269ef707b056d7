"""When a fax is tried again: by what stood in its way, how often that did, and until its deadline. Pure.

Each cause has tries and waits of its own: a busy line is free in minutes, a person who took the call will
take it again. Trouble of the provider spends no tries, because the line was not even called.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.lifecycle import next_try


class Cause(enum.StrEnum):
    """What stood in a fax's way. All but the last are what a row of SENT says of a call."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    VOICE = "no_fax"
    """Somebody or something answered that is no fax machine."""
    DROPPED = "dropped"
    """The connection broke; pages may have arrived."""
    PROVIDER = "provider"
    """Certainly not sent: the provider could not be reached, or took no fax just now."""


Tries = Mapping[str, int]
"""How often each cause stood in one fax's way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Waits in seconds, from the configuration; as many tries again as a cause has waits."""

    waits: Mapping[Cause, Sequence[float]]
    """Those of `Cause.PROVIDER` have no end: the last one repeats. Without any, a cause is final."""
    jitter: float = 0.1
    """Share by which a wait may be longer, so that faxes of one outage do not all come back at once."""


def counted(tries: Tries, cause: Cause) -> dict[str, int]:
    """`tries` with one more of `cause`."""
    return {**tries, cause.value: tries.get(cause.value, 0) + 1}


def again(
    plan: Plan, cause: Cause, tries: Tries, *, now: float, deadline: float, seed: str, at_least: float = 0.0
) -> float | None:
    """When to try again (epoch seconds); None if `cause` has no try left, or not before the deadline.

    `tries` counts the one that has just failed. `at_least` is a wait that the cause itself asks for, in
    seconds. `seed` (the fax's id) makes the jitter its own, and the same however often it is asked for.
    """
    waits, count = plan.waits.get(cause, ()), tries.get(cause.value, 0)
    if not waits or (cause is not Cause.PROVIDER and count > len(waits)):
        return None
    wait = next_try(count, waits, 0.0, at_least=at_least)
    run_at = now + spread(wait, plan.jitter, f"{seed}:{cause}:{count}")
    return run_at if run_at <= deadline else None


def spread(wait: float, jitter: float, seed: str) -> float:
    """`wait`, or longer by up to the share `jitter`."""
    return wait * (1 + jitter * random.Random(seed).random())  # noqa: S311 - nothing to guess
