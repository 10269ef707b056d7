"""Which parts of a mail become pages, in which order."""

from __future__ import annotations

import base64
import binascii
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document.formats.mail import message
from gateway.document.formats.parts import Part
from gateway.errors import GatewayError

SIGNATURE = b"\x31\x00\x30\x0b\x06\x09*\x86H\x86\xf7\r\x01\x07\x01\xa0"


def read(*lines: str) -> message.Contents:
    return message.read("\r\n".join(lines).encode())


def labels(contents: message.Contents) -> list[str]:
    return [part.label for part in contents.parts]


CONTRADICTIONS = (
    "a*0=1; a*=utf-8''x",
    "a*0=1; a*0*=utf-8''x",
    "a*x=1; a*0=2",
    "a*=utf-8''%41; a*1=b",
    "a*0*=x; a=1",
)


@pytest.mark.parametrize("pieces", CONTRADICTIONS)
@pytest.mark.parametrize("parameter", ["charset", "name", "format", "delsp", "boundary", "filename"])
def test_pieces_of_a_parameter_that_contradict_each_other_lose_no_text(parameter: str, pieces: str) -> None:
    said = pieces.replace("a*", parameter + "*").replace("; a=", f"; {parameter}=")
    disposition = f"Content-Disposition: inline; {said}" if parameter == "filename" else "X-Other: 1"
    contents = read("From: a@example.com", f"Content-Type: text/plain; {said}", disposition, "", "the words")
    assert [part.text or part.data.decode() for part in contents.parts] == ["the words"]


@pytest.mark.parametrize("pieces", CONTRADICTIONS[:4])
def test_a_plain_name_counts_where_the_extended_one_contradicts_itself(pieces: str) -> None:
    said = pieces.replace("a*", "filename*")
    header = f'Content-Disposition: attachment; filename="a; b.pdf"; {said}'
    assert labels(read(header, "Content-Type: application/pdf", "", "%PDF-")) == ['The attachment "a; b.pdf"']


def test_a_boundary_that_nobody_can_read_is_damage() -> None:
    with pytest.raises(GatewayError, match="arrived damaged"):
        read("Content-Type: multipart/mixed; boundary*0=B; boundary*=x''B", "", "--B", "", "words", "--B--")


@pytest.mark.parametrize(
    "address", ["(" * 3000 + ")" * 3000 + " a@example.com", "group: " * 2000, "<" * 99999]
)
def test_addresses_without_end_are_left_out(address: str) -> None:
    contents = read(f"From: {address}", f"To: {address}", "", "the words")
    assert contents.parts[0].text == "the words"


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
    contents = message.read(mail.as_bytes())
    assert (contents.parts[0].text, contents.parts[0].declared) == (None, "text/html")
    assert b"rich" in contents.parts[0].data
    assert contents.text == "rich"


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


def with_picture(picture: bytes, source: str, plain: str = "", cid: str = "<logo@x>") -> EmailMessage:
    mail = EmailMessage()
    if plain:
        mail.set_content(plain)
        mail.add_alternative(source, subtype="html")
        page = mail.get_payload()[1]
    else:
        mail.set_content(source, subtype="html")
        page = mail
    page.add_related(picture, "image", "png", cid=cid, disposition="inline", filename="logo.png")
    return mail


@pytest.mark.parametrize("reference", ["cid:logo@x", "CID:logo%40x", "cid:logo&#64;x"])
def test_pictures_that_a_drawn_html_shows_belong_to_it(make: Any, reference: str) -> None:
    picture = make.picture("PNG")
    contents = message.read(with_picture(picture, f'<img src="{reference}">').as_bytes())
    assert labels(contents) == ["The text of the mail"]
    assert contents.parts[0].related == {"logo@x": picture}


def test_pictures_that_no_drawn_html_shows_are_marked_inline_but_attached_ones_are_not(make: Any) -> None:
    picture = make.picture("PNG")
    for mail in (
        with_picture(picture, "<p>text</p>"),
        with_picture(picture, '<img src="cid:logo@x">', plain="the plain text"),
    ):
        text, found = message.read(mail.as_bytes()).parts
        assert (found.inline, found.name, found.data, text.related) == (True, "logo.png", picture, {})
    mail = make.mail(None, ("scan.png", "image/png", picture))
    assert [part.inline for part in message.read(mail.as_bytes()).parts] == [False]
    mail = with_picture(picture, '<img src="cid:logo@x">')
    assert [part.inline for part in message.read(mail.as_bytes(), include_text=False).parts] == [True]


def test_a_content_id_alone_makes_nothing_a_decoration(make: Any) -> None:
    """Apple Mail and many scanners give one to everything."""
    mail = EmailMessage()
    mail.set_content("see the contract")
    for name, data in (
        ("contract.pages", bytes(range(256))),
        ("signed.png", make.picture("PNG", (700, 140))),
    ):
        mail.add_attachment(
            data,
            maintype="application",
            subtype="octet-stream",
            filename=name,
            disposition="inline",
            cid=f"<{name}@x>",
        )
    contents = message.read(mail.as_bytes())
    assert [(part.name, part.inline) for part in contents.parts[1:]] == [
        ("contract.pages", False),
        ("signed.png", False),
    ]
    assert contents.notes == ()
    # An HTML version that shows one of them, even if the plain version is drawn:
    html = EmailMessage()
    html.set_content("see the contract")
    html.add_alternative('<p>see <img src="cid:signed.png@x">', subtype="html")
    html.make_mixed()
    for attached in list(mail.iter_attachments()):
        html.attach(attached)
    contents = message.read(html.as_bytes())
    assert [(part.name, part.inline) for part in contents.parts[1:]] == [
        ("contract.pages", False),
        ("signed.png", True),
    ]


def test_drawings_that_only_decorate_are_left_out_and_noted() -> None:
    mail = EmailMessage()
    mail.set_content("text")
    mail.add_related(b"<svg xmlns='x'/>", "image", "svg+xml", cid="<a>", disposition="inline")
    contents = message.read(mail.as_bytes())
    assert labels(contents) == ["The text of the mail"]
    assert "only decorates" in contents.notes[0]


@pytest.mark.parametrize(
    "excuse",
    [
        "Please use an HTML capable mail program to read this message.",
        "Cannot see this? View it in your browser: https://example.com/x",
        "Votre messagerie n'affiche pas le HTML.",
    ],
)
def test_a_plain_version_that_only_points_to_the_html_loses(excuse: str) -> None:
    mail = EmailMessage()
    mail.set_content(excuse)
    mail.add_alternative("<p>" + "All the words of the letter. " * 20, subtype="html")
    assert "All the words" in message.read(mail.as_bytes()).text


def test_a_short_plain_version_that_is_the_whole_text_wins() -> None:
    mail = EmailMessage()
    mail.set_content("The HTML page is attached.")
    mail.add_alternative("<p>The HTML page is attached.</p>", subtype="html")
    assert message.read(mail.as_bytes()).parts[0].text is not None


def test_other_versions_of_the_text_are_not_faxed_twice() -> None:
    contents = read(
        "Content-Type: multipart/alternative; boundary=a",
        "",
        "--a",
        "",
        "plain",
        "--a",
        "Content-Type: text/enriched",
        "",
        "<bold>rich</bold>",
        "--a",
        "Content-Type: text/x-amp-html",
        "",
        "<html amp4email>",
        "--a--",
    )
    assert labels(contents) == ["The text of the mail"]


def test_html_around_an_attachment_is_one_text() -> None:
    mail = EmailMessage()
    mail.set_content("<p>Grüße</p>", subtype="html", charset="iso-8859-1")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="a.pdf")
    for ending in ("<p>below &amp; last</p>", "<div><br></div>"):
        mail.attach(EmailMessage())
        mail.get_payload()[-1].set_content(ending, subtype="html")
    mail.attach(EmailMessage())
    mail.get_payload()[-1].set_content("a < b")
    contents = message.read(mail.as_bytes())
    assert labels(contents) == ["The text of the mail", 'The attachment "a.pdf"']
    source = contents.parts[0].data.decode()
    assert source.index("Grüße") < source.index("below &amp; last") < source.index("a &lt; b")
    assert contents.text.split("\n") == ["Grüße", "below & last", "a < b", ""]


def test_the_header_is_told_in_words() -> None:
    contents = read(
        "From: =?utf-8?q?J=C3=A9r=C3=B4me_Dupont?= <j@example.com>",
        'To: "Dr. Lee, Ann" <5551234567@fax.example.com>, b@example.com',
        "Subject: =?utf-8?b?QW5nZWJvdCBmw7xy?= you\u202e",
        "Cc: Copy <c@example.com>",
        "",
        "text",
    )
    assert (contents.from_name, contents.from_address) == ("Jérôme Dupont", "j@example.com")
    assert contents.subject == "Angebot für you"
    assert contents.recipients == (
        ("Dr. Lee, Ann", "5551234567@fax.example.com"),
        ("", "b@example.com"),
        ("Copy", "c@example.com"),
    )
    nothing = read("", "text")
    assert (nothing.from_name, nothing.from_address, nothing.recipients, nothing.subject) == ("", "", (), "")


def test_bare_8_bit_names_are_read() -> None:
    lines = ("Subject: Grüße", 'Content-Disposition: attachment; filename="Übersicht.pdf"', "", "%PDF-")
    assert read(*lines).subject == "Grüße"
    assert read(*lines).parts[0].name == "Übersicht.pdf"
    assert message.read("\n".join(lines).encode("cp1252")).parts[0].name == "Übersicht.pdf"


def test_the_text_is_told_even_where_it_is_no_page() -> None:
    contents = message.read(b"Subject: x\n\nhello", include_text=False)
    assert (contents.parts, contents.text) == ((), "hello")


def test_the_same_file_twice_is_faxed_once(make: Any) -> None:
    file = ("application/pdf", make.pdf())
    contents = message.read(make.mail(None, ("a.pdf", *file), ("b.pdf", *file)).as_bytes())
    assert labels(contents) == ['The attachment "a.pdf"']
    assert contents.notes[0].startswith('The attachment "b.pdf" is the same file as one before it')


def test_empty_files_are_not_the_same_file(make: Any) -> None:
    mail = make.mail(None, *((name, "application/pdf", b"") for name in "ab"))
    assert len(message.read(mail.as_bytes()).parts) == 2


@pytest.mark.parametrize("encoding", ["7bit", "base64"])
def test_an_attached_mail_is_read_even_where_it_is_encoded_against_the_rules(encoding: str) -> None:
    inner = "Subject: Offer\n\nthe offer\n"
    written = base64.encodebytes(inner.encode()).decode() if encoding == "base64" else inner
    contents = read("Content-Type: message/rfc822", f"Content-Transfer-Encoding: {encoding}", "", written)
    assert (contents.parts[0].text or "").split() == [
        "Forwarded",
        "message",
        "Subject:",
        "Offer",
        "the",
        "offer",
    ]


def test_an_attached_eml_file_is_a_forwarded_mail(make: Any) -> None:
    inner = make.mail("the offer", ("a.pdf", "application/pdf", b"%PDF-"))
    mail = make.mail("see", ("offer.eml", "application/octet-stream", inner.as_bytes()))
    contents = message.read(mail.as_bytes())
    names = ["The text of the mail", 'The forwarded mail "offer.eml"', 'The attachment "a.pdf"']
    assert labels(contents) == names


def test_a_file_is_unpacked_like_an_attachment(make: Any) -> None:
    inner = make.mail("the offer", ("a.pdf", "application/pdf", b"%PDF-"))
    contents = message.unpack(Part(label="The file", name="offer.eml", data=inner.as_bytes()))
    assert labels(contents) == ['The forwarded mail "offer.eml"', 'The attachment "a.pdf"']
    plain = Part(label="The file", name="a.pdf", data=b"%PDF-")
    assert message.unpack(plain).parts == (plain,)


def test_the_mails_of_a_digest_are_forwarded_mails() -> None:
    contents = read(
        "Content-Type: multipart/digest; boundary=d",
        "",
        "--d",
        "",
        "Subject: one",
        "",
        "first",
        "--d",
        "",
        "Subject: two",
        "",
        "second",
        "--d--",
    )
    assert [part.label for part in contents.parts] == ["The forwarded mail"] * 2


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ["Content-Type: message/partial; id=a; number=1; total=2", "", "x: y", "", "z"],
            "one piece of a mail",
        ),
        (["Content-Type: message/external-body; access-type=url", "", "Content-Type: x/y", ""], "Attach the"),
        (["Content-Type: application/pkcs7-mime; name=smime.p7m", "", "x"], "encrypted"),
        (["", "-----BEGIN PGP MESSAGE-----", "x"], "encrypted"),
        (["Content-Type: multipart/mixed; boundary=a", "", "no such boundary"], "damaged"),
        (["Content-Type: application/pdf", "Content-Transfer-Encoding: base64", "", "JVBER"], "damaged"),
    ],
)
def test_what_nobody_could_read_refuses_itself_in_words(lines: list[str], words: str) -> None:
    (part,) = read(*lines).parts
    assert part.refusal is not None
    assert words in part.refusal.sentence
    assert part.refusal.sentence.startswith(part.label)


def test_what_cannot_be_read_keeps_its_place(make: Any) -> None:
    pdf = ("application/pdf", make.pdf())
    mail = make.mail(
        "Hello", ("a.pdf", *pdf), ("b.p7m", "application/pkcs7-mime", b"x"), ("c.txt", "text/plain", b"x")
    )
    contents = message.read(mail.as_bytes())
    assert labels(contents)[1:] == [f'The attachment "{name}"' for name in ("a.pdf", "b.p7m", "c.txt")]
    assert [part.refusal is not None for part in contents.parts] == [False, False, True, False]


@pytest.mark.parametrize(
    "kind",
    [
        "application/ics",
        "text/calendar",
        "application/pkcs7-mime",
        "application/pgp-keys",
        "text/rfc822-headers",
    ],
)
def test_what_the_content_tells_counts_more_than_the_declared_type(make: Any, kind: str) -> None:
    contents = message.read(make.mail(None, ("a", kind, make.pdf())).as_bytes())
    assert [(part.label, part.data, part.refusal) for part in contents.parts] == [
        ('The attachment "a"', make.pdf(), None)
    ]
    assert contents.notes == ()


@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_a_file_that_is_declared_as_the_text_is_a_file(make: Any, kind: str) -> None:
    lines = (f"Content-Type: {kind}", "Content-Transfer-Encoding: base64", "")
    contents = read(*lines, base64.b64encode(make.pdf()).decode())
    assert [(part.text, part.data) for part in contents.parts] == [(None, make.pdf())]


@pytest.mark.parametrize(
    ("kind", "data", "what"),
    [
        (
            "text/rfc822-headers",
            b"From: a@example.com\nMIME-Version: 1.0\nMessage-ID: <x>\n\n",
            "mail header",
        ),
        ("application/applefile", b"\0\5\x16\7" + bytes(30), "file information of a Macintosh"),
        (
            "application/pkcs7-mime",
            b"0\x80\x06\x09*\x86H\x86\xf7\r\x01\x07\x02\xa0" + SIGNATURE,
            "digital signature",
        ),
    ],
)
def test_declared_types_are_believed_where_the_content_may_be_anything(
    make: Any, kind: str, data: bytes, what: str
) -> None:
    contents = message.read(make.mail("body", ("extra", kind, data)).as_bytes())
    assert contents.notes == (f'The attachment "extra" is a {what} and was left out.',)


def test_a_damaged_signature_is_left_out_by_its_type() -> None:
    mail = ("Content-Type: application/pkcs7-signature", "Content-Transfer-Encoding: base64", "", "JVBER")
    assert read(*mail).notes == (
        "Part 1 of the mail (application/pkcs7-signature) is a digital signature and was left out.",
    )


def test_a_file_written_into_the_text_is_an_attachment() -> None:
    data = b"%PDF-1.4 " + bytes(range(256))
    lines = [binascii.b2a_uu(data[at : at + 45]).decode().rstrip("\n") for at in range(0, len(data), 45)]
    contents = read("", "see below", "begin 644 scan.pdf", *lines, "`", "end", "regards")
    assert [part.name for part in contents.parts] == ["", "scan.pdf"]
    assert contents.parts[1].data == data
    assert (contents.parts[0].text or "").split() == ["see", "below", "regards"]


def test_a_sentence_that_begins_like_a_file_stays_text() -> None:
    words = "begin 644 steps\r\nlower case\r\nend\r\n"
    contents = read("", words)
    assert [part.text for part in contents.parts] == [words]


def test_a_macintosh_wrapping_is_taken_off() -> None:
    data = b"\x89PNG\r\n\x1a\n" + bytes(300)
    header = bytearray(128)
    header[1:9] = b"\x07pic.png"
    header[65:73] = b"PNGfJVWR"
    header[83:87] = len(data).to_bytes(4, "big")
    wrapped = bytes(header) + data + bytes(-len(data) % 128)
    mail = EmailMessage()
    mail.add_attachment(wrapped, maintype="application", subtype="octet-stream", filename="pic")
    assert message.read(mail.as_bytes()).parts[0].data == data


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark_is_declared(make: Any, charset: str) -> None:
    mail = make.mail(None, ("list.txt", "text/plain", "Some words".encode(charset)))
    assert message.read(mail.as_bytes()).parts[0].charset == charset


def test_parts_are_limited_over_all_nested_mails(make: Any) -> None:
    mail = make.mail("x", *((f"{n}.pdf", "application/pdf", b"%d" % n) for n in range(150)))
    for _ in range(2):
        assert message.read(mail.as_bytes())
        mail, inner = EmailMessage(), mail
        mail.set_content("y")
        mail.add_attachment(inner)
        for n in range(30):
            mail.add_attachment(b"z%d" % n, maintype="application", subtype="pdf", filename="z")
    with pytest.raises(GatewayError) as raised:
        message.read(mail.as_bytes())
    assert raised.value.failure.code == "document_parts"


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
        ("attachment; filename=resume.pdf; filename*=utf-8''r%C3%A9sum%C3%A9.pdf", "résumé.pdf"),
        ("attachment; filename*=utf-8''r%E9sum%E9.pdf; filename=resume.pdf", "resume.pdf"),
        ("attachment; filename=resume.pdf; filename*=x-none''r%E9.pdf", "resume.pdf"),
        ("attachment; filename=resume.pdf; filename*=utf-8''", "resume.pdf"),
        ("attachment; filename=resume.pdf; filename*='", "resume.pdf"),
        ("attachment; filename*=just-a-name", "just-a-name"),
        ("attachment; filename=resume.pdf; filename*0*=utf-8''a; filename*0=b", "resume.pdf"),
        ("attachment; filename=\"a; b.pdf\"; filename*x*=utf-8''a; filename*0=b", "a; b.pdf"),
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
    try:
        assert isinstance(message.read(data), message.Contents)
    except GatewayError as refusal:
        assert refusal.failure.status.startswith("5.")  # noqa: PT017  refusing is one of two right answers
