"""What rendering costs and how large the pages become, beside Ghostscript's fax device. No bars yet."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import corpus, peers, rooms
from bench.report import Row, compared

_QUICK_ROUNDS = 3
_ROUNDS = 7
_QUICK_PAGES: dict[corpus.Kind, int] = {"text": 4, "invoice": 4, "scan": 2, "photo": 1}
_PAGES: dict[corpus.Kind, int] = {"text": 30, "invoice": 30, "scan": 12, "photo": 6}


@dataclass(slots=True)
class _Pair:
    """Figures of the gateway and of the peer, round by round."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def rows(self, measure: str, unit: str, peer: str) -> list[Row]:
        return compared(measure, unit, self.ours, self.theirs, peer)


async def run(directory: Path, *, quick: bool) -> list[Row]:
    """Time and bytes of a page, by kind of document, against Ghostscript.

    "Whole process" starts a fresh Python (or gs), renders everything and ends. By kind, the gateway's helper
    runs already, as it does in the daemon, while gs is started for each kind, as those who use it do.
    """
    pages = _QUICK_PAGES if quick else _PAGES
    files = await asyncio.to_thread(corpus.write, directory, pages)
    total = sum(pages.values())
    gs = peers.ghostscript()
    whole = _Pair()
    times, sizes = {kind: _Pair() for kind in files}, {kind: _Pair() for kind in files}
    for _ in range(_QUICK_ROUNDS if quick else _ROUNDS):
        began = time.perf_counter()
        await _ours(directory, [list(files.values())])
        whole.ours.append((time.perf_counter() - began) * 1000 / total)
        if gs is not None:
            seconds = await asyncio.to_thread(gs.render, list(files.values()), directory / "gs.tif")
            whole.theirs.append(seconds * 1000 / total)
        for kind, result in zip(
            files, await _ours(directory, [[file] for file in files.values()]), strict=True
        ):
            seconds, count, size = result
            if count != pages[kind]:
                raise RuntimeError(f"{kind}: {count} pages came out of {pages[kind]}")
            times[kind].ours.append(seconds * 1000 / count)
            sizes[kind].ours.append(size / count)
            if gs is not None:
                seconds = await asyncio.to_thread(gs.render, [files[kind]], directory / "gs.tif")
                times[kind].theirs.append(seconds * 1000 / count)
                sizes[kind].theirs.append((directory / "gs.tif").stat().st_size / count)
    peer = gs.name if gs else ""
    rows = whole.rows("all kinds, whole process", "ms/page", peer)
    for kind in files:
        rows += times[kind].rows(f"{kind}, helper running", "ms/page", peer)
        rows += sizes[kind].rows(f"{kind}, size", "bytes/page", peer)
    return rows


async def _ours(directory: Path, groups: Sequence[Sequence[Path]]) -> list[tuple[float, int, int]]:
    """Render each group as one document in a fresh process: seconds, pages and bytes of each."""
    names = [[str(file) for file in files] for files in groups]
    process = await asyncio.create_subprocess_exec(
        *rooms.command("render", str(directory / "ours.pdf"), json.dumps(names)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the renderer's process failed; its words are above")
    return [(seconds, count, size) for seconds, count, size in json.loads(output)]
