"""Which parts of a mail become pages, in which order."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document import message
from gateway.errors import GatewayError


def read(*lines: str) -> message.Contents:
    return message.read("\r\n".join(lines).encode())


def labels(contents: message.Contents) -> list[str]:
    return [part.label for part in contents.parts]


def test_plain_text_wins_over_html() -> None:
    mail = EmailMessage()
    mail.set_content("plain")
    mail.add_alternative("<p>rich</p>", subtype="html")
    (body,) = message.read(mail.as_bytes()).parts
    assert body.text is not None
    assert body.text.strip() == "plain"


@pytest.mark.parametrize("plain", ["", " \n\n"])
def test_html_wins_over_blank_text(plain: str) -> None:
    mail = EmailMessage()
    mail.set_content(plain)
    mail.add_alternative("<p>rich</p>", subtype="html")
    (body,) = message.read(mail.as_bytes()).parts
    assert body.text == "rich"


def test_an_attachment_inside_an_alternative_is_not_lost() -> None:
    contents = read(
        "Content-Type: multipart/alternative; boundary=a",
        "",
        "--a",
        "",
        "plain",
        "--a",
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
        "Content-Type: text/html",
        "",
        "<p>rich</p>",
        "--b",
        'Content-Type: application/pdf; name="scan.pdf"',
        "",
        "%PDF-1.4",
        "--b",
        "Content-Type: text/html",
        "",
        "<p>Sent from my phone</p>",
        "--b--",
        "--a--",
    )
    assert labels(contents) == ["The text of the mail", 'The attachment "scan.pdf"']
    assert contents.parts[0].text == "plain"


def test_text_around_attachments_is_one_first_page() -> None:
    mail = EmailMessage()
    mail.set_content("above")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="a.pdf")
    mail.attach(EmailMessage())
    mail.get_payload()[-1].set_content("below")
    contents = message.read(mail.as_bytes())
    assert labels(contents) == ["The text of the mail", 'The attachment "a.pdf"']
    assert contents.parts[0].text is not None
    assert contents.parts[0].text.split() == ["above", "below"]


def test_a_text_file_is_an_attachment() -> None:
    mail = EmailMessage()
    mail.set_content("body")
    mail.add_attachment("listing", filename="list.txt")
    contents = message.read(mail.as_bytes())
    assert labels(contents) == ["The text of the mail", 'The attachment "list.txt"']
    assert contents.parts[1].data.strip() == b"listing"


@pytest.mark.parametrize(
    ("kind", "data", "what"),
    [
        ("text/calendar", b"BEGIN:VCALENDAR", "calendar entry"),
        ("application/octet-stream", b"BEGIN:VCALENDAR\r\n", "calendar entry"),
        ("text/x-vcard", b"BEGIN:VCARD", "contact card"),
        ("application/pkcs7-signature", b"\x30\x80", "digital signature"),
        ("application/pgp-signature", b"-----BEGIN PGP SIGNATURE-----", "digital signature"),
    ],
)
def test_what_nobody_wants_on_a_fax_is_left_out_and_noted(
    make: Any, kind: str, data: bytes, what: str
) -> None:
    contents = message.read(make.mail("body", ("extra", kind, data)).as_bytes())
    assert labels(contents) == ["The text of the mail"]
    assert contents.notes == (f'The attachment "extra" is a {what} and was left out.',)


def test_pictures_of_the_html_are_marked_inline_but_attached_ones_are_not(make: Any) -> None:
    mail = EmailMessage()
    mail.set_content('<img src="cid:logo">', subtype="html")
    mail.add_related(
        make.picture("PNG"), "image", "png", cid="<logo>", disposition="inline", filename="logo.png"
    )
    assert [part.inline for part in message.read(mail.as_bytes()).parts] == [True]
    mail = make.mail(None, ("scan.png", "image/png", make.picture("PNG")))
    assert [part.inline for part in message.read(mail.as_bytes()).parts] == [False]


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ('attachment; filename="a.pdf"', "a.pdf"),
        ("attachment; filename*=utf-8''r%C3%A9sum%C3%A9.pdf", "résumé.pdf"),
        ("attachment; filename*0=long; filename*1=name.pdf", "longname.pdf"),
        ('attachment; filename="=?utf-8?B?csOpc3Vtw6kucGRm?="', "résumé.pdf"),
        ('attachment; filename="C:\\\\Users\\\\jane\\\\a.pdf"', "a.pdf"),
        ('attachment; filename="/etc/passwd"', "passwd"),
        ("attachment; filename*=x-none''%FF%FE.pdf", "ÿþ.pdf"),
    ],
)
def test_names(header: str, shown: str) -> None:
    contents = read(f"Content-Disposition: {header}", "Content-Type: application/pdf", "", "%PDF-")
    assert labels(contents) == [f'The attachment "{shown}"']


def test_a_nameless_part_has_a_number_and_its_type() -> None:
    contents = read("Content-Type: application/pdf", "", "%PDF-")
    assert labels(contents) == ["Part 1 of the mail (application/pdf)"]


def test_a_forwarded_mail_shows_who_wrote_it() -> None:
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "=?utf-8?q?J=C3=A9r=C3=B4me?= <j@example.com>", "Offer"
    inner.set_content("the offer")
    outer = EmailMessage()
    outer.set_content("see")
    outer.add_attachment(inner)
    text = message.read(outer.as_bytes()).parts[1].text
    assert text is not None
    assert text.split("\n")[:3] == ["Forwarded message", "From: Jérôme <j@example.com>", "Subject: Offer"]
    assert "the offer" in text


def test_flowed_text_is_joined() -> None:
    contents = read("Content-Type: text/plain; format=flowed", "", "one ", "line")
    assert contents.parts[0].text == "one line"


headers = st.sampled_from(
    [
        "Content-Type: multipart/mixed; boundary=b",
        "Content-Type: multipart/alternative; boundary=b",
        "Content-Type: message/rfc822",
        "Content-Type: text/html; charset=utf-7",
        "Content-Type: multipart/mixed",
        "Content-Type: ;;;=",
        "Content-Type: text/plain; charset*=x''%%%",
        "Content-Disposition: attachment; filename*=''%",
        "Content-Disposition: attachment; filename==?x?q?=FF?=",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: x-uuencode",
        "Subject: \udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
        "--b",
        "--b--",
        "",
        "begin 644 x",
        "=?",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(headers, st.text(max_size=30)), max_size=30))
def test_no_mail_breaks_the_reader(lines: list[str]) -> None:
    try:
        contents = message.read("\r\n".join(lines).encode("utf-8", "surrogatepass"))
    except GatewayError as refusal:
        assert refusal.failure.status.startswith("5.")  # noqa: PT017  refusing is one of two right answers
    else:
        assert all(part.label.isprintable() for part in contents.parts)


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    assert isinstance(message.read(data), message.Contents)
