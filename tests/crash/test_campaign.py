"""Never lost, never twice: a short campaign, or long ones by ``--campaign MAILS --seed N``."""

from __future__ import annotations

import json
import math
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


def plan(config: pytest.Config, nodes: int) -> Plan:
    """As the flags say."""
    rate = config.getoption("--rate")
    return Plan(
        seed=config.getoption("--seed"),
        mails=config.getoption("--campaign"),
        rate=rate,
        mean=config.getoption("--every"),
        clients=math.ceil(3 * rate),
        nodes=nodes,
    )


@pytest.mark.peer("cc")
async def test_on_sqlite(tmp_path: Path, bad_day_library: Path, pytestconfig: pytest.Config) -> None:
    check(await campaign.run(tmp_path, plan(pytestconfig, 1), bad_day_library), pytestconfig)


@pytest.mark.peer("postgresql")
@pytest.mark.peer("cc")
async def test_on_three_nodes(
    tmp_path: Path, bad_day_library: Path, cluster: Cluster, pytestconfig: pytest.Config
) -> None:
    check(await campaign.run(tmp_path, plan(pytestconfig, 3), bad_day_library, cluster), pytestconfig)
