"""Which mailboxes a received fax goes to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import phone
from gateway.config import Route
from gateway.model import Via
from gateway.store.received import Delivery

DEFAULT = "*"
"""In a route's numbers: every number that no other route names."""


def deliveries(did: str, routes: Sequence[Route]) -> tuple[Delivery, ...]:
    """One delivery for each mailbox of every route that names `did`, else of the default routes.

    A mailbox that several routes name gets the fax once, by our own mail if one of them says so: that proves
    acceptance, the provider's mail does not. Nobody is an empty result.
    """
    matching = [route for route in routes if any(phone.same(did, number) for number in route.numbers)]
    if not matching:
        matching = [route for route in routes if DEFAULT in route.numbers]
    found: dict[str, Delivery] = {}
    for via in (Via.SMTP, Via.PROVIDER):
        for route in matching:
            if route.via == via:
                for recipient in route.to:
                    found.setdefault(recipient.lower(), Delivery(recipient=recipient, via=via))
    return tuple(found.values())
