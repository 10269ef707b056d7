"""What to do with the messages of a polled folder, by their UIDs and the ledger alone. Pure.

Flags are not a ledger: other clients read, flag and unflag the same folder, so UNSEEN decides nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What SELECT tells about a folder (RFC 9051, 2.3.1.1)."""

    uidvalidity: int
    uidnext: int
    """A message that arrives from now on has this UID or a higher one."""


class Contact(enum.Enum):
    """How a folder stands to what was recorded about it."""

    FIRST = enum.auto()
    SAME = enum.auto()
    RENUMBERED = enum.auto()
    """UIDVALIDITY changed: no recorded UID means anything any more."""


def contact(mark: tuple[int, int] | None, selected: Selected) -> Contact:
    """Compare the recorded ``(uidvalidity, high_water)`` with the folder as it is."""
    if mark is None:
        return Contact.FIRST
    return Contact.SAME if mark[0] == selected.uidvalidity else Contact.RENUMBERED


def first_mark(selected: Selected, *, include_existing: bool) -> int:
    """High-water mark at first contact: everything that is there, or nothing."""
    return 0 if include_existing else selected.uidnext - 1


def to_judge(
    uids: Iterable[int],
    *,
    high_water: int,
    decided: Collection[int] = (),
    withdrawn: Collection[int] = (),
    suspects: Collection[int] = (),
) -> list[int]:
    """The UIDs of new mail in order of arrival; `suspects` come last, so that they stop nobody.

    `decided` have a row in the ledger. `withdrawn` are flagged as deleted: their owner took them back before
    we looked.
    """
    # A search for "n:*" names the last message even when it is older than n.
    fresh = {uid for uid in uids if uid > high_water and uid not in decided and uid not in withdrawn}
    return sorted(fresh, key=lambda uid: (uid in suspects, uid))


class Strikes:
    """Counts how often each message ended in an error nobody planned for. Forgets with the process."""

    LIMIT = 3
    """After so many the message is set aside, so that it does not stop the others for ever."""

    def __init__(self) -> None:
        self._count: dict[tuple[int, int], int] = {}

    def add(self, uidvalidity: int, uid: int) -> bool:
        """Note one more; tell whether that was the last."""
        count = self._count.get((uidvalidity, uid), 0) + 1
        self._count[uidvalidity, uid] = count
        return count >= self.LIMIT

    def clear(self, uidvalidity: int, uid: int) -> None:
        """The message was decided after all."""
        self._count.pop((uidvalidity, uid), None)

    def suspects(self, uidvalidity: int) -> set[int]:
        """UIDs that have at least one strike."""
        return {uid for validity, uid in self._count if validity == uidvalidity}


def back_off(failures: int, *, first: float = 1.0, longest: float = 300.0) -> float:
    """Seconds to wait before the next connection after `failures` failed ones in a row (1 or more)."""
    return min(longest, first * 2.0 ** min(max(failures, 1) - 1, 30))
