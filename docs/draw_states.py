"""Writes docs/states.md from the tables of moves: ``python docs/draw_states.py``. A test keeps them equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway import moves
from gateway.lifecycle import FaxState
from gateway.moves import EFFECTS, GUARDS, Move

HEAD = """# States and moves

Drawn from the tables in `gateway/moves.py` by `docs/draw_states.py`; do not edit.

Every move is one transaction, and its event (`queue show` has them) names the trigger. A move that is not
here raises. It is written only from the state and under the fence that its maker saw: whoever was overtaken,
by another node, a person or a later call, writes nothing. One thing has no guard: the outcome of a call is
added to its attempt whoever has the fax by then.
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


def diagram(table: Sequence[Move]) -> str:
    """A Mermaid state diagram; states without a way out end."""
    triggers: dict[tuple[str, str], list[str]] = {}
    for move in table:
        for source in move.sources:
            triggers.setdefault((source or "[*]", move.target), []).append(move.trigger)
    lines = [f"    {source} --> {target}: {', '.join(words)}" for (source, target), words in triggers.items()]
    ends = [f"    {state} --> [*]" for state, targets in moves.targets(table).items() if not targets]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, *ends, "```"])


def rows(table: Sequence[Move]) -> str:
    """The table for people."""
    lines = ["| from | to | trigger | by | when | guards | owes |", "|---|---|---|---|---|---|---|"]
    for move in table:
        sources = ", ".join(f"`{source}`" if source else "*new*" for source in move.sources)
        cells = [
            sources,
            f"`{move.target}`",
            f"`{move.trigger}`",
            move.who,
            move.when,
            ", ".join(f"`{guard}`" for guard in move.guards),
            ", ".join(f"`{effect}`" for effect in move.owes),
        ]
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines)


def words(title: str, meaning: Mapping[str, str]) -> str:
    """A table of words."""
    return "\n".join(
        [f"| {title} | meaning |", "|---|---|", *(f"| `{key}` | {text} |" for key, text in meaning.items())]
    )


def page() -> str:
    """The whole document."""
    return (
        "\n\n".join(
            [
                HEAD.strip(),
                "## Fax",
                words("state", MEANING),
                diagram(moves.FAX),
                rows(moves.FAX),
                words("guard", GUARDS),
                words("owed", EFFECTS),
                "## Document",
                diagram(moves.DOCUMENT),
                rows(moves.DOCUMENT),
                "## Received fax",
                diagram(moves.RECEIVED),
                rows(moves.RECEIVED),
                "## Mail of ours",
                diagram(moves.OUTBOX),
                rows(moves.OUTBOX),
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name("states.md").write_text(page())
