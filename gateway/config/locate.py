"""Finds the line and column of every key in a TOML text, which `tomllib` does not tell.

Uses the tree-sitter grammar; where that is not installed nothing is found and problems show the key alone.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import TYPE_CHECKING

from gateway.config.problems import Loc

if TYPE_CHECKING:
    from tree_sitter import Node

Position = tuple[int, int]
"""Line and column, both from 1; columns count characters."""


def positions(text: str) -> dict[Loc, Position]:
    """Where each key, table and list item of `text` begins; empty without the grammar."""
    try:
        import tree_sitter_toml
        from tree_sitter import Language, Parser
    except ImportError:
        return {}
    source = text.encode()
    walk = _Walk(source)
    walk.document(Parser(Language(tree_sitter_toml.language())).parse(source).root_node)
    return walk.found


def nearest(found: dict[Loc, Position], loc: Loc) -> Position | None:
    """The position of `loc` or, for a key that is missing, of the innermost table around it."""
    for length in range(len(loc), 0, -1):
        if (position := found.get(loc[:length])) is not None:
            return position
    return None


class _Walk:
    def __init__(self, source: bytes) -> None:
        self.found: dict[Loc, Position] = {}
        self._lines = source.split(b"\n")
        self._items: Counter[Loc] = Counter()  # [[array]] tables seen so far, by way to the array

    def document(self, root: Node) -> None:
        for node in root.named_children:
            if node.type == "pair":
                self._pair(node, ())
            elif node.type in ("table", "table_array_element"):
                self._table(node)

    def _table(self, node: Node) -> None:
        header, *rest = [child for child in node.named_children if child.type != "comment"]
        names = _names(header)
        way = self._resolve(names[:-1])
        self._note(way, node)
        way = (*way, names[-1])
        if node.type == "table_array_element":
            self._note(way, node)
            self._items[way] += 1
        way = self._latest(way)
        self._note(way, node)
        for child in rest:
            if child.type == "pair":
                self._pair(child, way)

    def _pair(self, node: Node, way: Loc) -> None:
        header, *rest = [child for child in node.named_children if child.type != "comment"]
        for name in _names(header):
            way = (*way, name)
            self._note(way, header)
        for value in rest:
            self._value(value, way)

    def _value(self, node: Node, way: Loc) -> None:
        children = [child for child in node.named_children if child.type != "comment"]
        if node.type == "inline_table":
            for child in children:
                self._pair(child, way)
        elif node.type == "array":
            for index, child in enumerate(children):
                self._note((*way, index), child)
                self._value(child, (*way, index))

    def _resolve(self, names: list[str]) -> Loc:
        way: Loc = ()
        for name in names:
            way = self._latest((*way, name))
        return way

    def _latest(self, way: Loc) -> Loc:
        """`way`, or its newest item when it leads to an array of tables (TOML 1.0: headers refer to that)."""
        return (*way, self._items[way] - 1) if way in self._items else way

    def _note(self, way: Loc, node: Node) -> None:
        line, column = node.start_point.row, node.start_point.column
        self.found.setdefault(way, (line + 1, len(self._lines[line][:column].decode(errors="replace")) + 1))


def _names(node: Node) -> list[str]:
    if node.type == "dotted_key":
        return [name for child in node.named_children for name in _names(child)]
    raw = (node.text or b"").decode()
    return list(tomllib.loads(f"{raw} = 0")) if node.type == "quoted_key" else [raw]
