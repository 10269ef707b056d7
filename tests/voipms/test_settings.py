"""Settings that would expose the password, or could not work, are refused by name."""

from __future__ import annotations

import pytest

from gateway.voipms import Client, Credentials, Settings


@pytest.mark.parametrize(
    "url",
    [
        "https://voip.ms/api/v1/rest.php",
        "http://127.0.0.1:8080/api/v1/rest.php",
        "http://localhost:1/",
        "http://[::1]:8080/api",
    ],
)
def test_addresses_that_are_fine(url):
    """Public ones with TLS, the simulator's without."""
    assert Settings(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://voip.ms/api/v1/rest.php",
        "http://192.0.2.1/",
        "http://localhost.example.com/",
        "https://me:secret@voip.ms/",
        "https://me@voip.ms/",
        "https://voip.ms/?api_password=secret",
        "https://voip.ms/#secret",
        "ftp://voip.ms/",
        "voip.ms",
        "https://",
        "https://voip.ms:secret/",
        "https://[::1/",
        "",
    ],
)
def test_addresses_that_are_not(url):
    """The error names the field and never shows the value."""
    with pytest.raises(ValueError, match="url") as caught:
        Settings(url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connect_timeout", 0),
        ("write_timeout", -1),
        ("read_timeout", float("nan")),
        ("calls_per_minute", 0),
        ("max_answer", 0),
        ("user_agent", " "),
        ("user_agent", "a\r\nb"),
        ("user_agent", "ä"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../etc/passwd"),
        ("timezone", ""),
    ],
)
def test_other_values_that_cannot_be(name, value):
    """Named, one by one."""
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})


def test_how_long_a_call_can_take():
    """The sum of its phases; connecting is TCP and TLS."""
    assert Settings(connect_timeout=1, write_timeout=20, read_timeout=300).longest_call == 322


async def test_nothing_shows_the_password():
    """Neither the value nor the client."""
    async with Client(url="http://localhost:1/", username="me", password="secret") as client:
        assert "secret" not in repr(client) + repr(client.settings)
        assert "me" in repr(client)
    assert "secret" not in repr(Credentials(username="me", password="secret"))
