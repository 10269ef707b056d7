"""The gateway's renderer in a process of its own: ``python -m bench.drawing corpus|daemon …``.

``corpus``: draw every file as a document of its own and end; a whole process, as other programs are measured.
``daemon``: the renderer warm, as in the daemon; orders come as lines of JSON on standard input, and each is
answered by a line.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from gateway.document import Renderer, RenderSettings


def main(what: str, *arguments: str) -> None:
    """Run one of both."""
    if what == "corpus":
        asyncio.run(_corpus(int(arguments[0]), Path(arguments[1]), [Path(file) for file in arguments[2:]]))
    else:
        asyncio.run(_daemon(Path(arguments[0])))


async def _corpus(workers: int, destination: Path, files: list[Path]) -> None:
    """Draw files, `workers` at a time; print what came of each, the largest child and which path ran."""
    made: dict[str, tuple[int, int]] = {}
    waiting = iter(files)
    accelerated = False

    async def work(renderer: Renderer) -> None:
        nonlocal accelerated
        for file in waiting:
            rendered = await renderer.render_files([file], destination / file.name)
            made[file.name] = rendered.pages, rendered.size
            accelerated = rendered.accelerated

    # As `fax-gateway preview` does for PDFs: what other documents need is not loaded.
    async with Renderer(RenderSettings(workers=workers), rooms=()) as renderer, asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work(renderer))
    # Of the helper, which waited for its children: the largest of them all (getrusage(2)).
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps({"made": made, "peak": peak, "accelerated": accelerated}))


async def _daemon(directory: Path) -> None:
    async with Renderer(RenderSettings()) as renderer:
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(await _Daemon(renderer, directory).obey(json.loads(line))), flush=True)


class _Daemon:
    def __init__(self, renderer: Renderer, directory: Path) -> None:
        self._renderer = renderer
        self._directory = directory

    async def obey(self, order: dict[str, Any]) -> object:
        match order["op"]:
            case "fax":
                return await self._fax(_read(order["mail"]))
            case "file":
                return await self._file(Path(order["file"]))
            case "beside":
                return await self._beside(order["mails"], [Path(hog) for hog in order["hogs"]])
            case _:
                return _memory()

    async def _fax(self, mail: bytes) -> float:
        """Draw a mail; seconds from its bytes to the PDF on disk."""
        began = time.perf_counter()
        await self._renderer.render_message(mail, self._directory / "fax.pdf", include_text=False)
        return time.perf_counter() - began

    async def _file(self, file: Path) -> int:
        """Draw a file, however many pages it has; pages."""
        settings = RenderSettings(max_pages=1000)
        rendered = await self._renderer.render_files([file], self._directory / "file.pdf", settings=settings)
        return rendered.pages

    async def _beside(self, mails: list[str], hogs: list[Path]) -> list[float]:
        """Draw mails one after the other, with the hogs in turns in the other worker; seconds of each."""
        contents = [_read(mail) for mail in mails]
        async with asyncio.TaskGroup() as group:
            other = group.create_task(self._draw_for_ever(hogs))
            seconds = [await self._fax(content) for content in contents]
            other.cancel()
        return seconds

    async def _draw_for_ever(self, files: list[Path]) -> None:
        from gateway.errors import GatewayError

        while files:
            for file in files:
                try:
                    await self._renderer.render_files([file], self._directory / "hog.pdf")
                except GatewayError:
                    continue


def _memory() -> dict[str, int]:
    """Resident bytes now and at most since the last question (proc_pid_status(5), proc_pid_clear_refs(5))."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    Path("/proc/self/clear_refs").write_text("5")
    return {"now": _kilobytes(status["VmRSS"]), "most": _kilobytes(status["VmHWM"])}


def _read(file: str) -> bytes:
    return Path(file).read_bytes()


def _kilobytes(value: str) -> int:
    return int(value.split()[0]) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
