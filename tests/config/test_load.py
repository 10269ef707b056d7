"""All problems in one run, each at its place, and no secret in any of them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import ConfigError, Settings, default_path, load
from gateway.config.checks import check
from gateway.config.load import salvage
from gateway.config.schema import TABLES

Write = Callable[..., Path]
Problems = Callable[..., list[str]]

SPOILED = """\
[gateway]
domains = "fax.example.com"
countri = "US"
[voipms]
usrname = "x"
password = 1234567
url = "https://www.voip.ms/api"
username = "owner@example.com"
[[sender]]
name = "a"
addresses = ["*"]
code_required = false
max_pages = "many"
[[sender]]
name = "a"
code = 5552341234
users = ["bob", "eve"]
[[user]]
name = "bob"
password_hash = "hunter2"
[[smtp.listener]]
address = "0.0.0.0:25"
tls = "implicit"
[[smtp.listener]]
address = "0.0.0.0"
[[route]]
numbers = ["*"]
[sender_rule]
[[mailbox]]
[mail]
password_file = "nope"
[receive]
max_pages = 3
"""


def test_every_problem_in_one_run(problems: Problems) -> None:
    assert problems(SPOILED, FAX_GATEWAY__LOG__LEVEL="loud") == [
        'config.toml:2:1: gateway.domains: this is a list; write ["..."], also for one value',
        "config.toml:3:1: gateway.countri: no such key in [gateway] (did you mean country?)",
        "config.toml:4:1: voipms.from_number: is missing, and so it is for sender a, a"
        " (one of the account's fax numbers)",
        "config.toml:5:1: voipms.usrname: no such key in [voipms] (did you mean username?)",
        "config.toml:6:1: voipms.password: must be text (put it in quotes)",
        "config.toml:7:1: voipms.url: leave out 'www.': that host answers with a redirect, which loses the"
        " uploaded fax",
        'config.toml:11:14: sender.1.addresses.1: "*" without a required code lets everybody fax at your'
        " cost",
        "config.toml:13:1: sender.1.max_pages: must be a valid integer, unable to parse string as an integer",
        "config.toml:15:1: sender.2.name: this name was given before",
        "config.toml:16:1: sender.2.code: must be text (put it in quotes)",
        "config.toml:17:17: sender.2.users.2: there is no [[user]] eve",
        "config.toml:20:1: user.1.password_hash: not an argon2 hash ($argon2id$v=19$...); a password itself"
        " does not belong here",
        'config.toml:21:1: smtp.listener.1.tls_cert: is missing with tls = "implicit"',
        'config.toml:21:1: smtp.listener.1.tls_key: is missing with tls = "implicit"',
        "config.toml:22:1: smtp.listener.1.address: others could connect and claim to be any sender (set"
        " tls and auth, or name the mail servers that may connect in smtp.trusted_networks)",
        "config.toml:25:1: smtp.listener.2.address: '0.0.0.0' is not an address and port such as"
        " 127.0.0.1:2525 or [::1]:2525",
        "config.toml:26:1: route.1.to: is missing",
        "config.toml:28:1: sender_rule: no such table (did you mean sender_rules?)",
        "config.toml:29:1: mailbox.1.name: is missing",
        "config.toml:29:1: mailbox.1.host: is missing",
        "config.toml:29:1: mailbox.1.username: is missing",
        "config.toml:29:1: mailbox.1.password: is missing (password_file is the usual place)",
        "config.toml:31:1: mail.password_file: nope: No such file or directory",
        "config.toml:33:1: receive.max_pages: no such key in [receive] (there is one in [[sender]] and"
        " [document])",
        "environment: FAX_GATEWAY__LOG__LEVEL: must be 'debug', 'info', 'warning' or 'error'",
    ]


def test_a_usable_file_loads_without_warnings(loaded: Callable[..., Any]) -> None:
    result = loaded()
    assert result.warnings == ()
    assert result.settings.senders[0].name == "office"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[voipms]\npassword = "hunter2\n', "config.toml:2:20: TOML: Illegal character '\\n'"),
        ("[gateway]\n[gateway]\n", "config.toml:2:9: TOML: Cannot declare"),
        ("a = ", "config.toml:1:5: TOML: Invalid value"),
        ("a = 1\n[b", "config.toml:2:3: TOML: Expected ']'"),
    ],
)
def test_a_text_that_is_not_toml_is_one_problem(problems: Problems, text: str, line: str) -> None:
    (only,) = problems(text)
    assert only.startswith(line)
    assert "hunter2" not in only


def test_what_cannot_be_read(tmp_path: Path, write: Write, problems: Problems) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        load(tmp_path / "nowhere.toml", {})
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path, {})
    assert problems(b"[gateway]\nname = '\xff'\n") == ["config.toml:2:1: is not UTF-8 text"]


def test_other_editors_files_load(loaded: Callable[..., Any], usable: str) -> None:
    assert loaded(b"\xef\xbb\xbf" + usable.replace("\n", "\r\n").encode()).settings.gateway.domains


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sender = 5", "sender: must be a table, [[sender]]"),
        ('[sender]\nname = "a"', "sender: may stand several times, so its header is [[sender]]"),
        ("[[smtp]]", "smtp: stands once, so its header is [smtp]"),
        ("voipms = 'x'", "voipms: must be a table, [voipms]"),
        ("smtp.listener = 3", "smtp.listener: must be a table, [[smtp.listener]]"),
        ("user = [1]", "user.1: must be a table"),
        ('username = "x"', "username: no such table (there is one in [voipms] and [[mailbox]] and [mail])"),
        ("[voipms]\npasword_file = 'x'", "did you mean password_file?"),
    ],
)
def test_shapes_that_are_wrong(problems: Problems, text: str, message: str) -> None:
    assert any(message in line for line in problems(text))


def test_an_error_has_no_past(write: Write) -> None:
    """Neither a chained exception nor a frame's text shows what stood in the file."""
    path = write('[voipms]\npassword = ["hunter2"]\n[mail]\npassword = { a = "hunter2" }\n')
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_without_the_grammar_the_key_remains(write: Write, usable: str) -> None:
    path = write(usable.replace("domains", "domain"))
    program = (
        "import sys; sys.modules['tree_sitter_toml'] = None\n"
        "from pathlib import Path; from gateway.config import ConfigError, load\n"
        "try: load(Path(sys.argv[1]), {})\n"
        "except ConfigError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert f"{path}: gateway.domain: no such key in [gateway]" in done.stdout


def test_default_path(tmp_path: Path) -> None:
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert default_path({}) == default_path(environ) == Path("/etc/fax-gateway/config.toml")
    (tmp_path / "config.toml").touch()
    assert default_path(environ) == tmp_path / "config.toml"
    assert default_path({**environ, "FAX_GATEWAY_CONFIG": "/x.toml"}) == Path("/x.toml")


SECRET_KEYS = [(table, key) for table in TABLES for key in table.secrets()]


@pytest.mark.parametrize(("table", "key"), SECRET_KEYS, ids=lambda part: getattr(part, "header", part))
@pytest.mark.parametrize(
    "value", ['"sw0rd fish!"', '["sw0rd fish!"]', '{ "sw0rd fish!" = 1 }', "9876543210.5"]
)
def test_no_secret_in_any_problem(write: Write, table: Any, key: str, value: str) -> None:
    path = write(f"{table.header}\n{key} = {value}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.problems)
    assert "fish" not in shown
    assert "9876543210" not in shown


names = [name for table in TABLES for name in (*table.path, *table.keys())]
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["*", "a@b.c"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(names) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from([table.path[0] for table in TABLES]), junk, max_size=6))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_what_is_left_of_any_nonsense_can_be_checked(data: dict[str, Any]) -> None:
    from pydantic import ValidationError

    try:
        Settings.model_validate(data)
    except ValidationError as error:
        rest = salvage(data, [detail["loc"] for detail in error.errors()], {})
        assert all(finding.message for finding in check(rest))


@pytest.mark.parametrize("line", range(len(tomllib.loads(SPOILED)) + 20))
def test_a_file_without_one_of_its_lines_still_gets_an_answer(write: Write, line: int) -> None:
    lines = SPOILED.split("\n")
    with pytest.raises(ConfigError):
        load(write("\n".join(lines[:line] + lines[line + 1 :])), {})
