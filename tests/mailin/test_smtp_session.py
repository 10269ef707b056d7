"""What the session does in its own way gives what the library's way gives."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import example, given
from hypothesis import strategies as st
from support.door import ALICE, DOMAIN, MAIL, Site

from gateway.mailin.smtp_session import SmtpSession

ATOMS = st.sampled_from(
    ["a", "b.c", "4930", "+", "/FAX=1/", ".", "..", '"q"', "(c)", "@", "[1.2.3.4]", "-", " ", "é"]
)
ARGUMENTS = st.builds(
    lambda begin, words, end, rest: begin + "".join(words) + end + rest,
    st.sampled_from(["<", "", " <", "<@x:", "(c)<"]),
    st.lists(ATOMS, max_size=6),
    st.sampled_from([">", "", " >"]),
    st.sampled_from(["", " SIZE=1", " SIZE=1 BODY=8BITMIME", " (c) SIZE=1", "SIZE=1", "  ", "\tX"]),
)


@given(ARGUMENTS)
@example("<a@b> SIZE=1")
@example("<a@b>")
@example("<5552341234@fax.example.com>  SIZE=1  BODY=7BIT")
def test_addresses_are_read_as_the_library_reads_them(argument: str) -> None:
    session = object.__new__(SmtpSession)
    session.local_part_limit = 0
    try:
        expected = SMTP._getaddr(session, argument)
    except IndexError:  # the library's parser on an address that ends too early
        with pytest.raises(IndexError):
            session._getaddr(argument)
        return
    address, rest = session._getaddr(argument)
    assert address == expected[0]
    assert (rest or "").split() == (expected[1] or "").split()


async def test_another_session_is_like_one_that_the_library_made(site: Site) -> None:
    dialog = await site.connect()
    (session,) = site.server._sessions
    made = SmtpSession(
        session.hooks, hostname=session.hostname, tls_context=None, offer_auth=True, auth_require_tls=False
    )
    assert set(vars(made)) <= set(vars(session))
    own = {name for name, value in vars(made).items() if inspect.ismethod(value)}
    for name in own:
        assert getattr(session, name).__self__ is not made
    for mine, theirs in (
        (session._smtp_methods, made._smtp_methods),
        ({name: one.method for name, one in session._auth_methods.items()}, {}),
    ):
        assert all(method.__self__ is session for method in mine.values())
        assert set(theirs) <= set(mine)
    for name, value in vars(made).items():
        if isinstance(value, dict | list | set | bytearray) and name not in _SHARED:
            assert value is not getattr(session, name), name
    await dialog.say("QUIT")


_SHARED = {"_handle_hooks", "_call_limit_base", "command_size_limits"}
"""Read only."""


async def packets(site: Site, *sent: bytes) -> list[bytes]:
    """What comes back for each of `sent`, as the client's socket gets it."""
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    class Client(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            arrived.put_nowait(data)

    transport, _ = await asyncio.get_running_loop().create_connection(Client, *site.server.addresses[0])
    answers = []
    for one in (b"", b"EHLO client.example.com\r\n", *sent):
        transport.write(one)
        async with asyncio.timeout(20):
            answers.append(await arrived.get())
    transport.close()
    return answers[2:]


async def test_commands_in_one_packet_are_answered_in_one(site: Site) -> None:
    envelope = f"MAIL FROM:<{ALICE}>\r\nRCPT TO:<5552341234@{DOMAIN}>\r\nRCPT TO:<x>\r\nDATA\r\n".encode()
    envelope_answer, answer = await packets(site, envelope, MAIL + b".\r\n")
    codes = [line[:3] for line in envelope_answer.splitlines()]
    assert codes == [b"250", b"250", b"550", b"354"]
    assert answer.startswith(b"250 2.0.0 queued as ")


async def test_no_answer_is_kept_back_for_half_a_command(site: Site) -> None:
    first, second = await packets(site, f"MAIL FROM:<{ALICE}>\r\nRCPT TO:<555".encode(), b"2341234@x>\r\n")
    assert first.startswith(b"250")
    assert first.count(b"\r\n") == 1
    assert second.startswith(b"550")


async def test_what_is_answered_before_the_end_arrives(site: Site) -> None:
    dialog = await site.connect()
    await dialog.send(f"RSET\r\nMAIL FROM:<{ALICE}>\r\nQUIT\r\n".encode())
    assert [(await dialog.reply())[:3] for _ in range(4)] == ["250", "250", "221", ""]
