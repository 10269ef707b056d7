"""One part of a document: what a person sent as one thing, and how to say that it cannot be faxed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from gateway.errors import Failure, GatewayError, permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that becomes pages: the mail's text, an attachment, a file."""

    label: str
    """Begins a sentence: ``The attachment "scan.pdf"``. Fit to be displayed."""
    name: str = ""
    """File name as sent, without folders. Fit to be displayed; no path, and believed for Markdown only."""
    data: bytes = b""
    text: str | None = None
    """Already decoded text; None: the format is told from `data`."""
    declared: str = ""
    """Content type as declared, lower case; believed only where the content does not tell."""
    charset: str = ""
    inline: bool = False
    """Belongs to the mail's HTML text, as logos and signature pictures do."""
    related: Mapping[str, bytes] = field(default_factory=dict)
    """Of an HTML text: the pictures it shows (``cid:``, RFC 2392), by Content-ID without angle brackets."""
    refusal: Failure | None = None
    """Why it can be no page whatever it holds: it came encrypted or damaged."""


def refusal(label: str, problem: str, advice: str, *, status: str = "5.6.1", code: str = "") -> Failure:
    """Why the part called `label` cannot be faxed, for good.

    Status 5.6.1: media not supported; 5.6.5: conversion failed (RFC 3463, 3.7).
    """
    return permanent(status, f"{label} {problem}. {advice}.", code=code)


def refuse(part: Part, problem: str, advice: str, *, status: str = "5.6.1", code: str = "") -> NoReturn:
    """Raise `refusal` of a part that is being drawn."""
    raise GatewayError(refusal(part.label, problem, advice, status=status, code=code))


def too_many_pages(most: int) -> NoReturn:
    """Refuse the document because it has more pages than allowed."""
    sentence = f"The document has more than {most} pages, which is the limit. Send it in several faxes."
    raise GatewayError(permanent("5.3.4", sentence, code="document_pages"))
