"""Mails to people: receipts, notices, and received faxes with their PDF.

`compose` makes a message from the facts of an outbox row, purely; `deliver` hands it to the mail server
(through `relay`) or asks the provider to mail the fax itself.
"""

from gateway.mailout.deliver import Deliverer

__all__ = ["Deliverer"]
