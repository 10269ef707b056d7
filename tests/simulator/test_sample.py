"""The documents: real, embedded, and what a clerk would recognise."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from gateway.simulator import sample
from gateway.simulator.papers import first_pages, to_paper
from gateway.simulator.statuses import Refused


@pytest.mark.parametrize(
    ("pdf", "pages", "words"),
    [
        (sample.invoice(), 2, ["INVOICE", "730.43", "Packing list"]),
        (sample.incoming(), 1, ["Parkwoods Dental Clinic", "second floor"]),
        (sample.stranger(3), 3, ["somebody else", "Page 3"]),
    ],
)
def test_documents(pdf: bytes, pages: int, words: list[str]) -> None:
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == pages
    text = " ".join(page.extract_text() for page in reader.pages)
    assert all(word in text for word in words)
    fonts = [
        font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    assert all({"/FontFile2", "/FontFile3"} & set(font) for font in fonts)


def test_cutting_pages() -> None:
    assert len(PdfReader(io.BytesIO(first_pages(sample.invoice(), 1))).pages) == 1
    assert first_pages(sample.invoice(), 2) == sample.invoice()
    with pytest.raises(Refused, match="invalid_file"):
        first_pages(b"no pdf", 1)


def test_text_keeps_its_words() -> None:
    paper = to_paper("#set page() is no code here\n\nÀ bientôt".encode())
    text = PdfReader(io.BytesIO(paper.pdf)).pages[0].extract_text()
    assert "#set page() is no code here" in text
    assert "À bientôt" in text
