"""Settings of the gateway itself, the VoIP.ms account, and faxes in both directions."""

from __future__ import annotations

import functools
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from gateway.config.types import (
    ApiUrl,
    Count,
    Did,
    FilePath,
    Hostname,
    Line,
    MailAddress,
    Name,
    NotText,
    OptionalFaxNumber,
    OptionalFilePath,
    OptionalHostname,
    PasswordHash,
    Pattern,
    Prefix,
    Seconds,
    Section,
    StationId,
    TimeZone,
    is_full_name,
)

Delays = Annotated[tuple[Seconds, ...], NotText]
STATE_DIR = Path("/var/lib/fax-gateway")
RUNTIME_DIR = Path("/run/fax-gateway")


class Gateway(Section):
    """``[gateway]``: who this installation is, and what it may dial."""

    name: Line = Field(default="Fax gateway", min_length=1, description="Name shown in mails and pages.")
    hostname: OptionalHostname = Field(
        default="",
        description="Name of this host in SMTP greetings; empty: the system's full name or, "
        "if that has no dot, the first of domains.",
    )
    domains: Annotated[tuple[Hostname, ...], NotText] = Field(
        default=(),
        description="Mail to number@domain is a fax for these domains; RCPT to any other is refused.",
    )
    state_dir: FilePath = Field(
        default=STATE_DIR, description="Queue and stored faxes; $STATE_DIRECTORY (systemd) when not set."
    )
    control_socket: OptionalFilePath = Field(
        default="",
        description="Unix socket for the queue and inbox commands; empty: control.sock in $RUNTIME_DIRECTORY "
        "(systemd), in /run/fax-gateway with the default state_dir, else in state_dir.",
    )
    admin: Annotated[tuple[MailAddress, ...], NotText] = Field(
        default=(), description="Who is mailed when the account or a mailbox needs a person."
    )
    country: str = Field(
        default="US",
        pattern=r"^[A-Z]{2}$",
        description="Region (ISO 3166) that numbers without + are dialled in.",
    )
    allow_international: bool = Field(
        default=False, description="Dial outside the region's country calling code; the provider may not."
    )
    blocked_prefixes: Annotated[tuple[Prefix, ...], NotText] = Field(
        default=("+1900", "+1976"), description="Destinations nobody may fax, whatever their rule says."
    )

    @functools.cached_property
    def host(self) -> str:
        """`hostname`, or what the system calls itself (one resolver look-up, kept).

        A system that has no full name (``localhost``, ``vm``) goes by the first of `domains`: other mail
        servers refuse greetings and senders without one.
        """
        if self.hostname:
            return self.hostname
        system = socket.getfqdn()
        if self.domains and not is_full_name(system):
            return self.domains[0]
        return system or "localhost"

    @property
    def control_path(self) -> Path:
        """Where the control socket is; daemon and commands agree on it without sharing variables."""
        if self.control_socket:
            return Path(self.control_socket)
        return (RUNTIME_DIR if self.state_dir == STATE_DIR else self.state_dir) / "control.sock"


class Voipms(Section):
    """``[voipms]``: the account at the provider, and how patiently it is called."""

    url: ApiUrl = Field(
        default="https://voip.ms/api/v1/rest.php", description="The API's address; without www."
    )
    username: str = Field(default="", description="The account's e-mail address (api_username).")
    password: SecretStr = Field(
        default=SecretStr(""),
        description="The API password; it is set in the portal and is not the portal's own.",
    )
    from_number: OptionalFaxNumber = Field(
        default="",
        description="Fax number that outgoing faxes come from, unless the sender's rule has its own.",
    )
    from_name: Line = Field(
        default="",
        max_length=60,
        description="Sender's name for the provider: letters, digits, spaces; empty: gateway.name.",
    )
    station_id: StationId = Field(
        default="",
        description="Sent to the other machine, 20 characters; may hold {name} and {token}. A token proves "
        "which sent fax is ours, if the provider echoes it, and prints on the paper; empty: not sent.",
    )
    timezone: TimeZone = Field(default="America/New_York", description="Zone of the dates the account shows.")
    connect_timeout: Seconds = Field(default=10, description="Seconds to connect.")
    write_timeout: Seconds = Field(default=300, description="Seconds to upload a fax.")
    read_timeout: Seconds = Field(default=180, description="Seconds to wait for an answer.")
    calls_per_minute: float = Field(
        default=20, gt=0, le=600, description="API calls a minute, all kinds together."
    )
    max_file_bytes: Count = Field(
        default=8_000_000, description="Largest PDF that is submitted; the provider's limit is not published."
    )


class SenderRules(Section):
    """``[sender_rules]``: where the list of senders comes from."""

    source: Literal["config", "account"] = Field(
        default="config",
        description='"config": the [[sender]] tables. "account": the Email-to-Fax list (getEmailToFax).',
    )
    refresh: Seconds = Field(
        default=300, description='Seconds between two readings of the account\'s list ("account" only).'
    )


class Document(Section):
    """``[document]``: how mails become pages, and what one document may cost."""

    paper: Literal["letter", "a4", "legal", "auto"] = Field(
        default="letter",
        description='Page size of outgoing faxes; "auto": what most pages of the document were made for.',
    )
    resolution: Literal["fine", "standard"] = Field(
        default="fine", description='"fine" (204 x 196 dpi) or "standard" (204 x 98): half the minutes.'
    )
    tall_pages: Literal["split", "scale"] = Field(
        default="split", description="Pages much taller than the paper: cut into pieces, or shrunk."
    )
    drop_blank: bool = Field(
        default=True, description="Leave out pages with nothing but dust on them; the sender is told."
    )
    despeckle: bool = Field(default=False, description="Remove single specks from scanned pages.")
    deskew: bool = Field(default=False, description="Turn scanned pages that lie askew upright.")
    bad_parts: Literal["refuse", "note"] = Field(
        default="refuse",
        description="A part that cannot be drawn: refuse the mail, or send a page that says so in its place.",
    )
    text_page: bool = Field(
        default=True,
        description="The mail's text, where there is any, becomes the first pages or the cover's message.",
    )
    cover: Literal["off", "on", "text"] = Field(
        default="off", description='Cover page: "text" makes one only when the mail has text of its own.'
    )
    cover_template: FilePath | None = Field(
        default=None, description="Typst template of the cover page, in place of the built-in one."
    )
    cover_logo: FilePath | None = Field(
        default=None, description="Picture for the cover page (PNG, JPEG or SVG, at most 1 MB)."
    )
    cover_notice: Line = Field(
        default="", max_length=2000, description="Confidentiality text at the foot of the cover page."
    )
    header_line: bool = Field(
        default=False,
        description="A line on top of each page: sender, number, date and time, page (47 CFR 68.318(d)).",
    )
    office: Line = Field(
        default="soffice",
        description="LibreOffice's command, for Office documents; empty: they are refused.",
    )
    max_pages: int = Field(default=100, ge=1, le=1000, description="Longer documents are refused.")
    timeout: Seconds = Field(
        default=120, description="Seconds until the renderer of one document is stopped."
    )
    cpu_seconds: Count = Field(default=60, description="Processor seconds one document may use.")
    memory_mb: int = Field(
        default=1024,
        ge=128,
        description="Memory (MiB of address space) one document may use, beside the program's own.",
    )
    output_mb: Count = Field(default=64, description="Largest file (MiB) the renderer may write.")
    workers: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Documents rendered at the same time; as many that take long, and as many that wait for "
        "LibreOffice, beside them.",
    )
    price_per_minute: float = Field(
        default=0.029, ge=0, le=100, description="What a minute of fax costs, for preview's estimate."
    )


class Fax(Section):
    """``[fax]``: submit, track, retry, doubt."""

    track_interval: Seconds = Field(
        default=30, description="Seconds between two looks at the faxes under way."
    )
    busy_delays: Delays = Field(
        default=(120, 300, 600, 1200, 1800),
        description="Seconds to wait after a busy line, time after time; then the fax has failed.",
    )
    no_answer_delays: Delays = Field(
        default=(300, 900, 1800), description="The same after a call that nobody answered."
    )
    voice_delays: Delays = Field(
        default=(1800,),
        max_length=3,
        description="The same where no fax machine answered: somebody gets called by a machine.",
    )
    dropped_delays: Delays = Field(
        default=(120, 600),
        description="The same after a connection that broke; pages may arrive twice then.",
    )
    provider_delays: Delays = Field(
        default=(30, 60, 120, 300, 600),
        min_length=1,
        description="Seconds between tries while VoIP.ms takes no fax, without end but the deadline; and "
        "between questions whether the account works again.",
    )
    pause_after: Count = Field(
        default=3, description="Calls in a row without an answer of VoIP.ms, until all faxes wait for one."
    )
    outage_notice: Seconds = Field(
        default=3600, description="Seconds that VoIP.ms does not answer, until the administrator is told."
    )
    least_balance: float = Field(
        default=1.0,
        ge=0,
        description="Money that the account must have before faxes go out again after it had too little.",
    )
    deadline_hours: float = Field(
        default=24, gt=0, le=720, description="Hours after which a fax not sent yet has failed."
    )
    settle_seconds: Seconds = Field(
        default=600, description="Seconds a lone failed row must stay alone before it is taken as ours."
    )
    all_folders: bool = Field(
        default=True,
        description="Look for sent faxes in every folder but INBOX, since people move them; false: in SENT.",
    )
    hold_after: Seconds = Field(
        default=3600, description="Seconds until a fax without proof of its fate waits for a person."
    )
    held_days: float = Field(
        default=7, gt=0, le=365, description="Days until a fax that waited in vain ends as unconfirmed."
    )
    lease_seconds: Seconds = Field(
        default=900,
        description="Seconds a worker owns a fax; longer than the three [voipms] time-outs together.",
    )
    pending_pattern: Pattern = Field(
        default=r"progress|process|pending|queue|sending|wait",
        description="Provider's words for a fax under way (regular expression, any case).",
    )
    voice_pattern: Pattern = Field(
        default=r"voice|human|person|no fax|not a fax|no carrier|no answer.?tone|answering machine",
        description="Its words for a call that no fax machine answered; looked for before the next three.",
    )
    busy_pattern: Pattern = Field(default=r"busy|line.?in.?use", description="Its words for a busy line.")
    no_answer_pattern: Pattern = Field(
        default=r"no.?answer|unanswered|not answered",
        description="Its words for a call that nobody answered.",
    )
    dropped_pattern: Pattern = Field(
        default=r"drop|disconnect|hang|hung|lost|cut|train|carrier|comm|partial|incomplete|after page"
        r"|interrupt|time.?out|line error|quality",
        description="Its words for a connection that broke.",
    )
    duplicate_window_hours: float = Field(
        default=168,
        ge=0,
        le=8760,
        description="Hours in which the same mail again is the same fax, not a second one.",
    )
    anonymous_window_minutes: float = Field(
        default=10, ge=0, le=1440, description="Minutes of the same for a mail without Message-ID."
    )
    clock_skew_minutes: float = Field(
        default=10,
        ge=0,
        le=1440,
        description="Minutes our clock and the provider's may differ when rows are matched.",
    )


class Receive(Section):
    """``[receive]``: finding received faxes."""

    enabled: bool = Field(default=True, description="Look for received faxes.")
    poll_interval: Seconds = Field(default=60, description="Seconds between two looks.")
    window_days: int = Field(
        default=2, ge=1, le=90, description="Days each look goes back; the provider allows 92."
    )
    include_existing: bool = Field(
        default=False, description="Also take faxes that were there before the first look."
    )
    move_to: Line = Field(
        default="",
        max_length=60,
        description="Folder at the provider that mailed faxes are moved to; empty: they stay.",
    )


class Route(Section):
    """``[[route]]``: which received faxes go to which mailboxes."""

    numbers: Annotated[tuple[Did, ...], NotText] = Field(
        min_length=1,
        examples=[["*"]],
        description='Our fax numbers; "*": every number that no other route names.',
    )
    to: Annotated[tuple[MailAddress, ...], NotText] = Field(
        min_length=1, examples=[["office@example.com"]], description="Who gets the fax."
    )
    via: Literal["smtp", "provider"] = Field(
        default="smtp", description='"smtp": we mail the PDF through [mail]. "provider": VoIP.ms mails it.'
    )


class User(Section):
    """``[[user]]``: somebody who may log in to the SMTP listeners (AUTH)."""

    name: Name = Field(examples=["user"], description="Login name.")
    password_hash: PasswordHash = Field(
        repr=False,
        examples=["$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$Zm9vYmFyYmF6"],
        description="Argon2 hash of the password, as fax-gateway hash-password prints it.",
    )
