"""Functions about the service's own email-to-fax rules."""

from __future__ import annotations

from dataclasses import replace

from gateway.simulator.call import Call, Result, success
from gateway.simulator.rows import EmailToFaxRow, Label, Phone
from gateway.simulator.statuses import Refused


async def get_email_to_fax(call: Call) -> Result:
    """``getEmailToFax``: all, or one by id."""
    wanted = call.get("id")
    rows = [rule for rule in call.account.rules if wanted in {"", rule.id}]
    return call.rows("emailToFax", rows, "no_emailtofax")


async def set_email_to_fax(call: Call) -> Result:
    """``setEmailToFax``: a new rule, or with an id the whole rule anew."""
    wanted = call.need_id() if call.get("id") else ""
    call.need("auth_email", "missing_email")
    email = call.email("auth_email")
    number_id = call.need("from_number_id", "missing_number")
    number = next((row for row in call.account.numbers if row.id == number_id), None)
    if number is None:
        raise Refused("invalid_from_number")
    code = call.need("security_code", "missing_params")
    if not (code.isascii() and code.isalnum()):
        raise Refused("invalid_security_code")
    if wanted and all(rule.id != wanted for rule in call.account.rules):
        raise Refused("invalid_id")
    if any(rule.email.lower() == email.lower() and rule.id != wanted for rule in call.account.rules):
        raise Refused("used_email")
    rule = EmailToFaxRow(
        id=Label(wanted or "0"),
        enabled=call.flag("enabled", "missing_params"),
        email=email,
        security_code=Label(code),
        security_code_enabled=call.flag("security_code_enabled", "missing_params"),
        from_=Phone(number.did),
    )
    if not call.test:
        _store(call, rule)
    return success()


async def del_email_to_fax(call: Call) -> Result:
    """``delEmailToFax``."""
    wanted = call.need_id()
    kept = [rule for rule in call.account.rules if rule.id != wanted]
    if len(kept) == len(call.account.rules):
        raise Refused("invalid_id")
    if not call.test:
        call.account.rules = kept
    return success()


def _store(call: Call, rule: EmailToFaxRow) -> None:
    rules = call.account.rules
    if rule.id != "0":
        call.account.rules = [rule if old.id == rule.id else old for old in rules]
        return
    rules.append(replace(rule, id=Label(call.account.next_id())))


FUNCTIONS = {
    "getEmailToFax": get_email_to_fax,
    "setEmailToFax": set_email_to_fax,
    "delEmailToFax": del_email_to_fax,
}
