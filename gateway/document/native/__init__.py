"""The shared object with the C code of this folder, if the build hook could make one (see `build`).

It is loaded when this module is, before a child shuts itself in. The environment variable
``FAX_GATEWAY_NATIVE=0`` leaves it out.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

ABI = 4
"""Has to be FAX_ABI of fax.h: what was built from older source is not used."""
FILE = "fax.so"

_POINTER, _SIZE = ctypes.c_void_p, ctypes.c_size_t


def load(path: Path) -> ctypes.CDLL | None:
    """Load the library at `path`; None if it is missing, made for another machine, or out of date."""
    try:
        library = ctypes.CDLL(str(path))
        library.fax_abi.restype = ctypes.c_uint32
        if library.fax_abi() != ABI:
            return None
    except (OSError, AttributeError):
        return None
    library.fax_survey.argtypes = (_POINTER, _SIZE, _SIZE, _POINTER, _POINTER, _POINTER, _POINTER)
    library.fax_quartered.argtypes = (_POINTER, _SIZE, _SIZE, _POINTER, _POINTER)
    library.fax_threshold.argtypes = (_POINTER, _SIZE, _POINTER, _SIZE, _SIZE, _POINTER)
    library.fax_screen.argtypes = (_POINTER, _POINTER, _SIZE, _SIZE, _SIZE, _SIZE, _POINTER, _SIZE)
    library.fax_drawn.argtypes = (_POINTER, _POINTER, _POINTER, _POINTER, _SIZE, _POINTER)
    library.fax_scanned.argtypes = (_POINTER, _POINTER, _SIZE, _SIZE, _POINTER)
    weights = (_POINTER, _POINTER, _SIZE)
    library.fax_resize.argtypes = (_POINTER, _SIZE, _SIZE, _POINTER, _SIZE, _SIZE, *weights, *weights)
    library.fax_g4.argtypes = (_POINTER, _SIZE, _POINTER, _SIZE)
    read = (_POINTER, _POINTER, _POINTER, _POINTER, _POINTER)
    library.fax_ccitt.argtypes = (ctypes.c_char_p, *(_SIZE,) * 3, ctypes.c_int, ctypes.c_int, *read)
    library.fax_g4_room.argtypes = (_SIZE,)
    library.fax_g4_room.restype = library.fax_g4.restype = _SIZE
    for name in ("fax_survey", "fax_quartered", "fax_threshold", "fax_screen", "fax_ccitt"):
        getattr(library, name).restype = None
    return library


LIBRARY = None if os.environ.get("FAX_GATEWAY_NATIVE") == "0" else load(Path(__file__).with_name(FILE))
