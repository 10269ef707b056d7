"""One IMAP connection in a thread of its own: what the gateway needs of RFC 9051, and imapclient's traps.

Every method blocks, within the socket time-outs, and raises one of `TROUBLE` when the connection is of no
more use or the server refuses. Nothing here decides what becomes of a message.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imapclient import DELETED, IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from gateway.config import Mailbox
from gateway.mailin.mailbox import Selected

CHUNK = 1 << 20
"""Bytes of one partial fetch: a 50 MB mail needs a few megabytes of memory."""

TROUBLE = (IMAPClientError, OSError)
"""What a server or a network can do to us; time-outs and TLS errors are OSErrors."""


class RefusedError(IMAPClientError):  # type: ignore[misc]  # the library has no types
    """The server refused what nothing works without; the text is for the log."""


class VanishedError(Exception):
    """The message is not there any more: its owner moved or deleted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. Without them a peer that is stopped, not dead, would hang the thread for ever."""

    connect: float = 15.0
    read: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is known of a message before any of it is read."""

    size: int
    """Bytes (RFC822.SIZE)."""
    deleted: bool
    """Flagged as deleted, by its owner or by a move of ours that was cut short."""


class Bell:
    """Wakes a thread that waits: for a mail server, or for nothing at all."""

    def __init__(self) -> None:
        self._out, self._in = socket.socketpair()
        self._out.setblocking(False)
        self._in.setblocking(False)

    def fileno(self) -> int:
        """For selectors: readable once it was rung."""
        return self._out.fileno()

    def ring(self) -> None:
        """Wake whoever waits, or waits next. Any thread may call this, also after `close`."""
        with contextlib.suppress(OSError):  # full: it rings already
            self._in.send(b"\0")

    def wait(self, seconds: float) -> None:
        """Return when rung, or after `seconds`."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            if selector.select(seconds):
                self.silence()

    def silence(self) -> None:
        """Forget earlier rings."""
        with contextlib.suppress(BlockingIOError):
            while self._out.recv(4096):
                pass

    def close(self) -> None:
        """Give the sockets back."""
        self._out.close()
        self._in.close()


class _Client(IMAPClient):  # type: ignore[misc]  # the library has no types
    def _poll_socket(self, sock: socket.socket, timeout: float | None = None) -> bool:
        """`Session.wait` has waited already, for more than this socket.

        The stock method asks only the socket, so a hint that came in one packet with the answer to IDLE, and
        lies in a buffer of imaplib or of TLS, would be noticed with the next one.
        """
        return True


class Session:
    """A connection that is logged in. Use as a context manager."""

    def __init__(self, settings: Mailbox, *, timeouts: Timeouts | None = None) -> None:
        """Connect and log in. Raises one of `TROUBLE`."""
        self._settings = settings
        timeouts = timeouts or Timeouts()
        context = ssl.create_default_context(cafile=settings.ca_file) if settings.tls != "none" else None
        self._client = _Client(
            settings.host,
            settings.port,
            ssl=settings.tls == "implicit",
            ssl_context=context,
            timeout=SocketTimeout(timeouts.connect, timeouts.read),
        )
        self._usable = True
        try:
            if settings.tls == "starttls":
                self._client.starttls(context)
            self._login(settings.username, settings.password.get_secret_value())
        except BaseException:
            self.close()
            raise

    def _login(self, username: str, password: str) -> None:
        # imaplib's LOGIN neither quotes the name nor knows UTF-8; AUTHENTICATE PLAIN has no such trouble.
        if self._client.has_capability("AUTH=PLAIN"):
            self._client.plain_login(username, password)
        else:
            self._client.login(username, password)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        self._usable = self._usable and error is None
        self.close()

    def close(self) -> None:
        """Say goodbye where the connection still works, and give the socket back."""
        with contextlib.suppress(*TROUBLE):
            if self._usable:
                self._client.logout()
                return
        with contextlib.suppress(*TROUBLE):
            self._client.shutdown()

    def interrupt(self) -> None:
        """Make whatever another thread does here fail at once. Any thread may call this."""
        self._usable = False
        with contextlib.suppress(OSError):
            # Not the method of SSLSocket: that one first turns the connection into a plain one, on which the
            # other thread could still write.
            socket.socket.shutdown(self._client.socket(), socket.SHUT_RDWR)

    def ensure_folder(self, name: str) -> None:
        """Create a folder unless it is there."""
        if self._client.folder_exists(name):
            return
        try:
            self._client.create_folder(name)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            if not self._client.folder_exists(name):  # else another program was faster
                raise RefusedError(f"folder {name} cannot be created") from None
        with contextlib.suppress(LoginError):
            self._client.subscribe_folder(name)

    def select(self) -> Selected:
        """Open the watched folder, again and again: only SELECT tells a new UIDVALIDITY."""
        folder = self._settings.folder
        try:
            answer = self._client.select_folder(folder)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            raise RefusedError(f"folder {folder} cannot be opened") from None
        uidvalidity = int(answer.get(b"UIDVALIDITY", 0))
        if uidvalidity == 0:
            raise RefusedError(f"folder {folder} has no lasting UIDs (UIDVALIDITY)")
        uidnext = int(answer.get(b"UIDNEXT", 0)) or max(self._client.search("ALL"), default=0) + 1
        return Selected(uidvalidity=uidvalidity, uidnext=uidnext)

    def uids_from(self, first: int) -> list[int]:
        """UIDs from `first` on; may also name the folder's last message when that is older."""
        return list(self._client.search(["UID", f"{first}:*"]))

    def summaries(self, uids: Sequence[int]) -> dict[int, Summary]:
        """Size and deletion of those messages that are still there."""
        found = self._client.fetch(uids, ["RFC822.SIZE", "FLAGS"])
        return {
            uid: Summary(size=int(data[b"RFC822.SIZE"]), deleted=DELETED in data[b"FLAGS"])
            for uid, data in found.items()
            if b"RFC822.SIZE" in data and b"FLAGS" in data
        }

    def header(self, uid: int, *, limit: int) -> bytes:
        """The header block with its empty line, or its first `limit` bytes. Raises `VanishedError`."""
        return self._part(uid, "HEADER", 0, limit)

    def body(self, uid: int) -> Iterator[bytes]:
        """What follows the header block, in pieces of `CHUNK` bytes at most. Raises `VanishedError`."""
        offset = 0
        while True:
            chunk = self._part(uid, "TEXT", offset, CHUNK)
            offset += len(chunk)
            if chunk:
                yield chunk
            if len(chunk) < CHUNK:
                return

    def _part(self, uid: int, section: str, offset: int, length: int) -> bytes:
        found: Mapping[bytes, bytes | None] | None = self._client.fetch(
            [uid], [f"BODY.PEEK[{section}]<{offset}.{length}>"]
        ).get(uid)
        if found is None:
            raise VanishedError
        key = f"BODY[{section}]<{offset}>".encode()
        if key not in found:
            raise IMAPClientError("the server did not send the part of the message that was asked for")
        part = found[key]
        if part is None:  # NIL: removed by another client, which we are told only afterwards
            raise VanishedError
        return part[:length]

    def file(self, uid: int, folder: str) -> None:
        """Move a message to `folder`; one that has vanished meanwhile is fine.

        Without MOVE (RFC 6851): copy, flag, and expunge that one message; without UIDPLUS (RFC 4315) the
        flagged message stays, because a plain EXPUNGE would remove other people's messages as well.
        """
        try:
            self._move(uid, folder)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            self.ensure_folder(folder)  # removed since we connected
            self._move(uid, folder)

    def _move(self, uid: int, folder: str) -> None:
        if self._client.has_capability("MOVE"):
            self._client.move([uid], folder)
            return
        summary = self.summaries([uid]).get(uid)
        if summary is None:
            return
        if not summary.deleted:  # else the copy was made before a crash
            self._client.copy([uid], folder)
            self._client.add_flags([uid], [DELETED], silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge([uid])

    def wait(self, seconds: float, bell: Bell, *, idle: bool) -> None:
        """Return at the server's hint that mail arrived (IDLE, RFC 2177), when `bell` rings, or in time.

        A hint may be lost with the connection or by a server that never gives one: whoever waits looks
        afterwards in any case.
        """
        if not (idle and self._client.has_capability("IDLE")):
            bell.wait(seconds)
            return
        self._client.idle()
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._client.socket(), selectors.EVENT_READ)
            selector.register(bell, selectors.EVENT_READ)
            if not _hints(self._client.idle_check()):
                while (left := deadline - time.monotonic()) > 0:
                    ready = {key.fileobj for key, _ in selector.select(left)}
                    if bell in ready:
                        bell.silence()
                        break
                    if ready:
                        responses = self._client.idle_check()
                        # Nothing to read on a readable socket: the end of the connection, which idle_check
                        # hides and idle_done tells (or a TLS record without data, which harms nobody).
                        if not responses or _hints(responses):
                            break
        self._client.idle_done()


def _hints(responses: Sequence[Sequence[object]]) -> bool:
    return any(response[0] == b"BYE" or b"EXISTS" in response[1:2] for response in responses)


def explain(error: BaseException) -> str:
    """What is wrong with the server, for the log: in our own words, because errors may quote the mail."""
    match error:
        case RefusedError():
            return str(error)
        case LoginError():
            return "the login was refused: check username and password"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {error.verify_message}"
        case TimeoutError():
            return "it did not answer in time"
        case socket.gaierror():
            return "its host name cannot be resolved"
        case IMAPClientAbortError() | ssl.SSLError() | ConnectionResetError() | BrokenPipeError():
            return "the connection broke"
        case OSError():
            return error.strerror or type(error).__name__
        case _:
            return "it refused a command"
