"""Fates and their notation, the queues of the line, and the life a fate gives to a fax."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.fate import FATES, SUCCESS, Answer, Ending, Fate, Stranger, parse_fate
from gateway.simulator.life import Life, Pace, cost, finished, plan
from gateway.simulator.line import ANY, Line

PACE = Pace()


def test_a_name_is_a_fate() -> None:
    assert parse_fate("busy") == Fate(name="busy", ending=Ending.BUSY)
    assert parse_fate(SUCCESS) is SUCCESS


@pytest.mark.parametrize(
    ("spec", "side", "value"),
    [
        ({"fate": "drop_after", "k": 3}, "pages", 3),
        ({"fate": "drop_after", "pages": 3}, "pages", 3),
        ({"fate": "slow", "seconds": 7}, "delay", 7),
        ({"fate": "row_delayed", "seconds": 9}, "row_delay", 9),
        ({"fate": "stranger_row", "when": "instead"}, "stranger", Stranger.INSTEAD),
        ({"fate": "http_5xx", "accepted": True}, "accepted", True),
        ({"fate": "http_5xx", "code": 503}, "code", 503),
        ({"fate": "refused_after_body", "status": "invalid_file"}, "answer", Answer.STATUS),
        ({"status": "invalid_file"}, "answer", Answer.STATUS),
        ({"status": "invalid_file"}, "accepted", False),
        ({"ending": "voice", "final_msg": "Human"}, "final_msg", "Human"),
    ],
)
def test_sides_can_be_set(spec: dict[str, object], side: str, value: object) -> None:
    assert getattr(parse_fate(spec), side) == value


@pytest.mark.parametrize(
    "spec",
    [
        "lost",
        {"fate": "busy", "colour": "red"},
        {"fate": "slow", "seconds": "long"},
        {"fate": "slow", "seconds": -1},
        {"fate": "slow", "seconds": True},
        {"fate": "http_5xx", "accepted": "maybe"},
        {"fate": "stranger_row", "when": "sometimes"},
        {"final_msg": 7},
    ],
)
def test_bad_fates_are_refused(spec: str | dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_fate(spec)


def test_each_call_takes_the_next_fate() -> None:
    line = Line()
    line.script(["busy", "voice"], destination="5550001111")
    assert [line.take("sendFaxMessage", "+1 (555) 000-1111").name for _ in range(3)] == [
        "busy",
        "voice",
        "success",
    ]


def test_the_last_fate_may_repeat() -> None:
    line = Line()
    line.script(["busy", "voice"], destination="15550001111", repeat=True)
    assert [line.take("sendFaxMessage", "5550001111").name for _ in range(3)] == ["busy", "voice", "voice"]


def test_any_call_goes_before_function_and_function_before_destination() -> None:
    line = Line()
    line.script(["busy"], destination="5550001111")
    line.script(["voice"], method="sendFaxMessage")
    line.script(["empty_200"], method=ANY)
    assert line.peek("sendFaxMessage", "5550001111").name == "empty_200"
    taken = [line.take("sendFaxMessage", "5550001111").name for _ in range(4)]
    assert taken == ["empty_200", "voice", "busy", "success"]
    assert line.pending() == {}


def test_a_script_needs_one_target_and_good_fates() -> None:
    line = Line()
    for target in ({}, {"destination": "1", "method": "getIP"}):
        with pytest.raises(ValueError, match="destination or for a method"):
            line.script(["busy"], **target)
    with pytest.raises(ValueError, match="unknown fate"):
        line.script(["busy", "lost"], destination="5550001111")
    assert line.pending() == {}


def test_a_default_for_all_other_calls() -> None:
    assert Line(default=FATES["busy"]).take("sendFaxMessage", "5550001111").name == "busy"


def test_pages_count_up_to_success() -> None:
    life = plan(SUCCESS, 3, 100.0, PACE)
    said = [(step.status, step.pages) for step in life.steps]
    assert said == [("", 0), ("IN PROGRESS", 0), ("IN PROGRESS", 1), ("IN PROGRESS", 2), ("SUCCESS", 3)]
    assert life.end.at == 100 + PACE.queue + PACE.dial + 3 * PACE.page
    assert life.delivered_pages == 3
    assert not life.shown(100)
    assert life.shown(100 + PACE.row_delay)


@pytest.mark.parametrize(
    ("fate", "status", "msg", "pages", "delivered"),
    [
        ("busy", "FAILED", "Busy", 0, 0),
        ("no_answer", "FAILED", "No answer", 0, 0),
        ("voice", "FAILED", "No fax carrier detected", 0, 0),
        ("drop_after", "FAILED", "Call dropped after page 1", 1, 1),
        ("partial", "SUCCESS", "", 1, 1),
    ],
)
def test_other_endings(fate: str, status: str, msg: str, pages: int, delivered: int) -> None:
    life = plan(FATES[fate], 3, 0.0, PACE)
    end = life.end
    assert (end.status, end.msg, end.pages, life.delivered_pages) == (status, msg, pages, delivered)
    assert end.final


def test_pages_may_show_all_from_the_beginning() -> None:
    life = plan(FATES["drop_after"], 3, 0.0, Pace(count_pages=False))
    assert {step.pages for step in life.steps} == {3}
    assert plan(FATES["partial"], 3, 0.0, Pace(count_pages=False)).end.pages == 1


def test_words_can_be_overridden() -> None:
    end = plan(parse_fate({"ending": "busy", "final_status": "ERROR", "final_msg": "17"}), 1, 0.0, PACE).end
    assert (end.status, end.msg) == ("ERROR", "17")


def test_a_row_can_stay_away() -> None:
    assert not plan(FATES["row_never"], 1, 0.0, PACE).shown(1e9)


@given(
    fate=st.sampled_from(sorted(FATES)).map(FATES.__getitem__),
    pages=st.integers(1, 30),
    born=st.floats(0, 1e6),
    moments=st.lists(st.floats(0, 1e7)),
)
def test_every_life_only_goes_forward_and_ends(
    fate: Fate, pages: int, born: float, moments: list[float]
) -> None:
    life = plan(fate, pages, born, PACE)
    assert [step.at for step in life.steps] == sorted(step.at for step in life.steps)
    assert [step.final for step in life.steps] == [False] * (len(life.steps) - 1) + [True]
    seen = [life.at(moment) for moment in sorted(moments)]
    assert [step.pages for step in seen] == sorted(step.pages for step in seen)
    assert life.at(life.end.at + 1) is life.end
    assert life.delivered_pages <= pages


def test_each_started_minute_costs() -> None:
    rate = Decimal("0.029")
    assert [cost(seconds, rate) for seconds in (0, 1, 60, 61)] == [0, rate, rate, 2 * rate]


def test_a_finished_row_is_final_at_once() -> None:
    life: Life = finished(2, 76, 10.0)
    assert life.at(10.0).final
    assert life.shown(10.0)
    assert not finished(2, 76, 10.0, shown_at=12.0).shown(11.0)
