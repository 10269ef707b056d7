"""Where log lines go and what they look like: terminal, systemd journal, JSON.

Our own events and other libraries' records leave through the same formatter, so through the same redaction.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

from gateway.journal.redact import mask_numbers as switch_masking
from gateway.journal.redact import redact, scrub

Format = Literal["auto", "console", "json", "logfmt"]

_QUIET = (
    "aiosmtpd",
    "alembic",
    "asyncio",
    "httpcore",
    "httpx",
    "imapclient",
    "mail",
    "sqlalchemy",
    "uvicorn",
)
"""Never below warning, whatever the level: at debug some of these write mails and passwords."""

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""sd-daemon(3)."""

_chain: list[Processor] = [structlog.stdlib.add_log_level, structlog.processors.format_exc_info, redact]

logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
    logging.getLogger("gateway"),
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        *_chain,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
)
"""Works without `setup` as well: it is the standard library's logger ``gateway``, with redaction in front."""


def setup(
    *,
    level: str = "info",
    format: Format = "auto",  # noqa: A002 - the setting's name
    mask_numbers: bool = True,
    stream: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Sends this process' log to `stream` (standard error). May be called again, for instance after a reload.

    `level` and `format` are those of ``[log]``; "auto" is console on a terminal, else logfmt. Under systemd
    ($JOURNAL_STREAM names the stream) lines carry their priority and no time, which the journal adds itself.
    """
    stream = sys.stderr if stream is None else stream
    journal = _is_journal(stream, os.environ if environ is None else environ)
    if format == "auto":
        format = "console" if stream.isatty() else "logfmt"  # noqa: A001
    switch_masking(mask_numbers)
    handler = _Handler(stream)
    handler.setFormatter(_Formatter(format, priorities=journal, colors=stream.isatty()))
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("gateway").setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """A line that cannot be written is lost; the standard report would print its raw arguments."""


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def __init__(self, format: str, *, priorities: bool, colors: bool) -> None:  # noqa: A002
        self._priorities = priorities
        processors: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
        if priorities:
            processors.append(_without_level)
        else:
            processors.append(structlog.processors.TimeStamper(fmt="iso", utc=format == "json"))
        if format == "console":
            colors = colors and not os.environ.get("NO_COLOR")
            plain = structlog.dev.plain_traceback
            processors.append(structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain))
        elif format == "json":
            processors.append(structlog.processors.JSONRenderer(ensure_ascii=False))
        else:
            processors.append(_logfmt)
        super().__init__(
            processors=processors, foreign_pre_chain=[structlog.stdlib.add_logger_name, *_chain], logger=None
        )

    def format(self, record: logging.LogRecord) -> str:
        text = scrub(super().format(record))
        if not self._priorities:
            return text
        prefix = f"<{_PRIORITY.get(record.levelno, 5)}>"
        return "\n".join(prefix + line for line in text.split("\n"))


_render = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], drop_missing=True)


def _logfmt(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """One line of ``key=value``; a traceback follows on lines of its own, where it can be read."""
    traceback = event.pop("exception", None)
    values = {
        key: ",".join(map(str, value)) if isinstance(value, list) else value for key, value in event.items()
    }
    line = str(_render(logger, method, values))
    return f"{line}\n{traceback}" if traceback else line


def _without_level(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    event.pop("level", None)
    return event


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """systemd.exec(5): $JOURNAL_STREAM holds device and inode of the stream; a redirect is noticed."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
