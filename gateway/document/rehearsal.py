"""A child that waits for its document meanwhile draws a page of our own, and is warm when the document comes.

What a fork shares with its parent is copied page by page as the child touches it, and that takes longer than
drawing. The rehearsal touches the same memory, and leaves nothing else behind.
"""

from __future__ import annotations

import os
import socket

from gateway.document import job, wire
from gateway.document.values import RenderSettings

_MAIL = b"""\
Content-Type: application/pdf; name="page.pdf"
Content-Disposition: attachment; filename="page.pdf"
Content-Transfer-Encoding: binary

"""
_CONTENT = b"BT /F 12 Tf 72 700 Td (Page) Tj ET 72 600 200 1 re f"
_OBJECTS = (
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
    b"<</Length %d>>stream\n%b\nendstream" % (len(_CONTENT), _CONTENT),
    b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
)


def rehearse() -> None:
    """Do a whole request, and throw away what comes of it."""
    ours, theirs = socket.socketpair()
    message = os.memfd_create("rehearsal")
    with ours, theirs:
        os.write(message, _MAIL + _pdf())
        request = wire.Request(kind="message", settings=RenderSettings())
        ours.sendall(wire.send_request(ours, request, [message]))
        os.close(message)
        job.run(theirs)  # what it answers fits the socket's buffer many times over


def _pdf() -> bytes:
    """One page (ISO 32000-1, 7.5)."""
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(_OBJECTS, 1):
        places.append(len(made))
        made += b"%d 0 obj%bendobj\n" % (number, content)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(_OBJECTS) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%btrailer<</Size %d/Root 1 0 R>>" % (size, rows, size)
    return made + table + b"startxref\n%d\n%%%%EOF\n" % len(made)
