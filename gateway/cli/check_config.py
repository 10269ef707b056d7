"""``fax-gateway check-config``: everything that is wrong with the configuration, or what it amounts to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gateway.cli.cover_check import cover_problem
from gateway.cli.store_check import store_problem
from gateway.config import ConfigError, Problem, Settings, default_path, load


@click.command("check-config")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    help="The file; else $FAX_GATEWAY_CONFIG, the systemd credential, /etc/fax-gateway/config.toml.",
)
@click.option("--json", "as_json", is_flag=True, help="Report as JSON on standard output.")
@click.pass_context
def command(context: click.Context, path: Path | None, as_json: bool) -> None:
    """Check the configuration: every problem in one run, with file, line and column.

    Exits with 0 when the daemon would start with it, else with 78.
    """
    path = path or default_path()
    settings: Settings | None = None
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    try:
        loaded = load(path)
        settings, warnings = loaded.settings, loaded.warnings
        for problem in (cover_problem(settings, path), store_problem(settings, path)):
            if problem is not None:
                warnings = (*warnings, problem)
    except ConfigError as error:
        errors = error.problems
    if as_json:
        report = {
            "ok": not errors,
            "file": str(path),
            "errors": [asdict(problem) for problem in errors],
            "warnings": [asdict(problem) for problem in warnings],
            "settings": effective(settings) if settings is not None else None,
        }
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        for problem in errors:
            click.echo(f"{problem}", err=True)
        for problem in warnings:
            click.echo(f"warning: {problem}", err=True)
        if settings is not None:
            click.echo(f"{path} is usable.")
            for name, value in _summary(settings):
                click.echo(f"  {name:<10} {value}")
    if errors:
        context.exit(os.EX_CONFIG)


def effective(settings: Settings) -> dict[str, Any]:
    """All settings as in force, in the file's own words; secrets as stars, password hashes not at all."""
    values: dict[str, Any] = settings.model_dump(
        mode="json", by_alias=True, exclude={"users": {"__all__": {"password_hash"}}}
    )
    values["gateway"]["control_socket"] = str(settings.gateway.control_path)
    return values


def _summary(settings: Settings) -> Iterator[tuple[str, str]]:
    """What a person wants to see at a glance."""
    smtp, mail, voipms = settings.smtp, settings.mail, settings.voipms
    yield (
        "account",
        f"{voipms.username} at {voipms.url}, from {voipms.from_number or 'the numbers of the senders'}",
    )
    if smtp.enabled:
        for listener in smtp.listeners:
            yield "smtp", f"{listener.address}, tls {listener.tls}, login {listener.auth}"
        yield "domains", ", ".join(settings.gateway.domains)
    for box in settings.mailboxes:
        yield "mailbox", f"{box.name}: {box.username} at {box.host}, folder {box.folder}"
    if settings.sender_rules.source == "account":
        yield "senders", "from the account's Email-to-Fax list"
    for rule in settings.senders if settings.sender_rules.source == "config" else ():
        code = "code required" if rule.code_required else "no code required"
        yield "sender", f"{rule.name}: {', '.join((*rule.addresses, *rule.users))}, {code}"
    for route in settings.routes if settings.receive.enabled else ():
        yield "route", f"{', '.join(route.numbers)} to {', '.join(route.to)} by {route.via}"
    yield "mail", f"from {settings.mail_sender} through {mail.host}:{mail.port}, tls {mail.tls}"
    if settings.store.shared:
        yield "store", f"{settings.store.shown}, node {settings.store.node or 'as the host'}"
    yield "state", f"{settings.gateway.state_dir}, control socket {settings.gateway.control_path}"
