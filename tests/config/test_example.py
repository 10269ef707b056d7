"""config.example.toml: parses, is complete, agrees with the defaults, and works once it is filled in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings, load
from gateway.config.schema import TABLES

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
TEXT = EXAMPLE.read_text()
COMMENTED = re.compile(r"^#(?=\[|[a-z_]+ = )", re.MULTILINE)

FILLED = {
    "domains = []": 'domains = ["fax.example.com"]',
    'username = ""': 'username = "owner@example.com"',
    'from_number = ""': 'from_number = "5552340000"',
    "addresses = []": 'addresses = ["*@example.com"]',
    'code = ""': 'code = "483920"',
    "to = []": 'to = ["office@example.com"]',
}


def everything() -> dict[str, Any]:
    """The file with every option switched on; ``...`` stands for options that have no default to show."""
    text = COMMENTED.sub("", TEXT)
    return tomllib.loads(re.sub(r"= \.\.\.$", '= "..."', text, flags=re.MULTILINE))


def item(table: Any) -> dict[str, Any]:
    value: Any = everything()
    for part in table.path:
        value = value[part]
    return value[0] if table.many else value


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.header)
def test_every_option_is_there_and_agrees_with_the_default(table: Any) -> None:
    fields = table.fields()
    shown = {key: value for key, value in item(table).items() if key in fields or key in table.files()}
    assert set(fields) - set(shown) <= set(table.secrets())
    for key, value in shown.items():
        field = fields.get(key)
        if field is None:
            continue
        if value == "..." or field.is_required() or re.search(rf"^{key} = ", TEXT, re.MULTILINE):
            assert value != "..." or field.is_required() or field.default is None
        else:
            default = table.model.model_validate(required(table))
            actual = table.model.model_validate({**required(table), key: value})
            assert getattr(actual, attribute(table, key)) == getattr(default, attribute(table, key)), key


def required(table: Any) -> dict[str, Any]:
    return {key: field.examples[0] for key, field in table.fields().items() if field.is_required()}


def attribute(table: Any, key: str) -> str:
    return next(name for name, field in table.model.model_fields.items() if (field.alias or name) == key)


def test_every_secret_is_explained() -> None:
    for table in TABLES:
        for key in table.secrets():
            assert f"{key}_file" in TEXT
            assert key in item(table) or f"{key}_file" in item(table)


def test_unfilled_it_asks_for_exactly_what_is_empty(problems: Callable[..., list[str]]) -> None:
    keys = [line.split(": ")[1] for line in problems(TEXT)]
    assert keys == [
        "gateway.domains",
        "voipms.username",
        "voipms.password_file",
        "voipms.from_number",
        "sender.1.addresses",
        "sender.1.code",
        "route.1.to",
    ]


def test_filled_in_it_is_accepted(write: Callable[..., Path]) -> None:
    text = TEXT
    for old, new in FILLED.items():
        text = re.sub(rf"^{re.escape(old)}$", new, text, flags=re.MULTILINE)
    write("the api password\n", "voipms.password")
    loaded = load(write(text), {})
    assert [str(warning) for warning in loaded.warnings if "gateway.admin" not in str(warning)] == []
    assert isinstance(loaded.settings, Settings)


def test_every_option_is_explained_above_it() -> None:
    """A block of options begins with its explanation, but for those that speak for themselves."""
    unexplained = re.findall(r"\n\n#?([a-z_]+) = ", TEXT)
    assert set(unexplained) <= {"enabled", "source", "timeout"}
