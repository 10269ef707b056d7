"""Fates: what becomes of one call, both of the request that makes it and of the fax it sends.

A `Fate` has independent sides: whether the call takes effect (`accepted`), how it is answered, and how the
fax lives afterwards. The named fates of `FATES` are combinations of them; any side can be overridden, so that
``{"fate": "http_5xx", "accepted": true, "ending": "busy", "row_delay": 30}`` is a fax that was taken although
the caller saw an error page, shows up half a minute later and meets a busy line.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any


class Answer(enum.StrEnum):
    """How a call is answered."""

    NORMAL = "normal"
    STATUS = "status"
    """A refusal: ``{"status": Fate.status}``."""
    NULL = "null"
    """``{"status": null}``: seen during outages."""
    HTTP = "http"
    """An HTML error page with the HTTP code `Fate.code`."""
    HTML = "html"
    """HTTP 200 with a page of HTML, like a challenge of the front proxy."""
    EMPTY = "empty"
    """HTTP 200 without a body."""
    SILENCE = "silence"
    """None; the connection stays open until the caller leaves."""
    RESET = "reset"
    """None; the connection is reset."""


class Ending(enum.StrEnum):
    """How a fax call over the line ends."""

    SUCCESS = "success"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    VOICE = "voice"
    """A person or an answering machine instead of a fax."""
    DROP = "drop"
    """Cut after `Fate.pages` pages."""
    PARTIAL = "partial"
    """Reported as success with fewer pages than were sent."""


class Stranger(enum.StrEnum):
    """A row in SENT with our number and page count that is not ours."""

    NONE = "none"
    BEFORE = "before"
    """Visible at once, before ours."""
    DURING = "during"
    """Appears after our row."""
    INSTEAD = "instead"
    """Appears when ours would have; ours never does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one call. Times are line seconds."""

    name: str = "success"
    accepted: bool = True
    """The call takes effect; otherwise it is only checked, as with ``test``."""
    answer: Answer = Answer.NORMAL
    status: str = ""
    code: int = 200
    delay: float = 0.0
    """Before the answer; the effect comes first."""
    before_body: bool = False
    """The connection is reset as soon as the call is recognised, without reading on."""
    ending: Ending = Ending.SUCCESS
    pages: int | None = None
    """Pages that get through with `Ending.DROP` and `Ending.PARTIAL`."""
    final_status: str | None = None
    """``status`` of the final row instead of the ending's own."""
    final_msg: str | None = None
    """``msg`` of the final row instead of the ending's own."""
    row_delay: float | None = None
    """Until the row shows in SENT; None is the line's usual."""
    row_shown: bool = True
    stranger: Stranger = Stranger.NONE
    stranger_ending: Ending = Ending.SUCCESS
    changing_ids: bool = False
    """The row has another id after each change of its state; only the latest is valid."""


SUCCESS = Fate()

FATES: Mapping[str, Fate] = MappingProxyType(
    {
        fate.name: fate
        for fate in (
            SUCCESS,
            Fate(name="busy", ending=Ending.BUSY),
            Fate(name="no_answer", ending=Ending.NO_ANSWER),
            Fate(name="voice", ending=Ending.VOICE),
            Fate(name="drop_after", ending=Ending.DROP, pages=1),
            Fate(name="partial", ending=Ending.PARTIAL, pages=1),
            Fate(name="slow", delay=30.0),
            Fate(name="accepted_then_timeout", answer=Answer.SILENCE),
            Fate(name="accepted_then_reset", answer=Answer.RESET),
            Fate(name="refused_after_body", accepted=False, answer=Answer.RESET),
            Fate(name="close_before_body", accepted=False, answer=Answer.RESET, before_body=True),
            Fate(name="row_delayed", row_delay=60.0),
            Fate(name="row_never", row_shown=False),
            Fate(name="stranger_row", stranger=Stranger.BEFORE),
            Fate(name="changing_ids", changing_ids=True),
            Fate(name="http_5xx", accepted=False, answer=Answer.HTTP, code=502),
            Fate(name="empty_200", accepted=False, answer=Answer.EMPTY),
            Fate(name="html_200", accepted=False, answer=Answer.HTML),
            Fate(name="null_status", accepted=False, answer=Answer.NULL),
            *(
                Fate(name=status, accepted=False, answer=Answer.STATUS, status=status)
                for status in (
                    "api_limit_exceeded",
                    "limit_reached",
                    "method_maintenance",
                    "non_sufficient_funds",
                    "provider_outofservice",
                    "sent_fail",
                    "tls_error",
                    "unavailable_info",
                )
            ),
        )
    }
)

PARAMETERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "drop_after": {"k": "pages"},
        "partial": {"k": "pages"},
        "slow": {"seconds": "delay"},
        "row_delayed": {"seconds": "row_delay"},
        "stranger_row": {"when": "stranger"},
    }
)
"""Handier words for the side a named fate is about."""

_ENUMS: Mapping[str, type[enum.StrEnum]] = MappingProxyType(
    {"answer": Answer, "ending": Ending, "stranger": Stranger, "stranger_ending": Ending}
)
_NUMBERS = frozenset({"delay", "row_delay", "pages", "code"})
_FLAGS = frozenset({"accepted", "before_body", "row_shown", "changing_ids"})


def parse_fate(spec: Fate | str | Mapping[str, Any]) -> Fate:
    """A fate from its name, or from JSON: ``{"fate": name}`` with sides to override.

    ``status`` alone makes any documented or invented status the answer: ``{"status": "invalid_file"}``.

    Raises:
        ValueError: an unknown name or key, or a value of the wrong kind; the text says which.
    """
    if isinstance(spec, Fate):
        return spec
    if isinstance(spec, str):
        spec = {"fate": spec}
    changes = dict(spec)
    refused_with = "status" in changes and "fate" not in changes and "answer" not in changes
    name = str(changes.pop("fate", "success"))
    if name not in FATES:
        raise ValueError(f"unknown fate {name!r}; known: {', '.join(FATES)}")
    if refused_with:
        changes = {"answer": "status", "accepted": False, "name": str(changes["status"])} | changes
    for handy, side in PARAMETERS.get(name, {}).items():
        if handy in changes:
            changes[side] = changes.pop(handy)
    if name == "refused_after_body" and "status" in changes:
        changes.setdefault("answer", "status")
    known = {field.name for field in fields(Fate)}
    if unknown := set(changes) - known:
        raise ValueError(f"fate {name!r} has no {sorted(unknown)}; known: {', '.join(sorted(known))}")
    return replace(FATES[name], **{key: _side(key, value) for key, value in changes.items()})


def _side(key: str, value: Any) -> Any:
    if key in _ENUMS:
        return _ENUMS[key](value)
    if key in _FLAGS:
        if not isinstance(value, bool):
            raise ValueError(f"{key!r} is true or false, not {value!r}")
        return value
    if key in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ValueError(f"{key!r} is a number from 0, not {value!r}")
        return value
    if isinstance(value, str):
        return value
    raise ValueError(f"{key!r} is text, not {value!r}")
