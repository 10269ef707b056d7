"""Who gets a received fax."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config import Route
from gateway.faxin.route import deliveries
from gateway.model import Via

OFFICE = {"numbers": ["5557654321"], "to": ["office@example.com"]}
SHARED = {"numbers": ["5552341234", "5557654321"], "to": ["Jane@example.com"]}
REST = {"numbers": ["*"], "to": ["rest@example.com"]}


def who(did: str, *routes: dict[str, Any]) -> list[tuple[str, str]]:
    found = deliveries(did, [Route.model_validate(route) for route in routes])
    return [(delivery.recipient, delivery.via.value) for delivery in found]


@pytest.mark.parametrize("did", ["5557654321", "15557654321", "+1 555 765 4321", "555.765.4321"])
def test_by_number_however_it_is_written(did: str) -> None:
    assert who(did, OFFICE, REST) == [("office@example.com", "smtp")]


def test_every_route_that_names_the_number() -> None:
    assert who("5557654321", OFFICE, SHARED, REST) == [
        ("office@example.com", "smtp"),
        ("Jane@example.com", "smtp"),
    ]


def test_the_default_is_for_numbers_that_nobody_names() -> None:
    other = {"numbers": ["*"], "to": ["second@example.com"]}
    assert who("2025550123", OFFICE, REST, other) == [
        ("rest@example.com", "smtp"),
        ("second@example.com", "smtp"),
    ]
    assert who("", OFFICE, REST) == [("rest@example.com", "smtp")]


def test_nobody() -> None:
    assert who("2025550123", OFFICE, SHARED) == []
    assert who("2025550123") == []


def test_one_mailbox_gets_one_mail_and_ours_goes_first() -> None:
    by_provider = {"numbers": ["*"], "to": ["JANE@example.com", "joe@example.com"], "via": "provider"}
    by_us = {"numbers": ["*"], "to": ["jane@example.com"]}
    assert who("5557654321", by_provider, by_us) == [
        ("jane@example.com", Via.SMTP.value),
        ("joe@example.com", Via.PROVIDER.value),
    ]
