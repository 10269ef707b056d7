"""TLS and AUTH over real sockets, with certificates made for the run."""

import asyncio
import base64
import smtplib
import ssl
from pathlib import Path
from typing import Any

import argon2
import pytest
from support.certificates import Certificates, make_certificates
from support.door import ALICE, CODE, DOMAIN, MAIL, Dialog, Site, SiteMaker

from gateway.mailin.smtp_tls import Handshake

PASSWORD = "correct horse"
HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
USERS = [{"name": "Ally", "password_hash": HASHER.hash(PASSWORD)}]
SENDERS = [{"name": "ally", "users": ["ally"], "code_required": False}]
TO = f"5552341234@{DOMAIN}"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def listener(tls: str, certificates: Certificates, auth: str = "required") -> dict[str, Any]:
    files = {"tls_cert": str(certificates.cert), "tls_key": str(certificates.key)} if tls != "none" else {}
    return {"address": "127.0.0.1:0", "tls": tls, "auth": auth, **files}


async def secure_site(make_site: SiteMaker, *listeners: dict[str, Any], **changes: Any) -> Site:
    return await make_site(smtp={"listener": list(listeners)}, user=USERS, sender=SENDERS, **changes)


def plain(user: str = "ally", password: str = PASSWORD) -> str:
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


async def test_starttls_then_auth(make_site: SiteMaker, certificates: Certificates) -> None:
    site = await secure_site(make_site, listener("starttls", certificates))
    dialog = await site.connect()
    assert "STARTTLS" in dialog.said[-1]
    await dialog.starttls(certificates.client_context())
    assert (await dialog.say(f"MAIL FROM:<{ALICE}>")).startswith("503")
    offered = await dialog.say("EHLO again")
    assert "STARTTLS" not in offered
    assert "AUTH PLAIN LOGIN" in offered
    assert (await dialog.mail()).startswith("530 5.7.0")
    assert (await dialog.say(f"AUTH PLAIN {plain()}")).startswith("235 2.7.0")
    assert (await dialog.mail()).startswith("250")
    (row,) = await site.submissions()
    assert (row.identity, row.rule, row.envelope_from) == ("ally", "ally", ALICE)
    assert b"with ESMTPSA id" in await site.stored()


async def test_a_listener_that_promises_tls_takes_no_password_without_it(
    make_site: SiteMaker, certificates: Certificates
) -> None:
    site = await secure_site(make_site, listener("starttls", certificates))
    dialog = await site.connect()
    assert "AUTH" not in dialog.said[-1]
    assert (await dialog.say(f"AUTH PLAIN {plain()}")).startswith("538")


async def test_a_mail_after_starttls_loses_nothing(make_site: SiteMaker, certificates: Certificates) -> None:
    """What a wire-tapper put behind STARTTLS is thrown away."""
    site = await secure_site(make_site, listener("starttls", certificates, "optional"))
    dialog = await site.connect()
    await dialog.send(b"STARTTLS\r\n" + f"MAIL FROM:<{ALICE}>\r\n".encode())
    assert (await dialog.reply()).startswith("220")
    await dialog.writer.start_tls(certificates.client_context(), server_hostname="localhost")
    assert (await dialog.say("NOOP")).startswith("250")
    assert (await dialog.say(f"RCPT TO:<{TO}>")).startswith("503")


async def test_the_standard_library_with_implicit_tls(
    make_site: SiteMaker, certificates: Certificates
) -> None:
    site = await secure_site(make_site, listener("implicit", certificates))

    def send() -> None:
        _, port = site.server.addresses[0]
        context = certificates.client_context()
        with smtplib.SMTP_SSL("localhost", port, timeout=20, context=context) as client:
            client.login("ally", PASSWORD)
            client.sendmail(ALICE, [TO], MAIL)

    await asyncio.to_thread(send)
    (row,) = await site.submissions()
    assert row.identity == "ally"
    assert b"with ESMTPSA id" in await site.stored()


async def test_auth_login_in_two_steps(make_site: SiteMaker, certificates: Certificates) -> None:
    site = await secure_site(make_site, listener("implicit", certificates))
    dialog = await site.connect(tls=certificates.client_context())
    assert (await dialog.say("auth login")).startswith("501") or dialog.said[-1].startswith("334")
    assert (await dialog.say(base64.b64encode(b"ALLY").decode())).startswith("334")
    assert (await dialog.say(base64.b64encode(PASSWORD.encode()).decode())).startswith("235")
    assert (await dialog.say(f"AUTH PLAIN {plain()}")).startswith("503 5.5.1")


async def test_no_auth_without_tls_beyond_this_machine(
    make_site: SiteMaker, certificates: Certificates
) -> None:
    site = await secure_site(make_site, {**listener("starttls", certificates), "address": "0.0.0.0:0"})
    _, port = site.server.addresses[0]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    dialog = Dialog(reader, writer)
    site.stack.push_async_callback(dialog.close)
    await dialog.reply()
    assert "AUTH" not in await dialog.say("EHLO x")
    assert (await dialog.say(f"AUTH PLAIN {plain()}")).startswith("538 5.7.11")


async def test_auth_that_is_not_offered(site: Site) -> None:
    dialog = await site.connect()
    assert "AUTH" not in dialog.said[-1]
    assert (await dialog.say(f"AUTH PLAIN {plain()}")).startswith("504 5.5.4")


async def test_auth_is_optional_for_peers_that_are_believed(
    make_site: SiteMaker, certificates: Certificates
) -> None:
    senders = [*SENDERS, {"name": "alice", "addresses": [ALICE], "code": CODE}]
    site = await make_site(
        smtp={"listener": [listener("none", certificates, "optional")]}, user=USERS, sender=senders
    )
    dialog = await site.connect()
    assert (await dialog.mail()).startswith("250")
    (row,) = await site.submissions()
    assert row.rule == "alice"


async def test_wrong_passwords(
    make_site: SiteMaker, certificates: Certificates, log: pytest.LogCaptureFixture
) -> None:
    site = await secure_site(make_site, listener("none", certificates))
    dialog = await site.connect()
    assert (await dialog.say(f"AUTH PLAIN {plain(password='Guess1')}")).startswith("535 5.7.8")
    assert (await dialog.say(f"AUTH PLAIN {plain(user='nobody')}")).startswith("535 5.7.8")
    assert (await dialog.say(f"AUTH PLAIN {plain(password='')}")).startswith("421 4.7.0")
    assert await dialog.reply() == ""
    assert "login_failed" in log.text
    assert "Guess1" not in log.text
    assert plain(password="Guess1") not in log.text


async def test_a_peer_that_guesses_is_locked(make_site: SiteMaker, certificates: Certificates) -> None:
    site = await secure_site(make_site, listener("none", certificates))
    for _ in range(5):
        dialog = await site.connect()
        for _ in range(2):
            await dialog.say(f"AUTH PLAIN {plain(password='guess')}")
    dialog = await site.connect()
    assert (await dialog.say(f"AUTH PLAIN {plain()}")).startswith("421 4.7.0 Too many wrong passwords")
    assert await dialog.reply() == ""


@pytest.mark.parametrize(
    "argument", ["PLAIN ====", "PLAIN " + base64.b64encode(b"a\0b").decode(), "", "CRAM-MD5"]
)
async def test_auth_that_cannot_be_read(
    make_site: SiteMaker, certificates: Certificates, argument: str
) -> None:
    site = await secure_site(make_site, listener("none", certificates))
    dialog = await site.connect()
    assert (await dialog.say(f"AUTH {argument}"))[:3] in ("501", "504")
    assert (await dialog.say(f"AUTH PLAIN {plain()}")).startswith("235")


async def test_auth_that_is_cancelled(make_site: SiteMaker, certificates: Certificates) -> None:
    site = await secure_site(make_site, listener("none", certificates))
    dialog = await site.connect()
    assert (await dialog.say("AUTH PLAIN")).startswith("334")
    assert (await dialog.say("*")).startswith("501 5.7.0")
    assert (await dialog.say("NOOP")).startswith("250")


async def test_a_long_password_fits(make_site: SiteMaker, certificates: Certificates) -> None:
    password = "p" * 3000
    users = [{"name": "ally", "password_hash": HASHER.hash(password)}]
    site = await make_site(smtp={"listener": [listener("none", certificates)]}, user=users, sender=SENDERS)
    dialog = await site.connect()
    assert (await dialog.say(f"AUTH PLAIN {plain(password=password)}")).startswith("235")


async def test_a_handshake_that_fails_stops_nobody(
    make_site: SiteMaker, certificates: Certificates, log: pytest.LogCaptureFixture
) -> None:
    site = await secure_site(make_site, listener("starttls", certificates))
    dialog = await site.connect()
    await dialog.say("STARTTLS")
    await dialog.send(b"this is no ClientHello\r\n")
    assert await dialog.reader.read() is not None
    await site.until_connections(0)
    again = await site.connect()
    await again.starttls(certificates.client_context())
    await again.say("EHLO x")
    assert (await again.say(f"AUTH PLAIN {plain()}")).startswith("235")
    assert "crashed_item" not in log.text


async def test_old_tls_is_not_spoken(make_site: SiteMaker, certificates: Certificates) -> None:
    site = await secure_site(make_site, listener("implicit", certificates))
    context = certificates.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert (await site.connect(tls=context)).banner.startswith("220")
    _, port = site.server.addresses[0]
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")


async def test_a_certificate_that_is_missing_is_told_at_start(
    make_site: SiteMaker, certificates: Certificates, tmp_path: Path
) -> None:
    broken = {**listener("starttls", certificates), "tls_key": str(tmp_path / "none.pem")}
    with pytest.raises(OSError, match="No such file"):
        await secure_site(make_site, listener("none", certificates), broken)


async def test_a_handshake_that_stalls_is_cut_off(make_site: SiteMaker, certificates: Certificates) -> None:
    listeners = [listener("starttls", certificates)]
    site = await make_site(smtp={"listener": listeners, "command_timeout": 0.2}, user=USERS, sender=SENDERS)
    dialog = await site.connect()
    assert (await dialog.say("STARTTLS")).startswith("220")
    async with asyncio.timeout(10):
        await dialog.reader.read()
    await site.until_connections(0)


async def knock(site: Site) -> Dialog:
    """A connection that says nothing yet."""
    dialog = Dialog(*await asyncio.open_connection(*site.server.addresses[0]))
    site.stack.push_async_callback(dialog.close)
    return dialog


async def until_handshakes(site: Site, count: int) -> None:
    async with asyncio.timeout(20):
        while len(site.server._handshakes) != count:
            await asyncio.sleep(0.01)


async def test_connections_are_counted_before_their_handshake(
    make_site: SiteMaker, certificates: Certificates
) -> None:
    limits = {"listener": [listener("implicit", certificates)], "max_connections_per_ip": 2}
    site = await make_site(smtp=limits, user=USERS, sender=SENDERS)
    silent = [await knock(site) for _ in range(2)]
    await until_handshakes(site, 2)
    for _ in range(5):
        third = await knock(site)
        async with asyncio.timeout(20):
            assert await third.reader.read() == b""
    assert len(site.server._handshakes) == 2
    await silent[0].close()
    await until_handshakes(site, 1)
    dialog = await site.connect(tls=certificates.client_context())
    assert (await dialog.say(f"AUTH PLAIN {plain()}")).startswith("235")
    assert not site.server._connections.add("127.0.0.1")  # one silent, one that speaks


async def test_what_a_handshake_held_is_given_back(make_site: SiteMaker, certificates: Certificates) -> None:
    limits = {"listener": [listener("implicit", certificates)], "max_connections_per_ip": 1}
    site = await make_site(smtp=limits, user=USERS, sender=SENDERS)
    for farewell in (b"", b"this is no ClientHello\r\n", b"\x16\x03\x01"):
        one = await knock(site)
        await one.send(farewell)
        await one.close()
        await until_handshakes(site, 0)
    for _ in range(3):
        dialog = await site.connect(tls=certificates.client_context())
        assert (await dialog.say("QUIT")).startswith("221")
        await dialog.close()
        await site.until_connections(0)


async def test_a_client_that_speaks_before_the_greeting_is_heard(
    make_site: SiteMaker, certificates: Certificates
) -> None:
    site = await secure_site(make_site, listener("implicit", certificates))
    _, port = site.server.addresses[0]
    context = certificates.client_context()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost"
    )
    dialog = Dialog(reader, writer)
    site.stack.push_async_callback(dialog.close)
    await dialog.send(b"EHLO x\r\nNOOP\r\n")
    assert [(await dialog.reply())[:3] for _ in range(3)] == ["220", "250", "250"]


class Doorkeeper:
    """Lets everybody in and notes who left."""

    def __init__(self) -> None:
        self.inside: set[Handshake] = set()
        self.left = asyncio.Event()

    def knocked(self, handshake: Handshake) -> bool:
        self.inside.add(handshake)
        return True

    def answered(self, handshake: Handshake) -> None:
        self.inside.remove(handshake)
        self.left.set()


async def test_silence_instead_of_a_handshake_is_cut_off(certificates: Certificates) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.cert, certificates.key)
    door = Doorkeeper()
    server = await asyncio.get_running_loop().create_server(
        lambda: Handshake(door, context=context, session=asyncio.Protocol, seconds=0.1), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    async with asyncio.timeout(10):
        assert await reader.read() == b""
        await door.left.wait()
    assert not door.inside
    writer.close()
    server.close()


async def test_a_stop_cuts_handshakes_off(make_site: SiteMaker, certificates: Certificates) -> None:
    site = await secure_site(make_site, listener("implicit", certificates))
    silent = await knock(site)
    await until_handshakes(site, 1)
    await site.server.stop(0.0)
    assert not site.server._handshakes
    async with asyncio.timeout(10):
        assert await silent.reader.read() == b""


async def test_a_stop_within_a_handshake(make_site: SiteMaker, certificates: Certificates) -> None:
    site = await secure_site(make_site, listener("starttls", certificates))
    dialog = await site.connect()
    assert (await dialog.say("STARTTLS")).startswith("220")
    await site.server.stop(0.0)
    await site.until_connections(0)
