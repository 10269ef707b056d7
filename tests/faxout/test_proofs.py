"""What the PDF of a row shows: ours bit for bit, ours drawn anew, or nothing that proves anything."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.errors import GatewayError, temporary
from gateway.faxout.interpret import Standing
from gateway.faxout.proofs import Proofs
from gateway.lifecycle import DocumentState
from gateway.model import Document
from gateway.voipms import ApiError
from gateway.voipms.statuses import Phase, classify

ROWS = {"7": Standing.PENDING}
THEIRS = ("drawn", "anew")


def document(name: str, *digests: str) -> Document:
    return Document(id=name, state=DocumentState.READY, pages=len(digests), digest=name, page_digests=digests)


class Account:
    """Gives a PDF for every row, or raises."""

    error: GatewayError | None = None
    asked = 0

    async def get_fax_message_pdf(self, row_id: str) -> bytes:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return b"%PDF-" + row_id.encode()


class Desk:
    """Proofs, and what was compared for them."""

    def __init__(self, *alike: str, error: GatewayError | None = None) -> None:
        self.account = Account()
        self.compared: list[str] = []
        self.time = 0.0
        self._alike, self._error = alike, error
        account: Any = self.account
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
        return dict(self.proofs.known(ROWS).pages)


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


async def test_of_many_documents_the_only_one_is_proved() -> None:
    """Faxes to one number that are all held, as after a long outage."""
    desk = Desk("7")
    many = [document(str(number), f"{number}", "x") for number in range(9)]
    assert await desk.shown(*many) == {"7": ("7", "x")}


async def test_of_too_many_documents_none_is_proved() -> None:
    desk = Desk("0")
    many = [document(str(number), f"{number}", "x") for number in range(30)]
    assert await desk.shown(*many) == {"7": THEIRS}
    assert len(desk.compared) < len(many)


@pytest.mark.parametrize("asked_again", [False, True])
async def test_a_comparison_that_failed_is_made_again_later(asked_again: bool) -> None:
    desk = Desk(error=GatewayError(temporary("4.3.0", "No renderer.")))
    assert await desk.shown(document("a", "1", "2")) == {"7": ()}
    desk.time = 10_000.0 if asked_again else 1.0
    assert ("7" in desk.proofs.known(ROWS).pages) is not asked_again


@pytest.mark.parametrize(("code", "late"), [("unavailable_info", True), ("invalid_id", False)])
async def test_a_pdf_that_cannot_be_had_may_come_unless_it_was_refused(code: str, late: bool) -> None:
    desk = Desk()
    failure = classify("getFaxMessagePDF", Phase.STATUS, code)
    desk.account.error = ApiError(failure, method="getFaxMessagePDF")
    assert await desk.shown(document("a", "1", "2")) == {"7": ()}
    assert set(desk.proofs.known(ROWS).late) == ({"7"} if late else set())


@pytest.mark.parametrize("ended", [False, True])
async def test_other_pages_count_also_while_the_pdf_cannot_be_had_again(ended: bool) -> None:
    """A stranger's row ends, and its PDF is away just then."""
    desk = Desk()
    assert await desk.shown(document("a", "1", "2")) == {"7": THEIRS}
    desk.account.error = GatewayError(temporary("4.3.0", "Not now."))
    desk.time = 10_000.0
    rows = {"7": Standing.ARRIVED if ended else Standing.PENDING}
    assert set(desk.proofs.known(rows).again) == {"7"}
    await desk.proofs.ask({"7": [document("a", "1", "2")]}, rows)
    known = desk.proofs.known(rows)
    assert (known.pages, set(known.again)) == ({"7": THEIRS}, set())


async def test_other_pages_are_looked_at_again_a_few_times() -> None:
    """They may be there before the fax is; a stranger's stay what they are."""
    desk = Desk()
    for _ in range(20):
        desk.time += 3600.0
        if "7" not in desk.proofs.known(ROWS).pages or desk.proofs.known(ROWS).again:
            await desk.shown(document("a", "1", "2"))
    assert 1 < desk.account.asked < 10
    assert await desk.shown(document("a", *THEIRS)) == {"7": THEIRS}
    desk.time += 3600.0
    assert not desk.proofs.known(ROWS).again, "ours"
