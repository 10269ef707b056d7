"""What strangers wrote cannot command the terminal of the person who reads it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.common import cell, show_json, show_table

EVIL = "\x1b]0;title\x07\x1b[2J\x9b31m\u202egpj\r\n\tend\x7f"


@given(st.text(), st.sampled_from(["sender", "caller", "number", "reason"]))
def test_a_cell_is_one_printable_line(text: str, key: str) -> None:
    assert cell(text, key).isprintable()


def test_what_can_be_read_stays() -> None:
    assert cell("Zoë\u00a0שלום\tGmbH", "sender") == "Zoë שלום GmbH"
    assert cell(EVIL, "sender") == "\ufffd]0;title\ufffd\ufffd[2J\ufffd31m\ufffdgpj   end\ufffd"


def test_tables_and_json_are_harmless_too(capsys: pytest.CaptureFixture[str]) -> None:
    show_table([{"sender": EVIL}], {"sender": "FROM"}, "none")
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())
    show_json({"sender": EVIL})
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.splitlines())
    assert json.loads(shown) == {"sender": EVIL}
