"""Another mail server to compare with, where it is installed: Postfix."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report import say
from bench.rooms import until_it_listens

_MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/mail.log
maillog_file_prefixes = {root}
myhostname = postfix.bench.example.com
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
message_size_limit = 52428800
mailbox_size_limit = 0
default_process_limit = 100
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_end_of_data_restrictions = check_client_access static:HOLD, permit
"""
"""Every mail is held: a 250 means that smtpd and cleanup have it in an fsynced file; nothing else runs."""

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
qmgr unix n - n 300 1 qmgr
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postfix:
    """A running Postfix of our own that accepts mail and holds it."""

    name: str
    address: tuple[str, int]
    configuration: Path

    def forget(self) -> None:
        """Empty the queue: every round begins with the same."""
        _run(["postsuper", "-c", str(self.configuration), "-d", "ALL"])


@contextlib.asynccontextmanager
async def postfix(directory: Path) -> AsyncIterator[Postfix | None]:
    """Run Postfix with its queue in `directory`; None where it is not installed or we may not start it."""
    if missing := _why_no_postfix():
        say(f"No comparison with Postfix: {missing}.")
        yield None
        return
    port = _free_port()
    configuration = _configured(directory, port)
    _run(["postfix", "-c", str(configuration), "start"])
    try:
        await until_it_listens(("127.0.0.1", port))
        version = _run(["postconf", "-c", str(configuration), "-h", "mail_version"]).strip()
        yield Postfix(
            name=f"Postfix {version} hold", address=("127.0.0.1", port), configuration=configuration
        )
    finally:
        _run(["postfix", "-c", str(configuration), "stop"])


def _configured(directory: Path, port: int) -> Path:
    root, configuration = directory / "postfix", directory / "postfix" / "etc"
    for folder in (configuration, root / "queue", root / "data"):
        folder.mkdir(parents=True)
    directory.chmod(0o755)  # its daemons are another user
    shutil.chown(root / "data", "postfix")
    (configuration / "main.cf").write_text(_MAIN.format(root=root))
    (configuration / "master.cf").write_text(_MASTER.format(port=port))
    return configuration


def _why_no_postfix() -> str:
    if shutil.which("postfix") is None:
        return "it is not installed (apt-get install postfix)"
    return "it must be started by root" if os.geteuid() != 0 else ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-1000:]}")
    return done.stdout
