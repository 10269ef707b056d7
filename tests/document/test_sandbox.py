"""Hostile code in the real child: what it can do without the sandbox, and no longer in it, by layer."""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.document import Renderer, RenderSettings, syscalls

ROOT = str(Path(__file__).resolve().parents[2])
SETTINGS = RenderSettings(timeout=30.0, cpu_seconds=20, memory_bytes=600 << 20)

HELPER = """
import sys
sys.path.insert(0, sys.argv[1])
from gateway.document import job, renderer, sandbox, wire
for layer in sys.argv[2].split():
    setattr(sandbox, layer, lambda *_: None)  # as on a kernel without it
"""
DRAWING = HELPER + "renderer.main(int(sys.argv[-1]), ())"
HOSTILE = (
    HELPER
    + """
import ctypes, errno, fcntl, json, mmap, os, resource, socket, threading
from pathlib import Path

target = json.loads(sys.argv[3])
victim, state = target["victim"], Path(target["state"])
libc = ctypes.CDLL(None, use_errno=True)

def call(function, *arguments):
    if function(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "call")

def fork():
    if os.fork() == 0:
        os._exit(0)  # nobody waits for it: that it could be made is enough

def leave_a_process():
    if os.fork() == 0:
        libc.prctl(1, 0)
        while True:
            os.read(held, 1)

def connect(family, address):
    with socket.socket(family) as peer:
        peer.connect(address)

def own_signals():
    fcntl.fcntl(3, fcntl.F_SETOWN, victim)

def scribble():
    with (state / "fax").open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        view[:1] = b"X"

def thread():
    started = threading.Thread(target=bool)
    started.start()
    started.join()

ATTEMPTS = {
    "read": lambda: (state / "fax").read_bytes(),
    "list": lambda: os.listdir(state),
    "read the parent": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "read the host": lambda: Path("/etc/hosts").read_bytes(),
    "scribble": scribble,
    "create": lambda: (state / "new").touch(),
    "append": lambda: (state / "fax").open("ab").close(),
    "truncate": lambda: os.truncate(state / "long", 0),
    "unlink": lambda: (state / "gone").unlink(),
    "rename": lambda: (state / "moved").rename(state / "away"),
    "link": lambda: os.link(state / "fax", state / "second"),
    "mkdir": lambda: (state / "made").mkdir(),
    "chmod": lambda: (state / "fax").chmod(0o666),
    "utime": lambda: os.utime(state / "fax", (1, 1)),
    "tcp": lambda: connect(socket.AF_INET, ("127.0.0.1", target["port"])),
    "unix": lambda: connect(socket.AF_UNIX, str(state / "socket")),
    "signal the parent": lambda: os.kill(os.getppid(), 0),
    "signal": lambda: os.kill(victim, 0),
    "own signals": own_signals,
    "own signals by ioctl": lambda: fcntl.ioctl(3, 0x8901, victim.to_bytes(4, sys.byteorder)),
    "signal a thread": lambda: call(libc.tgkill, victim, victim, 0),
    "trace": lambda: call(libc.ptrace, 0x4206, victim, None, None),
    "limit another": lambda: resource.prlimit(victim, resource.RLIMIT_CORE, (0, 0)),
    "limit itself": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, victim, 1),
    "pidfd": lambda: os.close(os.pidfd_open(victim)),
    "outlive": lambda: call(libc.prctl, 1, 0, 0, 0, 0),
    "memfd": lambda: os.close(os.memfd_create("x")),
    "fork": fork,
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "exec": lambda: os.execv("/nonexistent", ["x"]),
    "clone3": lambda: call(libc.syscall, 435, None, 0),
    "io_uring": lambda: call(libc.syscall, 425, 0, None),
    "a call of the future": lambda: call(libc.syscall, 4000),
    "code in memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
    "data in memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE).close(),
    "thread": thread,
    "font": lambda: os.listdir("/usr/share"),
    "abort itself": lambda: call(libc.tgkill, os.getpid(), threading.get_native_id(), 0),
}

def hostile(connection):
    global held
    wire.receive_request(connection)
    held = connection.fileno()
    outcomes = []
    for name in target["attempts"] or ATTEMPTS:
        try:
            ATTEMPTS.get(name, leave_a_process)()
        except (PermissionError, ValueError):  # the latter is what resource makes of EPERM
            outcomes.append(name + ": denied")
        except OSError as error:
            outcomes.append(f"{name}: {errno.errorcode[error.errno]}")
        else:
            outcomes.append(name + ": done")
    connection.sendall(wire.json_frame(wire.RESULT, {"digests": outcomes}))
    return 0

job.run = hostile
renderer.main(int(sys.argv[-1]), ())
"""
)

LANDLOCK = "read, list, read the parent, read the host, scribble, create, append, unlink, rename, link, mkdir"
"""What the first version of Landlock denies; the others came with versions 3, 4 and 6."""
LANDLOCK_SINCE = {"truncate": 3, "tcp": 4, "signal": 6, "signal a thread": 6, "signal the parent": 6}
SECCOMP = (
    "scribble, create, append, truncate, unlink, rename, link, mkdir, chmod, utime, tcp, unix, signal, "
    "signal the parent, signal a thread, own signals, own signals by ioctl, trace, limit another, "
    "limit itself, priority, pidfd, outlive, memfd, fork, spawn, exec, io_uring, a call of the future, "
    "code in memory"
)
FREE = {"thread", "font", "abort itself", "data in memory"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What there is to attack."""

    state: Path
    victim: int
    port: int

    async def attack(self, *without: str, attempts: tuple[str, ...] = ()) -> dict[str, str]:
        """Outcome of each attempt in a child that lacks some layers of the sandbox."""
        target = {
            "state": str(self.state),
            "victim": self.victim,
            "port": self.port,
            "attempts": attempts,
        }
        command = (sys.executable, "-I", "-c", HOSTILE, ROOT, " ".join(without), json.dumps(target))
        async with Renderer(SETTINGS, command=command) as renderer:
            return dict(line.split(": ") for line in await renderer.page_digests(b"x"))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    for name in ("fax", "long", "gone", "moved"):
        (tmp_path / name).write_bytes(b"content of a fax")
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as unix,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim,
    ):
        unix.bind(str(tmp_path / "socket"))
        unix.listen()
        yield Scene(state=tmp_path, victim=victim.pid, port=tcp.getsockname()[1])
        victim.kill()


def denied(outcomes: dict[str, str]) -> set[str]:
    return {name for name, outcome in outcomes.items() if outcome == "denied"}


@pytest.fixture
async def layers() -> dict[str, int]:
    """What this kernel offers: names to versions."""
    async with Renderer(SETTINGS) as renderer:
        words = [layer.split() for layer in renderer.sandbox]
    return {name: int(version[0]) if version else 1 for name, *version in words}


def needs(layers: dict[str, int], *names: str) -> None:
    for name in names:
        if name not in layers:
            pytest.skip(f"this kernel has no {name} for us")


async def test_without_a_sandbox_nearly_all_of_it_works(scene: Scene) -> None:
    """The attempts are real: what is denied in the tests below is denied by the sandbox."""
    outcomes = await scene.attack("_landlock", "_seccomp")
    yama = set() if os.geteuid() == 0 else {"trace"}  # distributions let users trace descendants only
    assert denied(outcomes) <= yama
    others = {"exec", "clone3", "io_uring", "a call of the future"}  # these fail, but for another reason
    assert {
        name for name, outcome in outcomes.items() if outcome == "done"
    } >= outcomes.keys() - others - yama
    assert (scene.state / "fax").read_bytes() == b"Xontent of a fax"
    assert not (scene.state / "gone").exists()


async def test_a_captured_child_can_do_nothing(scene: Scene, layers: dict[str, int]) -> None:
    needs(layers, "landlock", "seccomp")
    before = {path: path.stat() for path in scene.state.iterdir()}
    outcomes = await scene.attack()
    assert denied(outcomes) == outcomes.keys() - FREE - {"clone3"}
    assert outcomes["clone3"] == "ENOSYS"  # makes C libraries fall back to clone, which can be judged
    assert {name for name, outcome in outcomes.items() if outcome == "done"} == FREE
    after = {path: path.stat() for path in scene.state.iterdir()}
    assert after.keys() == before.keys()
    for path, then in before.items():
        now = after[path]
        assert (now.st_size, now.st_mode, now.st_mtime_ns) == (then.st_size, then.st_mode, then.st_mtime_ns)


async def test_landlock_alone_guards_files(scene: Scene, layers: dict[str, int]) -> None:
    needs(layers, "landlock")
    expected = {name for name, since in LANDLOCK_SINCE.items() if since <= layers["landlock"]}
    assert denied(await scene.attack("_seccomp")) >= expected | set(LANDLOCK.split(", "))


async def test_seccomp_alone_guards_all_but_reading(scene: Scene, layers: dict[str, int]) -> None:
    needs(layers, "seccomp")
    outcomes = await scene.attack("_landlock")
    assert denied(outcomes) == set(SECCOMP.split(", "))
    assert (
        resource.prlimit(scene.victim, resource.RLIMIT_CORE)[1] == resource.getrlimit(resource.RLIMIT_CORE)[1]
    )


async def test_no_process_is_left_behind_even_without_a_sandbox(scene: Scene) -> None:
    """The child's process group ends with it."""
    command = (sys.executable, "-I", "-c", HOSTILE, ROOT, "_landlock _seccomp")
    target = {"state": str(scene.state), "victim": scene.victim, "port": 0, "attempts": ["leave"] * 5}
    async with Renderer(SETTINGS, command=(*command, json.dumps(target))) as renderer:
        assert await renderer.page_digests(b"x") == ("leave: done",) * 5
        async with asyncio.timeout(20):
            while _processes(json.dumps(target)) != [renderer.helper_pid]:
                await asyncio.sleep(0.01)


def _processes(argument: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            running = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
            if running and argument.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except (OSError, IndexError):
            continue
    return found


@pytest.mark.parametrize("without", ["", "_landlock", "_seccomp", "_landlock _seccomp"])
async def test_documents_are_drawn_with_what_the_kernel_offers(
    make: Any, out: Path, layers: dict[str, int], without: str
) -> None:
    command = (sys.executable, "-I", "-c", DRAWING, ROOT, without)
    mail = make.mail("typst, שלום", ("a.pdf", "application/pdf", make.pdf()))
    async with Renderer(SETTINGS, command=command) as renderer:
        done = await renderer.render_message(mail.as_bytes(), out)
        assert done.pages == 2
        assert {layer.split()[0] for layer in renderer.sandbox} == {
            layer for layer in layers if "_" + layer not in without.split()
        }
    assert renderer.sandbox == ()


@pytest.mark.skipif(
    ctypes.util.find_library("seccomp") is None, reason="no libseccomp to compare the numbers with"
)
@pytest.mark.parametrize(("machine", "token"), [("x86_64", 0xC000003E), ("aarch64", 0xC00000B7)])
def test_numbers_are_those_of_libseccomp(machine: str, token: int) -> None:
    library = ctypes.CDLL(ctypes.util.find_library("seccomp"))
    resolve = library.seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    column = syscalls.MACHINES.index(machine)
    for name, numbers in (syscalls.ALLOWED | syscalls.JUDGED).items():
        theirs = resolve(token, name.encode())
        assert (numbers[column] if numbers[column] is not None else theirs) == theirs, name
        assert (numbers[column] is None) == (theirs < 0), name
