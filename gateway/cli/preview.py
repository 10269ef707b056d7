"""``fax-gateway preview FILE... -o out.pdf``: the pages that a fax of these files would have."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gateway.cli.common import config_option, json_option, show_json


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="PDF to write.")
@json_option
@config_option
def command(files: tuple[Path, ...], output: Path, as_json: bool, config: Path | None) -> None:
    """Make the fax pages of FILEs, by the same pipeline that a fax takes, without sending."""
    from gateway.app import render_settings_of
    from gateway.config import Settings, default_path, load
    from gateway.document import Rendered, Renderer

    path = config or default_path()
    settings = load(path).settings if config is not None or path.exists() else Settings()

    async def render() -> Rendered:
        async with Renderer(render_settings_of(settings)) as renderer:
            return await renderer.render_files(files, output)

    rendered = asyncio.run(render())
    if as_json:
        show_json(
            {
                "file": str(output),
                "pages": rendered.pages,
                "bytes": rendered.size,
                "digest": rendered.digest,
                "page_digests": rendered.page_digests,
                "notes": rendered.notes,
            }
        )
        return
    plural = "" if rendered.pages == 1 else "s"
    click.echo(f"{output}: {rendered.pages} page{plural}, {rendered.size} bytes")
    for note in rendered.notes:
        click.echo(note, err=True)
