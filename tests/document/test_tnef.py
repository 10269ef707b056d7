"""winmail.dat, written here attribute by attribute (MS-OXTNEF), and rich text packed by hand (MS-OXRTFCP)."""

from __future__ import annotations

import contextlib
import struct
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document.formats.mail import message, tnef
from gateway.errors import GatewayError

MESSAGE, ATTACHMENT = 1, 2
INTERFACE = bytes.fromhex("0703020000000000c000000000000046")


def attribute(level: int, name: int, value: bytes) -> bytes:
    checksum = sum(value) & 0xFFFF
    return struct.pack("<BII", level, name, len(value)) + value + struct.pack("<H", checksum)


def winmail(*attributes: bytes) -> bytes:
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


def prop(number: int, kind: int, value: bytes) -> bytes:
    head = struct.pack("<HH", kind, number)
    if kind in (0x1E, 0x1F, 0x102, 0xD):
        return head + struct.pack("<II", 1, len(value)) + value + bytes(-len(value) % 4)
    return head + value + bytes(-len(value) % 4)


def props(name: int, *values: bytes, level: int = MESSAGE) -> bytes:
    return attribute(level, name, struct.pack("<I", len(values)) + b"".join(values))


def wide(number: int, text: str) -> bytes:
    return prop(number, 0x1F, text.encode("utf-16-le") + b"\0\0")


def long(number: int, value: int) -> bytes:
    return prop(number, 3, struct.pack("<I", value))


NAMED = struct.pack("<HH", 0x1F, 0x8001) + bytes(16) + struct.pack("<II", 1, 6) + b"n\0m\0\0\0\0\0"
NAMED += struct.pack("<II", 1, 4) + b"v\0\0\0"
LIST = struct.pack("<HHI", 0x101F, 0x1234, 2) + (struct.pack("<I", 4) + b"v\0\0\0") * 2
SHORTS = struct.pack("<HHI", 0x1002, 0x1235, 3) + bytes(8)
NEW = attribute(ATTACHMENT, 0x00069002, bytes(14))
CODE_PAGE = attribute(MESSAGE, 0x00069007, struct.pack("<II", 1252, 0))


def file(name: str, data: bytes, *more: bytes) -> bytes:
    described = props(0x00069005, long(0x0E20, len(data)), wide(0x3707, name), *more, level=ATTACHMENT)
    title = attribute(ATTACHMENT, 0x00018010, b"SHORT~1.PDF\0")
    return NEW + title + attribute(ATTACHMENT, 0x0006800F, data) + described


def mail(*attributes: bytes, text: str = "") -> EmailMessage:
    made = EmailMessage()
    if text:
        made.set_content(text)
    made.add_attachment(
        winmail(*attributes), maintype="application", subtype="ms-tnef", filename="winmail.dat"
    )
    return made


def packed(data: bytes) -> bytes:
    """Rich text in which nothing is shortened: runs of eight literals, then the reference that ends it."""
    out = b"".join(b"\0" + data[at : at + 8] for at in range(0, len(data) - len(data) % 8, 8))
    rest = data[len(data) - len(data) % 8 :]
    end = (207 + len(data)) % 4096 << 4
    out += bytes([1 << len(rest)]) + rest + end.to_bytes(2, "big")
    return struct.pack("<IIII", len(out) + 12, len(data), 0x75465A4C, 0) + out


def test_attachments_in_order_with_their_long_names() -> None:
    opened = tnef.read(
        winmail(
            CODE_PAGE, props(0x00069003, NAMED, LIST, SHORTS), file("a long name.pdf", b"%PDF-1\0\0"), NEW
        )
    )
    assert [attached.name for attached in opened.attachments] == ["a long name.pdf", ""]
    assert opened.attachments[0].data == b"%PDF-1\0\0"


def test_short_names_are_taken_where_there_are_no_others() -> None:
    title = attribute(ATTACHMENT, 0x00018010, "Grüße.pdf\0".encode("cp1252"))
    (attached,) = tnef.read(winmail(CODE_PAGE, NEW, title)).attachments
    assert attached.name == "Grüße.pdf"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (props(0x00069003, wide(0x1000, "Grüße")), "Grüße"),
        (props(0x00069003, prop(0x1000, 0x1E, "Grüße\0".encode("cp1252"))), "Grüße"),
        (attribute(MESSAGE, 0x0002800C, "Grüße\0".encode("cp1252")), "Grüße"),
        (props(0x00069003, long(0x3FDE, 28591), prop(0x1013, 0x102, b"<p>Gr\xfc\xdfe")), "Grüße"),
        (props(0x00069003, prop(0x1009, 0x102, packed(rb"{\rtf1\ansi Gr\'fc\'dfe}"))), "Grüße"),
    ],
)
def test_the_text_in_each_of_its_forms(values: bytes, words: str) -> None:
    assert message.read(mail(CODE_PAGE, values).as_bytes()).text.strip() == words


def test_the_text_is_not_repeated() -> None:
    body = props(0x00069003, wide(0x1000, "the same"))
    contents = message.read(mail(body, file("a.pdf", b"%PDF-"), text="the same").as_bytes())
    assert [part.label for part in contents.parts] == ["The text of the mail", 'The attachment "a.pdf"']


def test_html_wrapped_into_rich_text_reads_as_its_words() -> None:
    wrapped = (
        rb"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 first\htmlrtf\par}\htmlrtf0"
        rb"{\*\htmltag72 </p>}second}"
    )
    opened = tnef.read(winmail(props(0x00069003, prop(0x1009, 0x102, packed(wrapped)))))
    assert opened.rich_text.split() == ["first", "second"]


def test_references_repeat_what_came_before() -> None:
    """Section 3.1 of MS-OXRTFCP: a run of X made of one letter and a reference that overlaps itself."""
    packed_text = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert tnef.uncompressed(packed_text) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_uncompressed_rich_text() -> None:
    assert tnef.uncompressed(struct.pack("<IIII", 17, 5, 0x414C454D, 0) + b"{rtf}") == b"{rtf}"


def test_a_mail_inside_is_a_forwarded_mail() -> None:
    inner = winmail(
        props(0x00069003, wide(0x37, "Offer"), wide(0xC1A, "Ann"), wide(0x1000, "the offer")),
        file("a.pdf", b"%PDF-"),
    )
    described = props(
        0x00069005,
        wide(0x3001, "Offer"),
        long(0x3705, 5),
        prop(0x3701, 0xD, INTERFACE + inner),
        level=ATTACHMENT,
    )
    contents = message.read(mail(NEW + described, text="see").as_bytes())
    assert [part.label for part in contents.parts][1:] == ["The forwarded mail", 'The attachment "a.pdf"']
    words = (contents.parts[1].text or "").split()
    assert words == ["Forwarded", "message", "From:", "Ann", "Subject:", "Offer", "the", "offer"]


def test_pictures_of_its_html_text_belong_to_it(make: object) -> None:
    picture = make.picture("PNG")  # type: ignore[attr-defined]
    body = props(0x00069003, prop(0x1013, 0x102, b"<img src=cid:logo@x>"))
    logo = file("logo.png", picture, wide(0x3712, "logo@x"))
    (text,) = message.read(mail(body, logo).as_bytes()).parts
    assert text.related == {"logo@x": picture}


def test_windows_objects_are_left_out_and_noted() -> None:
    contents = message.read(mail(file("drawing", b"x", long(0x3705, 6)), text="x").as_bytes())
    assert contents.notes == (
        'The attachment "drawing" is a Windows object inside of the text and was left out.',
    )


def test_winmail_in_winmail_ends() -> None:
    data = winmail(file("a.pdf", b"%PDF-"))
    for _ in range(30):
        data = winmail(file("winmail.dat", data))
    with pytest.raises(GatewayError) as raised:
        message.read(mail(file("winmail.dat", data)).as_bytes())
    assert raised.value.failure.code == "document_parts"


@pytest.mark.parametrize("cut", [5, 30, 60, 100, 140])
def test_one_that_is_cut_short_refuses_itself(cut: int) -> None:
    whole = winmail(CODE_PAGE, file("a.pdf", b"%PDF-" * 20))
    made = EmailMessage()
    made.add_attachment(whole[:cut], maintype="application", subtype="ms-tnef", filename="winmail.dat")
    (part,) = message.read(made.as_bytes()).parts
    assert part.refusal is not None
    assert (part.label, part.refusal.code) == ('The attachment "winmail.dat"', "document_damaged")


def test_only_what_its_text_shows_belongs_to_the_text() -> None:
    picture = ("scan.png", b"\x89PNG\r\n\x1a\n")
    shown = file(*picture, wide(0x3712, "a@x"))
    other = file("b.pages", bytes(range(256)), wide(0x3712, "b@x"))
    for number, source in (
        (0x1013, b"<img src='cid:a%40x'>"),
        (0x1009, packed(rb"{\rtf1 {\*\htmltag <img src=cid:a@x>}}")),
    ):
        body = props(0x00069003, prop(number, 0x102, source))
        contents = message.read(mail(body, shown, other, text="plain").as_bytes())
        assert [(part.name, part.inline) for part in contents.parts[1:]] == [
            ("scan.png", True),
            ("b.pages", False),
        ]


@pytest.mark.parametrize(
    "value",
    [
        struct.pack("<I", 0xFFFFFFFF),
        struct.pack("<IHHI", 1, 0x1003, 1, 0xFFFFFFFF),
        struct.pack("<IHHI", 1, 0x101F, 1, 0xFFFFFFFF),
        struct.pack("<IHHII", 1, 0x1F, 1, 1, 0xFFFFFFFF),
        struct.pack("<IHHII", 1, 0x1F, 1, 0xFFFFFFFF, 0),
        struct.pack("<IHH", 1, 0x77, 1),
    ],
)
def test_lying_counts_end_at_once(value: bytes) -> None:
    with pytest.raises(tnef.Damaged):
        tnef.read(winmail(attribute(MESSAGE, 0x00069003, value)))


@settings(max_examples=300)
@given(st.binary(max_size=300), st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_nothing_breaks_the_reader(tail: bytes, at: int, change: bytes) -> None:
    whole = bytearray(
        winmail(CODE_PAGE, props(0x00069003, NAMED, LIST, wide(0x1000, "x")), file("a", b"x"), tail)
    )
    whole[at : at + len(change)] = change
    with contextlib.suppress(tnef.Damaged):
        assert isinstance(tnef.read(bytes(whole)), tnef.Tnef)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_rich_text_breaks_the_reader(data: bytes) -> None:
    made = struct.pack("<IIII", len(data) + 12, 1 << 20, 0x75465A4C, 0) + data
    with contextlib.suppress(tnef.Damaged):
        assert len(tnef.uncompressed(made)) <= 17 * len(data)
