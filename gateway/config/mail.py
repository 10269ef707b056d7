"""Settings of the mail side: listeners, who may send, polled mailboxes, and the way our own mails take."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from gateway.config.types import (
    Allowed,
    Cidr,
    Code,
    Count,
    Endpoint,
    FilePath,
    Host,
    Hostname,
    Line,
    Name,
    NotText,
    OptionalFaxNumber,
    OptionalMailAddress,
    Port,
    Seconds,
    Section,
    SenderPattern,
    StationId,
    Tls,
    is_loopback,
    split_endpoint,
)

LOOPBACK_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class Listener(Section):
    """``[[smtp.listener]]``: one address the SMTP server listens on."""

    address: Endpoint = Field(default="127.0.0.1:2525", description="Address and port.")
    tls: Tls = Field(
        default="none", description='"none", "starttls" (upgrade) or "implicit" (TLS from the first byte).'
    )
    tls_cert: FilePath | None = Field(default=None, description="Certificate chain (PEM).")
    tls_key: FilePath | None = Field(default=None, description="Its private key (PEM).")
    auth: Literal["none", "optional", "required"] = Field(
        default="none",
        description='Whether clients log in as a [[user]]. With tls = "starttls" or "implicit": only under '
        'TLS; with "none": only on loopback.',
    )

    @property
    def host(self) -> str:
        """The address without its port and brackets."""
        return split_endpoint(self.address)[0]

    @property
    def port(self) -> int:
        """The port; 0 means the system chooses."""
        return split_endpoint(self.address)[1]

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)


class Smtp(Section):
    """``[smtp]``: the SMTP server that turns mails into faxes."""

    enabled: bool = Field(default=True, description="Listen at all.")
    listeners: Annotated[tuple[Listener, ...], NotText] = Field(
        default=(Listener(),), alias="listener", min_length=1, description="Where to listen."
    )
    trusted_networks: Annotated[tuple[Cidr, ...], NotText] = Field(
        default=LOOPBACK_NETWORKS,
        description="Peers whose envelope sender is believed without AUTH: mail servers that checked it.",
    )
    max_message_bytes: Count = Field(default=52_428_800, description="Largest mail.")
    max_recipients: int = Field(default=20, ge=1, le=1000, description="Most fax numbers in one mail.")
    max_connections: Count = Field(default=200, description="Most clients at a time.")
    max_connections_per_ip: Count = Field(default=20, description="Most clients from one address at a time.")
    command_timeout: Seconds = Field(default=300, description="Seconds a client may be silent.")
    data_timeout: Seconds = Field(
        default=600,
        description="Seconds a client may take for one mail's content, and more the larger it is: see "
        "data_min_rate.",
    )
    data_min_rate: Count = Field(
        default=500,
        description="Bytes per second that a client must send on average once data_timeout is over.",
    )
    banner: Line = Field(
        default="ESMTP fax gateway", max_length=200, description="What follows the host name in the greeting."
    )


class SenderRule(Section):
    """``[[sender]]``: who may fax, how they prove who they are, and within which limits."""

    name: Name = Field(examples=["sender"], description="Name of the rule, for logs and credentials.")
    addresses: Annotated[tuple[SenderPattern, ...], NotText] = Field(
        default=(),
        description='Sender addresses: "name@domain", "*@domain", or "*" for everybody who knows the code.',
    )
    users: Annotated[tuple[Name, ...], NotText] = Field(
        default=(),
        description="Names of [[user]] tables. They may write any From or, where addresses are given, only "
        "those.",
    )
    code: Code | None = Field(
        default=None, description="Security code, a word of its own in the mail's subject."
    )
    code_required: bool = Field(default=True, description="Whether a mail without the code is refused.")
    from_number: OptionalFaxNumber = Field(
        default="", description="Fax number of this sender; empty: voipms.from_number."
    )
    from_name: Line = Field(
        default="", max_length=60, description="Name of this sender; empty: voipms.from_name."
    )
    station_id: StationId = Field(
        default="", description="Station id of this sender; empty: voipms.station_id."
    )
    max_pages: Count | None = Field(
        default=None, description="Most pages of one fax; not set: document.max_pages."
    )
    max_recipients: Count | None = Field(
        default=None, description="Most numbers in one mail; not set: smtp.max_recipients."
    )
    allow: Annotated[tuple[Allowed, ...], NotText] = Field(
        default=("*",),
        description='Destinations by their first digits (E.164), such as "+1212"; "*": all not blocked.',
    )
    on_unknown: Literal["hold", "resend"] = Field(
        default="hold",
        description="When nobody can tell whether the fax went out: wait for a person, or send it again, so "
        "that it may arrive twice.",
    )
    receipts: Literal["all", "failures"] = Field(
        default="all", description="Which outcomes are mailed to the sender."
    )
    cover: Literal["off", "on", "text"] | None = Field(
        default=None, description="Cover page for this sender; not set: document.cover."
    )
    header_line: bool | None = Field(
        default=None, description="Header line for this sender; not set: document.header_line."
    )


class Mailbox(Section):
    """``[[mailbox]]``: an IMAP mailbox whose mails become faxes; the number stands in the subject."""

    name: Name = Field(examples=["mailbox"], description="Name of the mailbox, for logs and credentials.")
    host: Host = Field(examples=["imap.example.com"], description="IMAP server.")
    port: Port = Field(default=993, description="Its port.")
    tls: Tls = Field(default="implicit", description='"implicit", "starttls", or "none" (this machine only).')
    username: str = Field(examples=["fax@example.com"], min_length=1, description="Login name.")
    password: SecretStr = Field(default=SecretStr(""), description="Password.")
    folder: Line = Field(default="INBOX", min_length=1, description="Folder that is watched.")
    faxed: Line = Field(default="Faxed", min_length=1, description="Folder for mails that became faxes.")
    refused: Line = Field(default="Refused", min_length=1, description="Folder for mails that did not.")
    poll: Seconds = Field(default=60, description="Seconds between two looks.")
    idle: bool = Field(default=True, description="Also wait for the server's hint (IDLE) between looks.")
    include_existing: bool = Field(
        default=False, description="Also take mails that were there before the first look."
    )
    trusted_authserv: Annotated[tuple[Hostname, ...], NotText] = Field(
        default=(), description="Names (authserv-id) whose Authentication-Results headers are believed."
    )
    answer_refusals: bool = Field(
        default=True, description="Answer refused mails, where the sender is proved."
    )
    max_message_bytes: Count = Field(default=52_428_800, description="Largest mail.")
    ca_file: FilePath | None = Field(
        default=None, description="Certificate authorities (PEM); not set: the system's."
    )


class Mail(Section):
    """``[mail]``: the mail server that takes receipts, notices and received faxes."""

    host: Host = Field(default="127.0.0.1", description="Mail server.")
    port: Port = Field(default=25, description="Its port.")
    tls: Tls = Field(default="none", description='"none", "starttls" or "implicit".')
    username: str = Field(default="", description="Login name; empty: no login.")
    password: SecretStr = Field(default=SecretStr(""), description="Password.")
    sender: OptionalMailAddress = Field(
        default="",
        description="From address of our mails; empty: fax@ the first of gateway.domains, or else this host.",
    )
    timeout: Seconds = Field(default=60, description="Seconds to wait for the server.")
    retry_delays: Annotated[tuple[Seconds, ...], NotText] = Field(
        default=(60, 300, 900, 1800, 3600),
        min_length=1,
        description="Seconds between tries; the last one repeats.",
    )
    give_up_hours: float = Field(
        default=120, gt=0, le=8760, description="Hours until an undeliverable mail is parked."
    )
    ca_file: FilePath | None = Field(
        default=None, description="Certificate authorities (PEM); not set: the system's."
    )


class Log(Section):
    """``[log]``: what is written about the work, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least important line written."
    )
    format: Literal["auto", "console", "json", "logfmt"] = Field(
        default="auto",
        description='"auto": console on a terminal, else logfmt, with priorities under systemd.',
    )
    mask_numbers: bool = Field(
        default=True, description="Show only the last four digits of telephone numbers."
    )
