"""One mail on its way in: the header is held and judged in memory, then everything streams into a draft.

Not a byte reaches the draft before the verdict and without the code being removed. A mail that is refused is
read to its end all the same (a client listens only then), but nothing of it is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import Failure, permanent
from gateway.mailin.header import (
    HEADER_BYTES,
    Fingerprint,
    Head,
    bare_cr,
    cleaned,
    facts,
    split,
    too_large,
)
from gateway.mailin.intake import split_message, write_draft
from gateway.mailin.policy import Reason, Refusal, Verdict
from gateway.store import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A complete mail that may come in; `draft` belongs to whoever takes this."""

    verdict: Verdict
    head: Head
    fingerprint: str
    draft: Draft


class Reception:
    """Takes a mail's content (lines end in CR LF) in chunks: `feed`, then `finish`; `close` in any case."""

    def __init__(
        self,
        *,
        judge: Callable[[Head], Verdict],
        draft: Draft,
        max_bytes: int,
        trace: Callable[[Verdict], bytes] = lambda _: b"",
    ) -> None:
        """`judge` raises `Refusal`; `trace` gives the fields that are put in front of the header."""
        self._judge = judge
        self._trace = trace
        self._max_bytes = max_bytes
        self._draft: Draft | None = draft
        self._size = 0
        self._block = bytearray()
        self._fingerprint = Fingerprint()
        self._accepted: tuple[Verdict, Head] | None = None
        self._failure: Exception | None = None
        self._writing: asyncio.Task[None] | None = None

    async def feed(self, chunk: bytes) -> None:
        """Take the next chunk. A refusal is kept for `finish`."""
        if self._failure is not None:
            return
        self._size += len(chunk)
        try:
            await self._write(self._checked(chunk))
        except Exception as failure:  # also a bug: the client can be answered only after its last byte
            self._failure = failure
            self._block.clear()

    async def finish(self) -> Received:
        """The mail, complete. Raises what went wrong first, `Refusal` if the mail itself is to blame."""
        if self._failure is None and self._accepted is None:  # a mail without a body
            try:
                await self._write(self._decide(bytes(self._block), b""))
            except Exception as failure:
                self._failure = failure
        if self._failure is not None:
            raise self._failure
        assert self._accepted is not None
        assert self._draft is not None
        verdict, head = self._accepted
        draft, self._draft = self._draft, None
        return Received(verdict=verdict, head=head, fingerprint=self._fingerprint.hexdigest(), draft=draft)

    def close(self) -> None:
        """Throw away what nobody took; also while a write is still under way in its thread."""
        draft, self._draft = self._draft, None
        if draft is None:
            return
        if self._writing is not None and not self._writing.done():
            self._writing.add_done_callback(lambda _: draft.discard())
        else:
            draft.discard()

    def _checked(self, chunk: bytes) -> bytes:
        """What may be written now."""
        if self._size > self._max_bytes:
            raise Refusal(oversize(self._max_bytes), Reason.SIZE)
        if self._accepted is None:
            return self._header(chunk)
        self._fingerprint.body(chunk)
        return chunk

    def _header(self, chunk: bytes) -> bytes:
        """Collect the header; once it is complete, it is judged and returned without the code."""
        searched = max(0, len(self._block) - 3)
        self._block += chunk
        if self._block.find(b"\r\n\r\n", searched) < 0 and not self._block.startswith(b"\r\n"):
            if len(self._block) > HEADER_BYTES:
                raise _header_too_large()
            return b""
        block, body = split_message(bytes(self._block))
        self._block.clear()
        return self._decide(block, body)

    def _decide(self, block: bytes, body: bytes) -> bytes:
        if too_large(block):
            raise _header_too_large()
        if bare_cr(block):
            raise Refusal(torn(), Reason.HEADER)
        fields = split(block)
        head = facts(fields)
        verdict = self._judge(head)
        self._accepted = verdict, head
        if verdict.code is not None:
            fields = cleaned(fields, verdict.code)
        self._fingerprint.fields(fields)
        self._fingerprint.body(body)
        return b"".join([self._trace(verdict), *(field.raw for field in fields), body])

    async def _write(self, chunk: bytes) -> None:
        if not chunk:
            return
        assert self._draft is not None
        if self._draft.fits(chunk):
            self._draft.write(chunk)
            return
        self._writing = asyncio.ensure_future(write_draft(self._draft, chunk))
        await asyncio.shield(self._writing)


def _header_too_large() -> Refusal:
    return Refusal(
        permanent("5.3.4", f"The header of the mail is larger than {HEADER_BYTES // 1024} kB."), Reason.HEADER
    )


def torn() -> Failure:
    """The answer to a header with a bare CR."""
    return permanent(
        "5.6.11", "The header has a carriage return without a line feed; programs would disagree on it."
    )


def oversize(limit: int) -> Failure:
    """The answer to a mail of more than `limit` bytes."""
    size = f"{limit / 1_000_000:.1f}".removesuffix(".0")
    return permanent("5.3.4", f"The mail is larger than {size} MB. Send less at a time.")
