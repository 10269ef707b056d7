"""Read, change, write back: nothing that was not mentioned may change."""

from __future__ import annotations

import pytest

from gateway.errors import GatewayError, Kind
from gateway.voipms import accounts
from gateway.voipms.accounts import FaxNumberChanges

NUMBER = {
    "id": "11",
    "did": "647.948.4755",
    "description": "Front desk",
    "state": "CA",
    "city": "HALF MOON BAY",
    "country": "United States",
    "email_enabled": "1",
    "email": "address@example.com",
    "url_enabled": "1",
    "url": "https://fax.example.com/in",
    "retry": "1",
    "attach_file": "1",
    "note": "do not touch",
    "fax_to_sip_enabled": "0",
    "fax_to_sip_enabled_account": "",
}
RULE = {
    "id": "5",
    "enabled": "1",
    "email": "you@example.com",
    "security_code": "q7x4m2z9",
    "security_code_enabled": "1",
    "from": "6479484755",
}
UNCHANGED = {
    "did": "6479484755",
    "email": "address@example.com",
    "email_enable": "1",
    "email_attach_file": "1",
    "url_callback": "https://fax.example.com/in",
    "url_callback_enable": "1",
    "url_callback_retry": "1",
    "fax_to_sip_enabled": "0",
    "fax_to_sip_enabled_account": "",
    "note": "do not touch",
}
SETTER_NAMES = {
    "email_enabled": "email_enable",
    "attach_file": "email_attach_file",
    "url": "url_callback",
    "url_enabled": "url_callback_enable",
    "retry": "url_callback_retry",
}


@pytest.fixture
def account(api):
    """Two numbers, one rule, one folder."""
    api.answers["getFaxNumbersInfo"] = {
        "status": "success",
        "numbers": [NUMBER | {"id": "9", "did": "1"}, NUMBER],
    }
    api.answers["getEmailToFax"] = {"status": "success", "emailToFax": RULE}
    api.answers["getFaxFolders"] = {"status": "success", "folders": [{"id": "0", "name": "INBOX"}]}
    return api


def written(account):
    """The fields of the last call but the session's own."""
    return {
        name: value
        for name, value in account.calls[-1].items()
        if name not in ("api_username", "api_password")
    }


@pytest.mark.parametrize("change", sorted(FaxNumberChanges.__optional_keys__))
async def test_one_change_to_a_number(client, account, change):
    """Getter's name in, setter's name out; all else is written back as it was."""
    is_flag = change in ("email_enabled", "attach_file", "url_enabled", "retry", "fax_to_sip_enabled")
    value = NUMBER[change] == "0" if is_flag else "changed"

    result = await accounts.update_fax_number(client, "+1 647 948-4755", **{change: value})

    as_sent = str(int(value)) if is_flag else value
    assert written(account) == UNCHANGED | {
        "method": "setFaxNumberInfo",
        SETTER_NAMES.get(change, change): as_sent,
    }
    assert getattr(result, change) == value


async def test_an_older_account_is_not_given_new_fields(client, account):
    """What the getter does not show is not written."""
    old = {
        name: value for name, value in NUMBER.items() if name != "note" and not name.startswith("fax_to_sip")
    }
    account.answers["getFaxNumbersInfo"] = {"status": "success", "numbers": old}

    await accounts.update_fax_number(client, "6479484755", retry=False, test=True)

    assert not {"note", "fax_to_sip_enabled", "fax_to_sip_enabled_account"} & written(account).keys()
    assert written(account)["test"] == "1"


async def test_a_number_that_is_not_ours(client, account):
    """Nothing is written."""
    with pytest.raises(GatewayError) as caught:
        await accounts.update_fax_number(client, "5552341234", email="x@example.com")

    assert caught.value.failure.kind is Kind.PERMANENT
    assert len(account.calls) == 1


async def test_a_new_rule_finds_the_id_of_its_number(client, account):
    """The setter wants an id where the getter shows digits."""
    await accounts.add_email_to_fax(
        client, email="me@example.com", from_="647-948-4755", security_code="abc123"
    )

    assert written(account) == {
        "method": "setEmailToFax",
        "auth_email": "me@example.com",
        "from_number_id": "11",
        "security_code": "abc123",
        "security_code_enabled": "1",
        "enabled": "1",
    }


async def test_one_change_to_a_rule(client, account):
    """The code and the number are written back."""
    await accounts.update_email_to_fax(client, "5", enabled=False)

    assert written(account) == {
        "method": "setEmailToFax",
        "id": "5",
        "auth_email": "you@example.com",
        "from_number_id": "11",
        "security_code": "q7x4m2z9",
        "security_code_enabled": "1",
        "enabled": "0",
    }


async def test_a_rule_that_is_not_there(client, account):
    """Nothing is written."""
    with pytest.raises(GatewayError, match="no mail-to-fax rule"):
        await accounts.update_email_to_fax(client, "6", enabled=False)

    assert len(account.calls) == 1


async def test_a_folder_by_name(client, account):
    """Found, missing, or made: the setter returns no id, so the list is read again."""
    assert await accounts.folder_id(client, "INBOX") == "0"
    with pytest.raises(GatewayError, match='no fax folder "DONE"'):
        await accounts.folder_id(client, "DONE")

    def create(form):
        folders = [{"id": "0", "name": "INBOX"}, {"id": "8", "name": form["name"]}]
        account.answers["getFaxFolders"] = {"status": "success", "folders": folders}
        return {"status": "success"}

    account.answers["setFaxFolder"] = create
    assert await accounts.folder_id(client, "DONE", create=True) == "8"
    assert [call["method"] for call in account.calls[-3:]] == [
        "getFaxFolders",
        "setFaxFolder",
        "getFaxFolders",
    ]
