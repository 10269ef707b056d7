"""The life of a fax over time: a plan made when the call is accepted, read at any later second. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from gateway.simulator.fate import Ending, Fate, Stranger

ENDINGS: Mapping[Ending, tuple[str, str]] = MappingProxyType(
    {
        Ending.SUCCESS: ("SUCCESS", ""),
        Ending.BUSY: ("FAILED", "Busy"),
        Ending.NO_ANSWER: ("FAILED", "No answer"),
        Ending.VOICE: ("FAILED", "No fax carrier detected"),
        Ending.DROP: ("FAILED", "Call dropped after page {pages}"),
        Ending.PARTIAL: ("SUCCESS", ""),
    }
)
"""``status`` and ``msg`` of a finished fax. Only SUCCESS is documented, the others are a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the line is, in line seconds, and the words it uses on the way."""

    row_delay: float = 1.0
    """From the accepted call until the row shows in SENT."""
    queue: float = 2.0
    """Until dialling begins."""
    dial: float = 6.0
    """Until the other side answers, or is found busy."""
    page: float = 20.0
    ring: float = 45.0
    """Until an unanswered call is given up."""
    listen: float = 15.0
    """Until a voice is recognised as no fax."""
    queued_status: str = ""
    busy_status: str = "IN PROGRESS"
    """``status`` while the call is on the line."""
    count_pages: bool = True
    """``pages`` counts the pages done; otherwise it shows all pages from the beginning."""
    endings: Mapping[Ending, tuple[str, str]] = field(default_factory=lambda: ENDINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the row says from the second `at` on."""

    at: float
    status: str
    msg: str = ""
    pages: int = 0
    connected: float = 0.0
    """Seconds on the line so far."""
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Steps in order, the last one final. Seconds are line seconds of the clock."""

    shown_at: float | None
    """When the row shows; None is never."""
    steps: tuple[Step, ...]
    delivered_pages: int = 0
    """Pages that reached the other side in the end."""

    def index(self, now: float) -> int:
        """Which step it is at `now`; before the first, the first."""
        return max((i for i, step in enumerate(self.steps) if step.at <= now), default=0)

    def at(self, now: float) -> Step:
        """What the row says at `now`."""
        return self.steps[self.index(now)]

    def shown(self, now: float) -> bool:
        """Whether the row shows at `now`."""
        return self.shown_at is not None and self.shown_at <= now

    @property
    def end(self) -> Step:
        """The final step."""
        return self.steps[-1]


def plan(fate: Fate, pages: int, born: float, pace: Pace) -> Life:
    """The life of a sent fax of `pages` pages that was accepted at the line second `born`."""
    through = pages if fate.ending is Ending.SUCCESS else 0
    if fate.ending in {Ending.DROP, Ending.PARTIAL}:
        through = min(pages, int(fate.pages or 0))
    dialling = born + pace.queue
    answered = dialling + pace.dial
    visible = pages if not pace.count_pages else 0
    steps = [
        Step(at=born, status=pace.queued_status, pages=visible),
        Step(at=dialling, status=pace.busy_status, pages=visible),
    ]
    for page in range(1, through + (fate.ending is Ending.DROP)):
        done = answered + page * pace.page
        steps.append(
            Step(at=done, status=pace.busy_status, pages=visible or page, connected=page * pace.page)
        )
    connected = through * pace.page
    ended = answered + connected
    if fate.ending is Ending.NO_ANSWER:
        ended = dialling + pace.ring
    elif fate.ending is Ending.VOICE:
        connected = pace.listen
        ended = answered + connected
    elif fate.ending is Ending.DROP:
        connected += pace.page / 2
        ended = answered + connected
    status, msg = pace.endings[fate.ending]
    steps.append(
        Step(
            at=ended,
            status=status if fate.final_status is None else fate.final_status,
            msg=(msg if fate.final_msg is None else fate.final_msg).replace("{pages}", str(through)),
            pages=through if pace.count_pages or fate.ending is Ending.PARTIAL else pages,
            connected=connected,
            final=True,
        )
    )
    delay = pace.row_delay if fate.row_delay is None else fate.row_delay
    shown = fate.row_shown and fate.stranger is not Stranger.INSTEAD
    return Life(shown_at=born + delay if shown else None, steps=tuple(steps), delivered_pages=through)


def finished(
    pages: int,
    seconds: float,
    now: float,
    *,
    status: str = "SUCCESS",
    msg: str = "",
    shown_at: float | None = None,
) -> Life:
    """The life of a row that is finished when it comes into being: a received fax, or one put in by hand."""
    step = Step(at=now, status=status, msg=msg, pages=pages, connected=seconds, final=True)
    return Life(shown_at=now if shown_at is None else shown_at, steps=(step,), delivered_pages=pages)


def cost(connected: float, rate: Decimal) -> Decimal:
    """US dollars for a call: each started minute."""
    return rate * math.ceil(connected / 60)
