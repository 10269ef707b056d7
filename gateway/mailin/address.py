"""Fax numbers in SMTP addresses (RFC 3191, RFC 3192): which number a RCPT means, or why it means none. Pure.

Addresses are taken from the raw argument of the command: a parser that knows comments and source routes would
turn ``<49(30)123@fax.test>`` into another number than the one written. What it sees differently is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway import phone
from gateway.errors import GatewayError, permanent

_PATH = re.compile(
    r"""(?:FROM|TO):\x20*
    (?: <(?P<path>(?: "(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*" | [\x21\x23-\x3b\x3d\x3f-\x7e] )*)>
      | (?P<bare>[\x21\x23-\x3b\x3d\x3f-\x7e]+) )
    (?=\x20|\Z)""",
    re.VERBOSE | re.IGNORECASE,
)
_SENDER = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]+\.)*[A-Za-z0-9-]+\.?")
_LOCAL_PART = re.compile(r"[0-9A-Za-z+=/._ -]{1,128}")
_ELEMENT = re.compile(r"([A-Za-z][A-Za-z0-9-]*)=(.*)")
_ROLES = frozenset({"postmaster", "abuse", "hostmaster", "webmaster", "mailer-daemon"})
_DIALLED_LATER = {
    "t33s": "subaddresses (T33S)",
    "isub": "subaddresses (ISUB)",
    "postd": "digits dialled after the call is answered (POSTD)",
}
"""Elements that choose the recipient, so that ignoring them would show the fax to somebody else."""
_LONGEST = 254
"""RFC 5321, 4.5.3.1.3, without the brackets."""


def raw_path(argument: str | None) -> str:
    """The path in the argument of MAIL or RCPT, without its brackets; empty for ``<>``.

    Raises `GatewayError` (permanent, 5.1.3) for anything but printable ASCII in an ordinary path.
    """
    match = _PATH.match(argument or "")
    path = "" if match is None else match["path"] if match["path"] is not None else match["bare"]
    if match is None or len(path) > _LONGEST:
        raise GatewayError(
            permanent("5.1.3", "This address cannot be read. Write it as <number@domain> or <name@domain>.")
        )
    return path


def survives(path: str, parsed: str) -> bool:
    """Whether another parser's view of `path` is the same address, quotes aside."""
    return _unquoted(path) == _unquoted(parsed)


def sender(path: str) -> str:
    """An envelope sender that notices can be sent to. Raises `GatewayError` (permanent, 5.1.7)."""
    if not _SENDER.fullmatch(path):
        raise GatewayError(
            permanent("5.1.7", "The sender is not an ordinary mail address such as name@example.com.")
        )
    return path.rstrip(".")


def destination(path: str, *, domains: Sequence[str], region: str) -> str:
    """The number (E.164) that a RCPT path means; `domains` are ours, `region` dials numbers without ``+``.

    Raises `GatewayError` (permanent): 5.7.1 for other domains, 5.1.1 for role accounts, 5.3.3 for dialling
    that the provider cannot do, 5.1.3 for what is no number.
    """
    local, domain = _unquoted(path)
    if local.lower() in _ROLES and (not domain or domain in domains):
        raise GatewayError(permanent("5.1.1", f"There is no mailbox {local.lower()} here, only fax numbers."))
    if domain not in domains:
        raise GatewayError(permanent("5.7.1", "Relaying denied: this domain is not served here."))
    if not _LOCAL_PART.fullmatch(local):
        raise _not_a_number()
    return phone.parse(_number(local), region=region)


def _number(local: str) -> str:
    """The number in ``5552341234``, ``+1…``, ``FAX=+1…`` or ``/FAX=+1…/ATTN=…/``."""
    first, *rest = local.strip("/").split("/")
    if not rest and "=" not in first:
        return first
    numbers = []
    for element in (first, *rest):
        match = _ELEMENT.fullmatch(element)
        if match is None:
            raise _not_a_number()
        keyword = match[1].lower()
        if keyword in _DIALLED_LATER:
            raise GatewayError(permanent("5.3.3", f"The fax service cannot send {_DIALLED_LATER[keyword]}."))
        if keyword == "fax":
            numbers.append(match[2])
    if len(numbers) != 1:
        raise _not_a_number()
    return numbers[0]


def _unquoted(path: str) -> tuple[str, str]:
    local, at, domain = path.rpartition("@")
    if not at:
        local, domain = path, ""
    if len(local) >= 2 and local.startswith('"') and local.endswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return local, domain.lower().rstrip(".")


def _not_a_number() -> GatewayError:
    return GatewayError(
        permanent(
            "5.1.3",
            "The address has no fax number. "
            "Write 5552341234@domain, +15552341234@domain or FAX=+15552341234@domain.",
        )
    )
