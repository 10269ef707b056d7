"""The command ``fax-gateway``: one module for each command group, imported only when it is used."""

from __future__ import annotations

import importlib
import io
import sys

import click

from gateway import __version__
from gateway.cli import exits

_COMMANDS = {
    "serve": ("serve", "Run the daemon."),
    "demo": ("demo", "Show the whole circle on loopback, against the simulator."),
    "simulator": ("simulator", "Serve the VoIP.ms fax API with a scriptable line."),
    "check-config": ("check_config", "Check the configuration file."),
    "send": ("send", "Queue a fax from the shell."),
    "preview": ("preview", "Make the fax pages of some files, without sending."),
    "queue": ("queue", "See and change what is on its way out."),
    "inbox": ("inbox", "See and mail again what came in."),
    "status": ("status", "How the daemon is."),
    "api": ("api", "Call any function of the VoIP.ms API."),
    "hash-password": ("hash_password", "Hash a password for a [[user]] table."),
}


class _Lazy(click.Group):
    """Lists commands from the table above, so that ``--help`` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"gateway.cli.{_COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fax-gateway")
def group() -> None:
    """Send and receive faxes from any mail client through a VoIP.ms account."""


def main() -> None:
    """Entry point; exit codes follow sysexits.h."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the locale cannot spell ends nothing
    sys.exit(exits.run(group))
