"""HTML mail to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.formats import html


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("<p>One</p><p>Two<br>lines</p>", "One\n\nTwo\nlines"),
        ("<div>a</div>\n<div>b</div>", "a\n\nb"),
        ("48<b>39</b>20 is <i>one</i> word", "483920 is one word"),
        ("<ul><li>x<li>y</ul>", "• x\n• y"),
        (
            "<table><tr><td>Name</td><td>Sum</td></tr><tr><td>a</td><td>1</td></tr></table>",
            "Name   Sum\n\na   1",
        ),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("a&nbsp;b &lt;c&gt; &euro;", "a b <c> €"),
        ("<head><title>t</title><style>x{}</style></head><script>y()</script>seen", "seen"),
        ("<p style='display: none'>secret preview</p>seen", "seen"),
        ("<!-- comment --><![CDATA[x]]>seen", "seen"),
        ("<img src='http://tracker.example/1.gif' alt='x'>seen", "seen"),
    ],
)
def test_what_a_reader_sees(source: str, meant: str) -> None:
    assert html.to_text(source.encode(), "utf-8") == meant


def test_the_meta_charset_is_asked_when_nothing_is_declared() -> None:
    source = "<html><head><meta charset=koi8-r></head><body>Привет</body>".encode("koi8-r")
    assert html.to_text(source, "") == "Привет"


def test_deep_nesting_is_no_problem() -> None:
    assert html.to_text(b"<div>" * 5000 + b"deep", "") == "deep"


@given(st.text("<>/abdivp!-[]&;= '\"\n", max_size=200))
def test_tag_soup_never_fails(soup: str) -> None:
    assert isinstance(html.to_text(soup.encode(), ""), str)


MANY = 100_000


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("<a " * MANY, "<a " * MANY),
        ("<a b='" * MANY, "<a b='" * MANY),
        ("<!--" * MANY, "<!--" * MANY),
        ("<![CDATA[" * MANY, "<![CDATA[" * MANY),
        ("<pre>x" + " " * 10 * MANY + "y", "x" + " " * 10 * MANY + "y"),
        ("<pre><b>x" * MANY, "x" * MANY),
        ("<b>x" * MANY + "</i>", "x" * MANY),
    ],
    ids=["tags", "attributes", "comments", "sections", "blanks", "preformatted", "nested"],
)
def test_a_megabyte_is_read_in_one_go(source: str, meant: str) -> None:
    """Each of these took minutes to hours when something was looked for anew at each place."""
    assert "".join(html.to_text(source.encode(), "utf-8").split()) == "".join(meant.split())


def test_markup_that_never_ends_is_text() -> None:
    assert html.to_text(b"<p>1 <!-- x --> 2 <!-- 3 <b>4</b> 5 <6", "utf-8") == "1  2 <!-- 3 4 5 <6"


def test_blanks_around_line_breaks_go() -> None:
    assert html.to_text(b"<pre>a \t\n \n\t b  c</pre>", "utf-8") == "a\n\nb  c"
