"""The command line as people and scripts meet it: what it refuses, where it writes, how wide its tables are.

No daemon runs here. Where one is asked, a real control socket gives prepared rows.
"""

import asyncio
import ctypes
import fcntl
import functools
import io
import json
import os
import pty
import resource
import select
import stat
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import argon2
import pytest

from gateway.cli import main
from gateway.control import ControlServer
from gateway.simulator.encode import MODES
from gateway.simulator.sample import invoice

COMMAND = (sys.executable, "-c", "from gateway.cli import main; main()")


def environment(directory: Path, **more: str) -> dict[str, str]:
    """No configuration, no colours; the clock of one known place."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FAX_GATEWAY")}
    return {**clean, "FAX_GATEWAY_CONFIG": str(directory / "none.toml"), "TZ": "America/New_York", **more}


def run(
    directory: Path,
    *arguments: str | Path,
    stdin: bytes = b"",
    preexec_fn: Callable[[], None] | None = None,
    **more: str,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``fax-gateway`` in `directory`, with `more` in its environment; it never ends with a traceback."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=directory,
        env=environment(directory, **more),
        timeout=60,
        check=False,
        preexec_fn=preexec_fn,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def on_terminal(
    directory: Path, *arguments: str, columns: int = 80, dialogue: Sequence[tuple[bytes, bytes]] = ()
) -> tuple[int, str]:
    """Run it on a terminal of that width; its exit code and what the screen got.

    `dialogue`: what to wait for, and what to type then.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    sizeless = {
        key: value for key, value in environment(directory).items() if key not in ("COLUMNS", "LINES")
    }
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**sizeless, "TERM": "xterm", "NO_COLOR": "1"},
        start_new_session=True,
    )
    os.close(follower)
    screen, seen, left = b"", 0, list(dialogue)
    try:
        while select.select([leader], [], [], 30.0)[0]:
            try:
                screen += os.read(leader, 65536)
            except OSError:  # EIO: the last writer has gone
                return process.wait(timeout=30), screen.decode().replace("\r\n", "\n")
            if left and left[0][0] in screen[seen:]:
                seen = len(screen)
                os.write(leader, left.pop(0)[1])
        raise AssertionError(f"it says nothing more: {screen!r}")
    finally:
        process.kill()
        process.wait()
        os.close(leader)


# preview -o


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_text("Please call back.\n")
    return path


def test_an_existing_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path, letter: Path) -> None:
    old = tmp_path / "old.pdf"
    old.write_text("old")
    old.chmod(0o640)
    before = old.open()
    link = tmp_path / "link.pdf"
    link.symlink_to("old.pdf")
    done = run(tmp_path, "preview", letter, "-o", "link.pdf")
    assert (done.returncode, done.stdout.split(b":")[0]) == (0, b"link.pdf")
    assert link.is_symlink()
    assert old.read_bytes().startswith(b"%PDF")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    with before:
        assert before.read() == "old"  # who had it open still reads the old one: it was not written in place
    assert {path.name for path in tmp_path.iterdir()} == {"letter.txt", "old.pdf", "link.pdf"}


def test_what_is_no_file_is_refused_and_left_alone(tmp_path: Path, letter: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "hard.txt").hardlink_to(letter)
    refusals = {
        "pipe": "pipe is not a regular file",
        "folder": "folder is a directory",
        "loop": "loop cannot be written",
        "gone/fax.pdf": f"there is no directory {tmp_path}/gone",
        "letter.txt/fax.pdf": "Not a directory",
        "./letter.txt": "letter.txt is one of the files to fax",
        "hard.txt": "hard.txt is one of the files to fax",
    }
    for output, words in refusals.items():
        done = run(tmp_path, "preview", letter, "-o", output)
        assert (done.returncode, done.stdout) == (73, b""), output
        assert words in done.stderr.decode()
        assert len(done.stderr.splitlines()) == 1
        assert b"again" not in done.stderr
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert letter.read_text() == "Please call back.\n"
    assert {path.name for path in tmp_path.iterdir()} == {"letter.txt", "pipe", "folder", "loop", "hard.txt"}


def bound_by_modes() -> None:
    """For a child before exec: root without CAP_DAC_OVERRIDE (capabilities(7)), so that modes bind it too."""
    if os.geteuid() == 0:
        pr_capbset_drop, cap_dac_override = 24, 1
        if ctypes.CDLL(None, use_errno=True).prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def test_modes_are_respected(tmp_path: Path, letter: Path) -> None:
    (protected := tmp_path / "protected.pdf").write_text("old")
    protected.chmod(0o400)
    (closed := tmp_path / "closed").mkdir(mode=0o500)
    for output, words in (
        (protected, "protected.pdf is write-protected"),
        (closed / "fax.pdf", f"the directory {closed} is not writable"),
    ):
        done = run(tmp_path, "preview", letter, "-o", output, preexec_fn=bound_by_modes)
        assert (done.returncode, words in done.stderr.decode()) == (73, True)
    assert protected.read_text() == "old"


def test_a_directory_that_takes_nothing_is_refused(tmp_path: Path, letter: Path) -> None:
    done = run(tmp_path, "preview", letter, "-o", "/proc/fax.pdf")  # takes no new file from anybody, root too
    assert done.returncode == 73
    assert b"/proc/fax.pdf cannot be made" in done.stderr


def test_a_dash_is_standard_output_and_nothing_else_goes_there(tmp_path: Path, letter: Path) -> None:
    run(tmp_path, "preview", letter, "-o", "fax.pdf")
    done = run(tmp_path, "preview", letter, "-o", "-")
    assert (done.returncode, done.stdout) == (0, (tmp_path / "fax.pdf").read_bytes())
    assert done.stderr.startswith(b"standard output: 1 page")
    done = run(tmp_path, "preview", letter, "-o", "-", "--json")
    assert done.stdout.startswith(b"%PDF")
    assert json.loads(done.stderr)["bytes"] == len(done.stdout)
    code, screen = on_terminal(tmp_path, "preview", str(letter), "-o", "-")
    assert (code, "PDF-1" in screen, "not for a terminal" in screen) == (64, False, True)
    assert not (tmp_path / "-").exists()


def test_a_refused_document_leaves_the_old_output(tmp_path: Path) -> None:
    (tmp_path / "zero.pdf").write_bytes(b"")
    (tmp_path / "old.pdf").write_text("old")
    done = run(tmp_path, "preview", "zero.pdf", "-o", "old.pdf")
    assert (done.returncode, b"zero.pdf" in done.stderr) == (65, True)
    assert (tmp_path / "old.pdf").read_text() == "old"


def test_trouble_of_its_own_promises_no_second_try(tmp_path: Path) -> None:
    (tmp_path / "invoice.pdf").write_bytes(invoice())
    full = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4096, 4096))  # as a full disk
    done = run(tmp_path, "preview", "invoice.pdf", "-o", "fax.pdf", preexec_fn=full)
    assert done.returncode == 75
    assert b"could not be stored: File too large. The pages are made in" in done.stderr
    assert b"again" not in done.stderr
    assert not (tmp_path / "fax.pdf").exists()


def test_names_that_no_locale_can_spell(tmp_path: Path, letter: Path) -> None:
    strange = os.fsdecode(b"caf\xe9.txt")
    (tmp_path / strange).write_text("x")
    done = run(tmp_path, "preview", strange, "-o", os.fsdecode(b"o\xe9.pdf"))
    assert done.returncode == 0
    assert (tmp_path / os.fsdecode(b"o\xe9.pdf")).read_bytes().startswith(b"%PDF")


# What is refused at once, with 64, before anything is asked or done


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("api", "getIP", "--url", "http://192.0.2.1/x", "--username", "a"), "must be https"),
        (("api", "getIP", "--url", "nonsense", "--username", "a"), "must begin with https://"),
        (("api", "getIP", "--url", "https://192.0.2.1/x"), "--url and --username together"),
        (("api", "getIP", "--username", "a"), "--url and --username together"),
        (("api", "getIP", "method=x"), '"method" cannot be given'),
        (("api", "getIP", "--url", "https://192.0.2.1/x", "--username", "a"), "API password is missing"),
        (("hash-password",), "Password is missing: the input ended"),
        (("hash-password", "--password", ""), "must not be empty"),
        (("send", "--to", "5552341234", "--text", ""), "nothing to fax"),
        (("send", "--to", "5552341234", "--text", " \n"), "nothing to fax"),
        (("send", "--to", "5552341234", "--text", "-"), "nothing to fax"),
        (("send", "--to", "5552341234", "--text", "x", "--notify", "anna"), "'anna' is not a mail address"),
        (("send", "--to", "5552341234", "--text", "x", "--notify", ""), "is not a mail address"),
        (("inbox", "remail", "X", "--to", "a@b@c"), "is not a mail address"),
        (("inbox", "list", "--limit", "0"), "not in the range"),
        (("queue", "list", "--limit", "-1"), "not in the range"),
        (("simulator", "--wire", "loud"), "'silent-station'"),
        (("demo", "--dir", "."), "is not empty"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    (tmp_path / "something").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAX_GATEWAY_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("FAX_GATEWAY_API_PASSWORD", raising=False)
    monkeypatch.setattr(sys, "argv", ["fax-gateway", *arguments])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(SystemExit) as ended:
        main()
    told = capfd.readouterr()
    assert (ended.value.code, told.out) == (64, "")
    assert words in told.err
    assert "Traceback" not in told.err


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    done = run(tmp_path, "send", "--to", "5552341234", "--text", "-", stdin=b"caf\xe9\n")
    assert (done.returncode, b"not UTF-8" in done.stderr) == (65, True)


def test_trouble_with_a_file_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "demo", "--once", "--dir", "/proc/demo")
    assert done.returncode == 73
    assert b"/proc/demo: " in done.stderr
    done = run(tmp_path, "preview", "gone.pdf", "-o", "fax.pdf")
    assert (done.returncode, b"gone.pdf" in done.stderr) == (64, True)


def test_a_bug_says_so_and_where() -> None:
    program = (
        "import sys, click; from gateway.cli import exits\n"
        "from gateway.journal import register_secret; register_secret('Tr0ub4dor')\n"
        "@click.command()\ndef broken(): raise KeyError('Tr0ub4dor')\n"
        "sys.argv[1:] = []; sys.exit(exits.run(broken))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert done.stderr.startswith("fax-gateway: internal error: KeyError.")
    assert "Traceback" in done.stderr
    assert "Tr0ub4dor" not in done.stderr


def test_an_os_error_is_74_with_its_file() -> None:
    program = (
        "import sys, click; from gateway.cli import exits; from pathlib import Path\n"
        "@click.command()\ndef reads(): Path('/proc/none').read_text()\n"
        "sys.argv[1:] = []; sys.exit(exits.run(reads))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        74,
        "fax-gateway: /proc/none: No such file or directory.\n",
    )


# Passwords


def test_a_password_from_a_pipe(tmp_path: Path) -> None:
    done = run(tmp_path, "hash-password", stdin="größer 1\r\n".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert argon2.PasswordHasher().verify(done.stdout.decode().strip(), "größer 1")


def test_a_password_from_a_terminal(tmp_path: Path) -> None:
    code, screen = on_terminal(tmp_path, "hash-password", dialogue=[(b"Password: ", b"\x04")])
    assert code == 64
    assert screen.strip().endswith("fax-gateway: Password is missing: the input ended.")
    assert "Warning" not in screen
    twice = [(b"Password: ", b"hunter 2\n"), (b"confirmation: ", b"hunter 2\n")]
    code, screen = on_terminal(tmp_path, "hash-password", dialogue=twice)
    assert (code, "hunter" in screen) == (0, False)
    assert argon2.PasswordHasher().verify(screen.splitlines()[-1], "hunter 2")


# Tables


class Rows:
    """A control socket that answers listings with prepared rows."""

    def __init__(self, path: Path, answers: Mapping[str, Any]) -> None:
        self.path = path
        self._answers = answers
        verbs = {verb: self._answer(verb) for verb in answers}
        self._server = ControlServer(path, verbs, max_body=0)

    def _answer(self, verb: str) -> Any:
        async def answer(*_: object) -> Any:
            return self._answers[verb]

        return answer

    async def __aenter__(self) -> "Rows":
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(1.0)


REASON = "The line of (555) 987-6543 is busy: " + "it is tried again later, " * 8 + "until tomorrow."
QUEUED = {
    "id": "1M83KPKADNWTP-1",
    "state": "unconfirmed",
    "number": "+15559876543",
    "sender": "somebody.with.a.long.name@clinic.example.com",
    "pages_sent": 12,
    "attempts": 3,
    "created": 1_484_654_400.25,  # 2017-01-17 12:00 UTC
    "reason": REASON,
}
RECEIVED = {
    "id": "1M83KPRE9VRRK",
    "state": "acknowledged",
    "received_at": 1_484_654_400,
    "caller": "5553458762",
    "did": "5552341234",
    "pages": 1,
    "reason": "",
}
NAMELESS = {**RECEIVED, "id": "1M83KPRE9VRRM", "caller": "anonymous [x] :bell:"}
SHOWN = {**QUEUED, "calls": [], "history": [], "document": {}}


@pytest.fixture
async def rows(tmp_path: Path) -> Any:
    answers = {
        "queue.list": [QUEUED],
        "queue.show": [SHOWN],
        "inbox.list": [RECEIVED, NAMELESS],
    }
    async with Rows(tmp_path / "control.sock", answers) as prepared:
        yield prepared


async def test_a_pipe_gets_whole_lines(rows: Rows, tmp_path: Path) -> None:
    done = await asyncio.to_thread(run, tmp_path, "queue", "list", "--socket", rows.path, COLUMNS="40")
    heading, line = done.stdout.decode().splitlines()
    assert heading.split() == ["ID", "State", "To", "From", "Pages", "Tries", "Accepted", "Reason"]
    parts = (QUEUED["id"], "unconfirmed", "(555) 987-6543", QUEUED["sender"], "12", REASON)
    assert [part for part in parts if str(part) not in line] == []
    assert "2017-01-17 07:00:00-05:00" in line


async def test_numbers_look_the_same_in_both_listings_and_are_raw_in_json(rows: Rows, tmp_path: Path) -> None:
    done = await asyncio.to_thread(run, tmp_path, "inbox", "list", "--socket", rows.path)
    _, first, second = done.stdout.decode().splitlines()
    assert "(555) 345-8762" in first
    assert "(555) 234-1234" in first
    assert "anonymous [x] :bell:" in second
    done = await asyncio.to_thread(run, tmp_path, "queue", "show", "1M83KPKADNWTP", "--socket", rows.path)
    assert "number: (555) 987-6543" in done.stdout.decode()
    done = await asyncio.to_thread(run, tmp_path, "inbox", "list", "--json", "--socket", rows.path)
    assert json.loads(done.stdout) == [RECEIVED, NAMELESS]


@pytest.mark.parametrize("columns", [40, 100, 140])
async def test_on_a_terminal_only_words_are_cut(rows: Rows, tmp_path: Path, columns: int) -> None:
    arguments = ("queue", "list", "--socket", str(rows.path))
    code, screen = await asyncio.to_thread(on_terminal, tmp_path, *arguments, columns=columns)
    assert code == 0
    _, line = (text.rstrip() for text in screen.splitlines())
    for whole in (QUEUED["id"], "unconfirmed", "(555) 987-6543", "2017-01-17 07:00:00-05:00"):
        assert whole in line
    assert "…" in line
    assert REASON not in line
    assert len(line) <= max(columns, 130)


# The demo and the simulator


def test_a_demo_that_fails_says_why_in_json_and_in_its_log(tmp_path: Path) -> None:
    home = tmp_path / ("d" * 120)  # too long a path for a unix socket, so the gateway cannot start
    done = run(tmp_path, "demo", "--once", "--json", "--dir", home)
    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"], report["outbound"]) == (70, False, None)
    assert "cannot start" in report["reason"]
    assert "cannot start" in Path(report["log"]).read_text()
    done = run(tmp_path, "demo", "--once", "--dir", str(home) + "2")
    words = done.stdout.decode()
    assert done.returncode == 70
    assert f"{home}2/log.txt" in words
    assert "cannot start" in words


def test_a_demo_keeps_its_log_with_its_files(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home [1]"
    done = run(tmp_path, "demo", "--once", "--dir", home)
    words = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b""), words
    assert "event=delivered" in (home / "log.txt").read_text()
    assert words.endswith(f"The files stay in {home}; delete it when you are done.\n")
    assert max(map(len, words.splitlines())) < 400
    assert run(tmp_path, "demo", "--once", "--dir", home).returncode == 64


def test_how_the_reader_types_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.cli.demo import _own_command

    script = tmp_path / "my venv" / "fax-gateway"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr(sys, "argv", [str(script), "demo"])
    assert _own_command() == f"'{script}'"
    monkeypatch.setenv("PATH", str(script.parent))
    assert _own_command() == "fax-gateway"
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert _own_command() == "fax-gateway"


def test_the_help_names_the_choices(tmp_path: Path) -> None:
    told = run(tmp_path, "simulator", "--help").stdout.decode()
    assert [mode for mode in MODES if mode not in told] == []
    help_text = " ".join(run(tmp_path, "preview", "--help").stdout.decode().split())
    assert "An existing file is replaced." in help_text
    assert b"an empty or new directory" in run(tmp_path, "demo", "--help").stdout


def test_a_reader_that_leaves_early_hears_nothing(tmp_path: Path) -> None:
    (tmp_path / "invoice.pdf").write_bytes(invoice())
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run(
            [*COMMAND, "preview", "invoice.pdf", "-o", "-"],
            stdout=gone,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(tmp_path),
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")
