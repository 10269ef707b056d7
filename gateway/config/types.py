"""What every section of the settings shares: the base class, and types that say what is wrong in plain words.

The validators raise `PydanticCustomError`, whose text is shown to the administrator as it is. It quotes the
value where that helps; never in a type that a secret uses.
"""

from __future__ import annotations

import ipaddress
import re
import string
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError

STATION_ID_LENGTH = 20
"""T.30 transmits 20 characters of subscriber identification (TSI/CSI)."""
TOKEN_LENGTH = 8
"""Room the ``{token}`` of a station id needs at least to tell two faxes apart."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Section(BaseModel):
    """Base of every table: frozen, refuses unknown keys, and keeps values out of its error messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


def wrong(message: str) -> PydanticCustomError:
    """An error whose text reaches the administrator unchanged; braces in it are not a template."""
    return PydanticCustomError("setting", "{text}", {"text": message})


def is_loopback(host: str) -> bool:
    """Whether `host` can only be this machine: ``localhost`` or a loopback address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_full_name(host: str) -> bool:
    """Whether `host` could be known to other machines: it has a dot, and is no place holder for "here"."""
    return "." in host and not host.endswith((".localdomain", ".localhost", ".arpa"))


_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)


def _hostname(value: str) -> str:
    name = value.lower().rstrip(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise wrong(
            f"{value!r} is not a host or domain name (non-ASCII names are written in their xn-- form)"
        )
    return name


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.strip("[]")))
    except ValueError:
        return _hostname(value)


def _mail_address(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not at or not local or len(local) > 64 or re.search(r"[\s<>,;:\\\"()\[\]\x00-\x1f\x7f@]", local):
        raise wrong(f"{value!r} is not a mail address such as name@example.com")
    return f"{local}@{_hostname(domain)}"


def _sender_pattern(value: str) -> str:
    if value == "*":
        return value
    if value.startswith("*@"):
        return "*@" + _hostname(value[2:])
    return _mail_address(value)


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}", value):
        raise wrong("a name has 1 to 64 letters, digits or . _ @ + - and starts with a letter or digit")
    return value


def _network(value: object) -> object:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    try:
        network = ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        raise wrong(f"{value!r} is not a network such as 192.0.2.0/24 or 2001:db8::/64") from None
    if "/" in str(value) and network.network_address != ipaddress.ip_interface(str(value)).ip:
        raise wrong(f"{value!r} has host bits set; write {network}")
    return network


def split_endpoint(value: str) -> tuple[str, int]:
    """``host:port`` or ``[v6]:port`` as a pair. Raises ValueError when it is neither."""
    host, colon, port = value.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(value)
    if ":" in host and not bracketed:
        raise ValueError(value)
    return host.strip("[]"), int(port)


def _endpoint(value: str) -> str:
    try:
        host, port = split_endpoint(value)
    except ValueError:
        raise wrong(f"{value!r} is not an address and port such as 127.0.0.1:2525 or [::1]:2525") from None
    host = _host(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _fax_number(value: str) -> str:
    digits = re.sub(r"[\s.()-]", "", value).removeprefix("+")
    if not digits.isascii() or not digits.isdigit() or not 7 <= len(digits) <= 15:
        raise wrong(f"{value!r} is not a telephone number; write its digits, for example 5552341234")
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def _did(value: str) -> str:
    return value if value == "*" else _fax_number(value)


def _prefix(value: str) -> str:
    if not re.fullmatch(r"\+[1-9][0-9]{0,14}", value):
        raise wrong(f"{value!r} is not the beginning of an international number such as +1900")
    return value


def _allowed(value: str) -> str:
    return value if value == "*" else _prefix(value)


def _station_id(value: str) -> str:
    try:
        fields = [(literal, field) for literal, field, _, _ in string.Formatter().parse(value)]
    except ValueError:
        raise wrong("braces are only for {name} and {token}") from None
    literal = "".join(text for text, _ in fields)
    names = [field for _, field in fields if field is not None]
    if any(name not in ("name", "token") for name in names):
        raise wrong("the only fields are {name} and {token}")
    if not literal.isascii() or not literal.isprintable():
        raise wrong("a station id is printable ASCII")
    room = STATION_ID_LENGTH - (TOKEN_LENGTH if "token" in names else 0)
    if len(literal) > room:
        raise wrong(
            f"a station id has {STATION_ID_LENGTH} characters; at most {room} are left for plain text here"
        )
    return value


def _code(value: SecretStr) -> SecretStr:
    code = value.get_secret_value()
    if not code.isascii() or not code.isalnum() or not 4 <= len(code) <= 32:
        raise wrong("a security code has 4 to 32 letters and digits, nothing else")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise wrong(f"not a regular expression: {error}") from None
    return value


def _api_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise wrong("not a URL") from None
    if parts.scheme not in ("https", "http") or not host:
        raise wrong("write the whole URL, for example https://voip.ms/api/v1/rest.php")
    if parts.username is not None or parts.query or parts.fragment:
        raise wrong(
            "the URL carries no user, query or fragment; username and password have settings of their own"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise wrong(
            "http:// would send the API password in clear; it is for a simulator on this machine only"
        )
    if host.startswith("www."):
        raise wrong("leave out 'www.': that host answers with a redirect, which loses the uploaded fax")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):  # zoneinfo raises all three, by the kind of nonsense
        raise wrong(f"{value!r} is not a time zone such as America/New_York") from None
    return value


def _line(value: str) -> str:
    if not value.isprintable():
        raise wrong("control characters and line breaks are not possible here")
    return value


def _password_hash(value: str) -> str:
    import argon2  # deferred: 20 ms that a configuration without users need not pay

    try:
        argon2.extract_parameters(value)
    except argon2.exceptions.InvalidHashError:
        raise wrong(
            "not an argon2 hash ($argon2id$v=19$...); a password itself does not belong here"
        ) from None
    return value


def _beside_config(value: Path, info: ValidationInfo) -> Path:
    base: Path | None = (info.context or {}).get("base")
    return value if base is None else base / value


def _beside_config_or_empty(value: str, info: ValidationInfo) -> str:
    return str(_beside_config(Path(value), info)) if value else value


def _listed(value: object) -> object:
    if isinstance(value, str):
        raise wrong('this is a list; write ["..."], also for one value')
    return value


Hostname = Annotated[str, AfterValidator(_hostname)]
"""A host or domain name, lower case, without a final dot."""
OptionalHostname = Annotated[str, AfterValidator(lambda value: _hostname(value) if value else value)]
Host = Annotated[str, AfterValidator(_host)]
"""A host name or an IP address."""
Endpoint = Annotated[str, AfterValidator(_endpoint)]
"""``host:port``; port 0 lets the system choose. Split it with `split_endpoint`."""
Port = Annotated[int, Field(ge=1, le=65535)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
"""``local@domain``; the domain is lower case, the local part as written."""
OptionalMailAddress = Annotated[str, AfterValidator(lambda value: _mail_address(value) if value else value)]
SenderPattern = Annotated[str, AfterValidator(_sender_pattern)]
"""A mail address, ``*@domain`` or ``*``."""
Name = Annotated[str, AfterValidator(_name)]
"""Tells the items of a list apart; also part of credential and variable names."""
OptionalName = Annotated[str, AfterValidator(lambda value: _name(value) if value else value)]
Cidr = Annotated[Network, BeforeValidator(_network)]
FaxNumber = Annotated[str, AfterValidator(_fax_number)]
"""Digits; a North American number has ten, its leading 1 is dropped."""
OptionalFaxNumber = Annotated[str, AfterValidator(lambda value: _fax_number(value) if value else value)]
Did = Annotated[str, AfterValidator(_did)]
"""A `FaxNumber`, or ``*``."""
Prefix = Annotated[str, AfterValidator(_prefix)]
"""The first digits of an E.164 number, with its plus sign."""
Allowed = Annotated[str, AfterValidator(_allowed)]
"""A `Prefix`, or ``*`` for every destination the gateway dials at all."""
StationId = Annotated[str, AfterValidator(_station_id)]
Code = Annotated[SecretStr, AfterValidator(_code)]
"""A sender's security code."""
Pattern = Annotated[str, AfterValidator(_pattern)]
"""A regular expression, to be compiled with IGNORECASE and searched."""
ApiUrl = Annotated[str, AfterValidator(_api_url)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Line = Annotated[str, AfterValidator(_line)]
"""Text that may stand in a header or banner: no control character."""
PasswordHash = Annotated[str, AfterValidator(_password_hash)]
FilePath = Annotated[Path, AfterValidator(_beside_config)]
"""A path; a relative one starts at the configuration file's directory."""
OptionalFilePath = Annotated[str, AfterValidator(_beside_config_or_empty)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000)]
Count = Annotated[int, Field(ge=1)]
Tls = Literal["none", "starttls", "implicit"]

NotText = BeforeValidator(_listed)
"""For list fields: a bare string gets the hint that a list is meant."""
