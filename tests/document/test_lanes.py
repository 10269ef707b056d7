"""Places of documents: what is left when nobody waits any more, and who waits in vain."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document import lanes
from gateway.document.lanes import Crowded, Lanes, Place
from gateway.document.office.allowance import Budget
from gateway.errors import GatewayError, Kind


def place(of: Lanes, patience: float = 60.0) -> Place:
    return Place(of, Budget(patience))


STEPS = st.lists(st.sampled_from(["slow", "desk", "work"]), max_size=4)


@given(st.lists(STEPS, min_size=1, max_size=8), st.integers(1, 3))
def test_whatever_documents_do_all_end_and_all_places_are_free_again(
    documents: list[list[str]], places: int
) -> None:
    patched = pytest.MonkeyPatch()
    patched.setattr(lanes, "_STAY_SECONDS", 0.0)

    async def document(of: Lanes, steps: list[str]) -> None:
        async with place(of) as own:
            while True:
                try:
                    async with children:
                        await take(own, steps)
                    return
                except Crowded:
                    await own.wait()

    async def take(own: Place, steps: list[str]) -> None:
        for step in steps:
            if step == "slow" and not own.is_slow:
                await own.to_the_slow_lane()
            elif step == "desk":
                async with own.at_a_desk():
                    await asyncio.sleep(0)
            await asyncio.sleep(0)

    class Children:
        now = most = 0

        async def __aenter__(self) -> None:
            self.now += 1
            self.most = max(self.most, self.now)

        async def __aexit__(self, *_: object) -> None:
            self.now -= 1

    children = Children()

    async def all_of_them() -> None:
        of = Lanes(places, moved=lambda: None)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            for steps in documents:
                group.create_task(document(of, steps))
        assert children.most <= 3 * places
        assert (of.aside, of.waiting) == (0, 0)
        for lane in (of.quick, of.slow, of.desks):
            for _ in range(places):
                assert not lane.locked()
                await lane.acquire()
            assert lane.locked()

    with patched.context():
        asyncio.run(all_of_them())
    patched.undo()


async def test_who_waits_too_long_is_tried_again_later() -> None:
    of = Lanes(1, moved=lambda: None)
    async with place(of) as first, first.at_a_desk():
        async with place(of, 0.01) as second:
            with pytest.raises(Crowded):
                async with second.at_a_desk():
                    pass
            with pytest.raises(GatewayError) as caught:
                await second.wait()
        assert (caught.value.failure.kind, caught.value.failure.code) == (Kind.TEMPORARY, "renderer_busy")
        assert (of.aside, of.waiting) == (1, 0)


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_MOST_WAITING", 0)
    of = Lanes(1, moved=lambda: None)
    async with place(of) as first, first.at_a_desk(), place(of) as second:
        with pytest.raises(Crowded):
            async with second.at_a_desk():
                pass
        with pytest.raises(GatewayError, match="renderer_busy"):
            await second.wait()


async def test_whoever_leaves_the_quick_lane_is_told_of() -> None:
    told: list[int] = []
    of = Lanes(1, moved=lambda: told.append(of.aside))
    async with place(of) as own:
        assert told == []
        await own.to_the_slow_lane()
        assert told == [1]
        async with own.at_a_desk():
            assert told == [1]
    assert told == [1, 0]
