"""``fax-gateway preview FILE... -o out.pdf``: the pages that a fax of these files would have."""

from __future__ import annotations

import asyncio
import gc
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli import preview_report
from gateway.cli.common import config_option, json_option, show_json
from gateway.cli.preview_mail import draft_of
from gateway.cli.send import spelled, text_of
from gateway.cli.target import Target
from gateway.document.launch import Launched, launched
from gateway.errors import GatewayError, Kind

if TYPE_CHECKING:
    from gateway.config import SenderRule, Settings
    from gateway.document import Rendered

_STDOUT = Path("-")
_PICTURE = ".png"
_HEAD_BYTES = 1 << 16
_MARKDOWN = (".md", ".markdown")


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="PDF, .tif (fax TIFF) or .png (one picture a page) to write; - is a PDF on standard output.",
)
@click.option("--rule", default="", help="Name of the [[sender]] whose mail it would be.")
@click.option("--to", "numbers", multiple=True, metavar="N", help="Fax number; repeatable.")
@click.option("--text", help="Text for the first page; - reads standard input.")
@click.option("--subject", default="", help="Subject for the cover page.")
@json_option
@config_option
def command(
    files: tuple[Path, ...],
    output: Path,
    rule: str,
    numbers: tuple[str, ...],
    text: str | None,
    subject: str,
    as_json: bool,
    config: Path | None,
) -> None:
    """Make the pages that "send" would fax of the same FILEs, without sending them.

    A single FILE that is a mail (.eml) makes the pages of that mail. An existing file is replaced. With
    "-o -" everything but the PDF goes to standard error.
    """
    gc.disable()  # the process ends before there is garbage worth collecting
    target = None if output == _STDOUT else Target.at(output, files)
    if target is None and sys.stdout.isatty():
        raise click.UsageError("A PDF is not for a terminal: redirect standard output, or name a file.")
    written_text = text_of(text)
    if not files and not written_text.strip():
        raise click.UsageError("There is nothing to fax: name a file, or give --text with some text.")
    # Started first: it takes as long as the configuration and all else that is needed here.
    with (
        launched(_rooms(files, own_text=bool(written_text.strip()))) as helper,
        tempfile.TemporaryDirectory(prefix="fax-gateway-preview-") as directory,
    ):
        settings = _settings(config)
        work = _Work(
            settings=settings,
            files=files,
            text=written_text,
            subject=spelled(subject),
            rule=rule,
            numbers=numbers,
            directory=Path(directory),
            helper=helper,
        )
        made = _made(work, output)
        written = _deliver(made, target, output, files)
    _tell(made, written, settings, as_json=as_json, err=target is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is to be drawn, and where the pages are made first."""

    settings: Settings
    files: Sequence[Path]
    text: str
    subject: str
    rule: str
    """Empty: that of `send`."""
    numbers: Sequence[str]
    directory: Path
    helper: Launched | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """The document, its pages as pictures where they are wanted, and what shut the renderer's child in."""

    rendered: Rendered
    pictures: Sequence[Path]
    sandbox: Sequence[str]


def _settings(config: Path | None) -> Settings:
    from gateway.config import Settings, default_path, load

    path = config or default_path()
    return load(path).settings if config is not None or path.exists() else Settings()


def _made(work: _Work, output: Path) -> _Made:
    from gateway.document import Renderer
    from gateway.document.wishes import over_limit, render_settings_of

    suffix = output.suffix.lower()
    tiff = suffix in (".tif", ".tiff")

    async def render() -> _Made:
        rule = _rule(work)
        code = rule.code.get_secret_value() if rule is not None and rule.code is not None else None
        draft = draft_of(work.files, text=work.text, subject=work.subject, code=code)
        wishes = _wishes(work, rule, draft.subject)
        async with Renderer(render_settings_of(work.settings), launched=work.helper) as renderer:
            rendered = await renderer.render_message(
                _stored(work.directory / "mail", draft.message),
                work.directory / ("fax.tif" if tiff else "fax.pdf"),
                redact=draft.redact,
                inspect=True,
                **wishes,
            )
            too_long = over_limit(rendered.pages, rule.max_pages if rule is not None else None)
            if too_long is not None:
                raise GatewayError(too_long)
            pictures: list[Path] = []

            async def take(picture: bytes) -> None:
                pictures.append(work.directory / f"{len(pictures) + 1}{_PICTURE}")
                await asyncio.to_thread(pictures[-1].write_bytes, picture)

            if suffix == _PICTURE:
                await renderer.pictures(rendered.path, take)
            return _Made(rendered=rendered, pictures=pictures, sandbox=renderer.sandbox)

    try:
        return asyncio.run(render())
    except GatewayError as error:
        raise _for_now(error) from error


def _rule(work: _Work) -> SenderRule | None:
    rules = {rule.name: rule for rule in work.settings.senders}
    if work.rule and work.rule not in rules:
        known = ", ".join(rules) or "none"
        raise click.BadParameter(
            f"there is no [[sender]] named {work.rule}; there is: {known}.", param_hint="--rule"
        )
    return rules.get(work.rule)


def _wishes(work: _Work, rule: SenderRule | None, subject: str) -> dict[str, Any]:
    """Cover page and header line, as the rule would have them."""
    from gateway import phone
    from gateway.document.wishes import Wishes

    region = work.settings.gateway.country
    numbers = list(dict.fromkeys(phone.parse(number, region=region) for number in work.numbers))
    sender = {
        "from_name": rule.from_name if rule is not None else "",
        "from_number": rule.from_number if rule is not None else "",
    }
    wishes = Wishes(work.settings)
    cover = wishes.cover(work.rule, **sender, numbers=numbers, subject=subject)
    return {
        "cover": cover if cover.mode != "off" else None,
        "header": wishes.header(work.rule, **sender),
    }


def _stored(file: Path, message: bytes) -> Path:
    from gateway.document.output import not_stored

    try:
        file.write_bytes(message)
    except OSError as error:
        raise not_stored(error) from error
    return file


def _rooms(files: Sequence[Path], *, own_text: bool) -> Sequence[str]:
    """What the renderer is to keep warm for these files: for PDFs and pictures alone it starts faster.

    What the configuration wants besides, a cover page, loads what it needs itself.
    """
    from gateway.document.formats.sniff import PICTURES, Format, sniff

    kinds = set()
    for file in files:
        with file.open("rb") as opened:
            kinds.add(sniff(opened.read(_HEAD_BYTES)))
    others = kinds - PICTURES - {Format.PDF}
    if not others:
        return ("text",) if own_text else ()
    plain = others == {Format.TEXT} and not any(file.suffix.lower() in _MARKDOWN for file in files)
    return ("text",) if plain else ("text", "html")


def _deliver(made: _Made, target: Target | None, output: Path, files: Sequence[Path]) -> list[Path]:
    """Put the document where it is wanted; returns the files that were written."""
    if target is None:
        with made.rendered.path.open("rb") as source:
            shutil.copyfileobj(source, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return []
    if len(made.pictures) < 2:
        target.replace_with(made.pictures[0] if made.pictures else made.rendered.path)
        return [output]
    names = [output.with_stem(f"{output.stem}-{number}") for number in range(1, len(made.pictures) + 1)]
    targets = [Target.at(name, files) for name in names]
    for place, picture in zip(targets, made.pictures, strict=True):
        place.replace_with(picture)
    return names


def _for_now(error: GatewayError) -> GatewayError:
    """The daemon tries temporary trouble again by itself; here the person does."""
    failure = error.failure
    if failure.kind is not Kind.TEMPORARY:
        return error
    sentence = failure.sentence.removesuffix("It is tried again.").rstrip()
    if failure.code == "document_storage":
        sentence += f" The pages are made in {tempfile.gettempdir()} first; TMPDIR names another directory."
    return GatewayError(replace(failure, sentence=sentence))


def _tell(made: _Made, written: Sequence[Path], settings: Settings, *, as_json: bool, err: bool) -> None:
    price = settings.document.price_per_minute
    if as_json:
        report = preview_report.as_json(made.rendered, resolution=settings.document.resolution, price=price)
        files = {"file": str(written[0]) if written else "-", "files": [str(path) for path in written]}
        show_json(files | report | {"sandbox": list(made.sandbox)}, err=err)
        return
    where = ", ".join(map(str, written)) or "standard output"
    click.echo(f"{where}: {preview_report.summary(made.rendered, price=price)}", err=err)
    for line in preview_report.remarks(made.rendered):
        click.echo(line, err=True)
