"""Who vouches for the From address of a polled mail: trusted Authentication-Results (RFC 8601). Pure.

Only the topmost field counts, and only if its authserv-id is one that the administrator trusts: our own
border server writes above whatever the sender brought along, and must remove forged fields that carry its
name (RFC 8601, section 5). A method vouches when it passed *and* is aligned with the From domain: the same
domain, or a parent that signs for it. The other direction of relaxed alignment (a subdomain speaks for its
parent) would need the public suffix list; servers that check DMARC have one and say ``dmarc=pass``.
"""

from __future__ import annotations

from collections.abc import Sequence

import authres

from gateway.mailin import fields

_LONGEST = 8192
"""Characters of a field that are worth parsing: the parser's time grows with the square."""
_ALIGNED_BY: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("dmarc", (("header", "from"),)),
    ("dkim", (("header", "d"), ("header", "i"))),
    ("spf", (("smtp", "mailfrom"),)),
)
"""Method, and the properties that name the domain it passed for, best first."""


def vouched_by(block: bytes, from_address: str, trusted: Sequence[str]) -> str:
    """The method (``dmarc``, ``dkim`` or ``spf``) that vouches for `from_address`, or "" when none does.

    `block` is the original header block; `trusted` are authserv-ids. Doubt of any kind means "".
    """
    topmost = next((f for f in fields.split(block) if f.name == "authentication-results"), None)
    domain = from_address.rpartition("@")[2].lower()
    if topmost is None or not domain or not trusted:
        return ""
    results = _parse(topmost.text)
    if results is None or results.authserv_id not in {name.lower() for name in trusted}:
        return ""
    for method, properties in _ALIGNED_BY:
        for result in results.results:
            if _passed(result, method) and _aligned(domain, _domain(result, properties)):
                return method
    return ""


def _parse(value: str) -> authres.AuthenticationResultsHeader | None:
    text = " ".join(value.split())
    # The parser swallows errors inside a result: after one in a comment it would read the comment's text as
    # properties. So nothing that can break a comment reaches it.
    text = "".join(char if " " <= char <= "~" else "?" for char in text)
    if len(text) > _LONGEST or "\\" in text or text.count("(") != text.count(")"):
        return None
    try:
        return authres.all_features().parse_value(text)
    except (authres.AuthResError, ValueError, AttributeError, TypeError, RecursionError):
        return None


def _passed(result: authres.core.BaseAuthenticationResult, method: str) -> bool:
    return getattr(result, "method", "") == method and getattr(result, "result", "") == "pass"


def _domain(result: authres.core.AuthenticationResult, names: Sequence[tuple[str, str]]) -> str:
    """The domain that the result is about; "" when it is missing or said twice."""
    for kind, name in names:
        values = [p.value for p in result.properties if (p.type, p.name) == (kind, name)]
        if values:
            return values[0].rpartition("@")[2].rstrip(".").lower() if len(values) == 1 and values[0] else ""
    return ""


def _aligned(domain: str, proved: str) -> bool:
    return "." in proved and (domain == proved or domain.endswith("." + proved))
