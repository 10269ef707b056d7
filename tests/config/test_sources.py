"""Environment variables, credentials and secret files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import load

Write = Callable[..., Path]


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    directory = tmp_path / "credentials"
    directory.mkdir()
    return directory


def test_order_of_a_secrets_places(write: Write, usable: str, credentials: Path) -> None:
    literal = write(usable)
    with_file = write(usable.replace('password = "Tr0ub4dor&3"', 'password_file = "pw"'), "with_file.toml")
    write("from file\n", "pw")
    environ = {"FAX_GATEWAY__VOIPMS__PASSWORD": "from environment"}

    def password(path: Path, **more: str) -> str:
        return load(path, {**environ, **more}).settings.voipms.password.get_secret_value()

    assert load(literal, {}).settings.voipms.password.get_secret_value() == "Tr0ub4dor&3"
    assert password(literal) == "from environment"
    assert password(with_file) == "from file"
    (credentials / "voipms.password").write_text("from credential")
    assert password(with_file, CREDENTIALS_DIRECTORY=str(credentials)) == "from credential"
    assert password(literal, CREDENTIALS_DIRECTORY=str(credentials)) == "from credential"


def test_secrets_of_named_items(write: Write, usable: str, credentials: Path) -> None:
    mailbox = '[[mailbox]]\nname = "in-1.fax"\nhost = "imap.example.com"\nusername = "u"\n'
    path = write(usable.replace('code = "483920"\n', "") + mailbox)
    (credentials / "sender.office.code").write_text("word99\n")
    (credentials / "mailbox.in-1.fax.password").write_text("imap pw")
    settings = load(path, {"CREDENTIALS_DIRECTORY": str(credentials)}).settings
    assert set(settings.secrets()) >= {"word99", "imap pw"}
    environ = {
        "FAX_GATEWAY__SENDER__OFFICE__CODE": "env123",
        "FAX_GATEWAY__MAILBOX__IN_1_FAX__PASSWORD": "env pw",
    }
    assert set(load(path, environ).settings.secrets()) >= {"env123", "env pw"}


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"pw\n", "pw"), (b"pw\r\n", "pw"), (b" p w \n\n", " p w \n"), ("pä55".encode(), "pä55")],
)
def test_one_final_line_break_is_not_part_of_a_secret(
    write: Write, usable: str, content: bytes, secret: str
) -> None:
    write(content, "pw")
    path = write(usable.replace('password = "Tr0ub4dor&3"', 'password_file = "pw"'))
    assert load(path, {}).settings.voipms.password.get_secret_value() == secret


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "not a regular file"),
        (lambda path: os.mkfifo(path), "not a regular file"),
        (lambda path: path.write_bytes(b"\n"), "is empty"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not UTF-8"),
        (lambda path: path.write_bytes(b"x" * 65_537), "too large"),
    ],
)
def test_a_bad_secret_file_is_a_problem_on_its_line(
    problems: Callable[..., list[str]],
    usable: str,
    tmp_path: Path,
    make: Callable[[Path], None],
    message: str,
) -> None:
    make(tmp_path / "pw")
    (line,) = problems(usable.replace('password = "Tr0ub4dor&3"', 'password_file = "pw"'))
    assert line.startswith("config.toml:7:1: voipms.password_file: pw: ")
    assert message in line


def test_a_file_that_only_systemd_could_pass_says_so(
    problems: Callable[..., list[str]], usable: str, credentials: Path
) -> None:
    text = usable.replace('password = "Tr0ub4dor&3"', 'password_file = "/nonexistent/pw"')
    (line,) = problems(text, CREDENTIALS_DIRECTORY=str(credentials))
    assert "LoadCredential=" in line


def test_a_secrets_content_is_blamed_on_its_source(
    problems: Callable[..., list[str]], write: Write, usable: str, credentials: Path
) -> None:
    text = usable.replace('code = "483920"', 'code_file = "code"')
    write("not a code!", "code")
    (line,) = problems(text)
    assert line.startswith("config.toml:13:1: sender.1.code_file: a security code has")
    assert "not a code!" not in line
    (credentials / "sender.office.code").write_text("no!")
    (line,) = problems(text, CREDENTIALS_DIRECTORY=str(credentials))
    assert line.startswith("credentials/sender.office.code: sender.1.code: a security code has")
    (line,) = problems(usable, FAX_GATEWAY__SENDER__OFFICE__CODE="no!")
    assert line.startswith("environment: FAX_GATEWAY__SENDER__OFFICE__CODE: a security code has")


def test_a_secret_twice_in_the_file_is_refused(
    problems: Callable[..., list[str]], write: Write, usable: str
) -> None:
    write("pw", "pw")
    (line,) = problems(usable.replace("from_number", 'password_file = "pw"\nfrom_number'))
    assert "password is given too" in line


def test_a_secret_file_must_be_a_path(problems: Callable[..., list[str]], usable: str) -> None:
    (line,) = problems(usable.replace('password = "Tr0ub4dor&3"', "password_file = 7"))
    assert "must be the path of a file" in line


def test_readable_secrets_are_a_warning(write: Write, usable: str, credentials: Path) -> None:
    (warning,) = load(write(usable, mode=0o640), {}).warnings
    assert (warning.line, warning.key) == (7, "voipms.password")
    assert "others can read" in warning.message
    assert load(write(usable, mode=0o600), {}).warnings == ()

    write("pw", "pw", mode=0o644)
    path = write(
        usable.replace('password = "Tr0ub4dor&3"', 'password_file = "pw"').replace('"483920"', '"code99"'),
        mode=0o600,
    )
    (warning,) = load(path, {}).warnings
    assert (warning.line, warning.key) == (7, "voipms.password_file")

    guarded = credentials / "config.toml"
    guarded.write_text(usable)
    guarded.chmod(0o440)
    assert load(guarded, {"CREDENTIALS_DIRECTORY": str(credentials)}).warnings == ()


def test_variables_set_single_values(loaded: Callable[..., object], write: Write, usable: str) -> None:
    settings = load(
        write(usable),
        {
            "FAX_GATEWAY__LOG__LEVEL": "debug",
            "FAX_GATEWAY__SMTP__MAX_RECIPIENTS": "7",
            "FAX_GATEWAY__RECEIVE__ENABLED": "true",
            "FAX_GATEWAY__SENDER_RULES__REFRESH": "1.5",
            "FAX_GATEWAY__SENDER__OFFICE__MAX_PAGES": "9",
            "FAX_GATEWAY_CONFIG": "ignored here",
            "UNRELATED": "x",
        },
    ).settings
    assert settings.log.level == "debug"
    assert settings.smtp.max_recipients == 7
    assert settings.sender_rules.refresh == 1.5
    assert settings.senders[0].max_pages == 9


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("FAX_GATEWAY__LOG__LEVL", "did you mean FAX_GATEWAY__LOG__LEVEL?"),
        ("FAX_GATEWAY__SENDER__NOBODY__CODE", "no such setting"),
        ("FAX_GATEWAY__GATEWAY__DOMAINS", "is a list"),
        ("FAX_GATEWAY__SMTP__LISTENER", "no such setting"),
    ],
)
def test_variables_that_set_nothing_are_refused(
    problems: Callable[..., list[str]], usable: str, name: str, message: str
) -> None:
    (line,) = problems(usable, **{name: "s3cret-value"})
    assert line.startswith(f"environment: {name}: ")
    assert message in line
    assert "s3cret-value" not in line


def test_systemds_directories_stand_in(write: Write, usable: str) -> None:
    environ = {"STATE_DIRECTORY": "/var/lib/x:/var/lib/y", "RUNTIME_DIRECTORY": "/run/x"}
    gateway = load(write(usable), environ).settings.gateway
    assert (gateway.state_dir, gateway.control_path) == (Path("/var/lib/x"), Path("/run/x/control.sock"))
    own = usable.replace("[gateway]", '[gateway]\nstate_dir = "here"\ncontrol_socket = "here/c"')
    path = write(own)
    gateway = load(path, environ).settings.gateway
    assert (gateway.state_dir, gateway.control_path) == (path.parent / "here", path.parent / "here/c")
