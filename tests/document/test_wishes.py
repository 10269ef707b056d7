"""Which documents get a cover page and a header line, and what stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings
from gateway.document.wishes import Wishes
from gateway.errors import GatewayError, Kind

SENDER = {"from_name": "Clinic", "from_number": "5552340000"}


def wishes(rule: dict[str, Any] | None = None, **document: Any) -> Wishes:
    sender = {"name": "office", "addresses": ["*"], "code": "483920", **(rule or {})}
    return Wishes(
        Settings.model_validate(
            {"document": document, "sender": [sender], "voipms": {"timezone": "America/New_York"}}
        )
    )


def test_nothing_is_added_unless_asked_for() -> None:
    assert wishes().cover("office", **SENDER, numbers=["+15552341234"], subject="").mode == "off"
    assert wishes().header("office", **SENDER) is None


@pytest.mark.parametrize(
    ("rule", "document", "wanted"),
    [
        ({}, {"cover": "text", "header_line": True}, ("text", True)),
        ({"cover": "on", "header_line": True}, {}, ("on", True)),
        ({"cover": "off", "header_line": False}, {"cover": "on", "header_line": True}, ("off", False)),
    ],
)
def test_a_rule_decides_before_the_document_table(
    rule: dict[str, Any], document: dict[str, Any], wanted: tuple[str, bool]
) -> None:
    made = wishes(rule, **document)
    header = made.header("office", **SENDER)
    assert (made.cover("office", **SENDER, numbers=[], subject="").mode, header is not None) == wanted


def test_a_rule_that_is_gone_leaves_the_document_table() -> None:
    assert wishes({"cover": "off"}, cover="on").cover("old", **SENDER, numbers=[], subject="").mode == "on"


def test_one_recipient_does_not_learn_of_the_others() -> None:
    made = wishes(cover="on")
    alone = made.cover("office", **SENDER, numbers=["+15552341234"], subject="Invoice")
    assert (alone.fields["to_number"], alone.number) == ("(555) 234-1234", "+15552341234")
    assert "to_name" not in alone.fields
    several = made.cover("office", **SENDER, numbers=["+15552341234", "+15552341235"], subject="x")
    assert several.fields["to_name"] == "2 recipients"
    assert [made.fields["subject"] for made in (alone, several)] == ["Invoice", "x"]
    assert "1234" not in str(several)
    assert "1235" not in str(several)


def test_the_header_line_identifies_the_sender() -> None:
    header = wishes(header_line=True).header("office", **SENDER)
    assert header is not None
    assert (header.sender, header.number) == ("Clinic", "(555) 234-0000")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d E[SD]T", header.time)


def test_without_a_name_of_the_rule_the_account_speaks_and_then_the_gateway() -> None:
    header = wishes(header_line=True).header("office", from_name="", from_number="")
    assert header is not None
    assert header.sender == "Fax gateway"
    account = {"from_name": "Harbour Clinic", "from_number": "5552340000"}
    document = {"header_line": True, "cover": "on"}
    made = Wishes(Settings.model_validate({"voipms": account, "document": document}))
    header = made.header("command", from_name="", from_number="")
    assert header is not None
    assert (header.sender, header.number) == ("Harbour Clinic", "(555) 234-0000")
    fields = made.cover("command", from_name="", from_number="", numbers=[], subject="").fields
    assert (fields["organisation"], fields["from_number"]) == ("Harbour Clinic", "(555) 234-0000")


def test_files_of_the_administrator_are_read_each_time(tmp_path: Path) -> None:
    template, logo = tmp_path / "cover.typ", tmp_path / "logo.png"
    template.write_text("= Fax")
    logo.write_bytes(b"png")
    made = wishes(cover="on", cover_template=str(template), cover_logo=str(logo), cover_notice="Private.")
    cover = made.cover("office", **SENDER, numbers=[], subject="")
    assert (cover.template, cover.logo, cover.notice) == ("= Fax", b"png", "Private.")
    logo.unlink()
    with pytest.raises(GatewayError) as raised:
        made.cover("office", **SENDER, numbers=[], subject="")
    assert raised.value.failure.kind is Kind.TEMPORARY
