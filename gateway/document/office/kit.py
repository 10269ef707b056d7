"""LibreOffice as a library.

The C interface LibreOfficeKit (include/LibreOfficeKit/LibreOfficeKit.h in LibreOffice's sources), which only
ever grows at the end. Unlike the program ``soffice`` it needs no socket, no second process and no restart.
Its own functions to load and save show every document in a window, for which installations without a screen
lack the parts, and leave the choice of the filter to LibreOffice; so all it does is to run macros of the
profile.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

_RUN_MACRO = 11
"""Index in struct _LibreOfficeKitClass, whose first word is its size; since LibreOffice 6.0."""


class Unusable(Exception):  # noqa: N818  says what LibreOffice is
    """LibreOffice could not be started."""


class Kit:
    """LibreOffice in this process. There can be one, once."""

    def __init__(self, library: Path, profile: Path) -> None:
        """`library`: the one with LibreOfficeKit; `profile`: directory of the user profile."""
        try:
            hook = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL).libreofficekit_hook_2
        except (OSError, AttributeError) as error:
            raise Unusable from error
        hook.restype = ctypes.c_void_p
        hook.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
        self._kit = hook(str(library.parent).encode(), profile.as_uri().encode())
        if not self._kit:
            raise Unusable
        self._run = _method(self._kit, _RUN_MACRO, ctypes.c_int, ctypes.c_char_p)

    def run(self, macro: str, *arguments: str) -> bool:
        """Call a function of the module Fax; what it returns."""
        quoted = ",".join(f'"{argument}"' for argument in arguments)  # none has quotation marks in it
        url = f"macro:///Standard.Fax.{macro}({quoted})"
        return bool(self._run(self._kit, url.encode()))


def _method(this: int, index: int, result: type[Any], *arguments: type[Any]) -> Any:
    """A function of an object whose first word points to its table of functions."""
    table = ctypes.cast(this, ctypes.POINTER(ctypes.c_void_p))[0]
    address = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))[index]
    return ctypes.CFUNCTYPE(result, ctypes.c_void_p, *arguments)(address)
