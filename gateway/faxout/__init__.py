"""Fax out: one `sendFaxMessage` call for each attempt, and what became of it.

The API returns no id for a sent fax, and an upload may end without an answer. So each call is surrounded by
what later lets its row in the SENT folder be told from all the others::

    submit     the rows for the destination before the call -> the intent, committed -> the call -> its word
    track      one look at SENT for all open faxes -> match -> PDFs to compare -> match again -> news
    match      pure: which row is whose, by proof; likeness counts only after a clean success
    patience   pure: what time alone decides;  decisions  what there is to decide
    interpret  pure: the provider's words as a result
    news       pure: a decision and its row as what the store is told
    proofs     the pages that PDFs of rows showed
    sent       the SENT folder by whole days;  identity  names that the provider and the paper take
"""

from gateway.faxout.submit import Submitter
from gateway.faxout.track import Tracker

__all__ = ["Submitter", "Tracker"]
