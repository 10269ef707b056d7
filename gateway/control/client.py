"""The command line's side of the control socket: one question, one answer."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from gateway.errors import Failure, GatewayError, Kind, temporary


def ask(path: Path, verb: str, args: dict[str, Any] | None = None, body: bytes = b"") -> Any:
    """Ask the daemon behind the socket at `path`. Blocks.

    Raises `GatewayError`: the daemon's own refusal, or temporary if no daemon answers.
    """
    request = {"verb": verb, "args": args or {}, "body": len(body)}
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n" + body)
            with connection.makefile("rb") as stream:
                line = stream.readline()
    except PermissionError as error:
        raise GatewayError(
            temporary("4.3.0", f"You may not use {path}. Run this as root or as the gateway's user.")
        ) from error
    except OSError as error:
        raise GatewayError(
            temporary(
                "4.3.0",
                f"No fax gateway answers at {path} ({error.strerror}). Is the daemon running?",
                code="no_daemon",
            )
        ) from error
    if not line:
        raise GatewayError(temporary("4.3.0", "The daemon closed the connection without an answer."))
    answer = json.loads(line)
    if answer["ok"]:
        return answer["result"]
    told = answer["error"]
    raise GatewayError(
        Failure(kind=Kind(told["kind"]), status=told["status"], sentence=told["sentence"], code=told["code"])
    )
