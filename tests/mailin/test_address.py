"""Which number a RCPT means."""

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.mailin.address import destination, raw_path, sender, survives

DOMAINS = ("fax.example.com", "fax.example.net")


def number(local: str, domain: str = "fax.example.com") -> str:
    return destination(f"{local}@{domain}", domains=DOMAINS, region="US")


@pytest.mark.parametrize(
    "local",
    [
        "5552341234",
        "555-234-1234",
        "555.234.1234",
        "15552341234",
        "+15552341234",
        "+1-555-234-1234",
        "FAX=+15552341234",
        "fax=+1.555.234.1234",
        "Fax=5552341234",
        "/FAX=+15552341234/",
        "/FAX=+15552341234",
        "FAX=+15552341234/",
        "FAX=+15552341234/ATTN=Dr-No",
        "/FN=x/FAX=+15552341234/",
        '"FAX=+15552341234"',
        '"/FAX=+1 555 234 1234/ATTN=Dr No/"',
        '"FAX=\\+15552341234"',
    ],
)
def test_forms_of_one_number(local: str) -> None:
    assert number(local) == "+15552341234"
    assert number(local, "FAX.Example.NET.") == "+15552341234"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("555234123x@fax.example.com", "5.1.3"),
        ("1-800-FLOWERS@fax.example.com", "5.1.3"),
        ("123@fax.example.com", "5.1.3"),
        ("555(234)1234@fax.example.com", "5.1.3"),
        ("VOICE=+15552341234@fax.example.com", "5.1.3"),
        ("FAX=+15552341234/FAX=+15552349999@fax.example.com", "5.1.3"),
        ("5552341234/ATTN=x@fax.example.com", "5.1.3"),
        ("FAX=@fax.example.com", "5.1.3"),
        ("FAX%3A+15552341234@fax.example.com", "5.1.3"),
        ("IMCEAFAX-+2B15552341234@fax.example.com", "5.1.3"),
        ("@fax.example.com", "5.1.3"),
        ("FAX=+15552341234/T33S=12@fax.example.com", "5.3.3"),
        ("FAX=+15552341234/postd=12@fax.example.com", "5.3.3"),
        ("FAX=+15552341234/ISUB=77@fax.example.com", "5.3.3"),
        ("/FAX=+15552341234/isub=77/@fax.example.com", "5.3.3"),
        ("5552341234@example.com", "5.7.1"),
        ("5552341234@sub.fax.example.com", "5.7.1"),
        ("5552341234", "5.7.1"),
        ("postmaster", "5.1.1"),
        ("PostMaster@fax.example.com", "5.1.1"),
        ("postmaster@example.com", "5.7.1"),
    ],
)
def test_what_is_refused(path: str, status: str) -> None:
    with pytest.raises(GatewayError) as caught:
        destination(path, domains=DOMAINS, region="US")
    assert caught.value.failure.status == status


def test_letters_are_named() -> None:
    with pytest.raises(GatewayError, match='"555234123x" is not a fax number'):
        number("555234123x")


def test_the_region_dials_numbers_without_plus() -> None:
    path = "0301234567@fax.example.com"
    assert destination(path, domains=DOMAINS, region="DE") == "+49301234567"


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        ("TO:<a@b>", "a@b"),
        ("to: <a@b> SIZE=1", "a@b"),
        ("FROM:<>", ""),
        ("FROM:<> BODY=8BITMIME", ""),
        ("TO:a@b", "a@b"),
        ('TO:<"a b>\\""@c>', '"a b>\\""@c'),
    ],
)
def test_the_raw_path(argument: str, path: str) -> None:
    assert raw_path(argument) == path


@pytest.mark.parametrize(
    "argument",
    [None, "", "TO:", "a@b", "TO:<a@b", "TO:<a@b\0>", "TO:<a\tb@c>", "TO:<a b@c>", "TO:<a@b>x", "TO:<é@b>"],
)
def test_paths_that_are_none(argument: str | None) -> None:
    with pytest.raises(GatewayError):
        raw_path(argument)
    with pytest.raises(GatewayError):
        raw_path(f"TO:<{'1' * 300}@b>")


@pytest.mark.parametrize(
    ("path", "accepted"), [("a@b.example", True), ("a+x@b", True), ("a", False), ("", False)]
)
def test_senders(path: str, accepted: bool) -> None:
    if accepted:
        assert sender(path) == path
    else:
        with pytest.raises(GatewayError) as caught:
            sender(path)
        assert caught.value.failure.status == "5.1.7"


LOCAL = st.text(st.sampled_from('0123456789+-.=/ FAXfax()<>@,:;"\\\t'), max_size=24)


@given(LOCAL, st.booleans())
def test_a_number_never_differs_from_what_was_written(local: str, quoted: bool) -> None:
    """Whatever passes both parsers is dialled with the digits that stand in the command, in their order."""
    argument = f'<"{local}"@fax.example.com>' if quoted else f"<{local}@fax.example.com>"
    try:
        path = raw_path("TO:" + argument)
        found = destination(path, domains=DOMAINS, region="US")
    except GatewayError:
        return
    parsed, _ = SMTP._getaddr(_parser, argument)
    if parsed is None or not survives(path, parsed):
        return
    written = "".join(char for char in local if char.isdigit())
    assert found.lstrip("+").removeprefix("1") == written.removeprefix("1")


class _Parser:
    local_part_limit = 0


_parser: SMTP = _Parser()  # type: ignore[assignment]


@pytest.mark.parametrize("path", ["49(30)123@x.example", "(comment)49@x.example", "@a.example:49@x.example"])
def test_comments_and_routes_do_not_survive(path: str) -> None:
    parsed, _ = SMTP._getaddr(_parser, f"<{path}>")
    assert parsed is not None
    assert not survives(path, parsed)
