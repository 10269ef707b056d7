"""The VoIP.ms fax API: a typed client, its loose wire decoded, and what each failure means.

`Client` has one coroutine per function; `accounts` changes settings without losing the others; `statuses`
decides what a failed call means.
"""

from gateway.voipms.client import Client
from gateway.voipms.payload import BytesPayload, FilePayload, PayloadSource
from gateway.voipms.results import (
    BackOrder,
    Balance,
    Caller,
    EmailToFax,
    FaxFolder,
    FaxMessage,
    FaxNumber,
    FaxProvince,
    FaxState,
    Listing,
    RateCenter,
)
from gateway.voipms.settings import DEFAULT_URL, Credentials, Settings
from gateway.voipms.statuses import ApiError
from gateway.voipms.transport import Guard

__all__ = [
    "DEFAULT_URL",
    "ApiError",
    "BackOrder",
    "Balance",
    "BytesPayload",
    "Caller",
    "Client",
    "Credentials",
    "EmailToFax",
    "FaxFolder",
    "FaxMessage",
    "FaxNumber",
    "FaxProvince",
    "FaxState",
    "FilePayload",
    "Guard",
    "Listing",
    "PayloadSource",
    "RateCenter",
    "Settings",
]
