"""Which listed messages are received faxes that we do not know yet. Verbs for the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa

from gateway import phone
from gateway.config import Settings
from gateway.faxin.route import DEFAULT
from gateway.model import ReceivedFax
from gateway.store import received, tracking

INBOX = "INBOX"


def unknown(
    tx: sa.Connection,
    found: Sequence[ReceivedFax],
    *,
    first_ids: Iterable[str],
    move_to: str,
    own: Collection[str],
) -> list[ReceivedFax]:
    """The messages to take, by id: ids need not grow, and several faxes may share a second.

    Args:
        tx: A connection of the store.
        found: Every message that was listed.
        first_ids: Ids that were there at first contact.
        move_to: The folder that we move mailed faxes to ourselves, empty if we do not.
        own: Our own numbers (`own_numbers`).
    """
    ids = [fax.provider_id for fax in found]
    old = set(first_ids)
    old.update(received.known(tx, ids))
    # A person may have moved a sent fax out of SENT. In INBOX nothing of ours can lie, whatever its id.
    elsewhere = [fax.provider_id for fax in found if fax.folder.upper() != INBOX]
    old.update(tracking.known_rows(tx, elsewhere))
    fresh = [fax for fax in found if fax.provider_id not in old and not _went_out(fax, own)]
    # Nobody promises that a message keeps its id when it is moved. If it does not, our own move would bring
    # the fax in once more, and so on for ever.
    return [fax for fax in fresh if not (_same(fax.folder, move_to) and received.has_twin(tx, fax))]


def own_numbers(settings: Settings) -> frozenset[str]:
    """The numbers of this account that the configuration names, as `phone.bare` spells them."""
    routes = (number for route in settings.routes for number in route.numbers if number != DEFAULT)
    senders = (rule.from_number for rule in settings.senders)
    return frozenset(
        phone.bare(number) for number in (settings.voipms.from_number, *senders, *routes) if number
    )


def _went_out(fax: ReceivedFax, own: Collection[str]) -> bool:
    """Whether it is a sent fax that a person filed elsewhere: from one of our numbers, to none of them.

    Its id tells nothing when it was sent from the portal, or got another one on its way.
    """
    if fax.folder.upper() == INBOX:
        return False
    return phone.bare(fax.caller) in own and phone.bare(fax.did) not in own


def _same(folder: str, move_to: str) -> bool:
    return move_to != "" and folder.casefold() == move_to.casefold()
