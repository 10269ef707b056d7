"""What a converter's end means for the document it was opening. Pure."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from gateway.document.office import disk
from gateway.document.office.converter import OPENED, SAVED, STARTED
from gateway.document.values import RendererDied
from gateway.errors import GatewayError, permanent, temporary

_STARVED = 0.1
"""A converter that used less than this share of its time was stopped or starved: not the document's doing."""
_ADVICE = "Send it as a PDF."
_SIMPLER = "Send it as a PDF, or in several, smaller documents."


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a converter ended."""

    said: frozenset[str] = frozenset()
    """The words of `converter` that it got to."""
    code: int = 0
    """Exit code; negative: the signal that ended it."""
    late: float | None = None
    """It was killed after so many seconds because no more were left."""
    cpu_seconds: float = 0.0
    """What it used until then, if it was late."""
    filled: disk.Filled | None = None
    """It was killed because this was full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What LibreOffice had for all documents of a fax, and for this one."""

    seconds: float
    cpu_seconds: int


def judge(end: End, label: str, limits: Limits) -> None:
    """Return if there is a PDF; else raise `GatewayError`. `label` begins the sentence for people."""
    if end.filled is not None:
        raise _full(end.filled, label)
    if end.late is not None:
        raise _late(end, end.late, label, limits.seconds)
    if end.code == -signal.SIGXCPU:
        raise _slow(label, f"more computing time than allowed ({limits.cpu_seconds} seconds)")
    if end.code == -signal.SIGKILL:
        raise _died(label, "LibreOffice was killed", "office_killed")
    if STARTED not in end.said:
        raise unready(label, "LibreOffice does not start on this gateway", "office_start")
    if end.code == -signal.SIGXFSZ:
        raise too_large(label)
    if end.code != os.EX_OK:
        raise _refused(f"{label} makes LibreOffice crash. {_ADVICE}")
    if OPENED not in end.said:
        why = "it is damaged, protected by a password, or not what it seems to be"
        raise _unopened(f"{label} could not be opened by LibreOffice: {why}. {_ADVICE}")
    if SAVED not in end.said:
        raise unsaved(label)


def unready(label: str, why: str, code: str) -> GatewayError:
    """Trouble of our own: it may go away."""
    return GatewayError(
        temporary("4.3.0", f"{label} could not be drawn: {why}. It is tried again.", code=code)
    )


def _died(label: str, why: str, code: str) -> RendererDied:
    """Perhaps trouble of our own, perhaps the document's doing: it is counted."""
    return RendererDied(unready(label, why, code).failure)


def unsaved(label: str) -> GatewayError:
    """LibreOffice opened it, but there is no PDF."""
    return _unopened(f"{label} could not be made into pages by LibreOffice. {_ADVICE}")


def too_large(label: str) -> GatewayError:
    """The PDF is larger than allowed."""
    sentence = f"{label} makes a PDF that is larger than allowed. Send it in several, smaller documents."
    return GatewayError(permanent("5.3.4", sentence, code="office_size"))


def missing(label: str, what: str) -> GatewayError:
    """There is no LibreOffice, or not this part of it."""
    sentence = f"{label} is an Office document, and this gateway has no {what} to draw it. {_ADVICE}"
    return GatewayError(permanent("5.6.1", sentence, code="office_missing"))


def slow(label: str, seconds: float) -> GatewayError:
    """It was not ready in the time for all documents of its fax."""
    return _slow(label, f"more time than allowed ({seconds:.0f} seconds a fax)")


def _slow(label: str, what: str) -> GatewayError:
    return _refused(f"{label} takes LibreOffice {what}. {_SIMPLER}")


def _late(end: End, had: float, label: str, seconds: float) -> GatewayError:
    own = had > seconds / 2  # not only what other documents of the fax had left for it
    if own and end.cpu_seconds < had * _STARVED:
        return _died(label, "LibreOffice hung", "office_hung")
    return slow(label, seconds)


def _full(what: disk.Filled, label: str) -> GatewayError:
    if what == "disk":
        return unready(label, "the gateway's disk is nearly full", "office_storage")
    sentence = f"{label} takes LibreOffice more disk than allowed. Send it in several, smaller documents."
    return GatewayError(permanent("5.3.4", sentence, code="office_size"))


def _unopened(sentence: str) -> GatewayError:
    """It may be damaged; whoever has the document knows more."""
    return GatewayError(permanent("5.6.5", sentence, code="office_unopened"))


def _refused(sentence: str) -> GatewayError:
    return GatewayError(permanent("5.6.5", sentence, code="office_failed"))
