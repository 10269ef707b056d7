"""What measuring documents rests on: a corpus that never changes, words that are known, whole rows."""

from __future__ import annotations

import importlib
import io
import json
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pypdf
import pypdfium2
import pytest
from PIL import Image

CHECKOUT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is found in the checkout only, which tests may not be run from."""
    monkeypatch.syspath_prepend(str(CHECKOUT))


def bench(name: str) -> ModuleType:
    return importlib.import_module(f"bench.{name}")


def kinds() -> dict[str, list[int]]:
    """The places in the collection of each kind of document."""
    places: dict[str, list[int]] = {}
    for number, kind in enumerate(bench("corpus.collection").kinds()):
        places.setdefault(kind, []).append(number)
    return places


def pages(pdf: bytes) -> list[pypdf.PageObject]:
    return list(pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_the_corpus_has_what_it_promises() -> None:
    collection = bench("corpus.collection")
    assert set(collection.LIST) == set(get_args(collection.Kind))
    assert 40 <= len(collection.kinds()) <= 50
    assert sum(pages for some in collection.LIST.values() for pages, _ in some) >= 150


@pytest.mark.parametrize("kind", ["letter", "invoice", "form", "paper", "slides"])
def test_drawn_documents_are_the_same_on_every_run(kind: str) -> None:
    number = kinds()[kind][0]
    make = bench("corpus.collection").make
    assert make(number) == make(number)


def test_scans_and_photographs_are_the_same_on_every_run() -> None:
    scans, photos = bench("corpus.scans"), bench("corpus.photos")
    page = Image.linear_gradient("L").resize((170, 220))
    one, other = (scans.scanned(page, scans.flaws(2), "seed").tobytes() for _ in range(2))
    assert one == other
    assert scans.scanned(page, scans.flaws(2), "another").tobytes() != one
    for number in range(3):
        assert photos.picture(number, 90, 120).tobytes() == photos.picture(number, 90, 120).tobytes()


def test_photographs_have_the_greys_of_photographs() -> None:
    for number in range(6):
        greys = bench("corpus.photos").picture(number, 180, 240).convert("L").histogram()
        total = sum(greys)
        assert sum(greys[40:216]) > 0.6 * total
        assert max(greys) < 0.1 * total


def test_values_of_forms_are_fields_with_or_without_appearance() -> None:
    forms = bench("corpus.forms")
    for appearances in (True, False):
        reader = pypdf.PdfReader(io.BytesIO(forms.form(1, seed=1, appearances=appearances)))
        assert reader.root_object["/AcroForm"]["/NeedAppearances"] is not appearances
        texts = [field.get_object() for field in reader.pages[0]["/Annots"]]
        texts = [field for field in texts if field["/FT"] == "/Tx"]
        assert len(texts) > 10
        assert all(field["/V"] for field in texts)
        assert all(("/AP" in field) is appearances for field in texts)


def test_a_page_stored_lying_is_turned_by_its_reader() -> None:
    (_, lying) = pages(bench("corpus.collection").scan(2, seed=0, dpi=60, paper="us-letter"))
    assert lying["/Rotate"] == 90
    assert lying.mediabox.width > lying.mediabox.height


def test_black_and_white_pictures_come_back_from_g4() -> None:
    pictures = bench("corpus.pictures")
    picture = Image.linear_gradient("L").resize((256, 100)).rotate(30).convert("1")
    pdf = pypdfium2.PdfDocument(pictures.bound([pictures.Leaf(picture=picture, dpi=72)]))
    drawn = pdf[0].render(scale=1, grayscale=True).to_pil().convert("L")
    pdf.close()
    assert drawn.point([0] * 128 + [255] * 128, "1").tobytes() == picture.tobytes()


def test_every_layout_shows_its_words_and_no_others() -> None:
    layouts = bench("corpus.layouts")
    made = layouts.drawn(range(layouts.COUNT))
    assert layouts.COUNT == len(made.words) >= 60
    pdf = pypdfium2.PdfDocument(made.pdf)
    shown = [layouts.words(page.get_textpage().get_text_range()) for page in pdf]
    pdf.close()
    assert shown == list(made.words)
    assert len({layouts.setting(number) for number in range(layouts.COUNT)}) == layouts.COUNT
    assert sorted(layouts.spread(layouts.COUNT)) == list(range(layouts.COUNT))
    few = [layouts.setting(number) for number in layouts.spread(9)]
    assert len({kind for kind, *_ in few}) == 9
    assert len({(size, ink) for *_, size, ink in few}) == 6


def test_recall_counts_each_word_as_often_as_it_is_there() -> None:
    layouts = bench("corpus.layouts")
    truth = layouts.words("Pay 1,200 to the bank, the BANK!")
    assert layouts.recall(truth, layouts.words("the bank pay")) == pytest.approx(3 / 8)
    assert layouts.recall(truth, truth + truth) == 1


def test_noise_is_even_and_of_the_stated_size() -> None:
    grains = bench("corpus.grain").white("seed", 200, 300)
    assert abs(float(grains.mean())) < 0.02
    assert float(grains.std()) == pytest.approx(1, abs=0.02)


def test_hogs_are_small_files(tmp_path: Path) -> None:
    made = bench("hogs").write(tmp_path)
    assert len(made) == 6
    assert all(file.stat().st_size < 500_000 for file in made)


@pytest.fixture
def small(tmp_path: Path) -> list[Any]:
    """One short document of each kind that a measure looks at."""
    collection = bench("corpus.collection")
    drawn, forms = bench("corpus.drawn"), bench("corpus.forms")
    made: dict[str, bytes] = {
        "letter": drawn.letter(1),
        "form": forms.form(1, seed=0, appearances=False),
        "scan": collection.scan(1, seed=1, dpi=100, paper="us-letter"),
        "photo": collection.photo(1, seed=0),
    }
    documents = []
    for kind, content in made.items():
        path = tmp_path / f"{kind}.pdf"
        path.write_bytes(content)
        documents.append(collection.Document(path=path, kind=kind, pages=1))
    return documents


def rows(made: list[Any]) -> dict[str, dict[str, Any]]:
    """The rows as programs get them."""
    plain = json.loads(json.dumps([row.to_json() for row in made]))
    assert all(set(row) == {"measure", "value", "must", "aim", "ok", "peer"} for row in plain)
    found = {row["measure"]: row for row in plain}
    assert len(found) == len(plain)
    return found


def test_time_and_bytes_are_compared_with_all_peers(small: list[Any], tmp_path: Path) -> None:
    rendered = bench("speed").corpus(small, tmp_path, rounds=1)
    found = rows(rendered.rows)
    assert found["whole process, 1 core, no native code, over gs tiffg4"]["must"] == 1.1
    floor = found["whole process, 1 core, native code, over the floor"]
    assert (floor["must"], floor["aim"]) == (1.15, 1.05)
    assert floor["peer"]["value"] > 0
    assert found["whole process, 1 core, no native code, ms/page"]["value"] > 0
    assert found["rate on 2 cores over 1 core"]["value"] > 0
    assert 20e6 < rendered.peak < 1e9
    sizes = rows(bench("sizes").rows(small, rendered.sizes, tmp_path))
    assert sizes["photographs, bytes over Floyd-Steinberg"]["value"] > 0
    assert [row["must"] for row in sizes.values()] == [0.75, 0.3, 0.3]


def test_missing_peers_leave_nulls(
    small: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rasterisers = bench("rasterisers")
    rasterisers.found.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    found = rows(bench("sizes").rows(small, {document.path.name: 1000 for document in small}, tmp_path))
    assert found["text, bytes over gs tiffg4"]["value"] is None
    assert found["text, bytes over gs tiffg4"]["ok"] is None
    assert found["photographs, bytes over Floyd-Steinberg"]["value"] > 0
    read = rows(bench("reading").rows(tmp_path, count=1))
    assert {row["value"] for row in read.values()} == {None}
    said = capsys.readouterr().err
    assert said.count("No comparison with gs") == 1
    assert "No comparison with tesseract" in said
    rasterisers.found.cache_clear()


def test_one_page_in_the_daemon_and_what_it_takes_of_the_machine(small: list[Any], tmp_path: Path) -> None:
    daemon = bench("daemon")
    mail = daemon.mail(small[0].path, tmp_path)
    with daemon.Daemon(tmp_path) as running:
        assert 0 < running.fax(mail) < 60
        idle, _ = running.memory()
        assert running.file(small[1].path) == 1
        now, most = running.memory()
        assert idle > 10e6
        assert most >= now
        assert len(running.beside([mail, mail], bench("hogs").write(tmp_path)[:1])) == 2
