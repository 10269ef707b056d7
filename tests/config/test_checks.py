"""How settings must fit together. Each case changes the usable configuration in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import Loaded

OUTSIDE = '[[smtp.listener]]\naddress = "0.0.0.0:25"\n'
USER = (
    '[[user]]\nname = "bob"\n'
    'password_hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$d3RgbJxsWUAMN/ZJ+D2Uy0uJVCs0Mm8JhoMhLWGT+wg"\n'
)
BOX = '[[mailbox]]\nname = "box"\nhost = "imap.example.com"\nusername = "u"\npassword = "p"\n'
RULE = '[[sender]]\nname = "{}"\naddresses = ["{}"]\ncode = "{}"\n'

ERRORS = [
    ("", 'domains = ["fax.example.com"]', "", "gateway.domains: is empty while [smtp] is enabled"),
    ("", 'username = "owner@example.com"', "", "voipms.username: is missing"),
    ("", 'password = "Tr0ub4dor&3"', "", "voipms.password: is missing"),
    ("", 'from_number = "5552340000"', "", "voipms.from_number: is missing, and so it is for sender office"),
    ("", "[gateway]", '[gateway]\ncountry = "XX"', "gateway.country: XX is not a country"),
    (
        "",
        "[voipms]",
        "[voipms]\nread_timeout = 1000",
        "fax.lease_seconds: must be longer than the three time-outs",
    ),
    ("", 'code = "483920"', "", "sender.1.code: is missing"),
    ("", '"483920"', '"2125550100"', "sender.1.code: could be taken for the fax number"),
    ("", '"483920"', '"123456789012"', "sender.1.code: could be taken for the fax number"),
    (
        "",
        '["*@example.com"]',
        '["a@example.com", "A@example.com"]',
        "sender.1.addresses.2: this sender was given",
    ),
    ("", '["*@example.com"]', "[]", "sender.1.addresses: is empty, and so is users"),
    (
        "",
        '["*@example.com"]',
        '["*"]\ncode_required = false',
        'sender.1.addresses.1: "*" without a required code',
    ),
    ("", 'addresses = ["*@example.com"]', 'users = ["bob"]', "sender.1.users.1: there is no [[user]] bob"),
    (RULE.format("Office", "x@example.com", "word11"), "", "", "sender.2.name: this name was given before"),
    (
        RULE.format("b", "*@EXAMPLE.com", "word11"),
        "",
        "",
        "sender.2.addresses.1: this sender was given before",
    ),
    (USER + USER.replace("bob", "BOB"), "", "", "user.2.name: this name was given before"),
    (OUTSIDE, "", "", "smtp.listener.1.address: others could connect and claim to be any sender"),
    (
        OUTSIDE + 'auth = "required"\n' + USER,
        "",
        "",
        "smtp.listener.1.auth: passwords would cross the network",
    ),
    ('[[smtp.listener]]\nauth = "optional"\n', "", "", "smtp.listener.1.auth: needs somebody who can log in"),
    (
        '[[smtp.listener]]\ntls = "starttls"\n',
        "",
        "",
        'smtp.listener.1.tls_cert: is missing with tls = "starttls"',
    ),
    ('[[smtp.listener]]\ntls_key = "k"\n', "", "", "smtp.listener.1.tls_key: is of no use"),
    ("[[smtp.listener]]\n" * 2, "", "", "smtp.listener.2.address: this address was given before"),
    ('[[smtp.listener]]\ntls = "implicit"\ntls_cert = "c"\ntls_key = "k"\n', "", "", "c: No such file"),
    (BOX.replace('password = "p"', ""), "", "", "mailbox.1.password: is missing"),
    (BOX + 'tls = "none"\n', "", "", 'mailbox.1.tls: "none" would send the password in clear'),
    (BOX + 'faxed = "inbox"\n', "", "", "mailbox.1.faxed: is the same folder as folder"),
    (BOX + BOX.replace('"box"', '"Box"'), "", "", "mailbox.2.name: this name was given before"),
    (
        BOX + BOX.replace('"box"', '"two"'),
        "",
        "",
        "mailbox.2.folder: this folder of the same account was given",
    ),
    (BOX + 'ca_file = "ca"\n', "", "", "mailbox.1.ca_file:"),
    ('[receive]\nmove_to = "Sent"\n', "", "", "receive.move_to: must be a folder of your own"),
    ('[mail]\nusername = "u"\n', "", "", "mail.password: is missing with a username"),
    ('[mail]\npassword = "p"\n', "", "", "mail.username: is missing with a password"),
    (
        '[mail]\nhost = "m.example.com"\nusername = "u"\npassword = "p"\n',
        "",
        "",
        'mail.tls: "none" would send',
    ),
]
WARNINGS = [
    ("", 'admin = ["admin@example.com"]', "", "gateway.admin: is empty"),
    ("", "[voipms]", '[voipms]\nfrom_name = "O\'Brien"', "voipms.from_name: has characters"),
    ("", "[voipms]", "[voipms]\nwrite_timeout = 500", "voipms.write_timeout: an upload may take 700 s"),
    ("", '"483920"', '"abcd5"', "sender.1.code: is shorter than 6 characters"),
    (
        "",
        '"483920"',
        '"483920"\ncode_required = false',
        "sender.1.code_required: a mail with this sender address",
    ),
    (
        "",
        '"483920"',
        '"483920"\nmax_pages = 101',
        "sender.1.max_pages: has no effect above document.max_pages (100)",
    ),
    ("[smtp]\nenabled = false\n", "", "", "smtp.enabled: is false and there is no [[mailbox]]"),
    ('[smtp]\ntrusted_networks = ["::/0"]\n', "", "", "smtp.trusted_networks.1: trusts every host"),
    (USER, "", "", "user.1.name: is in no [[sender]] users list"),
    (BOX, "", "", "mailbox.1.trusted_authserv: is empty"),
    ('[sender_rules]\nsource = "account"\n', "", "", "sender.1: is not used with"),
    ("[receive]\nenabled = false\n", "", "", "route.1: has no effect"),
    ("[mail]\nport = 465\n", "", "", "mail.tls: port 465"),
]


@pytest.mark.parametrize(("more", "old", "new", "expected"), ERRORS, ids=[case[3][:40] for case in ERRORS])
def test_errors(
    problems: Callable[..., list[str]], usable: str, more: str, old: str, new: str, expected: str
) -> None:
    assert old in usable
    text = usable.replace(old, new, 1) + more if old else usable + more
    lines = problems(text)
    assert any(expected in line for line in lines), lines


@pytest.mark.parametrize(
    ("more", "old", "new", "expected"), WARNINGS, ids=[case[3][:40] for case in WARNINGS]
)
def test_warnings_do_not_stop(
    loaded: Callable[..., object], usable: str, more: str, old: str, new: str, expected: str
) -> None:
    assert old in usable
    result = loaded((usable.replace(old, new, 1) if old else usable) + more)
    assert any(expected in str(warning) for warning in result.warnings), result.warnings  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "more",
    [
        OUTSIDE + '[smtp]\ntrusted_networks = ["10.0.0.0/8"]\n',
        '[[smtp.listener]]\naddress = "127.0.0.1:0"\n' * 2,
        RULE.format("boss", "boss@example.com", "word11"),
        BOX + 'trusted_authserv = ["mx.example.com"]\n',
        '[mail]\nhost = "127.0.0.1"\nusername = "u"\npassword = "p"\n',
    ],
)
def test_what_fits_is_left_in_peace(loaded: Callable[..., object], usable: str, more: str) -> None:
    assert loaded(usable + more).warnings == ()  # type: ignore[attr-defined]


def test_a_listener_for_others_with_tls_and_login(
    loaded: Callable[..., object], usable: str, tmp_path: Path
) -> None:
    (tmp_path / "crt").touch()
    (tmp_path / "key").touch()
    listener = OUTSIDE + 'tls = "starttls"\ntls_cert = "crt"\ntls_key = "key"\nauth = "required"\n' + USER
    text = usable.replace('addresses = ["*@example.com"]', 'users = ["bob"]') + listener
    assert loaded(text).warnings == ()  # type: ignore[attr-defined]


def test_the_accounts_list_needs_no_rules(loaded: Callable[..., object], usable: str) -> None:
    head, _, tail = usable.partition("[[sender]]")
    text = head + tail[tail.index("[[route]]") :] + '[sender_rules]\nsource = "account"\n'
    assert loaded(text).warnings == ()  # type: ignore[attr-defined]


def test_nobody_may_fax(problems: Callable[..., list[str]], usable: str) -> None:
    head, _, tail = usable.partition("[[sender]]")
    (line,) = problems(head + tail[tail.index("[[route]]") :])
    assert line.startswith("config.toml: sender: nobody may fax")


@pytest.mark.parametrize(
    ("country", "code", "refused"), [("US", "20123456", False), ("DK", "20123456", True)]
)
def test_a_code_is_judged_by_the_countrys_numbers(
    loaded: Callable[..., object],
    problems: Callable[..., list[str]],
    usable: str,
    country: str,
    code: str,
    refused: bool,
) -> None:
    text = usable.replace("[gateway]", f'[gateway]\ncountry = "{country}"').replace("483920", code)
    if refused:
        assert "could be taken for the fax number" in problems(text)[0]
    else:
        loaded(text)


POLLED = "[smtp]\nenabled = false\n" + BOX + 'trusted_authserv = ["mx.example.com"]\n'


@pytest.mark.parametrize(
    ("system", "old", "new", "expected"),
    [
        ("vm", 'domains = ["fax.example.com"]', "", "mail.sender: is empty, so receipts come from fax@vm:"),
        (
            "vm",
            'domains = ["fax.example.com"]',
            'domains = ["fax"]',
            "mail.sender: is empty, so receipts come",
        ),
        ("vm", 'domains = ["fax.example.com"]', 'hostname = "gw"', "receipts come from fax@gw:"),
        (
            "vm",
            'domains = ["fax.example.com"]',
            '[mail]\nsender = "desk@example.com"\n[gateway]',
            "gateway.hostname: this host goes by vm:",
        ),
        ("gw.example.com", 'domains = ["fax.example.com"]', "", ""),
        ("vm", 'domains = ["fax.example.com"]', 'hostname = "gw.example.com"', ""),
        ("vm", "", "", ""),
    ],
)
def test_names_that_other_servers_refuse_are_warned_of(
    loaded: Callable[..., Loaded],
    usable: str,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    old: str,
    new: str,
    expected: str,
) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: system)
    text = usable.replace("[gateway]\n", "", 1) if "[gateway]" in new else usable
    warnings = [str(warning) for warning in loaded(text.replace(old, new, 1) + POLLED).warnings]
    assert len(warnings) == bool(expected), warnings
    assert all(expected in warning for warning in warnings)


def test_nodes_that_would_mail_from_names_of_their_own_are_warned_of(
    loaded: Callable[..., Loaded], usable: str
) -> None:
    url = "postgresql://fax@127.0.0.1:9/fax"  # nothing listens on the discard port
    shared = f'[store]\nurl = "{url}"\n' + POLLED
    nameless = usable.replace('domains = ["fax.example.com"]', 'hostname = "a.example.com"', 1) + shared
    expected = "mail.sender: is empty, so each node mails from its own name"
    assert any(expected in str(warning) for warning in loaded(nameless).warnings)
    for more in (usable + shared, nameless + '[mail]\nsender = "desk@example.com"\n'):
        assert not any("mail.sender" in str(warning) for warning in loaded(more).warnings)


def test_the_system_is_not_asked_its_name_when_a_domain_will_do(
    loaded: Callable[..., Loaded], usable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: pytest.fail("asked the system"))
    assert loaded(usable).warnings == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('numbers = ["*"]', 'numbers = ["abc"]', "route.1.numbers.1: 'abc' is not a telephone number"),
        ('to = ["office@example.com"]', "to = [3]", "route.1.to.1: must be text"),
        ('numbers = ["*"]', "numbers = []", "route.1.numbers: must not be empty"),
        ("[[route]]", '[[smtp.listener]]\ntls = "ssl"\n[[route]]', "smtp.listener.1.tls: must be 'none'"),
        ("[[route]]", "[mail]\nretry_delays = [0]\n[[route]]", "mail.retry_delays.1: "),
        ("[gateway]", '[gateway]\nhostname = "a b"', "gateway.hostname: 'a b' is not a host"),
        ('domains = ["fax.example.com"]', 'domains = ["a b"]', "gateway.domains.1: 'a b' is not a host"),
    ],
)
def test_one_fault_is_one_problem(
    problems: Callable[..., list[str]], usable: str, old: str, new: str, expected: str
) -> None:
    assert old in usable
    (line,) = problems(usable.replace(old, new, 1))
    assert expected in line
