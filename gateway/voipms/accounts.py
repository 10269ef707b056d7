"""Changing one thing without losing the others: read, change, write back.

The API's setters replace the whole record and name its fields differently from the getters. These helpers
take the getters' names and leave everything that is not mentioned as it is. Two writers at once can still
undo each other: the API has no versions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, Unpack

from gateway.errors import GatewayError, permanent
from gateway.voipms import wire
from gateway.voipms.client import Client
from gateway.voipms.results import FaxNumber


class FaxNumberChanges(TypedDict, total=False):
    """What `update_fax_number` can change; the names are those of `FaxNumber`."""

    email: str
    email_enabled: bool
    attach_file: bool
    url: str
    url_enabled: bool
    retry: bool
    note: str
    fax_to_sip_enabled: bool
    fax_to_sip_enabled_account: str


class EmailToFaxChanges(TypedDict, total=False):
    """What `update_email_to_fax` can change; the names are those of `EmailToFax`."""

    email: str
    security_code: str
    security_code_enabled: bool
    enabled: bool
    from_: str


async def find_fax_number(client: Client, did: str) -> FaxNumber:
    """One of the account's fax numbers, written in any way.

    Raises:
        GatewayError: the account has no such number.
        ApiError: the listing failed.
    """
    wanted = wire.digits(did)
    # The whole list: whether the API's own filter wants dots is not documented.
    for number in await client.get_fax_numbers_info():
        if number.did == wanted:
            return number
    raise GatewayError(
        permanent("5.1.3", "The account has no such fax number; getFaxNumbersInfo lists those it has.")
    )


async def update_fax_number(
    client: Client, did: str, *, test: bool = False, **changes: Unpack[FaxNumberChanges]
) -> FaxNumber:
    """Change some settings of a number (``getFaxNumbersInfo``, ``setFaxNumberInfo``).

    Returns the number as it should be now.

    Raises:
        GatewayError: the account has no such number.
        ApiError: reading or writing failed.
    """
    current = await find_fax_number(client, did)
    wanted = replace(current, **changes)
    await client.set_fax_number_info(
        current.did,
        email=wanted.email,
        email_enable=wanted.email_enabled,
        email_attach_file=wanted.attach_file,
        url_callback=wanted.url,
        url_callback_enable=wanted.url_enabled,
        url_callback_retry=wanted.retry,
        fax_to_sip_enabled=wanted.fax_to_sip_enabled,
        fax_to_sip_enabled_account=wanted.fax_to_sip_enabled_account,
        note=wanted.note,
        test=test,
    )
    return wanted


async def add_email_to_fax(
    client: Client,
    *,
    email: str,
    from_: str,
    security_code: str,
    security_code_enabled: bool = True,
    enabled: bool = True,
    test: bool = False,
) -> None:
    """Create a mail-to-fax rule for one of the account's numbers, given by its digits (``setEmailToFax``).

    Raises:
        GatewayError: the account has no such number.
        ApiError: reading or writing failed.
    """
    number = await find_fax_number(client, from_)
    await client.set_email_to_fax(
        auth_email=email,
        from_number_id=number.id,
        security_code=security_code,
        security_code_enabled=security_code_enabled,
        enabled=enabled,
        test=test,
    )


async def update_email_to_fax(
    client: Client, rule_id: str, *, test: bool = False, **changes: Unpack[EmailToFaxChanges]
) -> None:
    """Change parts of a mail-to-fax rule (``getEmailToFax``, ``setEmailToFax``).

    Raises:
        GatewayError: no such rule, or the account does not have its number (any more).
        ApiError: reading or writing failed.
    """
    found = [rule for rule in await client.get_email_to_fax() if rule.id == rule_id]
    if not found:
        raise GatewayError(
            permanent("5.5.4", "The account has no mail-to-fax rule with this id; getEmailToFax lists them.")
        )
    wanted = replace(found[0], **changes)
    number = await find_fax_number(client, wanted.from_)
    await client.set_email_to_fax(
        id=rule_id,
        auth_email=wanted.email,
        from_number_id=number.id,
        security_code=wanted.security_code,
        security_code_enabled=wanted.security_code_enabled,
        enabled=wanted.enabled,
        test=test,
    )


async def folder_id(client: Client, name: str, *, create: bool = False) -> str:
    """The id of a folder (``getFaxFolders``), made by ``setFaxFolder`` if `create` and there is none.

    Raises:
        GatewayError: there is none.
        ApiError: reading or writing failed.
    """
    found = [folder.id for folder in await client.get_fax_folders() if folder.name == name]
    if not found and create:
        await client.set_fax_folder(name)  # returns no id
        found = [folder.id for folder in await client.get_fax_folders() if folder.name == name]
    if not found:
        raise GatewayError(permanent("5.5.4", f'The account has no fax folder "{name}".'))
    return found[0]
