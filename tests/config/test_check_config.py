"""The command, as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Write = Callable[..., Path]


def run(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FAX_GATEWAY")}
    program = "from gateway.cli.check_config import command; command()"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**clean, **environ},
        timeout=30,
    )


def test_a_usable_configuration(write: Write, usable: str) -> None:
    path = write(usable.replace('admin = ["admin@example.com"]', ""))
    done = run("--config", path)
    assert done.returncode == 0
    assert f"{path} is usable." in done.stdout
    assert "office: *@example.com, code required" in done.stdout
    assert f"warning: {path}:1:1: gateway.admin: is empty" in done.stderr
    assert "Tr0ub4dor" not in done.stdout + done.stderr
    assert "483920" not in done.stdout + done.stderr


def test_json_of_a_usable_one(write: Write, usable: str) -> None:
    done = run("--json", FAX_GATEWAY_CONFIG=str(write(usable)))
    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"], report["errors"], report["warnings"]) == (0, True, [], [])
    assert report["settings"]["sender"][0]["addresses"] == ["*@example.com"]
    assert report["settings"]["gateway"]["control_socket"] == "/run/fax-gateway/control.sock"
    assert "Tr0ub4dor" not in done.stdout
    assert "483920" not in done.stdout


def test_problems_go_to_standard_error_and_78(write: Write, usable: str) -> None:
    path = write(usable.replace("domains", "domain").replace("483920", "secret code"))
    done = run("--config", path)
    assert (done.returncode, done.stdout) == (78, "")
    lines = done.stderr.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{path}:1:1", f"{path}:2:1", f"{path}:13:1"]
    assert "secret code" not in done.stderr


def test_problems_as_json(write: Write, usable: str) -> None:
    path = write(usable.replace("domains", "domain"))
    done = run("--config", path, "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr, report["ok"], report["settings"]) == (78, "", False, None)
    assert report["errors"][1] == {
        "file": str(path),
        "line": 2,
        "column": 1,
        "key": "gateway.domain",
        "message": "no such key in [gateway]",
        "hint": "did you mean domains?",
    }


def test_no_file(tmp_path: Path) -> None:
    done = run("--config", tmp_path / "none.toml")
    assert done.returncode == 78
    assert "No such file or directory" in done.stderr


def test_the_stores_password_is_shown_nowhere(write: Write, usable: str) -> None:
    path = write(f'{usable}\n[store]\nurl = "postgresql://fax:Tr0mbone@db.example.com/fax"\n')
    done = run("--config", path, "--json")
    report = json.loads(done.stdout)
    assert report["settings"]["store"]["node"] == ""
    assert "Tr0mbone" not in done.stdout + done.stderr


def test_a_store_url_that_is_none_is_not_quoted(write: Write, usable: str) -> None:
    for url in ("mysql://fax:Tr0mbone@db/fax", "postgresql://fax:Tr0mbone@db", "postgresql://[fax:Tr0mbone"):
        done = run("--config", write(f'{usable}\n[store]\nurl = "{url}"\n'))
        assert done.returncode == 78
        assert "store.url" in done.stderr
        assert "Tr0mbone" not in done.stdout + done.stderr


def test_a_database_that_does_not_answer_is_told(write: Write, usable: str) -> None:
    url = "postgresql://fax:Tr0mbone@127.0.0.1:9/fax"  # nothing listens on the discard port
    done = run("--config", write(f'{usable}\n[store]\nurl = "{url}"\n'))
    assert done.returncode == 0
    assert "store.url: postgresql://fax@127.0.0.1:9/fax does not answer" in done.stderr
    assert "Tr0mbone" not in done.stdout + done.stderr


def test_a_missing_driver_is_told(write: Write, usable: str) -> None:
    path = write(f'{usable}\n[store]\nurl = "postgresql://fax@127.0.0.1:9/fax"\n')
    program = (
        "import importlib.util as u; find = u.find_spec; "
        "u.find_spec = lambda name, *a: None if name == 'psycopg' else find(name, *a); "
        "from gateway.cli.check_config import command; command()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--config", str(path)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 78
    assert "pip install 'fax-gateway[postgres]'" in done.stderr
