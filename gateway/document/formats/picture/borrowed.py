"""The pixels of a decoded picture without a copy, by the Arrow C data interface that Pillow speaks.

`numpy.asarray` has Pillow hand it over in pieces of 64 kB and puts them together: for a scan that takes as
long as to scale it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class _ArrowArray(ctypes.Structure):
    """struct ArrowArray, without its end."""

    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    )


_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


@contextmanager
def pixels(picture: Image.Image) -> Iterator[NDArray[np.uint8]]:
    """Rows and columns of a grey ("L") picture, to be read meanwhile; a copy if they are not in one piece."""
    picture.load()
    try:
        _schema, capsule = picture.__arrow_c_array__()
    except ValueError:
        yield np.asarray(picture)
        return
    array = _ArrowArray.from_address(_pointer(capsule, b"arrow_array"))
    size = picture.width * picture.height
    values = array.buffers[1] if array.n_buffers == 2 and array.offset == 0 else None
    if values is None or array.length != size:
        yield np.asarray(picture)
        return
    content = (ctypes.c_uint8 * size).from_address(values)
    yield np.ctypeslib.as_array(content).reshape(picture.height, picture.width)
    del capsule  # Pillow keeps the pixels as long as it lives
