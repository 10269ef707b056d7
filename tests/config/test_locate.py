"""Where keys stand in a TOML text."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.locate import nearest, positions
from gateway.config.problems import Loc

TEXT = """\
# a comment
title = "x"
a.b.c = 1
[smtp]
banner = "é" # aside
list = [
    1,  # one
    "é", {z = 2},
]
[["quoted.name"]]
k = {in = 1, "é" = {deep = 2}}
[[smtp.listener]]
address = "one"
[smtp.listener.extra]
deep = true
[[smtp.listener]]
  address = "two"
"""


def test_every_form_of_key() -> None:
    found = positions(TEXT)
    expected: dict[Loc, tuple[int, int]] = {
        ("title",): (2, 1),
        ("a", "b", "c"): (3, 1),
        ("a",): (3, 1),
        ("smtp",): (4, 1),
        ("smtp", "banner"): (5, 1),
        ("smtp", "list", 0): (7, 5),
        ("smtp", "list", 1): (8, 5),
        ("smtp", "list", 2, "z"): (8, 11),
        ("quoted.name", 0): (10, 1),
        ("quoted.name", 0, "k", "in"): (11, 6),
        ("quoted.name", 0, "k", "é", "deep"): (11, 21),
        ("smtp", "listener"): (12, 1),
        ("smtp", "listener", 0, "address"): (13, 1),
        ("smtp", "listener", 0, "extra", "deep"): (15, 1),
        ("smtp", "listener", 1): (16, 1),
        ("smtp", "listener", 1, "address"): (17, 3),
    }
    assert {loc: found.get(loc) for loc in expected} == expected


def test_a_missing_key_is_at_its_table() -> None:
    found = positions(TEXT)
    assert nearest(found, ("smtp", "listener", 1, "tls")) == (16, 1)
    assert nearest(found, ("voipms", "username")) is None


keys = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), max_size=5
).map(lambda text: f'"{text}"')
values = st.recursive(
    st.sampled_from(["1", '"é # ["', "true", "'x'", "1979-05-27"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ",\n".join(items) + "]")
        | st.lists(st.tuples(keys, inner), max_size=3, unique_by=lambda pair: pair[0].strip('"')).map(
            lambda pairs: "{" + ", ".join(f"{key} = {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=5,
)
tables = st.lists(
    st.tuples(
        st.sampled_from(["[{}]", "[[{}]]", "[[shared]]"]),
        st.lists(st.tuples(keys, values), max_size=3, unique_by=lambda pair: pair[0].strip('"')),
    ),
    max_size=5,
).map(
    lambda tables: "\n".join(
        header.format(f"t{index}") + "\n" + "\n".join(f"{key} = {value}" for key, value in pairs)
        for index, (header, pairs) in enumerate(tables)
    )
)


def leaves(value: Any, way: Loc = ()) -> list[Loc]:
    if isinstance(value, dict):
        return [loc for key, item in value.items() for loc in [(*way, key), *leaves(item, (*way, key))]]
    if isinstance(value, list):
        return [
            loc for index, item in enumerate(value) for loc in [(*way, index), *leaves(item, (*way, index))]
        ]
    return []


@given(tables)
def test_every_key_tomllib_reads_has_a_position_that_shows_it(text: str) -> None:
    lines = text.split("\n")
    found = positions(text)
    for loc in leaves(tomllib.loads(text)):
        line, column = found[loc]
        rest = lines[line - 1][column - 1 :]
        if isinstance(loc[-1], str):
            assert rest.lstrip("[").startswith((loc[-1], f'"{loc[-1]}"'))
        else:
            assert rest
