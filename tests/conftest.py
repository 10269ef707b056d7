"""A store in a temporary directory, and the smallest mail that fills it."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import hypothesis
import pytest
from support.submissions import make_submission

from gateway.model import Submission
from gateway.store import Store

hypothesis.settings.register_profile("gateway", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("gateway")

_ROOTS = frozenset({"dovecot", "postfix"})
"""Peers that change users."""


FUZZED = pytest.StashKey[dict[str, str]]()
"""What came of each fuzz campaign, for the end of the report."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz", type=int, default=40, metavar="CASES", help="spoilt files for each fuzz campaign"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FUZZED] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for campaign, counts in config.stash[FUZZED].items():
        terminalreporter.write_line(f"fuzz {campaign}: {counts}")


@pytest.fixture
def fuzzed(pytestconfig: pytest.Config) -> dict[str, str]:
    return pytestconfig.stash[FUZZED]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose peer program is missing here, and say so; fail it where peers are required."""
    for marker in item.iter_markers("peer"):
        if reason := _missing(*marker.args):
            if os.environ.get("FAX_GATEWAY_REQUIRE_PEERS") == "1":
                pytest.fail(reason)
            pytest.skip(reason)


def _missing(program: str) -> str:
    if shutil.which(program) is None:
        return f"{program} is not installed"
    if program in _ROOTS and os.geteuid() != 0:
        return f"{program} changes users and must be started by root"
    return ""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "state")
    store.open()
    yield store
    store.close()


@pytest.fixture
def submission() -> Submission:
    return make_submission()
