"""Where LibreOffice is, which of its modules opens what, and what it is told before it starts."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

_LIBRARIES = ("libmergedlo.so", "libsofficeapp.so")
"""Where LibreOfficeKit is: distributions build one large library, the project itself builds many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How LibreOffice opens one kind of document."""

    suffix: str
    module: str
    library: str
    """The file of the module, which distributions package each by itself."""
    opens: str
    """Name of its filter for reading."""
    saves: str
    """Name of its filter for writing PDF."""


def _kinds(module: str, library: str, filters: dict[str, str]) -> dict[str, Kind]:
    saves = f"{module.lower()}_pdf_Export"
    return {
        suffix.upper(): Kind(suffix=suffix, module=module, library=library, opens=opens, saves=saves)
        for suffix, opens in filters.items()
    }


_WRITER = {"docx": "MS Word 2007 XML", "odt": "writer8", "rtf": "Rich Text Format", "doc": "MS Word 97"}
_CALC = {"xlsx": "Calc MS Excel 2007 XML", "ods": "calc8", "xls": "MS Excel 97"}
_IMPRESS = {"pptx": "Impress MS PowerPoint 2007 XML", "odp": "impress8", "ppt": "MS PowerPoint 97"}
KINDS = {
    **_kinds("Writer", "libswlo.so", _WRITER),
    **_kinds("Calc", "libsclo.so", _CALC),
    **_kinds("Impress", "libsdlo.so", _IMPRESS),
}
"""By the name of the format as `sniff.Format` has it."""

_COMMON = "/org.openoffice.Office.Common/"
_SETTINGS: tuple[tuple[str, str, str], ...] = (
    (_COMMON + "Security/Scripting", "MacroSecurityLevel", "3"),
    (_COMMON + "Security/Scripting", "CheckDocumentEvents", "true"),
    (_COMMON + "Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("/org.openoffice.Office.Writer/Content/Update", "Link", "0"),  # never
    ("/org.openoffice.Office.Calc/Content/Update", "Link", "1"),  # never
    ("/org.openoffice.Office.Java/VirtualMachine", "Enable", "false"),
    (_COMMON + "Misc", "UseOpenCL", "false"),
    ("/org.openoffice.Office.Recovery/AutoSave", "Enabled", "false"),
    ("/org.openoffice.Office.Recovery/RecoveryInfo", "Enabled", "false"),
    (_COMMON + "Filter/PDF/Export", "ExportFormFields", "false"),  # drawn with their values
    ("/org.openoffice.Setup/Office", "ooSetupInstCompleted", "true"),
)

_REGISTRY = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{items}</oor:items>
"""
_ITEM = '<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>\n'


def program(command: str) -> Path | None:
    """The directory of LibreOffice's libraries, found from the command that starts it; None: not there."""
    found = shutil.which(command) if command else None
    directory = Path(found).resolve().parent if found else None
    return directory if directory and library(directory) else None


def library(directory: Path) -> Path | None:
    """The library that has LibreOfficeKit."""
    return next((directory / name for name in _LIBRARIES if (directory / name).is_file()), None)


def prepare(directory: Path, program: Path) -> None:
    """Make a user profile in `directory`, with as little to do at the start as possible."""
    user = directory / "user"
    (user / "extensions").mkdir(parents=True)
    items = "".join(_ITEM.format(path=path, name=name, value=value) for path, name, value in _SETTINGS)
    (user / "registrymodifications.xcu").write_text(_REGISTRY.format(items=items))
    _add_macros(user / "basic")
    # A profile that names no build is taken for an old one: it is cleaned up, and a restart asked for.
    version = program / "versionrc"
    build = re.search(r"^buildid=(.*)$", version.read_text("utf-8"), re.M) if version.is_file() else None
    if build:
        (user / "extensions" / "buildid").write_text(build[1])


def _add_macros(directory: Path) -> None:
    """The library Standard with the module Fax, as LibreOffice stores them."""
    from xml.sax.saxutils import escape  # here, since it brings urllib and http, which few documents need

    library = directory / "Standard"
    library.mkdir(parents=True)
    source = escape(Path(__file__).with_name("convert.bas").read_text("utf-8"))
    spaces = 'xmlns:library="http://openoffice.org/2000/library" xmlns:xlink="http://www.w3.org/1999/xlink"'
    where = "$(USER)/basic/Standard/script.xlb/"
    (directory / "script.xlc").write_text(
        f'<library:libraries {spaces}><library:library library:name="Standard" xlink:href="{where}"'
        ' xlink:type="simple" library:link="false"/></library:libraries>'
    )
    (library / "script.xlb").write_text(
        f'<library:library {spaces} library:name="Standard" library:readonly="false"'
        ' library:passwordprotected="false"><library:element library:name="Fax"/></library:library>'
    )
    (library / "Fax.xba").write_text(
        '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Fax"'
        f' script:language="StarBasic">{source}</script:module>'
    )


def environment(directory: Path) -> dict[str, str]:
    """The converter's environment: nothing of the daemon's."""
    return {
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "SAL_USE_VCLPLUGIN": "svp",  # no display
        "SAL_DISABLE_OPENCL": "1",
        "OOO_DISABLE_RECOVERY": "1",
        # Each thread would reserve address space of its own: gigabytes where there are many processors.
        "MALLOC_ARENA_MAX": "2",
        "MAX_CONCURRENCY": "2",
    }
