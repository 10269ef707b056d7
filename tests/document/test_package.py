"""What is wrong with Office files that cannot be opened."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.compose import Composer
from gateway.document.formats import package
from gateway.document.formats.parts import Part
from gateway.document.geometry import Layout
from gateway.document.values import RenderSettings
from gateway.errors import GatewayError, Kind, permanent

MAIN = "<a>" + "".join(f"<b>{number * number}</b>" for number in range(9000)) + "</a>"


def archive(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in {"[Content_Types].xml": "<a/>", "word/document.xml": MAIN, **files}.items():
            made.writestr(name, content)
    return out.getvalue()


WHOLE = archive()


@given(st.integers(4, len(WHOLE) - 22))
def test_what_is_cut_off_is_incomplete(length: int) -> None:
    assert package.damage(WHOLE[:length]) == "is incomplete: its end is missing"


def test_what_is_whole_is_not() -> None:
    assert package.damage(WHOLE) == ""
    assert package.damage(WHOLE + b"\0" * 100) == ""
    assert not package.is_cut_off(b"PK\x05\x06" + bytes(18))  # without a file in it


@pytest.mark.parametrize(
    ("directory", "size", "cut_off"), [(3, 2048, True), (3, 2560, False), (0, 512, True)]
)
def test_a_compound_file_ends_after_its_directory(directory: int, size: int, cut_off: bool) -> None:
    head = bytearray(package._COMPOUND + bytes(size - 8))
    head[30], head[48] = 9, directory
    assert package.is_cut_off(bytes(head)) == cut_off


def test_damage_has_its_words() -> None:
    at = WHOLE.index(b"word/document.xml") + 2000
    spoilt = WHOLE[:at] + bytes(40) + WHOLE[at + 40 :]
    assert package.damage(spoilt) == "is damaged: a part of it cannot be unpacked"
    assert package.damage(archive(**{"word/styles.xml": "<a><b></a>"})).endswith("or is no XML")
    assert package.damage(archive(**{"word/styles.xml": "<a><b>"})).endswith("or is no XML")
    assert package.damage(archive(**{"word/styles.xml": "<a><b>"}), deep=False) == ""
    manifest = "<m:manifest xmlns:m='x'><m:encryption-data/></m:manifest>"
    assert package.damage(archive(**{"META-INF/manifest.xml": manifest})) == "is protected by a password"
    end = WHOLE.rindex(b"PK\x05\x06")
    assert package.damage(WHOLE[: end - 60] + bytes(60) + WHOLE[end:]) != ""


@given(st.binary(max_size=200), st.integers(0, len(WHOLE)))
def test_whatever_it_is_there_is_an_answer(noise: bytes, at: int) -> None:
    package.damage(WHOLE[:at] + noise + WHOLE[at + len(noise) :])
    package.damage(package._COMPOUND + noise)


def composed(part: Part, notes: list[str], pdf: bytes | GatewayError) -> Sequence[object]:
    """What becomes of a part of which LibreOffice makes this."""

    def convert(_data: bytes, _kind: str) -> bytes:
        if isinstance(pdf, GatewayError):
            raise pdf
        return pdf

    composer = Composer(
        settings=RenderSettings(), redact=(), inspect=False, starting=lambda _: None, convert=convert
    )
    return list(composer.sheets([part], Layout(), notes, alone=True))


UNOPENED = GatewayError(permanent("5.6.5", "It could not be opened.", code="office_unopened"))


def test_the_reason_is_told_where_there_is_one() -> None:
    for data, words in (
        (WHOLE[:-100], 'The file "a.docx" is incomplete: its end is missing. Send it again'),
        (WHOLE, "It could not be opened."),
    ):
        with pytest.raises(GatewayError) as caught:
            composed(Part(label='The file "a.docx"', data=data), [], UNOPENED)
        assert caught.value.failure.sentence.startswith(words)
        assert (caught.value.failure.kind, caught.value.failure.status) == (Kind.PERMANENT, "5.6.5")


def test_a_zip_that_is_cut_off_is_not_taken_for_another_kind() -> None:
    """Its first four kilobytes do not tell what it is."""
    data = archive(**{"[Content_Types].xml": "".join(map(chr, range(40, 9000)))})[:5000]
    with pytest.raises(GatewayError, match="is incomplete: its end is missing"):
        composed(Part(label='The file "a.docx"', name="a.docx", data=data), [], UNOPENED)


def test_damage_that_libreoffice_passes_over_is_noted(make: object, tmp_path: Path) -> None:
    at = WHOLE.index(b"word/document.xml") + 2000
    notes: list[str] = []
    spoilt = WHOLE[:at] + bytes(40) + WHOLE[at + 40 :]
    pdf = make.pdf(pages=1)  # type: ignore[attr-defined]
    assert len(composed(Part(label="The file", data=spoilt), notes, pdf)) == 1
    assert notes[0] == (
        "The file is damaged: a part of it cannot be unpacked. It may show less than it should."
    )
