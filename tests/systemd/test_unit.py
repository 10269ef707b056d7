"""The shipped unit: valid, hardened, and in agreement with the settings and libraries it runs."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config import from_dict
from gateway.config.checks import DRAIN_MARGIN, STOP_SECONDS

UNIT = Path(__file__).parents[2] / "systemd" / "fax-gateway.service"


def directives() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/fax-gateway/bin/fax-gateway", "/bin/true"))
    return copy


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


@pytest.mark.peer("systemd-analyze")
def test_verify_has_nothing_to_say(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    unit.write_text(unit.read_text().replace("OOMPolicy=", "OOMPolizy="))
    assert "OOMPolizy" in analyze("verify", "--man=no", unit).stderr


@pytest.mark.peer("systemd-analyze")
def test_exposure_is_at_most_two(unit: Path) -> None:
    done = analyze("security", "--offline=true", "--threshold=20", unit)
    assert done.returncode == 0, done.stdout[-300:]
    unit.write_text(re.sub(r"^(Protect|Restrict|System|Capab).*$", "", unit.read_text(), flags=re.MULTILINE))
    assert analyze("security", "--offline=true", "--threshold=20", unit).returncode != 0


@pytest.mark.peer("systemd-analyze")
@pytest.mark.parametrize(
    "call",
    [
        *("prlimit64", "prctl", "setsid", "fork", "fsync", "ftruncate", "pidfd_open", "kill"),
        *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
    ],
)
def test_the_renderer_may_limit_and_stop_its_children(call: str) -> None:
    """System calls the renderer lives on are in what the unit allows and in no set that it takes away."""
    sets: dict[str, list[str]] = {}
    name = ""
    for line in analyze("syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = []
        elif line.startswith("    ") and not line.strip().startswith("#"):
            sets[name].append(line.strip())

    def calls(group: str) -> set[str]:
        return {one for entry in sets[group] for one in (calls(entry) if entry in sets else {entry})}

    service, named, deny = directives()["SystemCallFilter"]
    assert call in calls(service) | (set(named.split()) & calls("@known"))
    for group in deny.removeprefix("~").split():
        assert call not in calls(group)


def test_stop_waits_for_an_upload_in_flight() -> None:
    voipms = from_dict({}).voipms
    (stop,) = directives()["TimeoutStopSec"]
    longest = 2 * voipms.connect_timeout + voipms.write_timeout + voipms.read_timeout
    assert int(stop) == STOP_SECONDS > longest + DRAIN_MARGIN


def test_memory_holds_all_renderers() -> None:
    document = from_dict({}).document
    (limit,) = directives()["MemoryMax"]
    assert int(limit.removesuffix("G")) * 1024 >= document.workers * document.memory_mb + 512


def test_defaults_of_the_settings_are_the_units_directories() -> None:
    gateway = from_dict({}).gateway
    assert str(gateway.state_dir) == "/var/lib/" + directives()["StateDirectory"][0]
    assert str(gateway.control_path) == f"/run/{directives()['RuntimeDirectory'][0]}/control.sock"


def test_notifications_come_from_the_daemon_alone() -> None:
    unit = directives()
    assert (unit["Type"], unit["NotifyAccess"]) == (["notify"], ["main"])
    assert unit["RestartPreventExitStatus"] == ["64 78"]
    assert (unit["Restart"], unit["StartLimitIntervalSec"]) == (["on-failure"], ["0"]), "nobody need help"
    assert [credential.partition(":")[0] for credential in unit["LoadCredential"]] == [
        "config.toml",
        "voipms.password",
    ]


EXERCISE = """
import ctypes, io, mmap
assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError:
    print("denied")
import argon2, cryptography.hazmat.bindings._rust, PIL.Image, pydantic, pypdfium2, sqlalchemy, typst
pdf = typst.compile(b"= Fax", format="pdf")
page = pypdfium2.PdfDocument(pdf)[0].render(grayscale=True).to_pil().convert("1")
page.save(io.BytesIO(), "TIFF", compression="group4")
argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x")
print("rendered", page.width > 0)
"""


def _kernel_has_mdwe() -> bool:
    return ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) >= 0


@pytest.mark.skipif(not _kernel_has_mdwe(), reason="the kernel lacks PR_SET_MDWE (Linux 6.3)")
def test_compiled_libraries_work_without_writable_code() -> None:
    """MemoryDenyWriteExecute=yes, for those who do without LibreOffice, as the kernel itself enforces it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EXERCISE], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["denied", "rendered True"], done.stderr
