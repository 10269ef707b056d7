"""The settings tree and its types, without any file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.config import Settings, from_dict
from gateway.config.schema import TABLES
from gateway.config.types import split_endpoint

CHEAP_HASH = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("opensesame")


def test_nothing_given_is_the_documented_default() -> None:
    settings = from_dict({})
    assert settings.smtp.listeners[0].address == "127.0.0.1:2525"
    assert [str(network) for network in settings.smtp.trusted_networks] == ["127.0.0.0/8", "::1/128"]
    assert settings.voipms.url == "https://voip.ms/api/v1/rest.php"
    assert settings.fax.busy_delays == (120, 300, 600, 1200, 1800)
    assert settings.senders == settings.routes == settings.mailboxes == settings.users == ()


def test_tables_and_attributes_correspond() -> None:
    settings = from_dict(
        {
            "smtp": {"listener": [{"address": "[::1]:0"}, {"address": "0.0.0.0:25"}]},
            "user": [{"name": "bob", "password_hash": CHEAP_HASH}],
            "sender": [{"name": "a", "users": ["bob"], "code": "abc123"}],
            "mailbox": [{"name": "m", "host": "imap.example.com", "username": "u"}],
            "route": [{"numbers": ["(555) 234-1234"], "to": ["x@EXAMPLE.com"]}],
        }
    )
    assert [(one.host, one.port, one.loopback) for one in settings.smtp.listeners] == [
        ("::1", 0, True),
        ("0.0.0.0", 25, False),
    ]
    assert argon2.PasswordHasher().verify(settings.users[0].password_hash, "opensesame")
    assert settings.routes[0].numbers == ("5552341234",)
    assert settings.routes[0].to == ("x@example.com",)
    assert settings.mailboxes[0].port == 993


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        from_dict({}).voipms.username = "other"  # type: ignore[misc]


def test_secrets_are_listed_but_never_shown() -> None:
    settings = from_dict(
        {
            "voipms": {"password": "pw-voipms"},
            "mail": {"password": "pw-mail"},
            "sender": [{"name": "a", "code": "codeword"}],
            "mailbox": [{"name": "m", "host": "h", "username": "u", "password": "pw-imap"}],
            "user": [{"name": "bob", "password_hash": CHEAP_HASH}],
        }
    )
    secrets = set(settings.secrets())
    assert secrets == {"pw-voipms", "pw-mail", "codeword", "pw-imap", CHEAP_HASH}
    shown = repr(settings) + str(settings)
    assert not [secret for secret in secrets if secret in shown]


def test_pydantic_errors_hide_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        from_dict({"sender": [{"name": "a", "code": "p@ssw0rd!"}], "voipms": {"password": ["hunter22"]}})
    assert "p@ssw0rd!" not in str(caught.value)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("system", "gateway", "host", "sender"),
    [
        ("gw.example.net", {}, "gw.example.net", "fax@gw.example.net"),
        (
            "gw.example.net",
            {"domains": ["f.example.com", "g.example.com"]},
            "gw.example.net",
            "fax@f.example.com",
        ),
        ("vm", {"domains": ["f.example.com", "g.example.com"]}, "f.example.com", "fax@f.example.com"),
        ("localhost", {"domains": ["f.example.com"]}, "f.example.com", "fax@f.example.com"),
        ("localhost.localdomain", {"domains": ["f.example.com"]}, "f.example.com", "fax@f.example.com"),
        ("vm", {}, "vm", "fax@vm"),
        ("", {}, "localhost", "fax@localhost"),
        ("vm", {"hostname": "Fax.Example.com."}, "fax.example.com", "fax@fax.example.com"),
        ("vm", {"hostname": "gw", "domains": ["f.example.com"]}, "gw", "fax@f.example.com"),
    ],
)
def test_names_that_other_mail_servers_see(
    monkeypatch: pytest.MonkeyPatch, system: str, gateway: dict[str, Any], host: str, sender: str
) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: system)
    settings = from_dict({"gateway": gateway})
    assert (settings.gateway.host, settings.mail_sender) == (host, sender)
    own = from_dict({"gateway": gateway, "mail": {"sender": "Desk@Example.com"}})
    assert (own.gateway.host, own.mail_sender) == (host, "Desk@example.com")


def test_a_given_host_name_spares_the_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: pytest.fail("asked the system"))
    assert from_dict({"gateway": {"hostname": "gw.example.com"}}).gateway.host == "gw.example.com"
    assert from_dict({"gateway": {"domains": ["fax.example.com"]}}).mail_sender == "fax@fax.example.com"


@pytest.mark.parametrize(
    ("gateway", "path"),
    [
        ({}, "/run/fax-gateway/control.sock"),
        ({"state_dir": "/srv/fax"}, "/srv/fax/control.sock"),
        ({"state_dir": "/srv/fax", "control_socket": "/tmp/c"}, "/tmp/c"),
    ],
)
def test_daemon_and_commands_agree_on_the_control_socket(gateway: dict[str, str], path: str) -> None:
    assert from_dict({"gateway": gateway}).gateway.control_path == Path(path)


def test_every_option_is_described() -> None:
    missing = [
        f"{t.header} {key}" for t in TABLES for key, field in t.fields().items() if not field.description
    ]
    assert missing == []


ACCEPTED = [
    ("gateway.domains", ["fax.example.com", "xn--bcher-kva.example"]),
    ("gateway.admin", ["o'brien+fax@example.com"]),
    ("voipms.url", "http://127.0.0.1:8080/api/v1/rest.php"),
    ("voipms.url", "http://[::1]:8080/x"),
    ("voipms.url", "http://localhost/x"),
    ("voipms.station_id", "{name} {token}"),
    ("voipms.station_id", "12345678901234567890"),
    ("voipms.from_number", "+1 (555) 234-1234"),
    ("voipms.connect_timeout", 0.5),
    ("smtp.trusted_networks", ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]),
    ("mail.host", "2001:db8::1"),
    ("mail.sender", ""),
    ("gateway.blocked_prefixes", ["+44"]),
]
REFUSED = [
    ("gateway.domains", "fax.example.com", "a list"),
    ("gateway.domains", ["bücher.example"], "xn--"),
    ("gateway.domains", ["a..b"], "not a host"),
    ("gateway.admin", ["nobody"], "not a mail address"),
    ("gateway.admin", ["a b@example.com"], "not a mail address"),
    ("gateway.admin", ["a@b@example.com"], "not a mail address"),
    ("gateway.name", "two\nlines", "line breaks"),
    ("gateway.blocked_prefixes", ["900"], "international"),
    ("voipms.url", "http://voip.ms/api/v1/rest.php", "in clear"),
    ("voipms.url", "https://www.voip.ms/api/v1/rest.php", "www."),
    ("voipms.url", "voip.ms", "whole URL"),
    ("voipms.url", "https://u:p@voip.ms/", "settings of their own"),
    ("voipms.url", "https://voip.ms/x?method=y", "settings of their own"),
    ("voipms.url", "https://[voip.ms/", "not a URL"),
    ("voipms.url", "https://voip.ms:port/", "not a URL"),
    ("voipms.timezone", "Mars/Olympus", "time zone"),
    ("voipms.timezone", "../../etc/passwd", "time zone"),
    ("voipms.timezone", "", "time zone"),
    ("voipms.station_id", "123456789012345678901", "20 characters"),
    ("voipms.station_id", "1234567890123{token}", "at most 12"),
    ("voipms.station_id", "{queue}", "only fields"),
    ("voipms.station_id", "{name", "braces"),
    ("voipms.station_id", "Zoë", "ASCII"),
    ("voipms.from_number", "CALL-NOW", "telephone number"),
    ("voipms.connect_timeout", 0, "greater than 0"),
    ("voipms.connect_timeout", float("inf"), "finite"),
    ("smtp.trusted_networks", ["10.0.0.1/8"], "write 10.0.0.0/8"),
    ("smtp.trusted_networks", ["lan"], "not a network"),
    ("fax.busy_pattern", "busy(", "regular expression"),
    ("mail.port", 0, "greater than or equal to 1"),
    ("log.level", "loud", "'debug'"),
    ("document.max_pages", "many", "integer"),
]


@pytest.mark.parametrize(("key", "value"), ACCEPTED)
def test_values_that_are_fine(key: str, value: object) -> None:
    table, name = key.split(".")
    from_dict({table: {name: value}})


@pytest.mark.parametrize(("key", "value", "reason"), REFUSED)
def test_values_that_are_not_say_why(key: str, value: object, reason: str) -> None:
    table, name = key.split(".")
    with pytest.raises(ValidationError, match=re.escape(reason)):
        from_dict({table: {name: value}})


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"code": "ab1"}, "4 to 32"),
        ({"code": "four words no"}, "4 to 32"),
        ({"code": "пароль"}, "4 to 32"),
        ({"addresses": ["*@*"]}, "not a host"),
        ({"addresses": ["*.example.com"]}, "not a mail address"),
        ({"allow": ["1212"]}, "international"),
        ({"name": "../office"}, "starts with a letter"),
        ({"name": "a/b"}, "letters, digits"),
        ({"max_pages": 0}, "greater than"),
    ],
)
def test_sender_rules_that_are_refused(item: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(reason)):
        from_dict({"sender": [{"name": "a", **item}]})


@pytest.mark.parametrize("hash_", ["opensesame", "$2b$12$abc", "$argon2id$v=19$m=8", ""])
def test_a_password_in_place_of_its_hash_is_refused(hash_: str) -> None:
    with pytest.raises(ValidationError, match="argon2") as caught:
        from_dict({"user": [{"name": "bob", "password_hash": hash_}]})
    assert hash_ == "" or f"{hash_!r}" not in str(caught.value)


@pytest.mark.parametrize("text", ["127.0.0.1", ":25", "::1:25", "host:", "host:65536", "host:٢٥", "host:-1"])
def test_what_is_not_an_endpoint(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        split_endpoint(text)


@given(st.ip_addresses(v=6), st.integers(0, 65535))
def test_v6_endpoints_survive(address: object, port: int) -> None:
    settings = from_dict({"smtp": {"listener": [{"address": f"[{address}]:{port}"}]}})
    assert (settings.smtp.listeners[0].host, settings.smtp.listeners[0].port) == (str(address), port)


@given(st.text())
def test_text_never_breaks_a_type(text: str) -> None:
    """Whatever stands in a string, the answer is settings or a ValidationError."""
    for table in TABLES:
        for key in table.fields():
            value: object = {key: text}
            item: dict[str, object] = {}
            for part in reversed(table.path):
                item = {part: [value] if table.many and part == table.path[-1] else value}
                value = item
            try:
                Settings.model_validate(item)
            except ValidationError:
                continue
