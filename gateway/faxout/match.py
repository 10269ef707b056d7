"""Which row of the SENT folder is whose. Pure.

``sendFaxMessage`` returns no id, other people use the same account, and rows may come late, never, or under
changing ids. Giving a fax the wrong row tells its sender a lie, or sends it twice. So:

* A row is a *candidate* for a fax if it goes to the same number, was not there before a call of it whose end
  is not known, belongs to no other attempt, and is not older than the call (clocks may differ by a set skew).
* **Proof** is our token echoed in the row's station id, or `getFaxMessagePDF` showing our pages, however they
  are coded. When faxes with equal pages compete, a row goes to the only one that can have made it; an attempt
  makes one row.
* **Likeness** (the lone candidate) is enough only after a clean ``success``, if no other fax could own the
  row, and only once the row is final: while it is pending, a second candidate may still turn up. It must stay
  alone for a while if it failed, because it leads to another call; if it arrived with other pages than ours,
  which the provider may have drawn anew; and if its PDF should be there but is not. Where the provider is
  known to give back pages in which ours are recognised, other pages are another fax; those of a failed row
  are one anyway, until a row of ours was not recognised. Likeness is ruled out by rows that cannot be read,
  by ids that vanished from the snapshot (where ids change, a new id is no new row), and by a token, where the
  provider is known to echo it.
* A fax whose call ended in doubt is never matched by likeness. Without proof it is held for a person, or, if
  its sender's rule says so and the whole folder shows no new row, sent again. A held fax is matched by proof
  only, and goes on contesting rows.
* If an earlier call of the fax is in doubt too, a failed row that may be either call's does not speak for
  both: the fax fails only when as many rows have failed as calls may have been accepted. Only the latest
  call's token ends it at once, because a rule or a person has given up the earlier call. An earlier call's
  row that is gone may be back under another id, so it counts as well.

What likeness risks: after a clean ``success``, a stranger's row for the same number is believed whose PDF
cannot be had; or which arrived and stays alone for the settling time before the provider has ever shown us
our pages, or after a row of ours was not recognised.

Everything is decided from sets, so the order of faxes and rows does not matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway import phone
from gateway.faxout import patience
from gateway.faxout.decisions import (
    Decision,
    Doubt,
    Expire,
    Hold,
    How,
    Own,
    Policy,
    Prove,
    Resend,
    Settle,
    Wait,
)
from gateway.faxout.interpret import SUCCESS, Standing, surely_not_sent
from gateway.lifecycle import FaxState
from gateway.model import Attempt
from gateway.store.tracking import Claimant, GivesBack

Pages = tuple[str, ...]
"""Digests of a PDF's pages in order. Empty: the PDF was asked for and shows nothing comparable (yet)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRow:
    """A row of SENT, reduced to what matching looks at."""

    id: str
    destination: str
    standing: Standing
    station_id: str = ""
    pages: int = 0
    latest: float | None = None
    """The latest epoch second that its date can mean; None without a date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What is known besides the rows."""

    known: Mapping[str, str] = field(default_factory=dict)
    """Row id → id of the Fax whose attempt has it."""
    pages: Mapping[str, Pages] = field(default_factory=dict)
    """Row id → what its PDF showed. Rows not in here were not asked for."""
    again: Collection[str] = ()
    """Those of them that may be asked for again: they showed other pages than ours."""
    late: Collection[str] = ()
    """Those of them whose PDF could not be had, which may be over soon."""
    gives_back: GivesBack | None = None
    """What the provider is known to make of our pages: where they are recognised, others are another fax."""
    echoed: Collection[str] = ()
    """Faxes whose row shows their token: the provider is known to echo it."""
    settling: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """Fax id → the row that was its lone candidate ever since, and since when (epoch seconds)."""
    held_since: Mapping[str, float] = field(default_factory=dict)
    """Fax id → when it was held."""
    unreadable: int = 0
    """Rows of the folder that could not be read: any of them may be anybody's."""


def match(
    claimants: Collection[Claimant],
    rows: Collection[SentRow],
    *,
    clues: Clues,
    now: float,
    policy: Policy,
) -> dict[str, Decision]:
    """Decide about every claimant that is not submitting: Fax id → decision. No two own the same row.

    `rows` must be the whole SENT folder from before the oldest open attempt until now, but for the rows that
    `clues` count as unreadable.
    """
    by_id = {row.id: row for row in rows}
    claims = _claims(claimants, by_id, clues, policy.skew)
    _own_known(claims)
    _own_by_token(claims)
    _own_by_pages(claims, by_id, clues.pages)
    contested = _contested(claims)
    return {
        claim.id: _with_row(claim, claim.own, by_id, clues, now, policy)
        if claim.own
        else _without_row(claim, contested, clues, now, policy)
        for claim in claims
        if claim.state is not FaxState.SUBMITTING
    }


_ORDER = (Standing.ARRIVED, Standing.PENDING, Standing.FAILED)
"""What says most for a fax first: one arrival is enough, and nothing is sent again beside a pending row."""


class _Claim:
    """One claimant, and what is left that may be its row."""

    def __init__(self, claimant: Claimant) -> None:
        self.claimant = claimant
        self.id = claimant.fax.id
        self.state = claimant.fax.state
        self.latest = claimant.attempts[-1]
        self.open: list[Attempt] = [
            attempt
            for attempt in claimant.attempts
            if attempt is self.latest or not (attempt.provider_id or surely_not_sent(attempt.outcome))
        ]
        """Calls that may have been accepted and whose end is not known."""
        self.candidates: dict[str, SentRow] = {}
        self.new: set[str] = set()
        """Candidates, and rows that were not there before the call whatever their date."""
        self.blind = False
        """Ids change, or rows are unreadable: neither is a new id a new row, nor no row no trace."""
        self.gone = 0
        """Rows of its earlier calls that are not there any more."""
        self.own: Own | None = None

    @property
    def until_open(self) -> Sequence[Attempt]:
        """Its calls up to the first whose end is not known."""
        return [attempt for attempt in self.claimant.attempts if attempt.ordinal <= self.open[0].ordinal]

    @property
    def pages(self) -> Pages:
        """What a PDF of its row must show."""
        return self.claimant.document.page_digests

    @property
    def missing(self) -> int:
        """How many rows may still be its."""
        return len(self.open) - (self.own is not None)

    @property
    def contests(self) -> bool:
        """Whether any row may still be its."""
        return self.missing > 0

    def prefer(self, row: SentRow, how: How) -> None:
        """The row is its own; with another one already, the one that says more for the fax."""
        if self.own is not None:
            other = self.candidates[self.own.row_id]
            if _ORDER.index(row.standing) >= _ORDER.index(other.standing):
                return
        self.own = Own(row.id, how)

    def lose(self, row_id: str) -> None:
        """The row is not its."""
        self.candidates.pop(row_id, None)
        self.new.discard(row_id)
        if self.own is not None and self.own.row_id == row_id:
            self.own = None


def _claims(
    claimants: Collection[Claimant], rows: Mapping[str, SentRow], clues: Clues, skew: float
) -> list[_Claim]:
    known = clues.known
    by_number: defaultdict[str, list[SentRow]] = defaultdict(list)
    for row in rows.values():
        by_number[phone.bare(row.destination)].append(row)
    claims = []
    for claimant in claimants:
        claim = _Claim(claimant)
        seen = {row_id for attempt in claimant.attempts for row_id in attempt.snapshot}
        claim.blind = clues.unreadable > 0 or not seen <= rows.keys()
        # What was there before a later call may be an earlier one's.
        before = {row_id for attempt in claim.until_open for row_id in attempt.snapshot}
        earlier = {attempt.provider_id for attempt in claimant.attempts[:-1] if attempt.provider_id}
        claim.gone = len(earlier - rows.keys())
        earliest = min(attempt.started for attempt in claim.open) - skew
        for row in by_number.get(phone.bare(claimant.fax.number), ()):
            ours_so_far = row.id == claim.latest.provider_id and known.get(row.id) == claim.id
            if (row.id in known and not ours_so_far) or row.id in before:
                continue
            claim.new.add(row.id)
            if ours_so_far or row.latest is None or row.latest >= earliest:
                claim.candidates[row.id] = row
        claims.append(claim)
    return claims


def _take_from_others(claims: Iterable[_Claim], row_id: str, owners: Collection[_Claim]) -> None:
    for claim in claims:
        if claim not in owners:
            claim.lose(row_id)


def _own_known(claims: Sequence[_Claim]) -> None:
    """Rows that were matched before. An id that shows another destination now is no candidate any more."""
    for claim in claims:
        row = claim.candidates.get(claim.latest.provider_id)
        if row is not None and (row.standing is not Standing.FAILED or len(claim.open) == 1):
            claim.own = Own(row.id, How.KNOWN)


def _holders(claims: Iterable[_Claim]) -> dict[str, list[_Claim]]:
    """Row id → whose candidate it is."""
    holders: defaultdict[str, list[_Claim]] = defaultdict(list)
    for claim in claims:
        for row_id in claim.candidates:
            holders[row_id].append(claim)
    return dict(holders)


def _own_by_token(claims: Sequence[_Claim]) -> None:
    """Rows whose station id holds the token of exactly one claimant's attempt."""
    made: defaultdict[_Claim, defaultdict[Attempt, list[SentRow]]] = defaultdict(lambda: defaultdict(list))
    for row_id, holders in _holders(claims).items():
        makers = [
            (claim, attempt, claim.candidates[row_id])
            for claim in holders
            for attempt in claim.claimant.attempts
            if attempt.token and attempt.token in claim.candidates[row_id].station_id.upper()
        ]
        if len(makers) == 1:
            claim, attempt, row = makers[0]
            made[claim][attempt].append(row)
            _take_from_others(holders, row_id, [claim])
    for claim, by_attempt in made.items():
        ours = []
        for attempt, found in by_attempt.items():
            if len(found) > 1:
                continue  # an attempt makes one row: its pages must tell which
            if attempt is not claim.latest and found[0].standing is Standing.FAILED:
                # The end of an earlier call says nothing about the latest one.
                claim.lose(found[0].id)
                claim.open = [one for one in claim.open if one is not attempt]
            else:
                ours += found
        if ours:
            claim.prefer(_best(ours), How.TOKEN)


def _own_by_pages(claims: Sequence[_Claim], rows: Mapping[str, SentRow], pages: Mapping[str, Pages]) -> None:
    """Rows whose pages are a claimant's; among claimants with equal pages, by what each can have made."""
    owned = {claim.own.row_id for claim in claims if claim.own}
    holders = _holders(claims)
    owners: dict[str, list[_Claim]] = {}
    for row_id, shown in pages.items():
        if shown and row_id in rows and row_id not in owned:
            fit = [claim for claim in holders.get(row_id, ()) if claim.contests and claim.pages == shown]
            if fit:
                owners[row_id] = fit
                _take_from_others(holders[row_id], row_id, fit)
    proved: defaultdict[_Claim, list[SentRow]] = defaultdict(list)
    while sole := {row_id: fit[0] for row_id, fit in owners.items() if len(fit) == 1}:
        for row_id, claim in sole.items():
            proved[claim].append(rows[row_id])
            del owners[row_id]
        complete = [claim for claim, found in proved.items() if len(found) >= claim.missing]
        for row_id, fit in owners.items():
            for claim in fit:
                if claim in complete:
                    claim.lose(row_id)
            owners[row_id] = [claim for claim in fit if claim not in complete]
    for claim, found in proved.items():
        all_failed = all(row.standing is Standing.FAILED for row in found)
        if not (all_failed and len(found) < len(claim.open) + claim.gone):
            claim.prefer(_best(found), How.PAGES)


def _best(rows: Collection[SentRow]) -> SentRow:
    """Of rows that are all ours, the one that says most for the fax."""
    return min(rows, key=lambda row: (_ORDER.index(row.standing), len(row.id), row.id))


def _contested(claims: Sequence[_Claim]) -> set[str]:
    """Rows that more than one claimant could own."""
    count = Counter(row_id for claim in claims if claim.contests for row_id in claim.candidates)
    return {row_id for row_id, times in count.items() if times > 1}


def _with_row(
    claim: _Claim, own: Own, rows: Mapping[str, SentRow], clues: Clues, now: float, policy: Policy
) -> Decision:
    nothing_new = own.how is How.KNOWN and rows[own.row_id].standing is Standing.PENDING
    if nothing_new and claim.state is not FaxState.UNKNOWN:
        return _patience(claim, clues, now, policy)
    return own


def _without_row(
    claim: _Claim, contested: Collection[str], clues: Clues, now: float, policy: Policy
) -> Decision:
    clean = claim.state is FaxState.SENT and claim.latest.outcome == SUCCESS
    lone = next(iter(claim.candidates.values())) if clean and len(claim.candidates) == 1 else None
    if lone is not None and (lone.id in contested or claim.blind or claim.id in clues.echoed):
        lone = None
    seen = clues.pages.get(lone.id) if lone is not None else None
    others = seen is not None and seen != claim.pages[: len(seen)]  # the first of our pages are ours
    if lone is not None and seen is not None and others and _anothers(lone, seen, claim, clues.gives_back):
        lone = None
    settles = False
    if lone is not None:
        arrived = lone.standing is Standing.ARRIVED and lone.pages <= claim.claimant.document.pages
        recognised = clues.gives_back in (GivesBack.AS_SENT, GivesBack.REDRAWN)
        never = seen == () and not recognised and lone.id not in clues.late
        if arrived and not others and (seen or never or not claim.pages):
            return Own(lone.id, How.LONE)
        settles = arrived or (lone.standing is Standing.FAILED and len(claim.open) == 1)
        row_id, since = clues.settling.get(claim.id, ("", now))
        if settles and row_id == lone.id and now - since >= policy.settle:
            return Own(lone.id, How.LONE)
    unproved = tuple(sorted(claim.candidates.keys() - (clues.pages.keys() - set(clues.again))))
    if unproved and claim.pages and not (lone is not None and lone.standing is Standing.PENDING):
        return Prove(unproved)
    if lone is not None and settles:
        return Settle(lone.id)
    return _patience(claim, clues, now, policy)


def _anothers(row: SentRow, seen: Pages, claim: _Claim, gives_back: GivesBack | None) -> bool:
    """Whether pages that are not recognised as ours, nor as the first of ours, are another fax.

    The first of ours drawn anew are recognised as little as others.
    """
    whole = len(seen) >= len(claim.pages)
    match gives_back:
        case GivesBack.AS_SENT:
            return True
        case GivesBack.REDRAWN:
            return whole
        case GivesBack.UNLIKE:
            return False
        case None:  # a failed row may lead to another call: nobody's guess is good enough for that
            return whole and row.standing is Standing.FAILED


def _patience(claim: _Claim, clues: Clues, now: float, policy: Policy) -> Decision:
    fax, latest = claim.claimant.fax, claim.latest
    if claim.state is FaxState.HELD:
        return Expire() if patience.over(clues.held_since.get(claim.id), now, policy) else Wait()
    due = patience.ended(latest) + policy.hold_after
    under_way = any(row.standing is Standing.PENDING for row in claim.candidates.values())
    if claim.state is FaxState.SENT and (under_way or latest.provider_id):
        due = max(due, fax.deadline)
    if now < due:
        return Wait()
    if claim.state is not FaxState.UNKNOWN:
        missing = Doubt.UNREAD if clues.unreadable else Doubt.NO_ROW
        doubt = Doubt.SLOW if under_way else Doubt.AMBIGUOUS if claim.candidates else missing
        return Hold(doubt, tuple(sorted(claim.candidates)))
    nothing_new = not claim.blind and not claim.new and not latest.provider_id
    if claim.claimant.submission.resend_unknown and nothing_new and now <= fax.deadline:
        return Resend()
    return Hold(Doubt.NO_PROOF, tuple(sorted(claim.candidates)))
