"""``fax-gateway preview FILE... -o out.pdf``: the pages that a fax of these files would have."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.common import config_option, json_option, show_json
from gateway.cli.target import Target
from gateway.errors import GatewayError, Kind

if TYPE_CHECKING:
    from gateway.document import Rendered

_STDOUT = Path("-")


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="PDF to write; an existing file is replaced, - is standard output.",
)
@json_option
@config_option
def command(files: tuple[Path, ...], output: Path, as_json: bool, config: Path | None) -> None:
    """Make the fax pages of FILEs, by the same pipeline that a fax takes, without sending.

    With "-o -" everything but the PDF goes to standard error.
    """
    target = None if output == _STDOUT else Target.at(output, files)
    if target is None and sys.stdout.isatty():
        raise click.UsageError("A PDF is not for a terminal: redirect standard output, or name a file.")
    with tempfile.TemporaryDirectory(prefix="fax-gateway-preview-") as directory:
        rendered = _render(files, Path(directory) / "fax.pdf", config)
        if target is not None:
            target.replace_with(rendered.path)
        else:
            with rendered.path.open("rb") as source:
                shutil.copyfileobj(source, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    _tell(rendered, output, as_json=as_json, err=target is None)


def _render(files: Sequence[Path], destination: Path, config: Path | None) -> Rendered:
    from gateway.app import render_settings_of
    from gateway.config import Settings, default_path, load
    from gateway.document import Renderer

    path = config or default_path()
    settings = load(path).settings if config is not None or path.exists() else Settings()

    async def render() -> Rendered:
        async with Renderer(render_settings_of(settings)) as renderer:
            return await renderer.render_files(files, destination)

    try:
        return asyncio.run(render())
    except GatewayError as error:
        raise _for_now(error) from error


def _for_now(error: GatewayError) -> GatewayError:
    """The daemon tries temporary trouble again by itself; here the person does."""
    failure = error.failure
    if failure.kind is not Kind.TEMPORARY:
        return error
    sentence = failure.sentence.removesuffix("It is tried again.").rstrip()
    if failure.code == "document_storage":
        sentence += f" The pages are made in {tempfile.gettempdir()} first; TMPDIR names another directory."
    return GatewayError(replace(failure, sentence=sentence))


def _tell(rendered: Rendered, output: Path, *, as_json: bool, err: bool) -> None:
    if as_json:
        show_json(
            {
                "file": str(output),
                "pages": rendered.pages,
                "bytes": rendered.size,
                "digest": rendered.digest,
                "page_digests": rendered.page_digests,
                "notes": rendered.notes,
            },
            err=err,
        )
        return
    plural = "" if rendered.pages == 1 else "s"
    name = "standard output" if err else output
    click.echo(f"{name}: {rendered.pages} page{plural}, {rendered.size} bytes", err=err)
    for note in rendered.notes:
        click.echo(note, err=True)
