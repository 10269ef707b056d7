"""Other programs that make 1-bit or grey pages of PDFs: Ghostscript, poppler and MuPDF, and tesseract.

Each is told the size of a fax page: 204 by 196 dpi, or 1728 by 2156 pixels where it takes no two resolutions.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageSequence

from bench import process
from bench.report import say

_DPI = ("204", "196")
_SIZE = ("1728", "2156")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rasteriser:
    """One program in one mode."""

    name: str
    whole: Callable[[Sequence[Path], Path], list[list[str]]]
    """Commands that draw all of some files into a directory, or nowhere where that is possible."""
    pages: Callable[[Path, Path], list[str]]
    """The command that draws a file's pages into a directory, for `drawn`."""

    def seconds(self, files: Sequence[Path], directory: Path) -> float:
        """Draw everything, on one core; seconds of the whole processes."""
        return process.run(*self.whole(files, directory), on=1, keep=False).seconds

    def drawn(self, file: Path, directory: Path) -> Iterator[Image.Image]:
        """The pages of a file, in order; `directory` must be empty."""
        process.run(self.pages(file, directory))
        for made in sorted(directory.iterdir()):
            with Image.open(made) as picture:
                for page in ImageSequence.Iterator(picture):
                    yield page.copy()


def ghostscript() -> Rasteriser | None:
    """Ghostscript's fax device: one process for all files."""
    if (program := found("gs", "ghostscript")) is None:
        return None

    def command(files: Sequence[Path], directory: Path) -> list[str]:
        return [
            *(program, "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=tiffg4", f"-r{'x'.join(_DPI)}"),
            *(f"-g{'x'.join(_SIZE)}", "-dPDFFitPage", f"-sOutputFile={directory / 'gs.tif'}"),
            *map(str, files),
        ]

    return Rasteriser(
        name=f"gs {process.run([program, '--version']).output.strip()} tiffg4",
        whole=lambda files, directory: [command(files, directory)],
        pages=lambda file, directory: command([file], directory),
    )


def poppler() -> Rasteriser | None:
    """poppler's 1-bit pages: raster only, a process for each file (it takes one), printed to nowhere."""
    if (program := found("pdftoppm", "poppler-utils")) is None:
        return None
    command = [program, "-mono", "-rx", _DPI[0], "-ry", _DPI[1]]
    return Rasteriser(
        name="pdftoppm -mono",
        whole=lambda files, _directory: [[*command, str(file)] for file in files],
        pages=lambda file, directory: [*command, str(file), str(directory / "page")],
    )


def mupdf(*, mono: bool = False) -> Rasteriser | None:
    """MuPDF's grey or 1-bit pages: raster only, one process for all files, written to nowhere."""
    if (program := found("mutool", "mupdf-tools")) is None:
        return None
    colours = "mono" if mono else "gray"
    command = [program, "draw", "-q", "-c", colours, "-w", _SIZE[0], "-h", _SIZE[1], "-f"]
    form = "pbm" if mono else "pgm"
    return Rasteriser(
        name=f"mutool draw -c {colours}",
        whole=lambda files, _directory: [[*command, "-F", form, "-o", "/dev/null", *map(str, files)]],
        pages=lambda file, directory: [*command, "-o", str(directory / f"%04d.{form}"), str(file)],
    )


def tesseract() -> str | None:
    """Tesseract's path."""
    return found("tesseract", "tesseract-ocr")


@functools.cache  # says it once
def found(program: str, package: str) -> str | None:
    """Where a program is; a word to people where it is not."""
    path = shutil.which(program)
    if path is None:
        say(f"No comparison with {program}: it is not installed (apt-get install {package}).")
    return path
