"""A store in a temporary directory, and the smallest mail that fills it."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
from support import bad_day, postgres
from support.submissions import make_submission

from gateway import journal
from gateway.model import Submission
from gateway.store import Store

hypothesis.settings.register_profile("gateway", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("gateway")

LONG = 100
"""Mails of a crash campaign that make it a long one."""
_ROOTS = frozenset({"dovecot", "postfix"})
"""Peers that change users."""


FUZZED = pytest.StashKey[dict[str, str]]()
"""What came of each fuzz campaign, for the end of the report."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz", type=int, default=40, metavar="CASES", help="spoilt files for each fuzz campaign"
    )
    parser.addoption("--campaign", type=int, default=24, metavar="MAILS", help="mails of each crash campaign")
    parser.addoption("--rate", type=float, default=2.0, metavar="R", help="mails a second of a campaign")
    parser.addoption("--every", type=float, default=2.0, metavar="S", help="seconds between its faults")
    parser.addoption("--seed", type=int, default=1, metavar="N", help="what happens in a crash campaign")
    parser.addoption("--sums", default="", metavar="FILE", help="add each crash campaign's sums (JSON lines)")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FUZZED] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long runs with the long campaigns."""
    if config.getoption("--campaign") < LONG:
        short = [item for item in items if item.get_closest_marker("long") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in short])
        items[:] = short


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
    if program == "postgresql":
        return postgres.missing()
    if shutil.which(program) is None:
        return f"{program} is not installed"
    if program in _ROOTS and os.geteuid() != 0:
        return f"{program} changes users and must be started by root"
    return ""


@pytest.fixture(autouse=True)
def _no_outage() -> None:
    """What one test met is no news of another one's."""
    journal.forget_outages()


@pytest.fixture(scope="session")
def bad_day_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mark tests that use it, or a `bad_day`, with ``peer("cc")``."""
    return bad_day.compiled(tmp_path_factory.mktemp("bad_day"))


@pytest.fixture(scope="session")
def _cluster() -> Iterator[postgres.Cluster]:
    cluster = postgres.Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def cluster(_cluster: postgres.Cluster) -> postgres.Cluster:
    """A running PostgreSQL; mark tests that use it with ``peer("postgresql")``."""
    if not _cluster.running:
        _cluster.start()
    return _cluster


@pytest.fixture(scope="session")
def _migrated(_cluster: postgres.Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the schema, to be copied."""
    name = _cluster.database()
    store = Store(tmp_path_factory.mktemp("migrated"), url=_cluster.url(name))
    store.open()
    store.close()
    return name


@pytest.fixture
def database(cluster: postgres.Cluster, _migrated: str) -> Iterator[str]:
    """The URL of an empty database with the schema."""
    name = cluster.database(_migrated)
    yield cluster.url(name)
    if cluster.running:
        cluster.drop(name)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "state")
    store.open()
    yield store
    store.close()


@pytest.fixture
def submission() -> Submission:
    return make_submission()
