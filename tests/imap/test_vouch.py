"""Authentication-Results: who may speak for a sender, and every way to pretend."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailin.vouch import vouched_by

TRUSTED = ("mx.example.net",)


def block(*fields: str) -> bytes:
    lines = ["Received: from a by b", *fields, "From: ann@example.com", "Subject: x", "", ""]
    return "\r\n".join(lines).encode()


def results(text: str) -> str:
    return f"Authentication-Results: {text}"


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("mx.example.net; dmarc=pass header.from=example.com", "dmarc"),
        ("mx.example.net; dmarc=pass (p=REJECT sp=NONE dis=NONE) header.from=example.com", "dmarc"),
        ("mx.example.net; dkim=pass header.d=example.com header.s=s1", "dkim"),
        ("mx.example.net; dkim=pass header.i=@example.com header.s=s1 header.b=abc", "dkim"),
        ("mx.example.net; spf=pass (sender ok) smtp.mailfrom=ann@example.com", "spf"),
        ("mx.example.net; spf=pass smtp.mailfrom=example.com", "spf"),
        ("MX.Example.NET 1; dkim=pass header.d=Example.COM", "dkim"),
        ("mx.example.net; dkim=fail header.d=example.com; dkim=pass header.d=example.com", "dkim"),
        ("mx.example.net;\r\n\tdkim=pass (2048-bit key)\r\n\theader.d=example.com", "dkim"),
        ("mx.example.net; dmarc=pass action=none header.from=example.com", "dmarc"),
        ('mx.example.net; dkim=pass reason="good key" (2048-bit) header.d=example.com', "dkim"),
    ],
)
def test_a_trusted_aligned_pass_vouches(text: str, method: str) -> None:
    assert vouched_by(block(results(text)), "ann@example.com", TRUSTED) == method


@pytest.mark.parametrize(
    "text",
    [
        "mx.example.net; none",
        "mx.example.net; dmarc=fail header.from=example.com",
        "mx.example.net; dmarc=none header.from=example.com",
        "mx.example.net; dmarc=pass",  # for whom?
        "mx.example.net; dkim=pass header.d=example.org",
        "mx.example.net; dkim=pass header.d=notexample.com",
        "mx.example.net; dkim=pass header.d=mail.example.com",  # a child does not speak for its parent
        "mx.example.net; dkim=pass header.d=com",
        "mx.example.net; dkim=pass header.d=example.org header.d=example.com",
        "mx.example.net; spf=pass smtp.helo=example.com",
        "mx.example.net; spf=softfail smtp.mailfrom=ann@example.com",
        "mx.example.net; auth=pass smtp.auth=ann@example.com",
        "mx.example.net; dkim=neutral (dkim=pass header.d=example.com) header.d=example.org",
        "mx.example.net; spf=pass (a\u00e9; dkim=pass header.d=example.com) smtp.mailfrom=x@example.org",
        "mx.example.net; spf=pass (a( smtp.mailfrom=example.com",
        'mx.example.net; spf=pass reason="\\" dkim=pass" smtp.mailfrom=example.com',
        "mx.example.net; " + "dkim=pass header.d=example.com; " * 400,
        "mx.evil.example; dmarc=pass header.from=example.com",
        "mx.example.net.evil.example; dmarc=pass header.from=example.com",
        "mx.example.net 2; dmarc=pass header.from=example.com",
        # A quoted local part in the border server's own comment ends that comment.
        'mx.example.net; spf=fail (domain of "a) dkim=pass header.d=example.com (b"@evil.example) x=y',
        'mx.example.net; spf=fail (domain of "a); dkim=pass header.d=example.com; x=y (b"@evil.example)',
        'mx.example.net; spf=fail (of "a); dkim=pass header.d=example.com (b"@evil.example) smtp.mailfrom=x',
        'mx.example.net; spf=pass smtp.mailfrom="a(b"@example.com (") ")',
        'mx.example.net; dkim=pass header.d=example.com reason="open',
        "spf=pass smtp.mailfrom=example.com",
        "",
    ],
)
def test_anything_less_does_not(text: str) -> None:
    assert vouched_by(block(results(text)), "ann@example.com", TRUSTED) == ""


def test_a_parent_domain_vouches_for_its_child() -> None:
    found = vouched_by(
        block(results("mx.example.net; dkim=pass header.d=example.com")), "a@b.example.com", TRUSTED
    )
    assert found == "dkim"


def test_only_the_topmost_field_counts() -> None:
    good = results("mx.example.net; dmarc=pass header.from=example.com")
    other = results("mx.example.net; dmarc=fail header.from=example.com")
    foreign = results("mx.sender.example; dmarc=pass header.from=example.com")
    assert vouched_by(block(good, other), "ann@example.com", TRUSTED) == "dmarc"
    assert vouched_by(block(other, good), "ann@example.com", TRUSTED) == ""
    assert vouched_by(block(foreign, good), "ann@example.com", TRUSTED) == ""


def test_a_field_inside_another_field_does_not_count() -> None:
    folded = "X-Note: hello\r\n Authentication-Results: mx.example.net; dmarc=pass header.from=example.com"
    assert vouched_by(block(folded), "ann@example.com", TRUSTED) == ""


GOOD = results("mx.example.net; dmarc=pass header.from=example.com")


@pytest.mark.parametrize(
    "forged",
    [
        f"X-Note: a\r{GOOD}",
        f"X-Note: a\r\r{GOOD}",
        f"Received: from x\r{GOOD}\r\n{results('mx.example.net; dmarc=fail header.from=example.com')}",
        f"{GOOD}\r\nX-Note: a\rb",
        f"this is no field\r\n{GOOD}",
        f"{GOOD}\r\nthis is no field",
        GOOD.replace(":", " :"),
        GOOD.replace(":", "\t:"),
        "\u00e4" + GOOD,
    ],
)
def test_a_field_that_the_border_server_may_not_have_seen_does_not_count(forged: str) -> None:
    assert vouched_by(block(GOOD), "ann@example.com", TRUSTED) == "dmarc"
    assert vouched_by(block(forged), "ann@example.com", TRUSTED) == ""


def test_the_name_is_read_in_any_case() -> None:
    assert vouched_by(block(GOOD.replace("A", "a")), "ann@example.com", TRUSTED) == "dmarc"


def test_nobody_is_trusted_by_default() -> None:
    good = block(results("mx.example.net; dmarc=pass header.from=example.com"))
    assert vouched_by(good, "ann@example.com", ()) == ""
    assert vouched_by(good, "", TRUSTED) == ""
    assert vouched_by(block(), "ann@example.com", TRUSTED) == ""


@given(st.text(alphabet='();=. "\\@abd-pkims\t\u00e9/1', max_size=120))
def test_junk_never_vouches_and_never_raises(junk: str) -> None:
    assert vouched_by(block(results(f"mx.example.net; {junk}")), "ann@example.com", TRUSTED) == ""
    assert vouched_by(block(results(junk)), "ann@example.com", TRUSTED) == ""


def test_deeply_nested_comments_are_survived() -> None:
    deep = "mx.example.net; dmarc=pass " + "(" * 3000 + ")" * 3000 + " header.from=example.com"
    assert vouched_by(block(results(deep)), "ann@example.com", TRUSTED) == ""
