"""Who vouches for the From address of a polled mail: trusted Authentication-Results (RFC 8601). Pure.

Only the topmost field counts, and only if its authserv-id is one that the administrator trusts: our own
border server writes above whatever the sender brought along, and must remove forged fields that carry its
name (RFC 8601, section 5). What it may have read otherwise than we do vouches for nobody: a blank before the
colon, a bare CR, a line that is no field.

A method vouches when it passed *and* is aligned with the From domain: the same domain, or a parent that signs
for it. The other direction of relaxed alignment (a subdomain speaks for its parent) would need the public
suffix list; servers that check DMARC have one and say ``dmarc=pass``.
"""

from __future__ import annotations

from collections.abc import Sequence

import authres

from gateway.mailin import fields

_LONGEST = 8192
"""Characters of a field that are worth parsing: the parser's time grows with the square."""
_LABEL = b"authentication-results:"
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
    domain = from_address.rpartition("@")[2].lower()
    topmost = _topmost(block)
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


def _topmost(block: bytes) -> fields.Field | None:
    """The first Authentication-Results field of a block on whose fields all programs agree."""
    found = fields.split(block)
    if fields.bare_cr(block) or any(not field.name and field.raw.strip(b"\r\n") for field in found):
        return None
    topmost = next((field for field in found if field.name == "authentication-results"), None)
    return topmost if topmost is not None and topmost.label.lower() == _LABEL else None


def _parse(value: str) -> authres.AuthenticationResultsHeader | None:
    text = " ".join(value.split())
    # The parser swallows errors inside a result: after one in a comment it would read the comment's text as
    # properties. So nothing that can break a comment reaches it.
    text = "".join(char if " " <= char <= "~" else "?" for char in text)
    if len(text) > _LONGEST or "\\" in text or not _plain_comments(text):
        return None
    try:
        return authres.all_features().parse_value(text)
    except (authres.AuthResError, ValueError, AttributeError, TypeError, RecursionError):
        return None


def _plain_comments(text: str) -> bool:
    """Whether every comment ends, and neither a comment holds a quotation mark nor a quotation a parenthesis.

    Servers quote the sender's address in comments, and ``"a) dkim=pass header.d=b (c"@d`` is an address: a
    parenthesis within its quotes ends the comment for us and not for the server that wrote it.
    """
    depth, quoted = 0, False
    for char in text:
        if char == '"':
            if depth:
                return False
            quoted = not quoted
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth < 0 or quoted:
                return False
    return depth == 0 and not quoted


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
