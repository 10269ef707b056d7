"""The log: shapes for each reader, and nothing in it that must not be there."""

from __future__ import annotations

import errno
import inspect
import io
import json
import logging
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import journal
from gateway.errors import GatewayError, permanent
from gateway.journal.outage import Outages
from gateway.journal.redact import mask, redact, scrub

SECRET = 'p@ss "wörd"/7'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A log that is read instead of shown; the process' logging is put back afterwards."""
    loggers = [
        logging.getLogger(),
        *(logging.getLogger(name) for name in ("gateway", "mail.log", "uvicorn", "mail")),
    ]
    levels = [one.level for one in loggers]
    handlers = list(logging.getLogger().handlers)
    yield io.StringIO()
    logging.captureWarnings(False)
    logging.getLogger().handlers[:] = handlers
    for one, level in zip(loggers, levels, strict=True):
        one.setLevel(level)
    journal.forget_secrets()


def read(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def setup(stream: io.StringIO, **options: Any) -> None:
    journal.setup(stream=stream, environ={}, **options)


def test_logfmt(stream: io.StringIO) -> None:
    setup(stream)
    journal.accepted(queue_id="2125550100", sender="ann@example.com", numbers=["+12125550100"], size=12)
    (line,) = read(stream)
    assert re.fullmatch(
        r"timestamp=\S+ level=info event=accepted queue_id=2125550100 sender=ann@example.com"
        r" numbers=…0100 size=12 via=smtp",
        line,
    )


def test_json(stream: io.StringIO) -> None:
    setup(stream, format="json")
    journal.held(fax_id="f1", number="5552341234", reason="no proof")
    (line,) = read(stream)
    entry = json.loads(line)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {
        "event": "held",
        "level": "warning",
        "fax_id": "f1",
        "number": "…1234",
        "reason": "no proof",
    }


def test_level_is_ours_alone(stream: io.StringIO) -> None:
    setup(stream, level="debug")
    logging.getLogger("gateway").debug("visible")
    for name in (
        "mail.log",
        "uvicorn.error",
        "httpx",
        "httpcore.http11",
        "imapclient.imaplib",
        "alembic.runtime",
    ):
        logging.getLogger(name).info("AUTH PLAIN c2VjcmV0")
        logging.getLogger(name).debug("DATA ...")
    assert len(read(stream)) == 1
    setup(stream, level="warning")
    journal.stopped()
    assert len(read(stream)) == 1


def test_other_libraries_records_take_the_same_way(stream: io.StringIO) -> None:
    journal.register_secret(SECRET)
    logging.captureWarnings(False)  # whatever another test left switched on
    setup(stream, format="json")
    logging.getLogger("mail.debug").warning("RCPT %s with %s", "2125550100@fax.example.com", SECRET)
    logging.getLogger("asyncio").error("task failed", exc_info=ValueError(f"cannot use {SECRET}"))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn(f"deprecated {SECRET}", UserWarning, stacklevel=1)
    entries = [json.loads(line) for line in read(stream)]
    assert [entry["logger"] for entry in entries] == ["mail.debug", "asyncio", "py.warnings"]
    assert entries[0]["event"] == "RCPT …0100@fax.example.com with [hidden]"
    assert "ValueError: cannot use [hidden]" in entries[1]["exception"]
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize("format_", ["logfmt", "json", "console"])
def test_a_secret_is_nowhere_in_any_form(stream: io.StringIO, format_: str) -> None:
    journal.register_secret(SECRET)
    journal.register_secret("hunter2")
    setup(stream, format=format_)
    forms = f"{SECRET!r} https://h/?p=p%40ss%20%22w%C3%B6rd%22%2F7 {json.dumps(SECRET)}"
    journal.crashed_item(stage="submit", item_id="hunter2", error=RuntimeError(forms))
    journal.failed(fax_id="1", number="5552341234", reason=f"it was {SECRET}, really (hunter2)")
    text = stream.getvalue()
    assert "hidden" in text
    for form in (SECRET, "hunter2", "p@ss", "p%40ss", "wörd", "w\\u00f6rd"):
        assert form not in text


def quoting(words: str) -> Exception:
    """Exceptions that led to each other, each of which says `words`."""
    failure = permanent("5.6.1", f'The attachment "{words}" is empty.', code="empty")
    try:
        try:
            {}[words]
        except KeyError:
            int(words)
    except ValueError as error:
        error.__cause__ = OSError(errno.ENOSPC, words, f"/{words}")
        return ExceptionGroup(words, [error, GatewayError(failure)])
    raise AssertionError


@pytest.mark.parametrize("format_", ["logfmt", "json", "console"])
def test_a_fault_says_where_it_is_and_quotes_nothing(stream: io.StringIO, format_: str) -> None:
    setup(stream, format=format_)
    journal.crashed_item(stage="document", item_id="d1", error=quoting("HIV result"))
    text = stream.getvalue()
    assert "HIV" not in text
    for word in ("ExceptionGroup", "OSError (ENOSPC)", "ValueError", "GatewayError (empty)", "in quoting"):
        assert word in text


def test_keys_that_are_never_written() -> None:
    event = {
        "event": "x",
        "password": "a",
        "code": "b",
        "subject": "c",
        "body": "d",
        "mail_password": "e",
        "kept": 1,
    }
    assert redact(None, "", {**event, "inner": {"code": "f", "kept": 2}}) == {
        "event": "x",
        "kept": 1,
        "inner": {"kept": 2},
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call 212-555-0100 now", "call …0100 now"),
        ("(212) 555-0100", "…0100"),
        ("+44 20 7183 8750.", "…8750."),
        ("1.212.555.0100", "…0100"),
        ("<12125550100@fax.example.com>", "<…0100@fax.example.com>"),
        ("2026-11-23 14:12:00 at 127.0.0.1:2525", "2026-11-23 14:12:00 at 127.0.0.1:2525"),
        ("sha256 a2125550100f", "sha256 a2125550100f"),
        ("5 of 120 pages in 3.25 s", "5 of 120 pages in 3.25 s"),
    ],
)
def test_numbers_in_sentences(text: str, shown: str) -> None:
    assert redact(None, "", {"event": text})["event"] == shown


def test_numbers_under_their_own_keys() -> None:
    event = {
        "number": "911",
        "did": 5552341234,
        "caller": "Ann <555-2341>",
        "numbers": ("+4512345678",),
        "pages": 9,
    }
    assert redact(None, "", dict(event)) == {
        "number": "…11",
        "did": "…1234",
        "caller": "…2341",
        "numbers": ["…5678"],
        "pages": 9,
    }


def test_masking_can_be_switched_off(stream: io.StringIO) -> None:
    setup(stream, mask_numbers=False)
    try:
        journal.cancelled(fax_id="1", number="5552341234")
        assert "number=5552341234" in stream.getvalue()
    finally:
        setup(stream)
    assert mask("5552341234") == "…1234"


def test_a_peer_cannot_forge_lines_or_move_the_cursor(stream: io.StringIO) -> None:
    setup(stream)
    journal.refused_mail(peer="192.0.2.1", sender="a\nlevel=error\x1b[2J\u2028\u202e", reason="relay")
    (line,) = read(stream)
    assert "\x1b" not in line
    assert r"sender=a\nlevel=error\x1b[2J\u2028\u202e" in line.replace('"', "").replace("\\\\", "\\")


@given(st.text())
def test_any_text_stays_on_one_line(text: str) -> None:
    cleaned = redact(None, "", {"event": text})["event"]
    assert cleaned.isprintable()


@given(st.text(min_size=4), st.text(), st.text())
def test_registered_means_gone(secret: str, before: str, after: str) -> None:
    journal.register_secret(secret)
    try:
        assert (
            secret not in scrub(before + secret + after).replace("[hidden]", "") or secret in before + after
        )
    finally:
        journal.forget_secrets()


def test_priorities_for_the_journal() -> None:
    """As a service: $JOURNAL_STREAM names standard error, every line has its priority and none has a time."""
    program = """
import os
from gateway import journal
status = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
journal.setup()
journal.started(version="1", listeners=["127.0.0.1:2525"])
journal.locked_out(peer="192.0.2.1", identity="a@example.com", seconds=60)
journal.service_ended(service="smtp", error=OSError("gone"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [
        "<6>event=started version=1 listeners=127.0.0.1:2525",
        "<4>event=locked_out peer=192.0.2.1 identity=a@example.com seconds=60",
        "<2>event=service_ended service=smtp",
        "<2>OSError: gone",
    ]


def test_a_redirected_stream_is_not_the_journal() -> None:
    program = "from gateway import journal; journal.setup(); journal.stopped()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "JOURNAL_STREAM": "1:2"},
    )
    assert done.stderr.startswith("timestamp=")


def test_a_terminal_gets_the_console(stream: io.StringIO) -> None:
    leader, follower = os.openpty()
    with os.fdopen(follower, "w") as terminal, os.fdopen(leader, "rb") as screen:
        journal.setup(stream=terminal, environ={})
        journal.draining(reason="SIGTERM")
        terminal.flush()
        shown = screen.read1().decode()
    assert "draining" in shown
    assert "event=" not in shown


def test_a_broken_stream_stops_nobody(stream: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    broken = os.fdopen(writer, "w")
    journal.setup(stream=broken, environ={})
    journal.stopped()
    with pytest.raises(BrokenPipeError):
        broken.close()
    assert capfd.readouterr() == ("", "")


def test_an_outage_is_said_once_and_so_is_its_end(stream: io.StringIO) -> None:
    setup(stream)
    journal.forget_outages()
    for _ in range(3):
        journal.provider_trouble(reason="time-out")
        journal.mailbox_trouble(mailbox="office", reason="refused")
    journal.provider_trouble(reason="invalid_credentials")
    journal.provider_recovered()
    journal.provider_recovered()
    journal.relay_recovered(relay="mail:25")
    journal.provider_trouble(reason="time-out")
    journal.provider_recovered()
    journal.mailbox_recovered(mailbox="office")
    events = [re.search(r"event=.*", line)[0] for line in read(stream)]  # type: ignore[index]
    assert events == [
        "event=provider_trouble reason=time-out",
        "event=mailbox_trouble reason=refused mailbox=office",
        "event=provider_trouble reason=invalid_credentials",
        "event=provider_recovered down_seconds=0 failed_tries=4",
        "event=provider_trouble reason=time-out",
        "event=provider_recovered down_seconds=0 failed_tries=1",
        "event=mailbox_recovered down_seconds=0 failed_tries=3 mailbox=office",
    ]


def test_the_length_of_an_outage(stream: io.StringIO) -> None:
    setup(stream)
    times = iter([100.0, 101.0, 190.4])
    outages = Outages(clock=lambda: next(times))
    outages.trouble("down", "x", "gone", {})
    outages.trouble("down", "x", "gone", {})
    outages.recovered("up", "x", {})
    assert "event=up down_seconds=90 failed_tries=2" in read(stream)[-1]


EVENTS = [
    function
    for name, function in inspect.getmembers(journal, inspect.isfunction)
    if function.__module__ == "gateway.journal" and not name.startswith(("_", "forget_"))
]
SAMPLES: dict[str, Any] = {
    "str": "x",
    "int": 1,
    "float": 1.0,
    "bool": True,
    "Sequence[str]": ["x"],
    "BaseException": ValueError("x"),
}


@pytest.mark.parametrize("function", EVENTS, ids=lambda function: function.__name__)
def test_every_event_is_written_under_its_own_name(stream: io.StringIO, function: Any) -> None:
    setup(stream)
    journal.forget_outages()
    parameters = inspect.signature(function).parameters.values()
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters)
    values = {p.name: SAMPLES[p.annotation.removesuffix(" | None")] for p in parameters}
    name = function.__name__
    for end, beginning in (("_recovered", "_trouble"), ("_resumed", "_paused")):
        if name.endswith(end):  # says nothing unless there was trouble
            getattr(journal, name.replace(end, beginning))(reason="x", **values)
    function(**values)
    journal.forget_outages()
    assert f"event={'on_duty' if name == 'duty' else name}" in stream.getvalue()
