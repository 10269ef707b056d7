"""sd_notify(3) on a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway import notify


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """systemd's end of $NOTIFY_SOCKET, and the variable's value."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.settimeout(5)
        if request.param == "path":
            name = str(tmp_path / "notify")
            end.bind(name)
        else:
            end.bind("")  # the kernel chooses an abstract name
            name = "@" + os.fsdecode(end.getsockname()[1:])
        yield end, name


@pytest.mark.parametrize(
    ("call", "datagram"),
    [
        (notify.ready, b"READY=1"),
        (lambda: notify.ready("listening"), b"READY=1\nSTATUS=listening"),
        (notify.stopping, b"STOPPING=1"),
        (lambda: notify.stopping("waiting for 2 uploads"), b"STOPPING=1\nSTATUS=waiting for 2 uploads"),
        (lambda: notify.status("idle\nREADY=1"), b"STATUS=idle READY=1"),
        (notify.watchdog, b"WATCHDOG=1"),
    ],
)
def test_messages(
    manager: tuple[socket.socket, str],
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[], bool],
    datagram: bytes,
) -> None:
    end, name = manager
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    assert call()
    assert end.recv(4096) == datagram


@pytest.mark.parametrize("name", [None, "", "relative", "vsock:2:1", "/nonexistent/notify", "@" + "x" * 200])
def test_nobody_listens(name: str | None) -> None:
    assert not notify.notify("READY=1", environ={} if name is None else {"NOTIFY_SOCKET": name})


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_watchdog_interval(environ: dict[str, str], seconds: float | None) -> None:
    assert notify.watchdog_interval(environ) == seconds
