"""Where the API is and how patient we are: validated values without behaviour."""

from __future__ import annotations

import ipaddress
import zoneinfo
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway import __version__

DEFAULT_URL = "https://voip.ms/api/v1/rest.php"
"""Never with ``www.``: that answers with a redirect, which loses the request's content."""
DEFAULT_USER_AGENT = f"fax-gateway/{__version__}"
"""The provider's firewall refuses requests without a User-Agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The API user (the account's e-mail address) and its API password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything about the API but the credentials. Times are seconds, each for its whole phase.

    Raises:
        ValueError: names the field that cannot be.
    """

    url: str = DEFAULT_URL
    timezone: str = "America/New_York"
    """IANA name of the zone of the wall clock in answers."""
    connect_timeout: float = 10.0
    """For TCP (with name resolution), and again for TLS."""
    write_timeout: float = 300.0
    """The whole request; an upload may take minutes."""
    read_timeout: float = 180.0
    """From the last byte sent to the last byte of the answer."""
    calls_per_minute: float = 20.0
    user_agent: str = DEFAULT_USER_AGENT
    max_answer: int = 64 * 1024 * 1024
    """Bytes of one answer. A PDF arrives as base64, 4/3 of its size."""

    def __post_init__(self) -> None:
        check_url(self.url)
        for name in ("connect_timeout", "write_timeout", "read_timeout", "calls_per_minute", "max_answer"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be greater than 0")
        if not self.user_agent.strip() or not self.user_agent.isascii() or not self.user_agent.isprintable():
            raise ValueError("user_agent must be printable ASCII and not empty")
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("timezone is not an IANA name such as America/New_York") from None

    @property
    def longest_call(self) -> float:
        """Seconds that one call lasts at most, not counting its turn at the rate limit."""
        return 2 * self.connect_timeout + self.write_timeout + self.read_timeout


def check_url(url: str) -> None:
    """The API's address must not expose the password, nor hold one.

    Raises:
        ValueError: not https (http is for loopback only), or with user, query or fragment.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("url is not an address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("url must begin with https:// and name a host")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("url must be https: the API password would cross the network in the clear")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("url must have no user, query or fragment: credentials are settings of their own")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
