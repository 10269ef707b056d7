"""The daemon's renderer as `bench.drawing` runs it, with the orders it takes; and mails to give to it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench import process


class Daemon:
    """A process with a warm renderer. Not for two threads."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            process.module("drawing", "daemon", directory),
            cwd=process.CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:  # closes its standard input, upon which it ends
            pass

    def fax(self, mail: Path) -> float:
        """Draw a mail; seconds from its bytes to the PDF on disk."""
        return float(self._ask({"op": "fax", "mail": str(mail)}))

    def file(self, file: Path) -> int:
        """Draw a file of any length; pages."""
        return int(self._ask({"op": "file", "file": str(file)}))

    def beside(self, mails: Sequence[Path], hogs: Sequence[Path]) -> list[float]:
        """Draw mails one by one while the hogs are drawn, in turns, in the other worker; seconds of each."""
        order = {"op": "beside", "mails": [str(mail) for mail in mails], "hogs": [str(hog) for hog in hogs]}
        return list(self._ask(order))

    def memory(self) -> tuple[int, int]:
        """Resident bytes of the process itself: now, and at most since the last call."""
        told = self._ask({"op": "memory"})
        return int(told["now"]), int(told["most"])

    def _ask(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the renderer's process failed; its words are above")
        return json.loads(answer)


def mail(pdf: Path, directory: Path) -> Path:
    """A mail in `directory` with nothing but a PDF."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = "anna@clinic.example.com", "5552341234@fax.example.com"
    message.add_attachment(pdf.read_bytes(), "application", "pdf", filename=pdf.name)
    path = directory / f"{pdf.stem}.eml"
    path.write_bytes(message.as_bytes())
    return path
