"""Pictures to fax pages, by Pillow.

`files` opens with the decoder of the format that the content has, within limits; `sizing` tells how large a
picture is on paper, `greys` makes any mode grey, `copying` takes fax pages as they are.
"""

from gateway.document.formats.picture.pages import is_decoration, sheets, sizes

__all__ = ["is_decoration", "sheets", "sizes"]
