"""The converter: a process that makes one PDF of one Office document and ends.

It says on standard output how far it came, a word a line, so that the daemon can tell what is wrong when it
ends: ``started``, ``opened``, ``saved``.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.document.office import confinement, kit, profile

STARTED, OPENED, SAVED = "started", "opened", "saved"
OUTPUT = "document.pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one converter is to do. `directory` is its own, and holds the document and the profile."""

    parent: int
    directory: str
    program: str
    source: str
    """Name of the document in `directory`."""
    opens: str
    saves: str
    """Names of the filters to open it and to save it."""
    memory_bytes: int
    """Address space beside LibreOffice's own."""
    cpu_seconds: int
    file_bytes: int


def command() -> tuple[str, ...]:
    """How the converter is started: isolated from the environment, yet from the same copy of the package."""
    root = str(Path(__file__).resolve().parents[3])
    code = (
        "import sys; sys.argv[1] in sys.path or sys.path.insert(0, sys.argv[1]); "
        "from gateway.document.office.converter import main; main(sys.argv[2])"
    )
    return (sys.executable, "-I", "-c", code, root)


def argument(order: Order) -> str:
    """The command's last argument."""
    return json.dumps(asdict(order))


def main(order_text: str) -> None:
    """Do one order. Ends the process: LibreOffice has nothing to clean up that the daemon does not."""
    order = Order(**json.loads(order_text))
    confinement.end_with(order.parent)
    tell = _telling()
    confinement.limit(cpu_seconds=order.cpu_seconds, file_bytes=order.file_bytes)
    statm = os.open("/proc/self/statm", os.O_RDONLY)  # out of reach further down
    directory, program = Path(order.directory), Path(order.program)
    library = profile.library(program)
    confinement.enter(directory, program)
    try:
        if library is not None:
            office = kit.Kit(library, directory)
            confinement.end_when_told()
            # What it takes itself differs from system to system.
            confinement.limit_memory(statm, order.memory_bytes)
            _convert(office, order, tell)
    except kit.Unusable:
        os._exit(os.EX_UNAVAILABLE)
    os._exit(os.EX_OK)


def _convert(office: kit.Kit, order: Order, tell: int) -> None:
    directory = Path(order.directory)
    _say(tell, STARTED)
    if office.run("OpenAs", (directory / order.source).as_uri(), order.opens):
        _say(tell, OPENED)
        if office.run("SaveAs", (directory / OUTPUT).as_uri(), order.saves):
            _say(tell, SAVED)


def _telling() -> int:
    """Keep standard output for ourselves: LibreOffice prints there, even pieces of documents."""
    tell = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    return tell


def _say(tell: int, word: str) -> None:
    os.write(tell, word.encode() + b"\n")
