"""`serve` closes itself to others before it reads its first secret."""

from __future__ import annotations

import subprocess
import sys

SERVE = """
import ctypes, os
from pathlib import Path
from gateway.cli import serve
try:
    serve.command.callback(Path("/nonexistent/config.toml"))
except Exception as error:
    print(type(error).__name__)
print("dumpable", ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
print("umask", oct(os.umask(0)))
"""


def test_serve_makes_no_core_and_private_files() -> None:
    """PR_GET_DUMPABLE and umask(2), seen where the configuration would be read next."""
    done = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, timeout=60, umask=0)
    assert done.stdout.splitlines() == ["ConfigError", "dumpable 0", "umask 0o77"], done.stderr
