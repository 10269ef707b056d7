"""Whether three books agree: what clients saw, what the provider took, and what mailboxes got. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

REFUSALS = frozenset({"invalid_file", "non_sufficient_funds"})
"""Documented refusals that the script uses: after these a fax was certainly not taken."""
FINAL = frozenset({"delivered", "partial", "failed", "cancelled", "unconfirmed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fax:
    """A fax as the gateway knows it in the end."""

    id: str
    mail: str
    """Message-ID of its mail."""
    number: str
    """Ten digits."""
    state: str
    digest: str
    """Of the PDF that is submitted."""
    attempts: int = 1
    """Calls that may have been made: those that certainly were not are not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A complete `sendFaxMessage` call that reached the provider, in the order of its ledger."""

    number: str
    digest: str
    at: float
    """Seconds on the provider's clock."""
    answer: str
    accepted: bool
    failed_at: float | None = None
    """When its row said that it failed; None if it did not, or nobody can see it."""
    shown: bool = False
    """Whether its row shows in the end, with a final word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Names what is wrong. All empty: the books agree."""

    lost: Sequence[str] = ()
    """Accepted with 250, and neither final nor held with a notice."""
    doubled: Sequence[str] = ()
    """Called again while an earlier call that may have been accepted was not reported failed."""
    held: Sequence[str] = ()
    """Held although a row proves what became of it."""
    other: Sequence[str] = field(default=())
    """Two faxes of one mail to one number; a notice with two Message-IDs; a call for no fax."""

    @property
    def agrees(self) -> bool:
        return not (self.lost or self.doubled or self.held or self.other)


def compare(
    accepted: Mapping[str, Sequence[str]],
    faxes: Sequence[Fax],
    calls: Sequence[Call],
    notices: Iterable[tuple[str, str]],
) -> Verdict:
    """`accepted`: numbers by the Message-ID of each mail; `notices`: fax id and Message-ID of each one."""
    told: defaultdict[str, set[str]] = defaultdict(set)
    for fax_id, message_id in notices:
        told[fax_id].add(message_id)
    by_mail: defaultdict[tuple[str, str], list[Fax]] = defaultdict(list)
    for fax in faxes:
        by_mail[fax.mail, fax.number].append(fax)
    made = _calls_of(faxes, calls)
    strange = [f"a call to {call.number} for no fax" for call in calls if _key(call) not in made]
    twice = [
        f"{mail} to {number}: {len(found)} faxes" for (mail, number), found in by_mail.items() if found[1:]
    ]
    return Verdict(
        lost=_lost(accepted, by_mail, told),
        doubled=[fax.id for fax in faxes if _is_doubled(made[fax.number, fax.digest])],
        held=[
            fax.id
            for fax in faxes
            if fax.state == "held" and _is_proved(made[fax.number, fax.digest], fax.attempts)
        ],
        other=[*strange, *twice],
    )


def _lost(
    accepted: Mapping[str, Sequence[str]],
    by_mail: Mapping[tuple[str, str], Sequence[Fax]],
    told: Mapping[str, set[str]],
) -> list[str]:
    lost = []
    for mail, numbers in accepted.items():
        for number in dict.fromkeys(numbers):
            found = by_mail.get((mail, number), ())
            if not found:
                lost.append(f"{mail} to {number}: no fax")
            for fax in found:
                if fax.state not in FINAL and fax.state != "held":
                    lost.append(f"{fax.id}: {fax.state}")
                elif fax.id not in told:
                    lost.append(f"{fax.id}: {fax.state}, and nobody was told")
    return lost


def _calls_of(faxes: Sequence[Fax], calls: Sequence[Call]) -> defaultdict[tuple[str, str], list[Call]]:
    made: defaultdict[tuple[str, str], list[Call]] = defaultdict(list)
    for fax in faxes:
        made[fax.number, fax.digest] = []
    known = set(made)
    for call in calls:
        if _key(call) in known:
            made[_key(call)].append(call)
    return made


def _key(call: Call) -> tuple[str, str]:
    return call.number, call.digest


def _is_doubled(calls: Sequence[Call]) -> bool:
    """Whether a call came while an earlier one might have been accepted and was not reported failed."""
    for index, later in enumerate(calls):
        for earlier in calls[:index]:
            if not earlier.accepted and earlier.answer in REFUSALS:
                continue
            if earlier.failed_at is None or earlier.failed_at > later.at:
                return True
    return False


def _is_proved(calls: Sequence[Call], attempts: int) -> bool:
    """Whether rows tell what became of every call that may have been accepted.

    An attempt that died before its call got through leaves none, and nobody can tell that it did not.
    """
    if len(calls) < attempts:
        return False
    in_doubt = [call for call in calls if call.accepted or call.answer not in REFUSALS]
    return bool(in_doubt) and all(call.accepted and call.shown for call in in_doubt)
