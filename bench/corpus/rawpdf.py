"""PDF objects written as they are, for pages that no typesetter makes: pictures, and what breaks readers."""

from __future__ import annotations

HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
CATALOG, PAGES = 1, 2


class RawPdf:
    """Collects objects; numbers 1 and 2 are the catalog and the page tree."""

    def __init__(self) -> None:
        self._objects: dict[int, bytes] = {CATALOG: b"<</Type/Catalog/Pages 2 0 R>>"}
        self._next = 3
        self._kids: list[int] = []

    def add(self, body: bytes | str, number: int | None = None) -> int:
        """Add an object; its number."""
        if number is None:
            number = self.reserve()
        self._objects[number] = body.encode() if isinstance(body, str) else body
        return number

    def reserve(self) -> int:
        """A number for an object that is added later."""
        self._next += 1
        return self._next - 1

    def stream(self, entries: str, data: bytes, number: int | None = None) -> int:
        """Add a stream with more dictionary entries; its number."""
        head = f"<<{entries}/Length {len(data)}>>\nstream\n".encode()
        return self.add(head + data + b"\nendstream", number)

    def page(
        self, wide: float, high: float, content: bytes | int, *, resources: str = "", entries: str = ""
    ) -> None:
        """Add a page of that many points; `content` may be the number of a stream."""
        drawing = content if isinstance(content, int) else self.stream("", content)
        self._kids.append(
            self.add(
                f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {wide:.3f} {high:.3f}]/Contents {drawing} 0 R"
                f"/Resources<<{resources}>>{entries}>>"
            )
        )

    def whole(self) -> bytes:
        """The file."""
        kids = " ".join(f"{kid} 0 R" for kid in self._kids)
        self.add(f"<</Type/Pages/Count {len(self._kids)}/Kids[{kids}]>>", PAGES)
        file, places = bytearray(HEAD), {}
        for number, body in sorted(self._objects.items()):
            places[number] = len(file)
            file += b"%d 0 obj\n" % number + body + b"\nendobj\n"
        start = len(file)
        file += f"xref\n0 {self._next}\n0000000000 65535 f \n".encode()
        for number in range(1, self._next):
            file += f"{places[number]:010d} 00000 n \n".encode()
        file += f"trailer\n<</Size {self._next}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
        return bytes(file)
