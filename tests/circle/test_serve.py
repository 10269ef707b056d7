"""The daemon as a process: readiness, drain, force, exit codes, and the commands beside it."""

import asyncio
import json
import os
import signal
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest
from support.process import Outside, outside
from support.world import CODE, OUTSIDE, SENDER, a_mail, post

from gateway.simulator.sample import invoice


def command(*arguments: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    """Run ``fax-gateway``."""
    return subprocess.run(
        [sys.executable, "-c", "from gateway.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **kwargs,  # type: ignore[call-overload]
    )


async def run(*arguments: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(command, *arguments, **kwargs)


async def test_sigterm_with_nothing_to_do_ends_at_once_with_0(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        await world.start()
        assert await world.kill(signal.SIGTERM) == 0
        assert not world.control.exists()
        assert "Traceback" not in world.logs[0].read_text()


async def test_sigterm_awaits_the_upload_and_keeps_its_outcome(tmp_path: Path) -> None:
    async with outside(tmp_path, {"voipms": {"read_timeout": 10}, "fax": {"lease_seconds": 20}}) as world:
        world.simulator.line.script([{"fate": "slow", "seconds": 200}], destination=OUTSIDE)
        await world.start()
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        await world.simulator.wait_for(
            lambda sim: any(c.accepted for c in sim.ledger if c.method == "sendFaxMessage")
        )
        assert await world.kill(signal.SIGTERM) == 0
        await world.start()
        shown = await world.until(f"{queue_id}-1", "delivered")
        assert "unknown" not in [event["target"] for event in shown["history"]]
        assert len(world.calls()) == 1


async def test_a_second_signal_forces_and_leaves_doubt_not_a_second_call(tmp_path: Path) -> None:
    async with outside(tmp_path, {"voipms": {"read_timeout": 6}, "fax": {"lease_seconds": 10}}) as world:
        world.simulator.line.script(["accepted_then_timeout"], destination=OUTSIDE)
        await world.start()
        queue_id = await world.send(a_mail(attachments={"invoice.pdf": invoice()}))
        await world.simulator.wait_for(
            lambda sim: any(c.accepted for c in sim.ledger if c.method == "sendFaxMessage")
        )
        assert world.process is not None
        world.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while True:  # the SMTP port closes first: the drain has begun
                try:
                    smtplib.SMTP(*world.smtp, timeout=1).close()
                except OSError:
                    break
                await asyncio.sleep(0.05)
        world.process.send_signal(signal.SIGTERM)
        assert await world.died() == 0
        await world.start()
        await world.until(f"{queue_id}-1", "delivered")
        assert len(world.calls()) == 1


async def test_a_second_daemon_on_the_same_state_refuses(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        await world.start()
        config = tmp_path / "second.toml"
        config.write_text(world.config.read_text().replace(str(world.smtp[1]), "0"))
        config.chmod(0o600)
        second = await run("serve", "--config", str(config))
        assert second.returncode == 75
        assert "Another fax gateway" in second.stderr
        assert "Traceback" not in second.stderr
        assert (await world.ask("status"))["pid"]


async def test_a_port_that_is_taken_is_said_clearly(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        await world.start()
        config = tmp_path / "second.toml"
        config.write_text(world.config.read_text().replace(str(tmp_path / "state"), str(tmp_path / "other")))
        config.chmod(0o600)
        second = await run("serve", "--config", str(config))
        assert second.returncode == 69
        assert str(world.smtp[1]) in second.stderr
        assert "Traceback" not in second.stderr


async def test_a_bad_configuration_is_78(tmp_path: Path) -> None:
    config = tmp_path / "bad.toml"
    config.write_text('[gateway]\ndomain = "x"\n')
    refused = await run("serve", "--config", str(config))
    assert refused.returncode == 78
    assert "bad.toml:2:1" in refused.stderr
    assert "domains" in refused.stderr


async def test_the_commands(tmp_path: Path) -> None:
    pdf = tmp_path / "letter.pdf"
    pdf.write_bytes(invoice())
    async with outside(tmp_path) as world:
        await world.start()
        here = ("--config", str(world.config))

        sent = await run(
            "send", "--to", OUTSIDE, "--to", "5559876544", str(pdf), "--notify", SENDER, "--json", *here
        )
        assert sent.returncode == 0, sent.stderr
        queue_id = json.loads(sent.stdout)["id"]
        shown = await world.until(f"{queue_id}-1", "delivered")
        assert shown["pages_sent"] == 2
        await world.catcher.wait_for(lambda caught: SENDER in caught.recipients)

        listed = await run("queue", "list", "--all", "--json", *here)
        assert {row["id"] for row in json.loads(listed.stdout)} == {f"{queue_id}-1", f"{queue_id}-2"}
        for table in (["queue", "list", "--all"], ["queue", "show", queue_id], ["status"], ["inbox", "list"]):
            told = await run(*table, *here)
            assert told.returncode == 0, told.stderr
        told = await run("queue", "show", f"{queue_id}-1", "--json", *here)
        assert json.loads(told.stdout)[0]["calls"][0]["outcome"] == "success"

        wrong = await run("queue", "cancel", f"{queue_id}-1", *here)
        assert (wrong.returncode, "delivered" in wrong.stderr) == (65, True)
        wrong = await run("send", "--to", "555CALLNOW", str(pdf), *here)
        assert (wrong.returncode, "555CALLNOW" in wrong.stderr) == (65, True)
        wrong = await run("send", str(pdf), *here)
        assert wrong.returncode == 64

        await world.simulator.receive(to="5552341234", from_="5553458762")
        await world.catcher.wait_for(lambda caught: bool(caught.attachments()))
        received = json.loads((await run("inbox", "list", "--json", *here)).stdout)
        shown = json.loads((await run("inbox", "show", received[0]["id"], "--json", *here)).stdout)
        assert shown["mails"][0]["state"] == "sent"
        again = await run("inbox", "remail", received[0]["id"], "--to", "else@clinic.example.com", *here)
        assert again.returncode == 0, again.stderr
        await world.catcher.wait_for(lambda caught: "else@clinic.example.com" in caught.recipients)

        called = await run("api", "getFaxMessages", "folder=SENT", *here)
        assert (called.returncode, len(json.loads(called.stdout)["faxes"])) == (0, 2)
        called = await run("api", "getFaxMessages", "folder=NOPE", *here)
        assert (called.returncode, json.loads(called.stdout)["status"]) == (65, "invalid_folder")
        environment = {**os.environ, "FAX_GATEWAY_API_PASSWORD": "demo"}
        url = ("--url", world.simulator.url, "--username", "demo@example.com")
        called = await run("api", "getBalance", *url, env=environment)
        assert json.loads(called.stdout)["status"] == "success"
        assert (await world.kill(signal.SIGTERM)) == 0

        gone = await run("queue", "list", *here)
        assert (gone.returncode, "Is the daemon running" in gone.stderr) == (69, True)


async def test_preview_needs_no_daemon_and_no_configuration(tmp_path: Path) -> None:
    pdf, out = tmp_path / "letter.pdf", tmp_path / "fax.pdf"
    pdf.write_bytes(invoice())
    environment = {**os.environ, "FAX_GATEWAY_CONFIG": str(tmp_path / "none.toml")}
    made = await run("preview", str(pdf), "-o", str(out), "--json", env=environment)
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert (told["pages"], told["bytes"]) == (2, out.stat().st_size)
    (tmp_path / "zero.pdf").write_bytes(b"")
    refused = await run("preview", str(tmp_path / "zero.pdf"), "-o", str(out), env=environment)
    assert (refused.returncode, "zero.pdf" in refused.stderr) == (65, True)
    assert "Traceback" not in refused.stderr


async def refused(world: Outside, mail: bytes, *recipients: str) -> str:
    """What a refused mail is told."""
    with pytest.raises(smtplib.SMTPResponseException) as caught:
        await asyncio.to_thread(post, world.smtp, mail, list(recipients) or [f"{OUTSIDE}@fax.example.com"])
    reply = caught.value.smtp_error
    return f"{caught.value.smtp_code} {reply.decode() if isinstance(reply, bytes) else reply}"


async def test_bad_mails_get_clear_answers_and_the_daemon_goes_on(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        await world.start()
        good = a_mail(text="Hello\n").as_bytes()
        assert (await refused(world, good.replace(CODE.encode(), b"K7Q2ZY"))).startswith("550 5.7.1")
        assert (await refused(world, good.replace(b"Subject: ", b"X-Subject: "))).startswith("550 5.7.1")
        automatic = b"Auto-Submitted: auto-replied\r\n" + good
        assert (await refused(world, automatic)).startswith("550 5.7")
        assert (await refused(world, b"X-Long: " + b"x" * 1_000_000 + b"\r\n" + good)).startswith("55")
        assert CODE.encode() in good
        log = world.logs[0].read_text()
        assert "Traceback" not in log
        assert CODE not in log

        empty = a_mail()
        queue_id = await world.send(empty)
        shown = await world.until(f"{queue_id}-1", "failed")
        assert shown["reason"]

        del (nameless := a_mail(text="No id.\n"))["Message-ID"]
        queue_id = await world.send(nameless)
        await world.until(f"{queue_id}-1", "delivered")
