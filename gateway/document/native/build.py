"""Hatchling's build hook: compile the C code beside its source. It never fails a build.

Without a compiler, or where it does not work or the tree cannot be written to, what is built is a wheel
without native code, which does the same more slowly.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NativeBuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is there while building only
    """Called for each wheel; also for an editable one, whose source tree then has the library."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and mark the wheel as made for this kind of machine if that worked."""
        if self.target_name != "wheel":
            return
        compiler = _neighbour("compile")
        problem = compiler.compile_to(compiler.TARGET)
        if problem is not None:
            with contextlib.suppress(OSError):
                compiler.TARGET.unlink(missing_ok=True)  # made from other source
            self.app.display_warning(f"Built without native code, which is slower: {problem}")
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["artifacts"].append("/gateway/document/native/fax.so")


def _neighbour(name: str) -> Any:
    """A module of this folder; the package is not there to be imported while it is built."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
