"""What the PDF of a row shows: ours bit for bit, ours drawn anew, or nothing that proves anything."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.errors import GatewayError, temporary
from gateway.faxout.interpret import Standing
from gateway.faxout.proofs import Proofs
from gateway.lifecycle import DocumentState
from gateway.model import Document

ROWS = {"7": Standing.PENDING}
THEIRS = ("drawn", "anew")


def document(name: str, *digests: str) -> Document:
    return Document(id=name, state=DocumentState.READY, pages=len(digests), digest=name, page_digests=digests)


class Account:
    """Gives a PDF for every row."""

    async def get_fax_message_pdf(self, row_id: str) -> bytes:
        return b"%PDF-" + row_id.encode()


class Desk:
    """Proofs, and what was compared for them."""

    def __init__(self, *alike: str, error: GatewayError | None = None) -> None:
        self.compared: list[str] = []
        self.time = 0.0
        self._alike, self._error = alike, error
        account: Any = Account()
        self.proofs = Proofs(
            client=account,
            page_digests=self._digests,
            alike=self._compare,
            pause=60.0,
            clock=lambda: self.time,
        )

    async def _digests(self, _pdf: bytes) -> Sequence[str]:
        return THEIRS

    async def _compare(self, ours: Document, _pdf: bytes) -> bool:
        self.compared.append(ours.id)
        if self._error is not None:
            raise self._error
        return ours.id in self._alike

    async def shown(self, *documents: Document) -> dict[str, tuple[str, ...]]:
        await self.proofs.ask({"7": documents}, ROWS)
        return self.proofs.known(ROWS)


async def test_equal_digests_are_not_compared_again() -> None:
    desk = Desk("b")
    assert await desk.shown(document("a", *THEIRS), document("b", "1", "2")) == {"7": THEIRS}
    assert desk.compared == []


async def test_the_only_document_that_it_can_be() -> None:
    desk = Desk("b")
    assert await desk.shown(document("a", "1", "2"), document("b", "3", "4")) == {"7": ("3", "4")}
    assert desk.compared == ["a", "b"]


async def test_two_documents_that_it_can_be_are_no_proof() -> None:
    desk = Desk("a", "b")
    assert await desk.shown(document("a", "1", "2"), document("b", "3", "4")) == {"7": THEIRS}


async def test_faxes_with_the_same_pages_are_one_document() -> None:
    desk = Desk("a", "b")
    assert await desk.shown(document("a", "1", "2"), document("b", "1", "2")) == {"7": ("1", "2")}
    assert len(desk.compared) == 1


async def test_another_number_of_pages_is_not_compared() -> None:
    desk = Desk("a")
    assert await desk.shown(document("a", "1")) == {"7": THEIRS}
    assert desk.compared == []


async def test_of_too_many_documents_none_is_proved() -> None:
    desk = Desk("0")
    many = [document(str(number), f"{number}", "x") for number in range(9)]
    assert await desk.shown(*many) == {"7": THEIRS}
    assert len(desk.compared) < len(many)


@pytest.mark.parametrize("asked_again", [False, True])
async def test_a_comparison_that_failed_is_made_again_later(asked_again: bool) -> None:
    desk = Desk(error=GatewayError(temporary("4.3.0", "No renderer.")))
    assert await desk.shown(document("a", "1", "2")) == {"7": ()}
    desk.time = 10_000.0 if asked_again else 1.0
    assert ("7" in desk.proofs.known(ROWS)) is not asked_again
