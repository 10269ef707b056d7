"""Children and helpers that are killed, hang, crash or lie; limits, descriptors, environment, shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.document import Renderer, RendererDied, RenderSettings, conversation, lanes, pace, threads
from gateway.document.errand import Errand
from gateway.document.launch import command, launch
from gateway.document.office import Office, converter
from gateway.errors import GatewayError, Kind

ROOT = str(Path(__file__).resolve().parents[2])
T = TypeVar("T")
SETTINGS = RenderSettings(timeout=30.0, cpu_seconds=20, memory_bytes=600 << 20)


def children(pid: int | None) -> list[int]:
    """Processes whose parent is `pid`, but for the spare one that waits for a document."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in found if named(int(child)) != "fax-spare"]


def named(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


async def until(condition: Callable[[], T]) -> T:
    """Wait for something the kernel tells only when asked."""
    async with asyncio.timeout(20):
        while not (value := condition()):
            await asyncio.sleep(0.01)
    return value


@contextlib.asynccontextmanager
async def rendering(
    renderer: Renderer, document: bytes, out: Path, **more: Any
) -> AsyncIterator[tuple[int, asyncio.Task[Any]]]:
    """A render under way, with the process id of its child."""
    source = out.with_name("source.pdf")
    source.write_bytes(document)
    task = asyncio.create_task(renderer.render_files([source], out, **more))
    try:
        yield (await until(lambda: children(renderer.helper_pid)))[0], task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, GatewayError):
            await task


async def test_a_killed_child_is_a_death_and_the_next_document_is_fine(make: Any, out: Path) -> None:
    async with Renderer(SETTINGS) as renderer:
        helper = renderer.helper_pid
        async with rendering(renderer, make.endless_pdf(), out) as (child, task):
            os.kill(child, signal.SIGKILL)
            with pytest.raises(RendererDied) as caught:
                await task
        assert caught.value.failure.kind is Kind.TEMPORARY
        assert caught.value.failure.code == "renderer_killed"
        assert (await renderer.render_message(make.mail("x").as_bytes(), out)).pages == 1
        assert renderer.helper_pid == helper


async def test_a_crashed_child_is_a_death(make: Any, out: Path) -> None:
    async with Renderer(SETTINGS) as renderer, rendering(renderer, make.endless_pdf(), out) as (child, task):
        os.kill(child, signal.SIGSEGV)
        with pytest.raises(RendererDied, match="renderer_crashed"):
            await task


async def test_a_stopped_child_is_a_death_when_its_time_is_over(make: Any, out: Path) -> None:
    short = RenderSettings(timeout=1.0, cpu_seconds=20)
    async with Renderer(SETTINGS) as renderer:
        async with rendering(renderer, make.endless_pdf(), out, settings=short) as (child, task):
            os.kill(child, signal.SIGSTOP)
            with pytest.raises(RendererDied, match="renderer_hung"):
                await task
        await until(lambda: not children(renderer.helper_pid))


async def test_a_document_that_works_too_long_is_refused(make: Any, out: Path) -> None:
    short = RenderSettings(timeout=1.0, cpu_seconds=20)
    async with Renderer(SETTINGS) as renderer:
        async with rendering(renderer, make.endless_pdf(), out, settings=short) as (_child, task):
            with pytest.raises(GatewayError) as caught:
                await task
        assert caught.value.failure.kind is Kind.PERMANENT
        assert "more time than allowed (1 seconds)" in caught.value.failure.sentence
        assert '"source.pdf"' in caught.value.failure.sentence


async def test_a_dead_helper_is_replaced_and_its_document_done_again(make: Any, out: Path) -> None:
    async with Renderer(SETTINGS) as renderer:
        first = renderer.helper_pid
        assert first is not None
        async with rendering(renderer, make.pdf(pages=30), out) as (child, task):
            os.kill(first, signal.SIGKILL)
            done = await task
        assert done.pages == 30
        assert renderer.helper_pid not in (None, first)
        assert not running(child)


async def test_a_helper_that_died_while_idle_is_replaced(make: Any, out: Path) -> None:
    async with Renderer(SETTINGS) as renderer:
        assert renderer.helper_pid is not None
        os.kill(renderer.helper_pid, signal.SIGKILL)
        assert (await renderer.render_message(make.mail("x").as_bytes(), out)).pages == 1


async def test_a_helper_that_dies_twice_is_our_trouble(make: Any, out: Path) -> None:
    async with Renderer(SETTINGS) as renderer, rendering(renderer, make.endless_pdf(), out) as (_, task):
        for _ in range(2):
            await until(lambda: children(renderer.helper_pid))
            assert renderer.helper_pid is not None
            os.kill(renderer.helper_pid, signal.SIGKILL)
            await until(lambda: task.done() or renderer.helper_pid is None)
        with pytest.raises(GatewayError) as caught:
            await task
        assert not isinstance(caught.value, RendererDied)
        assert caught.value.failure.kind is Kind.TEMPORARY
        assert caught.value.failure.code == "renderer_unavailable"


async def test_a_hanging_helper_is_killed_and_replaced(
    make: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "_END_SECONDS", 0.5)
    async with Renderer(RenderSettings(timeout=1.5)) as renderer:
        first = renderer.helper_pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        assert (await renderer.render_message(make.mail("x").as_bytes(), out)).pages == 1
        assert renderer.helper_pid != first
        assert not running(first)


async def test_a_helper_that_cannot_start_is_told_at_start() -> None:
    for words in (("/nonexistent/python",), (sys.executable, "-c", "raise SystemExit(1)")):
        with pytest.raises(GatewayError) as caught:
            await Renderer(SETTINGS, command=words).start()
        assert caught.value.failure.kind is Kind.TEMPORARY


def spares(pid: int | None) -> list[int]:
    """Children of `pid` that wait for a document."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if named(int(child)) == "fax-spare"]


def test_a_helper_whose_daemon_dies_at_its_start_ends_without_a_word(
    capfd: pytest.CaptureFixture[str],
) -> None:
    launched = launch(command(()))
    launched.control.close()
    assert launched.process.wait(60) == 0
    assert capfd.readouterr().err == ""


async def test_a_spare_child_takes_the_next_document_and_no_other(make: Any, out: Path) -> None:
    async with Renderer(SETTINGS) as renderer:
        (spare,) = await until(lambda: spares(renderer.helper_pid))
        async with rendering(renderer, make.endless_pdf(), out) as (child, task):
            assert child == spare
            assert not spares(renderer.helper_pid)  # while there is work, it would take time from it
            task.cancel()
        (other,) = await until(lambda: spares(renderer.helper_pid))
        assert other != spare
    await until(lambda: not running(other))


async def test_a_spare_child_that_was_killed_costs_no_document(make: Any, out: Path) -> None:
    async with Renderer(SETTINGS) as renderer:
        (spare,) = await until(lambda: spares(renderer.helper_pid))
        os.kill(spare, signal.SIGKILL)
        await until(lambda: not running(spare))
        assert (await renderer.render_message(make.mail("x").as_bytes(), out)).pages == 1
        await until(lambda: not Path(f"/proc/{spare}").exists())  # nor leaves a zombie


async def test_the_page_of_a_warm_child_is_that_of_a_cold_one(make: Any, out: Path) -> None:
    mail = make.mail(None, ("a.pdf", "application/pdf", make.pdf())).as_bytes()
    async with Renderer(SETTINGS, rooms=()) as renderer:
        cold = await renderer.render_message(mail, out)
        assert not spares(renderer.helper_pid)
    async with Renderer(SETTINGS) as renderer:
        await until(lambda: spares(renderer.helper_pid))
        warm = await renderer.render_message(mail, out)
    assert warm.page_digests == cold.page_digests
    assert warm.digest == cold.digest


async def test_stopping_ends_everything(make: Any, out: Path) -> None:
    renderer = Renderer(SETTINGS)
    await renderer.start()
    helper = renderer.helper_pid
    assert helper is not None
    async with rendering(renderer, make.endless_pdf(), out) as (child, task):
        await renderer.stop()
        with pytest.raises(GatewayError, match="renderer_unavailable"):
            await task
    await until(lambda: not running(helper) and not running(child))
    assert renderer.helper_pid is None


@pytest.mark.usefixtures("descriptors")
async def test_no_descriptor_is_left_open(make: Any, out: Path) -> None:
    async with Renderer(SETTINGS) as renderer:
        for _ in range(3):
            await renderer.render_message(make.mail("x").as_bytes(), out)
        with pytest.raises(GatewayError):
            await renderer.render_message(b"", out)


async def test_the_helper_outlives_signals_but_not_the_daemon(make: Any, tmp_path: Path) -> None:
    (tmp_path / "endless.pdf").write_bytes(make.endless_pdf())
    daemon = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {ROOT!r})
from gateway.document import Renderer, RenderSettings
async def main():
    async with Renderer(RenderSettings()) as renderer:
        print(renderer.helper_pid, flush=True)
        await renderer.render_files([Path("endless.pdf")], Path("out.pdf"))
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", daemon, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        helper = int(await process.stdout.readline())
    (child,) = await until(lambda: children(helper))
    os.kill(helper, signal.SIGTERM)
    os.kill(helper, signal.SIGINT)
    process.kill()
    await process.wait()
    await until(lambda: not running(helper) and not running(child))


async def test_children_are_bare_and_bounded(make: Any, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_PASSWORD", "hunter2")
    mail = make.mail(None, ("endless.pdf", "application/pdf", make.endless_pdf()))
    with out.with_name("secret").open("w") as inherited:
        os.set_inheritable(inherited.fileno(), True)
        async with Renderer(SETTINGS) as renderer:
            work = renderer.render_message(mail.as_bytes(), out, redact=["483920"])
            task = asyncio.create_task(work)
            (child,) = await until(lambda: children(renderer.helper_pid))
            own = Path(f"/proc/{child}")
            limited = re.compile(r"Max cpu time +20 ")
            await until(lambda: limited.search((own / "limits").read_text()))  # it has set its limits
            limits = (own / "limits").read_text()
            told = (own / "environ").read_bytes() + (own / "cmdline").read_bytes()
            await until(
                lambda: _open_files(own) <= {"/dev/null", "socket", "/memfd"}
            )  # it has shut itself in
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: not running(child))
    for line in (
        r"file size +0 ",
        r"core file size +0 ",
        r"open files +264 ",
    ):
        assert re.search("Max " + line, limits)
    space = re.search(r"Max address space +(\d+) ", limits)
    assert space is not None
    assert 600 << 20 < int(space[1]) < 600 << 21  # with what the program itself takes
    assert b"hunter2" not in told
    assert b"483920" not in told


def _open_files(process: Path) -> set[str]:
    found = set()
    for fd in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.add(os.readlink(fd).split(":")[0])
    return found


async def test_the_helper_stays_single_threaded(make: Any, out: Path) -> None:
    async with Renderer(SETTINGS) as renderer:
        await renderer.render_message(make.mail("typst starts threads").as_bytes(), out)
        assert len(list(Path(f"/proc/{renderer.helper_pid}/task").iterdir())) == 1


async def test_only_so_many_documents_at_a_time(make: Any, tmp_path: Path) -> None:
    """As many as there are workers, and as many again in the slow lane; the others wait without a child."""
    source = tmp_path / "endless.pdf"
    source.write_bytes(make.endless_pdf())
    async with Renderer(RenderSettings(workers=2)) as renderer:
        tasks = [
            asyncio.create_task(renderer.render_files([source], tmp_path / f"{number}.pdf"))
            for number in range(6)
        ]
        await until(lambda: len(children(renderer.helper_pid)) == 4)
        assert renderer.aside == 2
        seen = children(renderer.helper_pid)
        os.kill(seen[0], signal.SIGKILL)
        after = await until(
            lambda: seen[0] not in children(renderer.helper_pid) and children(renderer.helper_pid)
        )
        assert len(after) <= 4
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await until(lambda: not children(renderer.helper_pid))
        assert renderer.aside == 0


async def test_documents_that_take_long_stop_no_others(
    make: Any, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than there are places: the last ones wait without a child, and begin again."""
    monkeypatch.setattr(lanes, "_STAY_SECONDS", 0.05)
    monkeypatch.setattr(pace, "_PATIENCE_SECONDS", 0.05)
    source = tmp_path / "endless.pdf"
    source.write_bytes(make.endless_pdf())
    async with Renderer(RenderSettings(workers=1)) as renderer:
        bombs = [
            asyncio.create_task(renderer.render_files([source], tmp_path / f"{number}.pdf"))
            for number in range(3)
        ]
        await until(lambda: renderer.aside == 3)
        monkeypatch.undo()  # a fax has all its time
        (slow,) = await until(lambda: giving_way(renderer.helper_pid))
        assert os.getsid(slow) == os.getsid(renderer.helper_pid or 0)  # else it would not
        assert (await renderer.render_message(make.mail("x").as_bytes(), out)).pages == 1
        os.kill(slow, signal.SIGKILL)
        (other,) = await until(lambda: [pid for pid in giving_way(renderer.helper_pid) if pid != slow])
        for bomb in bombs:
            bomb.cancel()
        ended = await asyncio.gather(*bombs, return_exceptions=True)
        assert sorted(type(end).__name__ for end in ended) == ["CancelledError"] * 2 + ["RendererDied"]
        await until(lambda: not running(other))


async def test_a_renderer_for_one_document_gives_way_to_none(
    make: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_PATIENCE_SECONDS", 0.01)
    async with (
        Renderer(SETTINGS, rooms=()) as renderer,
        rendering(renderer, make.endless_pdf(), out) as (child, _task),
    ):
        await until(lambda: computed(child) > 0.2)
        assert os.sched_getscheduler(child) == os.SCHED_OTHER
        assert renderer.aside == 0


def computed(pid: int) -> float:
    """Seconds of processor time (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def giving_way(helper: int | None) -> list[int]:
    """Children that run when no other process wants to."""
    found = []
    for pid in children(helper):
        with contextlib.suppress(ProcessLookupError):
            if os.sched_getscheduler(pid) == os.SCHED_IDLE:
                found.append(pid)
    return found


OFFICE = """
import json, sys, time
from pathlib import Path
made = Path(json.loads(sys.argv[1])["directory"], "document.pdf")
"""
MADE = "made.write_bytes(Path({pdf!r}).read_bytes())\nprint('started\\nopened\\nsaved', flush=True)"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """The command of a LibreOffice whose converter does something else."""
    program = tmp_path / "office"
    program.mkdir()
    for name in ("soffice", "libmergedlo.so", "libswlo.so"):
        (program / name).touch(0o755)

    def doing(code: str) -> str:
        command = (sys.executable, "-I", "-c", OFFICE + code)
        monkeypatch.setattr(converter, "command", lambda: command)
        return str(program / "soffice")

    return doing


def rtf(path: Path, name: str) -> Path:
    path.joinpath(name).write_bytes(rb"{\rtf1 Hello\par}")
    return path / name


async def test_a_slow_office_document_is_refused_and_no_death(
    tmp_path: Path, out: Path, office: Callable[[str], str]
) -> None:
    settings = RenderSettings(timeout=1.5, office=office("while True: pass"))
    async with Renderer(settings, rooms=()) as renderer:
        with pytest.raises(GatewayError) as caught:
            await renderer.render_files([rtf(tmp_path, "slow.rtf")], out)
    assert not isinstance(caught.value, RendererDied)
    assert (caught.value.failure.kind, caught.value.failure.code) == (Kind.PERMANENT, "office_failed")
    assert caught.value.failure.sentence.startswith('The file "slow.rtf" takes LibreOffice more time')


async def test_waiting_for_libreoffice_is_no_childs_fault(
    make: Any, tmp_path: Path, office: Callable[[str], str]
) -> None:
    """Two documents that each need most of their time, at once: together they take longer than one may."""
    (tmp_path / "made.pdf").write_bytes(make.pdf(pages=1))
    slowly = "time.sleep(2)\n" + MADE.format(pdf=str(tmp_path / "made.pdf"))
    settings = RenderSettings(timeout=3.5, office=office(slowly))
    sources = [rtf(tmp_path, f"{number}.rtf") for number in range(2)]
    async with Renderer(settings, rooms=()) as renderer:
        made = await asyncio.gather(
            *(renderer.render_files([source], source.with_suffix(".fax.pdf")) for source in sources)
        )
    assert [document.pages for document in made] == [1, 1]


async def test_waiting_for_libreoffice_stops_no_others(
    make: Any, tmp_path: Path, out: Path, office: Callable[[str], str]
) -> None:
    """Neither the document that it works for, nor those that wait, the last without a child."""
    os.mkfifo(tmp_path / "gate")
    (tmp_path / "made.pdf").write_bytes(make.pdf(pages=1))
    (tmp_path / "one.pdf").write_bytes(make.pdf(pages=1))
    blocked = f"Path({str(tmp_path / 'gate')!r}).read_bytes()\n" + MADE.format(pdf=str(tmp_path / "one.pdf"))
    settings = RenderSettings(office=office(blocked), workers=2)
    sources = [rtf(tmp_path, f"{number}.rtf") for number in range(3)]
    async with Renderer(settings, rooms=()) as renderer:
        tasks = [
            asyncio.create_task(renderer.render_files([source], source.with_suffix(".fax.pdf")))
            for source in sources
        ]
        await until(lambda: renderer.aside == 3)
        assert len(await until(lambda: children(renderer.helper_pid))) == 2
        assert (await renderer.render_files([tmp_path / "made.pdf"], out)).pages == 1
        assert not any(task.done() for task in tasks)
        gate = await until(lambda: opened(tmp_path / "gate"))
        (tmp_path / "made.pdf").replace(tmp_path / "gate")  # open for the others
        os.close(gate)
        assert [(await task).pages for task in tasks] == [1, 1, 1]
        assert renderer.aside == 0


def opened(fifo: Path) -> int:
    """For writing, once somebody reads it."""
    try:
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return 0


async def test_a_child_has_its_own_time_after_libreoffice_as_well(
    make: Any, tmp_path: Path, out: Path, office: Callable[[str], str]
) -> None:
    (tmp_path / "made.pdf").write_bytes(make.endless_pdf())
    slowly = "time.sleep(1)\n" + MADE.format(pdf=str(tmp_path / "made.pdf"))
    settings = RenderSettings(timeout=2.0, office=office(slowly))
    async with Renderer(settings, rooms=()) as renderer:
        started = asyncio.get_running_loop().time()
        with pytest.raises(GatewayError, match="more time than allowed") as caught:
            await renderer.render_files([rtf(tmp_path, "endless.rtf")], out)
        assert asyncio.get_running_loop().time() - started > 3
    assert caught.value.failure.code == "document_time"


SHORT = """
import asyncio, os, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from gateway.document import Renderer, RendererDied, RenderSettings
from gateway.errors import GatewayError, Kind

async def with_no_more_than(spare, step):
    fewest = max(int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)) + 1
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (fewest + spare, hard))
    try:
        await step()
    except GatewayError as error:
        assert error.failure.kind is Kind.TEMPORARY and not isinstance(error, RendererDied), error
        return error.failure.code
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return "done"

async def main():
    print(await with_no_more_than(0, Renderer(RenderSettings()).start))
    async with Renderer(RenderSettings()) as renderer:
        for spare in range(12):
            print(await with_no_more_than(spare, lambda: renderer.render_message(b"\\nx", Path(sys.argv[2]))))

asyncio.run(main())
"""


async def test_without_descriptors_documents_wait(out: Path) -> None:
    """Neither a fault of ours nor a death of theirs, wherever they run out."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SHORT, ROOT, str(out)), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    start, *codes = told.decode().split()
    assert start == "renderer_unavailable"
    assert {"renderer_resources", "renderer_unavailable"} <= set(codes)
    assert codes[-1] == "done"


LIAR = """
import os, socket, sys
sys.path.insert(0, sys.argv[1])
from gateway.document import wire
control = socket.socket(fileno=int(sys.argv[3]))
control.send(wire.control_message({"event": "ready"}))
while True:
    message, fds, _, _ = socket.recv_fds(control, 4096, 1)
    if not message:
        break
    order = wire.read_control(message)
    if order["op"] != "fork":
        continue
    job = socket.socket(fileno=fds[0])
    wire.receive_request(job)
    job.sendall(bytes.fromhex(sys.argv[2]))
    job.close()
    end = {"event": "exit", "job": order["job"], "code": 0, "signal": None, "cpu_seconds": 0, "peak_bytes": 0}
    control.send(wire.control_message(end))
"""


DEAF = (
    LIAR.replace("job.close()", "deaf = job")
    .replace(
        """    if order["op"] != "fork":
        continue
""",
        """    if order["op"] == "kill":
        control.send(wire.control_message(end))
    if order["op"] != "fork":
        continue
""",
    )
    .removesuffix("    control.send(wire.control_message(end))\n")
)
"""Keeps the socket, and hears nothing that comes over it."""


def frame(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


PAGE = frame(b"P", (2156).to_bytes(2, "big") + bytes(32) + b"strip")
DONE = frame(b"R", b'{"notes": []}')


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(DONE, id="a result without a page"),
        pytest.param(
            frame(b"P", (99).to_bytes(2, "big") + bytes(32) + b"strip") + DONE, id="a page of another size"
        ),
        pytest.param(frame(b"P", b"") + DONE, id="a page of nothing"),
        pytest.param(b"P\xff\xff\xff\xff", id="a page of 4 GB"),
        pytest.param(PAGE * 6 + DONE, id="more pages than allowed"),
        pytest.param(frame(b"?", b"x"), id="an unknown frame"),
        pytest.param(PAGE + frame(b"R", b"\xff\xfe"), id="a result that is not JSON"),
        pytest.param(PAGE + frame(b"R", b'{"notes": "x"}'), id="notes that are no list"),
        pytest.param(PAGE + frame(b"R", b'{"notes": [' + b'"x",' * 999 + b'"x"]}'), id="endless notes"),
        pytest.param(PAGE + frame(b"R", b"[" * 20_000), id="nested beyond reason"),
        pytest.param(
            frame(b"E", b'{"status": "2.0.0", "sentence": "x", "code": ""}'), id="a refusal that is none"
        ),
        pytest.param(frame(b"E", b'{"sentence": "x"}'), id="a refusal without status"),
        pytest.param(frame(b"N", b"\xff"), id="a label that is not text"),
        pytest.param(frame(b"B", b"ValueError@pdf.py:1"), id="a bug of our own"),
        pytest.param(PAGE + b"R\x00\x00\x00\x10{", id="a result cut short"),
        pytest.param(frame(b"O", b"DOCX"), id="a conversion of nothing"),
        pytest.param(frame(b"B", b"HIV result"), id="a bug that is nowhere"),
        pytest.param(
            frame(b"E", b'{"status": "5.6.1", "sentence": "x", "code": "HIV result"}'),
            id="a code that is prose",
        ),
        pytest.param(b"", id="silence"),
    ],
)
async def test_lies_are_deaths(out: Path, lie: bytes) -> None:
    command = (sys.executable, "-c", LIAR, ROOT, lie.hex())
    async with Renderer(RenderSettings(max_pages=5), command=command) as renderer:
        with pytest.raises(RendererDied) as caught:
            await renderer.render_message(b"x", out)
    assert caught.value.failure.kind is Kind.TEMPORARY
    assert list(out.parent.iterdir()) == []


async def test_a_child_that_asks_and_takes_no_answer_is_a_death(out: Path) -> None:
    questions = (frame(b"C", b"x") + frame(b"O", b"DOCX")) * 2000
    (out.parent / "questions").write_bytes(questions)
    deaf = DEAF.replace("bytes.fromhex(sys.argv[2])", "open(sys.argv[2], 'rb').read()")
    command = (sys.executable, "-c", deaf, ROOT, str(out.parent / "questions"))
    async with Renderer(RenderSettings(office="", timeout=20.0), command=command) as renderer:
        with pytest.raises(RendererDied, match="renderer_lied"):
            await renderer.render_message(b"x", out)


async def test_what_a_child_says_cannot_dress_up(out: Path) -> None:
    refusal = frame(b"E", b'{"status": "5.6.1", "sentence": "a\\u202eb\\u001b[1m\\nc", "code": "x"}')
    command = (sys.executable, "-c", LIAR, ROOT, refusal.hex())
    async with Renderer(SETTINGS, command=command) as renderer:
        with pytest.raises(GatewayError) as caught:
            await renderer.render_message(b"x", out)
    assert caught.value.failure.sentence == "a b [1m c"


async def test_a_cancelled_task_leaves_no_thread_behind(tmp_path: Path) -> None:
    """Its clean-up waits for what the thread still writes."""
    entered, told = asyncio.Event(), asyncio.Event()
    loop, go_on = asyncio.get_running_loop(), threading.Event()
    left: list[str] = []

    def write(place: Path) -> None:
        loop.call_soon_threadsafe(entered.set)
        go_on.wait(20)
        (place / "late").write_bytes(b"x")
        left.append("thread")

    async def work() -> None:
        async with threads.scratch(tmp_path) as place:
            try:
                await threads.to_end(write, place)
            finally:
                left.append("task")

    task = asyncio.create_task(work())
    await entered.wait()
    for _ in range(3):  # however often
        task.cancel()
        loop.call_soon(told.set)
        await told.wait()
        told.clear()
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left == ["thread", "task"]
    assert list(tmp_path.iterdir()) == []


async def test_an_errand_ends_after_what_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes its time, here a pipe that nobody reads yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    started, told = asyncio.Event(), asyncio.Event()

    async def send() -> None:
        office = Office("")
        async with Errand(office, office.allowance()) as errand:
            await errand.add(b"x")
            (place,) = tmp_path.iterdir()
            (place / "document").unlink()
            os.mkfifo(place / "document")
            started.set()
            await errand.add(b"y")

    task = asyncio.create_task(send())
    await started.wait()
    (place,) = tmp_path.iterdir()
    task.cancel()
    asyncio.get_running_loop().call_soon(told.set)
    await told.wait()
    assert place.exists()
    with (place / "document").open("rb") as slow:
        with pytest.raises(asyncio.CancelledError):
            await task
        assert slow.read() == b"y"
    assert list(tmp_path.iterdir()) == []


async def test_what_cannot_be_removed_hides_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EBUSY, "busy")

    async def work() -> None:
        async with threads.scratch(tmp_path) as place:
            (place / "file").touch()
            monkeypatch.setattr(os, "unlink", fail)
            raise ValueError("the verdict")

    with pytest.raises(ValueError, match="the verdict"):
        await work()
    monkeypatch.undo()
