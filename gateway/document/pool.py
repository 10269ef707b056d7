"""`Renderer`: the asynchronous face of the document room, and the supervision behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from gateway.document import remarks, result, verdict, wire
from gateway.document.conversation import Turn, converse
from gateway.document.helper import Helper, HelperDied
from gateway.document.lanes import Crowded, Lanes, Place
from gateway.document.launch import Launched
from gateway.document.launch import command as default_command
from gateway.document.office import Office
from gateway.document.output import Output
from gateway.document.values import Cover, HeaderLine, Rendered, RenderSettings
from gateway.errors import GatewayError, permanent, temporary

_TRIES = 2
"""A document is given to a second helper if the first one dies under it, not to a third."""
ROOMS = ("text", "html")

_Result = TypeVar("_Result")


class Renderer:
    """Renders documents in children of a helper process that it starts, watches and replaces.

    Every method raises `GatewayError`: permanent for what cannot be rendered (the sentence names the file),
    temporary for trouble of our own, and `RendererDied` when the child ended for no certain reason.
    `rooms` are kept warm ("text", "html"); a renderer that lives for one document starts faster without, and
    gives way to no other.
    `command` starts another helper, given its control socket's descriptor as last argument; `launched` is one
    that was started already, and is taken over. `moved` is called when `aside` changes.
    """

    def __init__(
        self,
        settings: RenderSettings,
        *,
        rooms: Iterable[str] = ROOMS,
        command: Sequence[str] | None = None,
        launched: Launched | None = None,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        rooms = tuple(rooms)
        self._command = tuple(command or default_command(rooms))
        self._launched = launched
        self._lanes = Lanes(settings.workers, moved=moved, give_way=bool(rooms))
        self._office = Office(
            settings.office,
            timeout=settings.timeout,
            patience=settings.timeout * settings.workers,
            cpu_seconds=settings.cpu_seconds,
            memory_bytes=settings.memory_bytes,
            output_bytes=settings.output_bytes,
        )
        self._starting = asyncio.Lock()
        self._helper: Helper | None = None
        self._stopped = True

    @property
    def aside(self) -> int:
        """Documents under way that keep no others waiting: they take long, or wait for LibreOffice."""
        return self._lanes.aside

    @property
    def helper_pid(self) -> int | None:
        """Process id of the running helper."""
        return self._helper.pid if self._helper is not None and self._helper.alive else None

    @property
    def sandbox(self) -> tuple[str, ...]:
        """What keeps a child in, e.g. ``("landlock 4", "seccomp")``; a layer the kernel denies us is missing.

        Known while the helper runs, else empty.
        """
        return self._helper.sandbox if self._helper is not None and self._helper.alive else ()

    async def start(self) -> None:
        """Start the helper now, so that the first document is fast and a broken installation shows."""
        self._stopped = False
        try:
            await self._current()
        except HelperDied as error:
            raise GatewayError(_UNAVAILABLE) from error

    async def stop(self) -> None:
        """End the helper and with it every child; documents under way raise a temporary failure."""
        self._stopped = True
        async with self._starting:
            if self._helper is not None:
                await self._helper.close()
                self._helper = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def render_message(
        self,
        message: Path | bytes,
        destination: Path,
        *,
        redact: Sequence[str] = (),
        include_text: bool = True,
        cover: Cover | None = None,
        header: HeaderLine | None = None,
        settings: RenderSettings | None = None,
        inspect: bool = False,
    ) -> Rendered:
        """Render a whole RFC 5322 message: its text as first page, then the attachments in their order.

        `redact`: words blackened wherever they stand in text. `settings` replaces the renderer's own.
        `inspect`: also look for what the recipient may not be able to read. It changes no pixel.
        """
        used = settings or self._settings
        request = wire.Request(
            kind="message",
            settings=used,
            include_text=include_text and used.text_page,
            redact=tuple(redact),
            cover=cover or Cover(),
            header=header,
            inspect=inspect,
        )
        return await self._render(request, [message], destination)

    async def render_files(
        self,
        files: Sequence[Path],
        destination: Path,
        *,
        cover: Cover | None = None,
        header: HeaderLine | None = None,
        settings: RenderSettings | None = None,
        inspect: bool = False,
    ) -> Rendered:
        """Render files, in the order given, as one document.

        `inspect`: also look for what the recipient may not be able to read. It changes no pixel.
        """
        used = settings or self._settings
        if not files:
            raise GatewayError(permanent("5.6.0", "There is no file to fax.", code="document_empty"))
        if len(files) > wire.MAX_FDS:
            sentence = f"At most {wire.MAX_FDS} files can be faxed at once. Send fewer."
            raise GatewayError(permanent("5.3.4", sentence, code="document_parts"))
        request = wire.Request(
            kind="files",
            settings=used,
            names=tuple(file.name for file in files),
            cover=cover or Cover(),
            header=header,
            inspect=inspect,
        )
        return await self._render(request, files, destination)

    async def page_digests(self, pdf: Path | bytes) -> tuple[str, ...]:
        """Digests of the pages of somebody's PDF; those of a page of ours equal `Rendered.page_digests`."""
        request = wire.Request(kind="digests", settings=self._settings)

        async def conclude(answer: bytes) -> tuple[str, ...]:
            return _believed(lambda: wire.read_lines(answer, "digests", most=self._settings.max_pages))

        async def job(helper: Helper, turn: Turn) -> tuple[str, ...]:
            return await converse(helper, request, [pdf], _refuse_page, turn, conclude)

        return await self._run(job)

    async def alike(self, ours: Path | bytes, theirs: Path | bytes) -> bool:
        """Whether somebody's PDF shows the pages of ours, though it may be drawn anew: for other digests."""
        request = wire.Request(kind="alike", settings=self._settings)

        async def conclude(answer: bytes) -> bool:
            return _believed(lambda: wire.read_flag(answer, "alike"))

        async def job(helper: Helper, turn: Turn) -> bool:
            return await converse(helper, request, [ours, theirs], _refuse_page, turn, conclude)

        return await self._run(job)

    async def pictures(self, pdf: Path, take: Callable[[bytes], Awaitable[None]]) -> None:
        """Give `take` each page of a PDF of ours as a PNG picture of the same pixels."""
        request = wire.Request(kind="pictures", settings=self._settings)
        given = 0

        async def conclude(_answer: bytes) -> None:
            """There is nothing in it."""

        async def job(helper: Helper, turn: Turn) -> None:
            seen = 0

            async def sink(kind: bytes, payload: bytes) -> None:
                nonlocal given, seen
                if kind != wire.PICTURE:
                    raise wire.Malformed("not a picture")
                seen += 1
                if seen > given:  # of a child that began again the first ones are known
                    given = seen
                    await take(payload)

            await converse(helper, request, [pdf], sink, turn, conclude)

        await self._run(job)

    async def _render(
        self, request: wire.Request, inputs: Sequence[Path | bytes], destination: Path
    ) -> Rendered:
        settings = request.settings

        async def job(helper: Helper, turn: Turn) -> Rendered:
            with Output(destination, settings.output_bytes, settings.resolution) as output:

                async def conclude(answer: bytes) -> Rendered:
                    said = _believed(lambda: result.read(answer, output.pages, most=remarks.MOST))
                    if not output.pages:
                        raise verdict.died("The document", "renderer_lied")
                    return await output.finish(said)

                return await converse(helper, request, inputs, output.take, turn, conclude)

        return await self._run(job)

    async def _run(self, job: Callable[[Helper, Turn], Awaitable[_Result]]) -> _Result:
        allowance, tries = self._office.allowance(), 0
        async with Place(self._lanes, allowance.patience) as place:
            turn = Turn(place=place, office=self._office, allowance=allowance)
            while tries < _TRIES:
                try:
                    return await job(await self._current(), turn)
                except HelperDied:
                    tries += 1
                except Crowded:
                    await place.wait()
        raise GatewayError(_UNAVAILABLE)

    async def _current(self) -> Helper:
        """The running helper, or a new one if it died."""
        async with self._starting:
            if self._stopped:
                raise HelperDied
            if self._helper is None or not self._helper.alive:
                if self._helper is not None:
                    await self._helper.close()
                    self._helper = None
                launched, self._launched = self._launched, None
                self._helper = await Helper.start(launched or self._command)
            return self._helper


async def _refuse_page(_kind: bytes, _payload: bytes) -> None:
    raise wire.Malformed("a page nobody asked for")


def _believed(read: Callable[[], _Result]) -> _Result:
    try:
        return read()
    except wire.Malformed:
        raise verdict.died("The document", "renderer_lied") from None


_UNAVAILABLE = temporary(
    "4.3.0",
    "The program that draws pages does not run on the gateway at the moment. It is tried again.",
    code="renderer_unavailable",
)
