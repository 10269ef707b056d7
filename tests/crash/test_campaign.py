"""Never lost, never twice: a short campaign, or long ones by ``--campaign MAILS --seed N``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.postgres import Cluster

from crash import campaign
from crash.campaign import Plan


def check(sums: campaign.Sums, config: pytest.Config) -> None:
    """Keep what came of it, then judge."""
    if path := config.getoption("--sums"):
        with Path(path).open("a") as file:
            file.write(json.dumps(sums.to_json()) + "\n")
    print(json.dumps(sums.to_json(), indent=1))
    assert (sums.lost, sums.doubled, sums.held, sums.other) == ([], [], [], [])
    assert sums.mails == config.getoption("--campaign")
    assert sum(sums.faults.values()) > 0


@pytest.mark.peer("cc")
async def test_on_sqlite(tmp_path: Path, bad_day_library: Path, pytestconfig: pytest.Config) -> None:
    plan = Plan(seed=pytestconfig.getoption("--seed"), mails=pytestconfig.getoption("--campaign"))
    check(await campaign.run(tmp_path, plan, bad_day_library), pytestconfig)


@pytest.mark.peer("postgresql")
@pytest.mark.peer("cc")
async def test_on_three_nodes(
    tmp_path: Path, bad_day_library: Path, cluster: Cluster, pytestconfig: pytest.Config
) -> None:
    plan = Plan(seed=pytestconfig.getoption("--seed"), mails=pytestconfig.getoption("--campaign"), nodes=3)
    check(await campaign.run(tmp_path, plan, bad_day_library, cluster), pytestconfig)
