"""How long a client may take: a limit on silence, and for a mail's content a least speed. Pure.

A fixed time for the whole content would cut off whoever has a large mail and a slow line. Instead each byte
that arrives earns time, so that who goes on sending may finish, and who sends a byte now and then may not.
Times are seconds of any clock that only goes forward.
"""

from __future__ import annotations


class Patience:
    """The limits of one connection; `until` is when they are reached if nothing more is heard."""

    def __init__(self, *, silence: float, content: float, rate: float, most: int) -> None:
        """`silence`: seconds without a word. A mail's content may take `content` seconds, and for each byte
        1 / `rate` more; one of more than `most` bytes is refused anyway and gets `content` to end."""
        self._silence = silence
        self._content = content
        self._rate = rate
        self._most = most
        self._heard = 0.0
        self._began: float | None = None
        self._bytes = 0
        self._too_large: float | None = None

    def heard(self, now: float) -> None:
        """A command came."""
        self._heard = now

    def begin(self, now: float) -> None:
        """The content of a mail begins."""
        self._heard = self._began = now
        self._bytes = 0
        self._too_large = None

    def received(self, count: int, now: float) -> None:
        """Bytes of whatever kind came."""
        self._heard = now
        self._bytes += count
        if self._too_large is None and self._bytes > self._most:
            self._too_large = now

    def waited(self, seconds: float, now: float) -> None:
        """We kept the client waiting for `seconds`: they do not count."""
        self._heard = now
        if self._began is not None:
            self._began += seconds

    def end(self, now: float) -> None:
        """The content is complete."""
        self._heard = now
        self._began = None

    @property
    def slow(self) -> bool:
        """Whether it is the least speed that sets the limit, not silence."""
        return self._began is not None and self._content_until(self._began) < self._heard + self._silence

    @property
    def until(self) -> float:
        """When the client is out of time."""
        quiet = self._heard + self._silence
        return quiet if self._began is None else min(quiet, self._content_until(self._began))

    def _content_until(self, began: float) -> float:
        if self._too_large is not None:
            return self._too_large + self._content
        return began + self._content + self._bytes / self._rate
