"""Decoding by Pillow as it should be: what is cut off is an error, and nothing is said to nobody."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import ImageFile


@contextmanager
def strictly() -> Iterator[None]:
    """Pictures that are decoded meanwhile must be whole: WeasyPrint has Pillow accept others as well.

    Warnings are left out: sizes are checked before, and the others help nobody.
    """
    lenient = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient
