"""Nothing secret reaches a log or an exception, whatever fails."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback

import pytest

from gateway.voipms import ApiError

FILE = b"%PDF-" + b"Geheime Diagnose 31415" * 9999
SECRETS = [b"pass-Wort&4711", b"q7x4m2z9", b"Geheime Diagnose 31415", b"Geheime", b"Diagnose"]


def needles() -> list[str]:
    """The secrets as they are and as parts of base64 at each alignment."""
    found = [secret.decode() for secret in SECRETS]
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + b"Geheime Diagnose 31415").decode()
        found.append(whole[4 * (shift > 0) : -4])
    return found


def assert_clean(text: str) -> None:
    """No secret in it."""
    for needle in needles():
        assert needle not in text, f"{needle!r} leaked"


async def test_every_function_and_every_fault(fault, serve, connect, calls, caplog):
    """With everything logged, even by the libraries, and every traceback printed."""
    caplog.set_level(logging.DEBUG)
    client = connect((await serve(fault)).url)

    results = await asyncio.gather(*(call(client) for call in calls.values()), return_exceptions=True)

    for error in results:
        assert isinstance(error, ApiError)
        assert_clean("".join(traceback.format_exception(error)))
        assert_clean(repr(error) + repr(error.failure) + repr(error.__context__))
        assert_clean(repr(error.failure.code))
    assert_clean(caplog.text)
    assert_clean(repr(client))


async def test_success_is_not_logged_either(client, api, calls, caplog):
    """Forms, answers and files stay out of the log when all goes well."""
    caplog.set_level(logging.DEBUG)
    api.answers["getEmailToFax"] = {
        "status": "success",
        "emailToFax": [{"id": "1", "security_code": "q7x4m2z9", "from": "5552341234"}],
    }

    results = await asyncio.gather(*(call(client) for call in calls.values()), return_exceptions=True)

    assert len(api.calls) == len(calls)
    [rules] = [result for result in results if isinstance(result, list) and result]
    assert rules[0].security_code == "q7x4m2z9"
    assert_clean(caplog.text + repr(rules))


async def test_a_guard_that_stops_shows_nothing(client, caplog):
    """Its own exception is the cause, and the upload is not in it."""
    caplog.set_level(logging.DEBUG)
    answers = iter([None, None, None, RuntimeError("lease lost")])

    def guard() -> None:
        if error := next(answers):
            raise error

    with pytest.raises(ApiError) as caught:
        await client.send_fax_message(
            to_number="5552341234", from_name="Clinic", from_number="5557654321", file=FILE, guard=guard
        )

    shown = "".join(traceback.format_exception(caught.value))
    assert "lease lost" in shown
    assert_clean(shown + caplog.text)


def test_the_needles_are_found_where_they_are():
    """The search itself works: base64 of the content contains a needle at any alignment."""
    for shift in range(3):
        encoded = base64.b64encode(b"y" * shift + b"Geheime Diagnose 31415 and more").decode()
        assert any(needle in encoded for needle in needles())
