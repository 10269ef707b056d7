"""A store in a temporary directory, and the smallest mail that fills it."""

from collections.abc import AsyncIterator
from pathlib import Path

import hypothesis
import pytest
from support.submissions import make_submission

from gateway.model import Submission
from gateway.store import Store

hypothesis.settings.register_profile("gateway", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("gateway")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "state")
    store.open()
    yield store
    store.close()


@pytest.fixture
def submission() -> Submission:
    return make_submission()
