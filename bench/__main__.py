"""``python -m bench circle|ingest|documents [--quick] [--json]``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench import circle, documents, ingest, report
from gateway import loop

Measurement = Callable[..., Any]


def _command(name: str, measure: Measurement) -> click.Command:
    @click.command(name, help=(measure.__doc__ or "").partition("\n\n")[0])
    @click.option(
        "--quick", is_flag=True, help="Fewer rounds and items: a minute or two, or four for documents."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON with stable keys.")
    def command(quick: bool, as_json: bool) -> None:
        machine = report.machine()
        with tempfile.TemporaryDirectory(prefix="fax-gateway-bench-") as directory:
            rows = loop.run(measure(Path(directory), quick=quick))
        report.show(machine, rows, as_json=as_json)

    return command


@click.group(
    help="Measure the gateway against floors and peers. Files are made in $TMPDIR, on a real disk best."
)
def main() -> None:
    """The commands."""


for _name, _measure in (("circle", circle.run), ("ingest", ingest.run), ("documents", documents.run)):
    main.add_command(_command(_name, _measure))

if __name__ == "__main__":
    main(prog_name="python -m bench")
