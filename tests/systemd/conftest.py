"""Skips what needs a program this machine lacks, unless it must be there."""

from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture(autouse=True)
def peer(request: pytest.FixtureRequest) -> None:
    for marker in request.node.iter_markers("peer"):
        (program,) = marker.args
        if shutil.which(program) is None:
            if os.environ.get("FAX_GATEWAY_REQUIRE_PEERS") == "1":
                pytest.fail(f"{program} is required but not installed")
            pytest.skip(f"{program} is not installed")
