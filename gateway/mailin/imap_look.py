"""One look at a polled folder: what is new is taken in, what was decided is moved.

The order for each message: judged, committed to the queue together with its row in the ledger, moved to its
folder, noted as moved. Whatever is cut short in between is taken up where the ledger says, so that no order
of failures loses a mail or faxes it twice.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from gateway import journal
from gateway.config import Mailbox
from gateway.errors import GatewayError
from gateway.mailin.imap_message import LoopGoneError, MessageHandler, Wait
from gateway.mailin.imap_session import Session, Summary, VanishedError, explain
from gateway.mailin.mailbox import Contact, Selected, Strikes, contact, first_mark, to_judge
from gateway.mailin.policy import Refusal
from gateway.store import Store, ledger, mailboxes
from gateway.store.mailboxes import Place, Verdict

_AT_A_TIME = 200
"""Messages in one FETCH of sizes."""

_UNRECOGNISED = (
    "The mail server has numbered this folder anew, and under the new numbers these mails are not known. "
    "To have one of them faxed, move it out of the folder and back in."
)
_UNREADABLE = (
    "Reading this mail has failed again and again, for a reason that is in the log. "
    "To have it tried again, move it out of the folder and back in."
)


class Looker:
    """Works the folder through over one connection."""

    def __init__(
        self,
        box: Mailbox,
        session: Session,
        *,
        store: Store,
        handler: MessageHandler,
        strikes: Strikes,
        wait: Wait,
        stopping: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._box = box
        self._session = session
        self._store = store
        self._handler = handler
        self._strikes = strikes
        self._wait = wait
        self._stopping = stopping
        self._clock = clock
        self._unfiled = True
        """There may be messages whose move was cut short, by whoever looked before."""
        self._trouble = ""

    def look(self) -> str:
        """Do all there is to do; return what kept some of it from being done, or "".

        Raises one of `imap_session.TROUBLE`, or what the store raised.
        """
        self._trouble = ""
        selected = self._session.select()
        mark = self._wait(self._store.read(lambda tx: mailboxes.mark(tx, self._box.name, self._box.folder)))
        match contact(mark, selected):
            case Contact.FIRST:
                high_water = self._begin(selected)
            case Contact.RENUMBERED:
                if not self._recognise(selected):
                    return self._trouble
                high_water = selected.uidnext - 1
            case Contact.SAME:
                assert mark is not None
                high_water = mark[1]
        # New mail first: a move that breaks the connection every time must not keep it waiting.
        self._receive(selected, high_water)
        if self._unfiled:
            self._file_the_rest(selected)
        return self._trouble

    def _begin(self, selected: Selected) -> int:
        high_water = first_mark(selected, include_existing=self._box.include_existing)
        self._wait(
            self._store.write(
                lambda tx: mailboxes.set_mark(
                    tx,
                    self._box.name,
                    self._box.folder,
                    uidvalidity=selected.uidvalidity,
                    high_water=high_water,
                )
            )
        )
        return high_water

    def _recognise(self, selected: Selected) -> bool:
        """Give each message of a renumbered folder the verdict it had, or hold it; tell if all have one."""
        uids = [uid for uid in self._session.uids_from(1) if uid < selected.uidnext]
        done = [
            self._decide(place, functools.partial(self._handler.recognise, self._session, place))
            for place in self._undecided(selected, uids)
        ]
        if not all(done):
            return False
        held = self._wait(
            self._store.write(
                lambda tx: ledger.renumbered(
                    tx,
                    self._box.name,
                    self._box.folder,
                    uidvalidity=selected.uidvalidity,
                    high_water=selected.uidnext - 1,
                    reason=_UNRECOGNISED,
                    now=self._clock(),
                )
            )
        )
        if held:
            journal.parked(
                item_id=f"{self._box.name}:{self._box.folder}", reason=f"renumbered; {held} mails wait"
            )
        return True

    def _receive(self, selected: Selected, high_water: int) -> None:
        """Judge what is new."""
        uids = [uid for uid in self._session.uids_from(high_water + 1) if uid > high_water]
        places = self._undecided(selected, uids)
        summaries = self._summaries([place.uid for place in places])
        order = to_judge(
            summaries,
            high_water=high_water,
            withdrawn={uid for uid, summary in summaries.items() if summary.deleted},
            suspects=self._strikes.suspects(selected.uidvalidity),
        )
        for uid in order:
            place = self._place(selected, uid)
            size = summaries[uid].size
            self._decide(place, functools.partial(self._handler.receive, self._session, place, size))

    def _decide(self, place: Place, work: Callable[[], Verdict]) -> bool:
        """Let `work` decide about one message and move it; tell whether it is decided (or gone).

        Whatever one message does, the others get their turn.
        """
        if self._stopping():
            return False
        try:
            verdict = work()
        except VanishedError:
            return True
        except LoopGoneError:
            raise
        except GatewayError as error:
            if not isinstance(error, Refusal):  # a locked sender is no trouble of ours
                self._trouble = error.failure.code or error.failure.status
            return False
        except (IMAPClientAbortError, OSError):
            # Some servers drop the connection over a mail that they cannot read themselves.
            if not self._stopping():
                self._strike(place)
            raise
        except IMAPClientError as error:
            self._trouble = f"a mail cannot be read: {explain(error)}"
            return self._strike(place)
        except Exception as error:
            journal.crashed_item(stage="imap", item_id=_name(place), error=error)
            self._trouble = "a mail cannot be taken in"
            return self._strike(place)
        self._strikes.clear(place.uidvalidity, place.uid)
        if verdict is not Verdict.HELD:
            self._file(place, verdict)
        return True

    def _strike(self, place: Place) -> bool:
        """Count an error; the last one sets the message aside. Tell whether that happened."""
        if not self._strikes.add(place.uidvalidity, place.uid):
            return False
        now = self._clock()
        self._wait(self._store.write(lambda tx: ledger.hold(tx, place, reason=_UNREADABLE, now=now)))
        self._strikes.clear(place.uidvalidity, place.uid)
        journal.parked(item_id=_name(place), reason="reading it failed again and again")
        return True

    def _file_the_rest(self, selected: Selected) -> None:
        self._unfiled = False
        rest = self._wait(
            self._store.read(
                lambda tx: ledger.unfiled(tx, self._box.name, self._box.folder, selected.uidvalidity)
            )
        )
        for place, verdict in rest:
            self._file(place, verdict)

    def _file(self, place: Place, verdict: Verdict) -> None:
        """Move a decided message; until that works, its row in the ledger keeps it from a second verdict."""
        folder = self._box.faxed if verdict is Verdict.ACCEPTED else self._box.refused
        try:
            self._session.file(place.uid, folder)
        except (IMAPClientAbortError, OSError):
            raise
        except IMAPClientError as error:
            self._unfiled = True
            self._trouble = f"mails cannot be moved to {folder}: {explain(error)}"
            return
        self._wait(self._store.write(lambda tx: mailboxes.filed(tx, place)))

    def _undecided(self, selected: Selected, uids: Sequence[int]) -> list[Place]:
        known = self._wait(
            self._store.read(
                lambda tx: ledger.decided(tx, self._box.name, self._box.folder, selected.uidvalidity, uids)
            )
        )
        return [self._place(selected, uid) for uid in uids if uid not in known]

    def _summaries(self, uids: Sequence[int]) -> dict[int, Summary]:
        found: dict[int, Summary] = {}
        for start in range(0, len(uids), _AT_A_TIME):
            found.update(self._session.summaries(uids[start : start + _AT_A_TIME]))
        return found

    def _place(self, selected: Selected, uid: int) -> Place:
        return Place(
            account=self._box.name, folder=self._box.folder, uidvalidity=selected.uidvalidity, uid=uid
        )


def _name(place: Place) -> str:
    return f"{place.account}:{place.folder}:{place.uidvalidity}:{place.uid}"
