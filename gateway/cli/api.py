"""``fax-gateway api METHOD k=v``: any function of the VoIP.ms API, raw JSON.

It talks to the provider directly, not through the daemon: it changes nothing in the store, and it is what one
reaches for when the daemon does not run. What it changes in the account is the caller's own act: a fax sent
this way is unknown to the queue.
"""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path
from typing import Any

import click

from gateway.cli.common import config_option, show_json
from gateway.cli.exits import Exit
from gateway.cli.inputs import ask_secret

_OURS = frozenset({"api_username", "api_password", "method"})


@click.command(epilog="A value @FILE is that file's content in base64, as sendFaxMessage wants it.")
@click.argument("method")
@click.argument("params", nargs=-1, metavar="[k=v]...")
@click.option("--url", help="Instead of the configuration's; needs --username too.")
@click.option(
    "--username", help="API user, with --url. Its password: $FAX_GATEWAY_API_PASSWORD, or asked for."
)
@click.option("--json", "as_json", is_flag=True, help="The answer is always JSON; accepted for symmetry.")
@config_option
def command(
    method: str,
    params: tuple[str, ...],
    url: str | None,
    username: str | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Call any function of the VoIP.ms API and print its answer.

    Exit code 0 if the answer's status is success, 65 if it is another, 75 if there is no answer.
    """
    given = dict(_pair(text) for text in params)
    if url is not None and username:
        client = _named(url, username)
    elif url is None and username is None:
        client = _configured(config)
    else:
        raise click.UsageError("Give --url and --username together, or neither to use the configuration.")
    answer = asyncio.run(_call(client, method, given))
    show_json(answer)
    return Exit.OK if answer.get("status") == "success" else Exit.DATA


def _named(url: str, username: str) -> Any:
    from gateway.voipms import Client
    from gateway.voipms.settings import check_url

    try:
        check_url(url)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--url") from error
    password = os.environ.get("FAX_GATEWAY_API_PASSWORD") or ask_secret("API password")
    return Client(url=url, username=username, password=password)


def _configured(config: Path | None) -> Any:
    from gateway.app import client_of
    from gateway.config import default_path, load

    return client_of(load(config or default_path()).settings)


async def _call(client: Any, method: str, params: dict[str, str]) -> dict[str, Any]:
    async with client:
        answer: dict[str, Any] = await client.call(method, params)
        return answer


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.UsageError(f'"{text}" is not of the form name=value.')
    if key in _OURS:
        raise click.UsageError(f'"{key}" cannot be given: the command sets it itself.')
    if value.startswith("@"):
        try:
            value = base64.b64encode(Path(value[1:]).read_bytes()).decode()
        except OSError as error:
            raise click.UsageError(f"{value[1:]} cannot be read: {error.strerror}.") from error
    return key, value
