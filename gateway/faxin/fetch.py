"""Gets the pages of a received fax and stores our own copy."""

from __future__ import annotations

import asyncio
import hashlib

from gateway.errors import GatewayError, temporary
from gateway.model import Content, ReceivedFax
from gateway.store import Spool
from gateway.voipms import Client
from gateway.worker.outcomes import Fetched


async def fetch(fax: ReceivedFax, *, client: Client, inbox: Spool) -> Fetched:
    """Fetch and store. The client has checked that it is a PDF; nothing here looks inside.

    Raises:
        GatewayError: the provider does not give it, or our own disk does not take it (temporary).
    """
    pdf = await client.get_fax_message_pdf(id=fax.provider_id)
    try:
        content, digest = await asyncio.to_thread(_keep, inbox, f"{fax.id}.pdf", pdf)
    except OSError as error:
        sentence = "The gateway cannot store the received fax just now. Check its disk."
        raise GatewayError(temporary("4.3.1", sentence, code=type(error).__name__)) from error
    return Fetched(content=content, digest=digest)


def _keep(inbox: Spool, name: str, pdf: bytes) -> tuple[Content, str]:
    return inbox.keep(name, pdf), hashlib.sha256(pdf).hexdigest()
