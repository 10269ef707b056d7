"""What is told about a document afterwards, in few words. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

MOST = 500
"""Notes about one document; the daemon believes nobody who has more to say."""
_RUNS = 8
"""What one sentence lists at most, to stay within the 300 characters of a note."""


def blank_pages(sources: Iterable[str]) -> Iterator[str]:
    """A sentence for each source of blank pages, however many those are: the back sides of a long scan, say.

    `sources`: as sheets have them, ``The attachment "scan.pdf", page 2``, perhaps with ``, part 3``.
    """
    for (source, what), places in itertools.groupby(map(_place, sources), lambda place: place[:2]):
        numbers = [number for _source, _what, number in places]
        several = len(numbers) > 1
        verb = "are blank and were" if several else "is blank and was"
        yield f"{source}, {what}{'s' if several else ''} {_listed(numbers)} {verb} left out."


def capped(notes: Sequence[str]) -> list[str]:
    """At most `MOST` notes; the last one tells how many more there were."""
    if len(notes) <= MOST:
        return list(notes)
    return [*notes[: MOST - 1], f"{len(notes) - MOST + 1} more notes are not shown."]


def _place(source: str) -> tuple[str, str, int]:
    """Of what, ``page`` or ``part``, and which."""
    place, what, number = source.rsplit(maxsplit=2)
    return place.removesuffix(","), what, int(number)


def _listed(numbers: Sequence[int]) -> str:
    """``2, 4 and 6 to 12``."""
    runs = list(_runs(numbers))
    shown = [f"{first} to {last}" if last > first else f"{first}" for first, last in runs[:_RUNS]]
    if len(runs) > _RUNS:
        shown.append(f"{sum(last - first + 1 for first, last in runs[_RUNS:])} more")
    *most, final = shown
    return f"{', '.join(most)} and {final}" if most else final


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of what is best said as one: three and more numbers that follow each other, else one."""
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        members = [number for _index, number in run]
        if len(members) > 2:
            yield members[0], members[-1]
        else:
            yield from ((number, number) for number in members)
