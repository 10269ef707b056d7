"""What the service sends by itself: mails with the PDF attached, and the callback for a received fax.

Both talk to the outside in threads with the standard library, as test equipment may. Callbacks only go to
this machine.
"""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import secrets
import smtplib
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from urllib.parse import urlsplit

from gateway.simulator.clock import Clock

SENDER = "noreply@voip.ms"
TIMEOUT = 10.0
"""Seconds of real time for each step of a delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One try to bring something out."""

    kind: str
    """``mail`` or ``callback``."""
    to: str
    message: str
    """Number of the fax."""
    outcome: str
    """``ok``, or what went wrong."""

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """The POST for one received fax."""

    url: str
    retry: bool
    message: str
    sender: str
    recipient: str
    pdf: bytes


class Deliveries:
    """Sends, and remembers what was sent. `changed` is called after each try."""

    def __init__(
        self,
        *,
        clock: Clock,
        smtp: tuple[str, int] | None,
        retry_every: float,
        changed: Callable[[], None],
    ) -> None:
        self.done: list[Delivery] = []
        self._clock = clock
        self._smtp = smtp
        self._retry_every = retry_every
        self._changed = changed
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[object, object, object]) -> None:
        """Run a delivery in the background."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End the deliveries under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def mail(self, *, to: str, subject: str, text: str, message: str, pdf: bytes | None) -> bool:
        """Mail a fax; whether the SMTP server took it."""
        try:
            if self._smtp is None:
                raise ConnectionError("no SMTP server is configured")
            letter = compose(to=to, subject=subject, text=text, name=f"fax_{message}.pdf", pdf=pdf)
            await asyncio.to_thread(_submit, self._smtp, letter)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self._note("mail", to, message, f"{type(error).__name__}: {error}")
            return False
        self._note("mail", to, message, "ok")
        return True

    async def call_back(self, callback: Callback) -> None:
        """POST a received fax until the answer says ``ok``, if the number wants retries."""
        while True:
            outcome = await asyncio.to_thread(_post, callback)
            again = self._clock.seconds() + self._retry_every
            self._note("callback", callback.url, callback.message, outcome)
            if outcome == "ok" or not callback.retry:
                return
            await self._clock.sleep_until(again)

    def _note(self, kind: str, to: str, message: str, outcome: str) -> None:
        self.done.append(Delivery(kind=kind, to=to, message=message, outcome=outcome))
        self._changed()


def compose(*, to: str, subject: str, text: str, name: str, pdf: bytes | None) -> EmailMessage:
    """A mail of the service; the PDF is attached if there is one."""
    letter = EmailMessage()
    letter["From"] = f"VoIP.ms <{SENDER}>"
    letter["To"] = to
    letter["Subject"] = subject
    letter["Date"] = localtime()
    letter["Message-ID"] = make_msgid(domain="voip.ms")
    letter.set_content(text)
    if pdf is not None:
        letter.add_attachment(pdf, maintype="application", subtype="pdf", filename=name)
    return letter


def multipart(fields: dict[str, str], pdf: bytes, filename: str) -> tuple[str, bytes]:
    """Content type and body of a form with the file part ``pdf`` (RFC 7578)."""
    boundary = secrets.token_hex(16)
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="pdf"; filename="{filename}"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    )
    return f"multipart/form-data; boundary={boundary}", b"".join(
        (*lines, head.encode(), pdf, f"\r\n--{boundary}--\r\n".encode())
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, without asking a name server."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _submit(server: tuple[str, int], letter: EmailMessage) -> None:
    with smtplib.SMTP(*server, timeout=TIMEOUT) as smtp:
        smtp.send_message(letter, from_addr=SENDER)


def _post(callback: Callback) -> str:
    url = urlsplit(callback.url if "//" in callback.url else f"http://{callback.url}")
    try:
        if url.scheme != "http" or not url.hostname or not is_loopback(url.hostname):
            return "not sent: the simulator only calls back to http on this machine"
        title = f"fax_{callback.message}.pdf"
        content_type, body = multipart(
            {"from": callback.sender, "to": callback.recipient, "title": title}, callback.pdf, title
        )
        connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=TIMEOUT)
        try:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request(
                "POST", target, body, {"Content-Type": content_type, "User-Agent": "VoIP.ms callback"}
            )
            answer = connection.getresponse()
            said = answer.read(1024)
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    if answer.status == 200 and b"ok" in said:
        return "ok"
    return f"HTTP {answer.status} without ok"
