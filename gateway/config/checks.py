"""How settings must fit together: everything a single value cannot tell."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator

from gateway.config.check_senders import check_senders
from gateway.config.findings import Finding, check_file, check_unique
from gateway.config.mail import Listener
from gateway.config.problems import Loc
from gateway.config.settings import Settings
from gateway.config.types import is_full_name, is_loopback

DRAIN_MARGIN = 100
"""Seconds beyond an upload's total limit that a stop may take: its turn at the rate limit, and the commit."""
LOGO_BYTES = 1 << 20
STOP_SECONDS = 660
"""TimeoutStopSec= of the shipped unit: an upload in flight is awaited that long."""


def check(settings: Settings) -> Iterator[Finding]:
    """Every finding, in the order of the file's tables."""
    yield from _gateway(settings)
    yield from _store(settings)
    yield from _voipms(settings)
    for index, listener in enumerate(settings.smtp.listeners if settings.smtp.enabled else ()):
        yield from _listener(settings, index, listener)
    yield from _smtp(settings)
    yield from check_senders(settings)
    yield from _mailboxes(settings)
    yield from _document(settings)
    yield from _receive(settings)
    yield from _mail(settings)


def _gateway(settings: Settings) -> Iterator[Finding]:
    import phonenumbers  # deferred: 50 ms of tables

    gateway = settings.gateway
    if gateway.country not in phonenumbers.SUPPORTED_REGIONS:
        yield Finding(
            loc=("gateway", "country"), message=f"{gateway.country} is not a country code such as US"
        )
    if settings.smtp.enabled and not gateway.domains:
        yield Finding(
            loc=("gateway", "domains"),
            message="is empty while [smtp] is enabled: no mail could be addressed to a fax number",
            hint='for example domains = ["fax.example.com"]',
            about=(("smtp", "enabled"),),
        )
    if not gateway.admin:
        yield Finding(
            loc=("gateway", "admin"),
            message="is empty: nobody is mailed when the account or a mailbox needs a person",
            fatal=False,
        )


def _store(settings: Settings) -> Iterator[Finding]:
    if settings.store.shared and importlib.util.find_spec("psycopg") is None:
        yield Finding(
            loc=("store", "url"),
            message="needs the PostgreSQL driver, which is not installed",
            hint="pip install 'fax-gateway[postgres]'",
        )


def _voipms(settings: Settings) -> Iterator[Finding]:
    voipms = settings.voipms
    if not voipms.username:
        yield Finding(loc=("voipms", "username"), message="is missing", hint="the account's e-mail address")
    if not voipms.password.get_secret_value():
        yield Finding(
            loc=("voipms", "password"),
            message="is missing",
            hint="the API password: password_file, a credential or FAX_GATEWAY__VOIPMS__PASSWORD",
        )
    rules = [rule.name for rule in settings.senders if not rule.from_number]
    own: list[Loc] = [("sender", index, "from_number") for index in range(len(settings.senders))]
    if (
        not voipms.from_number
        and settings.sender_rules.source == "config"
        and (rules or not settings.senders)
    ):
        yield Finding(
            loc=("voipms", "from_number"),
            message="is missing" + (f", and so it is for sender {', '.join(rules)}" if rules else ""),
            hint="one of the account's fax numbers",
            about=(("sender_rules", "source"), *(own or [("sender",)])),
        )
    names: list[tuple[Loc, str]] = [(("voipms", "from_name"), voipms.from_name)]
    names += [(("sender", index, "from_name"), rule.from_name) for index, rule in enumerate(settings.senders)]
    for loc, name in names:
        if name and not (name.isascii() and name.replace(" ", "").isalnum()):
            yield Finding(
                loc=loc,
                message="has characters that the provider may refuse",
                hint="letters, digits and spaces are safe",
                fatal=False,
            )
    call = 2 * voipms.connect_timeout + voipms.write_timeout + voipms.read_timeout  # as voipms.longest_call
    if settings.fax.lease_seconds <= call:
        yield Finding(
            loc=("fax", "lease_seconds"),
            message=f"must be longer than the three time-outs of [voipms] together ({call:g} s)",
            about=tuple(("voipms", f"{part}_timeout") for part in ("connect", "write", "read")),
        )
    if call + DRAIN_MARGIN >= STOP_SECONDS:
        yield Finding(
            loc=("voipms", "write_timeout"),
            message=f"an upload may take {call:g} s, longer than systemd waits at a stop",
            hint=f"raise TimeoutStopSec= of the unit above {call + DRAIN_MARGIN:g}",
            fatal=False,
        )


def _listener(settings: Settings, index: int, listener: Listener) -> Iterator[Finding]:
    loc: Loc = ("smtp", "listener", index)
    files = {"tls_cert": listener.tls_cert, "tls_key": listener.tls_key}
    for key, path in files.items():
        if listener.tls != "none" and path is None:
            yield Finding(
                loc=(*loc, key), message=f'is missing with tls = "{listener.tls}"', about=((*loc, "tls"),)
            )
        elif listener.tls == "none" and path is not None:
            yield Finding(
                loc=(*loc, key),
                message='is of no use with tls = "none"',
                hint='set tls = "starttls" or "implicit"',
            )
        else:
            yield from check_file((*loc, key), path)
    if listener.auth != "none" and not settings.users:
        yield Finding(
            loc=(*loc, "auth"),
            message="needs somebody who can log in",
            hint="add a [[user]]",
            about=(("user",),),
        )
    if listener.loopback:
        return
    protected = listener.tls != "none" and listener.auth != "none"
    if listener.auth != "none" and listener.tls == "none":
        yield Finding(
            loc=(*loc, "auth"),
            message="passwords would cross the network in clear",
            hint="set tls, or listen on 127.0.0.1",
        )
    elif not protected and "trusted_networks" not in settings.smtp.model_fields_set:
        yield Finding(
            loc=(*loc, "address"),
            message="others could connect and claim to be any sender",
            hint="set tls and auth, or name the mail servers that may connect in smtp.trusted_networks",
            about=((*loc, "tls"), (*loc, "auth"), ("smtp", "trusted_networks")),
        )


def _smtp(settings: Settings) -> Iterator[Finding]:
    smtp = settings.smtp
    if smtp.enabled:
        addresses = [listener.address if listener.port else "" for listener in smtp.listeners]
        locs: list[Loc] = [("smtp", "listener", index, "address") for index in range(len(addresses))]
        yield from check_unique(locs, addresses, "address")
    elif not settings.mailboxes:
        yield Finding(
            loc=("smtp", "enabled"),
            message="is false and there is no [[mailbox]]: mails cannot become faxes",
            fatal=False,
            about=(("mailbox",),),
        )
    for index, network in enumerate(smtp.trusted_networks):
        if network.prefixlen == 0:
            yield Finding(
                loc=("smtp", "trusted_networks", index),
                message="trusts every host: whoever connects may claim to be any sender",
                fatal=False,
            )


def _mailboxes(settings: Settings) -> Iterator[Finding]:
    boxes = list(enumerate(settings.mailboxes))
    yield from check_unique(
        [("mailbox", i, "name") for i, _ in boxes], [box.name.lower() for _, box in boxes], "name"
    )
    places = [f"{box.host} {box.port} {box.username} {box.folder}" for _, box in boxes]
    yield from check_unique(
        [("mailbox", i, "folder") for i, _ in boxes], places, "folder of the same account"
    )
    for index, box in boxes:
        loc: Loc = ("mailbox", index)
        if box.tls == "none" and not is_loopback(box.host):
            yield Finding(
                loc=(*loc, "tls"),
                message='"none" would send the password in clear; it is for a server on this machine only',
                about=((*loc, "host"),),
            )
        if not box.password.get_secret_value():
            yield Finding(
                loc=(*loc, "password"), message="is missing", hint="password_file is the usual place"
            )
        for (key, folder), (other, same) in itertools.combinations(
            (("folder", box.folder), ("faxed", box.faxed), ("refused", box.refused)), 2
        ):
            if folder.lower() == same.lower():
                yield Finding(loc=(*loc, other), message=f"is the same folder as {key}", about=((*loc, key),))
        if box.answer_refusals and not box.trusted_authserv:
            yield Finding(
                loc=(*loc, "trusted_authserv"),
                message="is empty: no sender counts as proved, so refused mails are not answered",
                hint="the name your mail server puts into Authentication-Results",
                fatal=False,
            )
        yield from check_file((*loc, "ca_file"), box.ca_file)


def _document(settings: Settings) -> Iterator[Finding]:
    document = settings.document
    for key in ("cover_template", "cover_logo"):
        yield from check_file(("document", key), getattr(document, key))
    logo = document.cover_logo
    if logo is not None and logo.is_file() and logo.stat().st_size > LOGO_BYTES:
        yield Finding(loc=("document", "cover_logo"), message=f"{logo}: larger than {LOGO_BYTES >> 20} MB")


def _receive(settings: Settings) -> Iterator[Finding]:
    if settings.receive.move_to.upper() in ("INBOX", "SENT", "ALL"):
        yield Finding(loc=("receive", "move_to"), message="must be a folder of your own at the provider")
    if settings.receive.enabled and not settings.routes:
        yield Finding(
            loc=("route",),
            message="there is none: received faxes are stored and mailed to nobody",
            hint='add a [[route]] with numbers = ["*"]',
            fatal=False,
            about=(("receive", "enabled"),),
        )
    if not settings.receive.enabled:
        for index in range(len(settings.routes)):
            yield Finding(
                loc=("route", index), message="has no effect while receive.enabled is false", fatal=False
            )


def _mail(settings: Settings) -> Iterator[Finding]:
    mail = settings.mail
    password = bool(mail.password.get_secret_value())
    if mail.username and not password:
        yield Finding(loc=("mail", "password"), message="is missing with a username")
    if password and not mail.username:
        yield Finding(loc=("mail", "username"), message="is missing with a password")
    if mail.username and mail.tls == "none" and not is_loopback(mail.host):
        yield Finding(
            loc=("mail", "tls"),
            message='"none" would send the password in clear',
            hint='"starttls" (port 587) or "implicit" (port 465)',
            about=(("mail", "host"),),
        )
    yield from _our_names(settings)
    if mail.port == 465 and mail.tls != "implicit":
        yield Finding(loc=("mail", "tls"), message='port 465 speaks tls = "implicit"', fatal=False)
    yield from check_file(("mail", "ca_file"), mail.ca_file)


def _our_names(settings: Settings) -> Iterator[Finding]:
    """Names that other mail servers judge our mails by."""
    gateway, sender = settings.gateway, settings.mail_sender
    if settings.store.shared and not settings.mail.sender and not gateway.domains:
        yield Finding(
            loc=("mail", "sender"),
            message="is empty, so each node mails from its own name, and a second copy is not known as one",
            hint="set it to the same address on all nodes",
            fatal=False,
            about=(("store", "url"),),
        )
    about: tuple[Loc, ...] = (("gateway", "domains"), ("gateway", "hostname"))
    if not settings.mail.sender and not is_full_name(sender.rpartition("@")[2]):
        yield Finding(
            loc=("mail", "sender"),
            message=f"is empty, so receipts come from {sender}: many servers refuse a domain without a dot",
            hint="set it, or gateway.domains, or gateway.hostname to the full name of this host",
            fatal=False,
            about=about,
        )
    elif not gateway.domains and not is_full_name(gateway.host):
        yield Finding(
            loc=("gateway", "hostname"),
            message=f"this host goes by {gateway.host}: many servers refuse a greeting without a dot",
            hint="set it to the full name of this host",
            fatal=False,
            about=about,
        )
