"""Passwords: who guesses is stopped, whatever networks and names the guesses are spread over."""

from __future__ import annotations

import asyncio

import argon2
import pytest

from gateway.config import from_dict
from gateway.errors import GatewayError, Kind
from gateway.mailin.auth import Authenticator

HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """Time that stands until somebody moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(clock: Clock) -> Authenticator:
    users = [{"name": name, "password_hash": HASHER.hash(f"of {name}")} for name in ("Ann", "bob", "eve")]
    return Authenticator(from_dict({"user": users}).users, delay=0.0, clock=clock)


async def judged(door: Authenticator, name: str, password: str, peer: str) -> str:
    """The user, "wrong", or "locked"."""
    try:
        return await door.verify(name.encode(), password.encode(), peer=peer) or "wrong"
    except GatewayError as error:
        return "locked" if error.failure.kind is Kind.TEMPORARY else error.failure.status


async def guess(door: Authenticator, name: str, peer: str, times: int = 10) -> list[str]:
    return [await judged(door, name, f"guess {number}", peer) for number in range(times)]


async def test_a_user_is_known_in_any_case(door: Authenticator) -> None:
    assert await judged(door, "ANN", "of Ann", "192.0.2.1") == "Ann"
    assert await judged(door, "ann", "of bob", "192.0.2.1") == "wrong"
    assert await judged(door, "nobody", "", "192.0.2.1") == "wrong"


async def test_a_network_is_one_guesser(door: Authenticator) -> None:
    for number in range(10):
        assert await guess(door, f"user {number}", f"2001:db8:1:2::{number}", 1) == ["wrong"]
    assert await judged(door, "ann", "of Ann", "2001:db8:1:2:ffff::1") == "locked"
    assert await judged(door, "ann", "of Ann", "2001:db8:1:3::1") == "Ann"


async def test_a_user_is_one_target(door: Authenticator, clock: Clock) -> None:
    for number in range(10):
        assert await guess(door, "aNN", f"192.0.2.{number}", 1) == ["wrong"]
    assert await judged(door, "Ann", "of Ann", "198.51.100.1") == "locked"
    assert await judged(door, "bob", "of bob", "192.0.2.1") == "bob"
    clock.now += 60.0
    assert await judged(door, "Ann", "of Ann", "198.51.100.1") == "Ann"


async def test_a_user_is_never_locked_for_long(door: Authenticator, clock: Clock) -> None:
    """Anybody may guess; a network, which is the guesser's own, waits longer each time."""
    for lock in range(6):
        for number in range(10):
            await guess(door, "ann", f"192.0.{lock}.{number}", 1)
        clock.now += 900.0
    assert await judged(door, "ann", "of Ann", "198.51.100.1") == "Ann"
    for _ in range(6):
        await guess(door, "bob", "203.0.113.1", 11)
        clock.now += 900.0
    clock.now += 900.0
    assert await judged(door, "eve", "of eve", "203.0.113.1") == "locked"


async def test_a_login_of_ones_own_clears_no_guesses_at_others(door: Authenticator) -> None:
    answers = []
    for _ in range(4):
        answers += await guess(door, "ann", "192.0.2.1", 3)
        answers.append(await judged(door, "eve", "of eve", "192.0.2.1"))
    assert answers.count("wrong") == 10
    assert answers[-1] == "locked"


async def test_a_success_clears_the_users_own_mistakes(door: Authenticator) -> None:
    for number in range(4):
        assert await guess(door, "ann", f"192.0.2.{number}", 9) == ["wrong"] * 9
        assert await judged(door, "ann", "of Ann", f"192.0.2.{number}") == "Ann"


async def test_guesses_at_the_same_time_are_counted_too(door: Authenticator) -> None:
    answers = await asyncio.gather(*(guess(door, "ann", "192.0.2.1", 1) for _ in range(40)))
    # Two are judged at a time, so the one beside the tenth may still be heard.
    assert 10 <= sum(answer == ["wrong"] for answer in answers) <= 11
    assert sum(answer == ["locked"] for answer in answers) >= 29
