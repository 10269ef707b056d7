"""Where pictures lie on a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.document.geometry import WIDTH
from gateway.document.raster.look import Box

_SMALLEST = 48
"""Pixels: smaller pictures are icons and bullets, drawn like everything around them."""
_MOST = 4
"""Pages' worth of pictures that are looked at; more only lie on top of each other."""
_MANY = 100
"""Pictures that are looked at; a page of more shows icons."""
_TOUCH = 2


def settle(boxes: Sequence[Box], height: int) -> list[Box]:
    """The pictures worth looking at, cut to the page, strips and tiles of one joined, largest first."""
    inside = {(max(0, x0), max(0, y0), min(WIDTH, x1), min(height, y1)) for x0, y0, x1, y1 in boxes}
    joined = _joined((box for box in inside if box[0] < box[2] and box[1] < box[3]), down=True)
    joined = _joined(joined, down=False)
    large = [box for box in joined if box[2] - box[0] >= _SMALLEST and box[3] - box[1] >= _SMALLEST]
    room = _MOST * WIDTH * height
    chosen = []
    for box in sorted(large, key=lambda box: (-area(box), box))[:_MANY]:
        room -= area(box)
        if room < 0:
            break
        chosen.append(box)
    return chosen


def area(box: Box) -> int:
    """Pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])


def _joined(boxes: Iterable[Box], *, down: bool) -> list[Box]:
    """Join boxes of the same width one below the other (or of the same height side by side) that touch."""
    along, across = (1, 0) if down else (0, 1)
    result: list[Box] = []
    for box in sorted(boxes, key=lambda box: (box[across], box[across + 2], box[along], box[along + 2])):
        last = result[-1] if result else box
        level = (last[across], last[across + 2]) == (box[across], box[across + 2])
        if result and level and box[along] <= last[along + 2] + _TOUCH:
            result[-1] = (*last[:2], max(last[2], box[2]), max(last[3], box[3]))
        else:
            result.append(box)
    return result
