"""How long documents take: whole processes over the corpus, and one page in the running daemon."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import process, rasterisers
from bench.corpus import Document
from bench.daemon import Daemon, mail
from bench.report import Peer, Row, compared, say

_PURE = {"FAX_GATEWAY_NATIVE": "0"}
_WARM_UP = 4
_ONE_PAGE = ("letter", "invoice", "form")
_PATHS = {"pure": "no native code", "native": "native code"}
_PEERS = {"gs": "gs tiffg4", "pdftoppm": "pdftoppm -mono", "mutool": "mutool -c gray", "floor": "the floor"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What came of the corpus."""

    rows: list[Row]
    sizes: Mapping[str, int]
    """Bytes of each PDF made, by its file's name."""
    peak: int
    """Bytes of the largest child."""


@dataclass(slots=True)
class _Ours:
    """The gateway over the whole corpus."""

    documents: Sequence[Document]
    directory: Path
    made: Mapping[str, Sequence[int]] | None = None
    peak: int = 0
    accelerated: bool = False

    def seconds(self, *, on: int = 1, pure: bool = False) -> float:
        """Draw everything in a fresh process on so many cores, with as many workers."""
        files = [document.path for document in self.documents]
        command = process.module("drawing", "corpus", on, self.directory, *files)
        ran = process.run(command, on=on, environment=_PURE if pure else None)
        said = json.loads(ran.output)
        for document in self.documents:
            pages, _ = said["made"][document.path.name]
            if pages < document.pages:
                raise RuntimeError(f"{pages} of {document.pages} pages came out of {document.path.name}")
        self.made, self.accelerated = said["made"], said["accelerated"]
        self.peak = max(self.peak, said["peak"])
        return ran.seconds


def corpus(documents: Sequence[Document], directory: Path, *, rounds: int) -> Rendered:
    """The whole corpus, by everybody in turns."""
    files = [document.path for document in documents]
    target = directory / "drawn"
    target.mkdir()
    ours = _Ours(documents, target)
    ours.seconds()  # fills caches, and tells which path runs
    native = ours.accelerated
    ours.seconds(pure=True)
    pure = not ours.accelerated
    if not pure:
        say("FAX_GATEWAY_NATIVE=0 does not reach the renderer: rows without native code are empty.")
    if not native:
        say("The native code is not there (no compiler when it was installed?): its rows are empty.")
    contenders: dict[str, Callable[[], float]] = {
        "floor": lambda: process.run(process.module("raster_floor", *files), on=1).seconds,
        "two cores": lambda: ours.seconds(on=2),
    }
    if native:
        contenders["native"] = ours.seconds
    if pure:
        contenders["pure"] = partial(ours.seconds, pure=True)
    peers = {
        "gs": rasterisers.ghostscript(),
        "pdftoppm": rasterisers.poppler(),
        "mutool": rasterisers.mupdf(),
    }
    for key, peer in peers.items():
        if peer is not None:
            contenders[key] = partial(peer.seconds, files, directory)
    seconds: dict[str, list[float]] = {key: [] for key in (*contenders, *_PATHS, *peers)}
    for number in range(rounds):
        order = list(contenders)
        turn = number % len(order)
        for key in order[turn:] + order[:turn]:
            seconds[key].append(contenders[key]())
    pages = sum(document.pages for document in documents)
    each = {key: [value * 1000 / pages for value in values] for key, values in seconds.items()}
    one = "native" if native else "pure"
    assert ours.made is not None
    return Rendered(
        rows=[
            _over(each, "pure", "gs", must=1.1),
            _over(each, "native", "gs", must=0.6, aim=0.5),
            _over(each, "native", "pdftoppm", must=0.65, aim=0.55),
            _over(each, "native", "mutool", must=1.1, aim=1.0),
            _over(each, "native", "floor", must=1.15, aim=1.05),
            *(
                Row(
                    measure=f"whole process, 1 core, {_PATHS[key]}, ms/page",
                    value=statistics.median(each[key]),
                )
                for key in _PATHS
                if each[key]
            ),
            Row(
                measure="rate on 2 cores over 1 core",
                value=_ratio(seconds[one], seconds["two cores"]),
                must=1.5,
                aim=1.8,
                more=True,
            ),
        ],
        sizes={name: size for name, (_, size) in ours.made.items()},
        peak=ours.peak,
    )


def one_page(documents: Sequence[Document], directory: Path, *, faxes: int) -> list[Row]:
    """Mails with a PDF of one page in the running daemon, against a fresh Ghostscript for each."""
    pages = [document.path for document in documents if document.pages == 1 and document.kind in _ONE_PAGE]
    mails = [mail(page, directory) for page in pages]
    gs = rasterisers.ghostscript()
    ours: list[float] = []
    theirs: list[float] = []
    with Daemon(directory) as daemon:
        for number in range(-_WARM_UP, faxes):
            seconds = daemon.fax(mails[number % len(mails)])
            command = [] if gs is None else gs.whole([pages[number % len(pages)]], directory)
            spent = process.run(*command, keep=False).seconds
            if number >= 0:
                ours.append(seconds * 1000)
                theirs.append(spent * 1000)
    if gs is None:
        theirs = []
    name = f"fresh {gs.name}" if gs else ""
    return compared("one-page fax in the daemon", "ms", ours, theirs, name, must=0.5, aim=0.3)


def _over(
    each: Mapping[str, Sequence[float]], ours: str, theirs: str, *, must: float, aim: float | None = None
) -> Row:
    """Our time over a peer's; `each` holds milliseconds a page, round by round."""
    peer = (
        Peer(name=f"{_PEERS[theirs]}, ms/page", value=statistics.median(each[theirs]))
        if each[theirs]
        else None
    )
    return Row(
        measure=f"whole process, 1 core, {_PATHS[ours]}, over {_PEERS[theirs]}",
        value=_ratio(each[ours], each[theirs]),
        must=must,
        aim=aim,
        peer=peer,
    )


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Round by round; None where one was not there."""
    if not ours or not theirs:
        return None
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
