"""Writes docs/states.md from the tables of moves: ``python docs/draw_states.py``. A test keeps them equal."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path

from gateway.lifecycle import DOCUMENT_MOVES, FAX_MOVES, OUTBOX_MOVES, RECEIVED_MOVES, FaxState

HEAD = """# States and moves

Drawn from the tables in `gateway/lifecycle.py` by `docs/draw_states.py`; do not edit. Every move is one
transaction with an event row; a move that is not here raises.
"""

MEANING = {
    FaxState.ACCEPTED: "committed; waits for its pages or its turn",
    FaxState.WAITING: "certainly not sent; tried again at a time",
    FaxState.SUBMITTING: "intent committed; the call may be under way",
    FaxState.UNKNOWN: "the call ended without a word that proves anything",
    FaxState.SENT: "the provider accepted it; its outcome is awaited",
    FaxState.HELD: "waits for a person: nothing proves what happened",
    FaxState.DELIVERED: "final: every page arrived",
    FaxState.PARTIAL: "final: success with fewer pages than were sent; never resent by itself",
    FaxState.FAILED: "final: not delivered",
    FaxState.CANCELLED: "final: withdrawn before it was sent",
    FaxState.UNCONFIRMED: "final: held, and nobody resolved it in time",
}


def diagram(moves: Mapping[enum.StrEnum, frozenset[enum.StrEnum]]) -> str:
    """A Mermaid state diagram; states without a way out end."""
    first = next(iter(moves))
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    for source, targets in moves.items():
        lines += [f"    {source} --> {target}" for target in sorted(targets)]
        if not targets:
            lines.append(f"    {source} --> [*]")
    return "\n".join([*lines, "```"])


def page() -> str:
    """The whole document."""
    meaning = "\n".join(f"| `{state}` | {text} |" for state, text in MEANING.items())
    return "\n\n".join(
        [
            HEAD,
            "## Fax\n\n| state | meaning |\n|---|---|\n" + meaning,
            diagram(FAX_MOVES),  # type: ignore[arg-type]  # keyed by one enum each
            "## Document\n\n" + diagram(DOCUMENT_MOVES),  # type: ignore[arg-type]
            "## Received fax\n\n" + diagram(RECEIVED_MOVES),  # type: ignore[arg-type]
            "## Mail of ours\n\n" + diagram(OUTBOX_MOVES) + "\n",  # type: ignore[arg-type]
        ]
    )


if __name__ == "__main__":
    Path(__file__).with_name("states.md").write_text(page())
