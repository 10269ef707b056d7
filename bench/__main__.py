"""``python -m bench circle|ingest|queue|documents [--quick] [--json]``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench import circle, documents, ingest, queue, report
from gateway import loop

Measurement = Callable[..., Any]


def _command(name: str, measure: Measurement, *options: click.Option) -> click.Command:
    @click.command(name, help=(measure.__doc__ or "").partition("\n\n")[0])
    @click.option(
        "--quick", is_flag=True, help="Fewer rounds and items: a minute or two, or four for documents."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON with stable keys.")
    def command(quick: bool, as_json: bool, **more: Any) -> None:
        machine = report.machine()
        with tempfile.TemporaryDirectory(prefix="fax-gateway-bench-") as directory:
            rows = loop.run(measure(Path(directory), quick=quick, **more))
        report.show(machine, rows, as_json=as_json)

    command.params.extend(options)
    return command


@click.group(
    help="Measure the gateway against floors and peers. Files are made in $TMPDIR, on a real disk best."
)
def main() -> None:
    """The commands."""


_FINISHED = click.Option(
    ["--finished"],
    type=click.IntRange(min=1),
    default=queue.FINISHED,
    show_default=True,
    help="Faxes in the long history; fewer, and the backlog is smaller, too.",
)
for _command_of in (
    _command("circle", circle.run),
    _command("ingest", ingest.run),
    _command("queue", queue.run, _FINISHED),
    _command("documents", documents.run),
):
    main.add_command(_command_of)

if __name__ == "__main__":
    main(prog_name="python -m bench")
