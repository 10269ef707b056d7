"""The daemon's end of a conversion: start a converter, watch it, take its PDF, leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gateway.document.office import converter, outcome, profile

_MEMORY_BYTES = 3 << 30
_FREE_BYTES = 256 << 20
"""Disk that must be free: a full one looks to LibreOffice like a bad document."""
_SAID_BYTES = 64


class Office:
    """Converts Office documents, one at a time; others wait."""

    def __init__(
        self,
        command: str = "soffice",
        *,
        timeout: float = 120.0,
        output_bytes: int = 64 << 20,
        directory: Path | None = None,
        converter_command: Sequence[str] | None = None,
    ) -> None:
        """`command` starts LibreOffice and so tells where it is; empty: there is none.

        `timeout`: seconds for one document. `output_bytes`: of the largest file that LibreOffice may write.
        `directory`: where each conversion gets a directory of its own; by default where temporary files go.
        """
        self._program = profile.program(command)
        self._timeout = timeout
        self._output_bytes = output_bytes
        self._directory = directory.absolute() if directory is not None else None
        self._command = tuple(converter_command or converter.command())
        self._turn = asyncio.Semaphore(1)

    @property
    def available(self) -> bool:
        """Whether LibreOffice was found."""
        return self._program is not None

    async def convert(
        self, source: Path, kind: str, destination: Path, *, label: str = "The document"
    ) -> None:
        """Make a PDF of the Office document at `source`, which is of this kind (a key of `profile.KINDS`).

        `label` begins the sentences for people. Raises `GatewayError`: permanent for the document, temporary
        for trouble of our own; then there is nothing at `destination`.
        """
        program, known = self._program, profile.KINDS.get(kind)
        if program is None or known is None:
            raise outcome.missing(label, "LibreOffice")
        if not (program / known.library).is_file():
            raise outcome.missing(label, f"LibreOffice {known.module}")
        async with self._turn:
            try:
                await self._convert(program, source, known, destination, label)
            except OSError as error:
                why = os.strerror(error.errno) if error.errno else "files could not be written"
                raise outcome.unready(label, why, "office_storage") from error

    async def _convert(
        self, program: Path, source: Path, kind: profile.Kind, destination: Path, label: str
    ) -> None:
        with tempfile.TemporaryDirectory(
            prefix="fax-gateway-office-", dir=self._directory, ignore_cleanup_errors=True
        ) as name:
            directory = Path(name)
            if shutil.disk_usage(directory).free < _FREE_BYTES:
                raise outcome.unready(label, "the gateway's disk is nearly full", "office_storage")
            document = f"document.{kind.suffix}"  # never the sender's name
            await asyncio.to_thread(shutil.copyfile, source, directory / document)
            profile.prepare(directory, program)
            order = converter.Order(
                parent=os.getpid(),
                directory=str(directory),
                program=str(program),
                source=document,
                opens=kind.opens,
                saves=kind.saves,
                memory_bytes=_MEMORY_BYTES,
                cpu_seconds=math.ceil(self._timeout),
                file_bytes=self._output_bytes,
            )
            outcome.judge(await self._run(order), label, self._timeout)
            await asyncio.to_thread(self._take, directory / converter.OUTPUT, destination, label)

    async def _run(self, order: converter.Order) -> outcome.End:
        """Run a converter to its end, which comes at the latest when the time is up or we are cancelled."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            converter.argument(order),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=profile.environment(Path(order.directory)),
            cwd=order.directory,
            start_new_session=True,
        )
        said = b""
        try:
            async with asyncio.timeout(self._timeout):
                while process.stdout is not None and (more := await process.stdout.read(_SAID_BYTES)):
                    said = (said + more)[:_SAID_BYTES]
                code = await process.wait()
        except TimeoutError:
            used = _cpu_seconds(process.pid)
            return outcome.End(said=frozenset(), code=0, late=True, cpu_seconds=used)
        finally:
            await _end(process)
        return outcome.End(said=frozenset(said.decode("ascii", "replace").split()), code=code)

    def _take(self, made: Path, destination: Path, label: str) -> None:
        """Move the PDF to where it is wanted, if it is a file: a converter that was taken over may have put a
        link there, to something that is only ours to read.
        """
        try:
            found = made.lstat()
        except FileNotFoundError:
            raise outcome.unsaved(label) from None
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or not found.st_size:
            raise outcome.unsaved(label)
        if found.st_size > self._output_bytes:
            raise outcome.too_large(label)
        shutil.move(made, destination)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a converter, and what it may have started where no filter kept it from that."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _cpu_seconds(pid: int) -> float:
    """User and system time of a running process (proc(5), stat: fields 14 and 15)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
