"""A usable configuration to spoil, and a way to write and load it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import ConfigError, Loaded, load

USABLE = """\
[gateway]
domains = ["fax.example.com"]
admin = ["admin@example.com"]

[voipms]
username = "owner@example.com"
password = "Tr0ub4dor&3"
from_number = "5552340000"

[[sender]]
name = "office"
addresses = ["*@example.com"]
code = "483920"

[[route]]
numbers = ["*"]
to = ["office@example.com"]
"""


Load = Callable[..., Loaded]
Problems = Callable[..., list[str]]


@pytest.fixture
def usable() -> str:
    return USABLE


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str | bytes = USABLE, name: str = "config.toml", mode: int = 0o600) -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def loaded(write: Callable[..., Path]) -> Load:
    """Loads a text in an empty environment."""

    def loaded(text: str | bytes = USABLE, **environ: str) -> Loaded:
        return load(write(text), environ)

    return loaded


@pytest.fixture
def problems(write: Callable[..., Path]) -> Problems:
    """The problems of a text, as people see them, without the directory."""

    def problems(text: str | bytes, **environ: str) -> list[str]:
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            load(path, environ)
        return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]

    return problems
