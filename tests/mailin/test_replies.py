"""Reply lines for machines and people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import permanent, temporary, unknown
from gateway.mailin.replies import enhanced, reply


@pytest.mark.parametrize(
    ("failure", "start"),
    [
        (permanent("5.1.3", "No."), "550 5.1.3 No."),
        (permanent("5.7.1", "No."), "550 5.7.1 No."),
        (permanent("5.7.0", "No."), "530 5.7.0 No."),
        (permanent("5.3.4", "No."), "552 5.3.4 No."),
        (permanent("5.1.7", "No."), "553 5.1.7 No."),
        (temporary("4.3.0", "Later."), "451 4.3.0 Later."),
        (temporary("4.5.3", "Later."), "452 4.5.3 Later."),
        (temporary("4.7.1", "Later."), "450 4.7.1 Later."),
        (unknown("4.4.2", "Who knows."), "451 4.4.2 Who knows."),
    ],
)
def test_failures(failure: object, start: str) -> None:
    assert reply(failure) == start  # type: ignore[arg-type]


@given(st.text(max_size=2000))
def test_a_reply_is_one_line_of_ascii(sentence: str) -> None:
    line = reply(permanent("5.1.3", sentence))
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= 510


@pytest.mark.parametrize(
    ("line", "better"),
    [
        ("250 OK", "250 2.0.0 OK"),
        ("221 Bye", "221 2.0.0 Bye"),
        ("500 Error: bad syntax", "500 5.5.2 bad syntax"),
        ("503 Error: need MAIL command", "503 5.5.1 need MAIL command"),
        ("535 5.7.8 No", "535 5.7.8 No"),
        ("220 gw ESMTP", "220 gw ESMTP"),
        ("250-gw\r\n250 SIZE 1", "250-gw\r\n250 SIZE 1"),
        ("334 VXNlcg==", "334 VXNlcg=="),
        ("354 End data", "354 End data"),
    ],
)
def test_the_librarys_replies_get_enhanced_codes(line: str, better: str) -> None:
    assert enhanced(line) == better
