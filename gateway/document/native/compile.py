"""Compile the C code of this folder: for the build hook, and by ``python -m`` in a source tree."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE / "fax.so"
SOURCES = ("pixels.c", "maps.c", "drawn.c", "fills.c", "scanned.c", "resize.c", "g4.c", "ccitt.c")
FLAGS = ("-O3", "-std=c11", "-fPIC", "-shared")
_SECONDS = 120


def compile_to(target: Path, *flags: str) -> str | None:
    """Compile the library to `target` with `CC`, or cc; returns why that was not possible, or None."""
    compiler = os.environ.get("CC") or "cc"
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        subprocess.run(  # noqa: S603 - the compiler that whoever builds this has chosen
            [
                *shlex.split(compiler),
                *FLAGS,
                *flags,
                "-o",
                str(scratch),
                *(str(HERE / name) for name in SOURCES),
            ],
            check=True,
            capture_output=True,
            timeout=_SECONDS,
        )
        scratch.replace(target)  # never written over: a process may have it loaded
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        return f"{compiler} failed: {said[0] if said else error.returncode}"
    except (OSError, ValueError, subprocess.SubprocessError) as error:  # CC may be no command at all
        return f"{compiler}: {error}"
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
    return None


if __name__ == "__main__":
    sys.exit(compile_to(TARGET))
