"""How users, sender rules and their codes must fit together: who may fax is a question of money."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.findings import Finding, check_unique
from gateway.config.mail import SenderRule
from gateway.config.problems import Loc
from gateway.config.settings import Settings

_SHORT_CODE = 6


def check_senders(settings: Settings) -> Iterator[Finding]:
    """Findings about ``[[user]]`` and ``[[sender]]``."""
    yield from _users(settings)
    yield from _senders(settings)
    for index, rule in enumerate(settings.senders):
        yield from _sender(settings, index, rule)


def _users(settings: Settings) -> Iterator[Finding]:
    names = [user.name.lower() for user in settings.users]
    yield from check_unique([("user", index, "name") for index in range(len(names))], names, "name")
    used = {name.lower() for rule in settings.senders for name in rule.users}
    for index, name in enumerate(names):
        if name not in used and settings.sender_rules.source == "config":
            yield Finding(
                loc=("user", index, "name"),
                message="is in no [[sender]] users list and may not fax",
                fatal=False,
                about=(("sender",),),
            )


def _senders(settings: Settings) -> Iterator[Finding]:
    rules = list(enumerate(settings.senders))
    if settings.sender_rules.source == "account":
        if rules:
            yield Finding(
                loc=("sender", 0), message='is not used with sender_rules.source = "account"', fatal=False
            )
    elif not rules and (settings.smtp.enabled or settings.mailboxes):
        yield Finding(
            loc=("sender",),
            message="nobody may fax",
            hint='add a [[sender]], or set source = "account" in [sender_rules]',
            about=(("sender_rules", "source"),),
        )
    yield from check_unique(
        [("sender", i, "name") for i, _ in rules], [rule.name.lower() for _, rule in rules], "name"
    )
    for key in ("addresses", "users"):
        claims = [
            (("sender", i, key, j), value.lower())
            for i, rule in rules
            for j, value in enumerate(rule.addresses if key == "addresses" else rule.users)
        ]
        yield from check_unique([loc for loc, _ in claims], [value for _, value in claims], "sender")


def _sender(settings: Settings, index: int, rule: SenderRule) -> Iterator[Finding]:
    loc: Loc = ("sender", index)
    known = {user.name.lower() for user in settings.users}
    names = tuple(("user", i, "name") for i in range(len(settings.users))) or (("user",),)
    for position, user in enumerate(rule.users):
        if user.lower() not in known:
            yield Finding(loc=(*loc, "users", position), message=f"there is no [[user]] {user}", about=names)
    if not rule.addresses and not rule.users:
        yield Finding(
            loc=(*loc, "addresses"),
            message="is empty, and so is users: the rule fits nobody",
            about=((*loc, "users"),),
        )
    if rule.code is not None:
        yield from _code(settings, loc, rule.code.get_secret_value())
    elif rule.code_required:
        yield Finding(
            loc=(*loc, "code"),
            message="is missing",
            hint="set code or code_file, or code_required = false",
            about=((*loc, "code_required"),),
        )
    if rule.code is None or not rule.code_required:
        if "*" in rule.addresses:
            yield Finding(
                loc=(*loc, "addresses", rule.addresses.index("*")),
                message='"*" without a required code lets everybody fax at your cost',
                about=((*loc, "code"), (*loc, "code_required")),
            )
        elif rule.addresses and not rule.code_required:
            yield Finding(
                loc=(*loc, "code_required"),
                message="a mail with this sender address, which is easily forged, is enough to fax",
                hint="require a code, or list users who log in instead of addresses",
                fatal=False,
            )
    limits = (
        ("max_pages", rule.max_pages, "document", settings.document.max_pages),
        ("max_recipients", rule.max_recipients, "smtp", settings.smtp.max_recipients),
    )
    for key, value, table, most in limits:
        if value is not None and value > most:
            yield Finding(loc=(*loc, key), message=f"has no effect above {table}.{key} ({most})", fatal=False)


def _code(settings: Settings, loc: Loc, code: str) -> Iterator[Finding]:
    if len(code) < _SHORT_CODE:
        yield Finding(
            loc=(*loc, "code"),
            message=f"is shorter than {_SHORT_CODE} characters: easily guessed",
            fatal=False,
        )
    if code.isdigit() and _dialable(code, settings.gateway.country):
        yield Finding(
            loc=(*loc, "code"),
            message="could be taken for the fax number in a subject",
            hint="use fewer digits, or letters",
            about=(("gateway", "country"),),
        )


def _dialable(digits: str, country: str) -> bool:
    """Whether a person or `country`'s numbering plan could read the digits as a whole telephone number."""
    if len(digits) >= 10:
        return True
    import phonenumbers

    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)
