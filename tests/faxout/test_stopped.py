"""A node stands still in the middle of an upload, beyond its lease, and goes on: no byte more leaves it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from gateway.store.clock import boottime

UPLOADER = Path(__file__).parents[1] / "support" / "uploader.py"
LEASE, SIZE = 4.0, 4_000_000
QUIET = 0.5
"""Seconds without a byte after which nothing is under way any more."""


def received(peer: socket.socket, *, at_most: int | None = None) -> int:
    """Bytes until there are no more, for now or for good."""
    count = 0
    while at_most is None or count < at_most:
        try:
            data = peer.recv(65536)
        except (TimeoutError, ConnectionResetError):
            break
        if not data:
            break
        count += len(data)
    return count


def until_it_waits(peer: socket.socket) -> None:
    """The connection is full: whatever is not in the system's hands by now is in the process' own memory."""
    seen = -1
    # Nothing tells that a connection stands still; that it has taken nothing for a while is all there is.
    while (waiting := len(peer.recv(1 << 24, socket.MSG_PEEK))) != seen:
        seen = waiting
        time.sleep(0.2)


def test_no_byte_leaves_after_the_lease() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)  # a slow reader
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/api"
        arguments = [sys.executable, str(UPLOADER), url, str(LEASE), str(SIZE)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            until = float(process.stdout.readline())
            peer, _ = server.accept()
            with peer:
                peer.settimeout(10)
                early = received(peer, at_most=100_000)
                until_it_waits(peer)
                process.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
                assert boottime() < until, "it was stopped in time"
                peer.settimeout(QUIET)
                early += received(peer)  # what the system had taken over before
                while received(peer) or boottime() < until:  # it waits for bytes, and so for the time
                    pass
                process.send_signal(signal.SIGCONT)
                peer.settimeout(10)
                late = received(peer)
            said = process.stdout.readline().split()
        assert late == 0
        assert early < SIZE * 4 / 3
        assert said == ["unknown", "sending", "lost"]
