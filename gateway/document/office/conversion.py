"""The daemon's end of a conversion: start a converter, watch it, take its PDF, leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from gateway.document import threads
from gateway.document.office import converter, disk, outcome, profile
from gateway.document.office.allowance import Allowance

_SCRATCH_BYTES = 192 << 20
"""Disk that a conversion may take beside its PDF: the document, what it unpacks to, LibreOffice's profile."""
_SAID_BYTES = 64


class Office:
    """Converts Office documents, one at a time; others wait."""

    def __init__(
        self,
        command: str = "soffice",
        *,
        timeout: float = 120.0,
        patience: float = 240.0,
        cpu_seconds: int = 60,
        memory_bytes: int = 1 << 30,
        output_bytes: int = 64 << 20,
        directory: Path | None = None,
        converter_command: Sequence[str] | None = None,
    ) -> None:
        """`command` starts LibreOffice and so tells where it is; empty: there is none.

        `timeout`: seconds for all documents of one fax; `patience`: seconds that they wait for those of
        others. `memory_bytes`: address space beside LibreOffice's own. `output_bytes`: of the largest file
        that it may write. `directory`: where each conversion gets a directory of its own; by default where
        temporary files go.
        """
        self._program = profile.program(command)
        self._timeout = timeout
        self._patience = patience
        self._cpu_seconds = cpu_seconds
        self._memory_bytes = memory_bytes
        self._output_bytes = output_bytes
        self._directory = directory.absolute() if directory is not None else None
        self._command = tuple(converter_command or converter.command())
        self._turn = asyncio.Semaphore(1)

    def allowance(self) -> Allowance:
        """What one fax may take."""
        return Allowance(work=self._timeout, patience=self._patience)

    async def convert(
        self,
        source: Path,
        kind: str,
        destination: Path,
        *,
        label: str = "The document",
        allowance: Allowance | None = None,
    ) -> None:
        """Make a PDF of the Office document at `source`, which is of this kind (a key of `profile.KINDS`).

        `label` begins the sentences for people. `allowance`: of the fax that it belongs to. Raises
        `GatewayError`: permanent for the document, temporary for trouble of our own; then there is nothing at
        `destination`.
        """
        program, known = self._program, profile.KINDS.get(kind)
        if program is None or known is None:
            raise outcome.missing(label, "LibreOffice")
        if not (program / known.library).is_file():
            raise outcome.missing(label, f"LibreOffice {known.module}")
        allowance = allowance or self.allowance()
        async with self._its_turn(label, allowance):
            try:
                await self._convert(program, source, known, destination, label, allowance)
            except OSError as error:
                why = os.strerror(error.errno) if error.errno else "files could not be written"
                raise outcome.unready(label, why, "office_storage") from error

    @contextlib.asynccontextmanager
    async def _its_turn(self, label: str, allowance: Allowance) -> AsyncIterator[None]:
        try:
            with allowance.patience.spending() as seconds:
                async with asyncio.timeout(seconds):
                    await self._turn.acquire()
        except TimeoutError:
            raise outcome.unready(label, "other documents are before it", "office_busy") from None
        try:
            yield
        finally:
            self._turn.release()

    async def _convert(
        self,
        program: Path,
        source: Path,
        kind: profile.Kind,
        destination: Path,
        label: str,
        allowance: Allowance,
    ) -> None:
        if not allowance.work.left:
            raise outcome.slow(label, self._timeout)
        async with threads.scratch(self._directory) as directory:
            if disk.is_short(directory, self._room):
                raise outcome.unready(label, "the gateway's disk is nearly full", "office_storage")
            document = f"document.{kind.suffix}"  # never the sender's name
            await threads.to_end(shutil.copyfile, source, directory / document)
            profile.prepare(directory, program)
            order = converter.Order(
                parent=os.getpid(),
                directory=str(directory),
                program=str(program),
                source=document,
                opens=kind.opens,
                saves=kind.saves,
                memory_bytes=self._memory_bytes,
                cpu_seconds=self._cpu_seconds,
                file_bytes=self._output_bytes,
            )
            with allowance.work.spending() as seconds:
                end = await self._run(order, seconds)
            outcome.judge(end, label, outcome.Limits(seconds=self._timeout, cpu_seconds=self._cpu_seconds))
            await threads.to_end(self._take, directory / converter.OUTPUT, destination, label)

    @property
    def _room(self) -> int:
        return _SCRATCH_BYTES + self._output_bytes

    async def _run(self, order: converter.Order, seconds: float) -> outcome.End:
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
        ending = asyncio.create_task(_ended(process))
        filled = asyncio.create_task(disk.filled(Path(order.directory), process.pid, self._room))
        try:
            await asyncio.wait({ending, filled}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if filled.done():
                return outcome.End(filled=filled.result())
            if ending.done():
                return ending.result()
            return outcome.End(late=seconds, cpu_seconds=_cpu_seconds(process.pid))
        finally:
            ending.cancel()
            filled.cancel()
            await _end(process)

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


async def _ended(process: asyncio.subprocess.Process) -> outcome.End:
    """How a converter ends by itself."""
    said = b""
    while process.stdout is not None and (more := await process.stdout.read(_SAID_BYTES)):
        said = (said + more)[:_SAID_BYTES]
    code = await process.wait()
    return outcome.End(said=frozenset(said.decode("ascii", "replace").split()), code=code)


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
